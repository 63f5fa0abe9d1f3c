"""Files of `facegauge replay --json` -> the quality of each clip, and the student that gave them."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from facegauge_client.calibration.ratings import RatingsRefused
from facegauge_client.sdk.types import Model

__all__ = ["read_qualities"]


def read_qualities(paths: Iterable[Path]) -> tuple[dict[str, float], Model]:
    """Return each stream's mean quality over its scored frames, as its summary has it, and the model.

    Raises RatingsRefused for files that are something else, for a stream that is in two, and for qualities
    that come from several students.
    """
    qualities: defaultdict[str, list[float]] = defaultdict(list)
    came_from: dict[str, Path] = {}
    models: set[Model] = set()
    for path in paths:
        for number, line in enumerate(_lines(path), start=1):
            try:
                assessment: dict[str, Any] = json.loads(line)
                stream_id, result = assessment["stream_id"], assessment["result"]
                if result != "scored":
                    continue
                models.add(Model(**assessment["model"]))
                quality = float(assessment["quality"])
                if not 0 <= quality <= 1:
                    raise ValueError(f"a quality of {quality}")
                qualities[stream_id].append(quality)
            except (ValueError, KeyError, TypeError) as error:
                raise RatingsRefused(
                    f"{path}, line {number} is no assessment of `facegauge replay --json`: {error!r}"
                ) from error
            if came_from.setdefault(stream_id, path) != path:
                raise RatingsRefused(
                    f"clip {stream_id!r} is in {came_from[stream_id]} and in {path}: give one"
                )
    if not models:
        raise RatingsRefused("the files of qualities hold no scored frame")
    if len(models) > 1:
        named = " and ".join(sorted(f"{model.name} ({model.sha256[:12]}…)" for model in models))
        raise RatingsRefused(
            f"the qualities come from several students, {named}, which do not compare: replay all clips "
            "to one server"
        )
    return {clip: math.fsum(given) / len(given) for clip, given in qualities.items()}, models.pop()


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise RatingsRefused(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RatingsRefused(f"{path} is no file of `facegauge replay --json`: {error}") from error
