"""From ratings to opinion scores, through the real programs: replay, calibrate, serve, replay."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from facegauge_client import Assessment, FrameResult, Model

from .conftest import ServerProcess, StartServerProcess


def replay(facegauge: str, server: ServerProcess, clip: Path, out: Path) -> list[dict[str, object]]:
    """The lines of a clip's assessments."""
    command = (
        facegauge,
        "replay",
        str(clip),
        "--server",
        server.listen,
        "--speed",
        "max",
        "--json",
        str(out),
    )
    subprocess.run(command, check=True, capture_output=True)
    return [json.loads(line) for line in out.read_text().splitlines()]


@pytest.mark.slow
@pytest.mark.timeout(600)  # four programs start, one after the other
def test_ratings_become_opinion_scores(
    start_server_process: StartServerProcess,
    facegauge: str,
    astronaut: npt.NDArray[np.uint8],
    tmp_path: Path,
) -> None:
    """A clip that was replayed is rated beside others; its opinion score is what its raters said."""
    clip = tmp_path / "clip"
    clip.mkdir()
    for number in range(3):
        cv2.imwrite(str(clip / f"{number}.png"), cv2.cvtColor(astronaut, cv2.COLOR_RGB2BGR))
    lines, calibration = tmp_path / "clips.jsonl", tmp_path / "calibration.json"
    first = replay(facegauge, start_server_process(), clip, lines)
    assert not any("mos_estimate" in line for line in first)
    model = first[0]["model"]
    assert isinstance(model, dict)
    own = float(np.mean([float(str(line["quality"])) for line in first]))
    rated = {"clip": own} | {f"made-{number}": number / 30 for number in range(31)}
    with lines.open("a") as file:  # clips of all qualities, as if they had been replayed too
        for name, made_quality in list(rated.items())[1:]:
            made = Assessment(name, result=FrameResult.SCORED, quality=made_quality, model=Model(**model))
            file.write(made.to_json() + "\n")
    votes = [f"{name},{1 + 4 * rating:.3f}" for name, rating in rated.items()]
    ratings = tmp_path / "ratings.csv"
    ratings.write_text("\n".join(["clip,rating", *(vote for vote in votes for _ in range(4))]))
    command = (facegauge, "calibrate", str(ratings), "--qualities", str(lines), "-o", str(calibration))
    subprocess.run(command, check=True, capture_output=True)

    server = start_server_process("--calibration", str(calibration))
    for line in replay(facegauge, server, clip, tmp_path / "again.jsonl"):
        estimate, quality = line["mos_estimate"], line["quality"]
        assert isinstance(estimate, dict)
        assert isinstance(quality, float)
        assert estimate["value"] == pytest.approx(1 + 4 * quality, abs=0.1)
        assert 1 <= estimate["low"] < estimate["value"] < estimate["high"] <= 5
