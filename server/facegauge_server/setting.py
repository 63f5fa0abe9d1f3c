"""Settings as dataclass fields: default, help and bounds of each stand in one place.

`setting` makes the field, `check_bounds` judges a built dataclass, and `cli.py` makes the flags: field
`idle_timeout_s` is the flag `--idle-timeout`, the variable `FACEGAUGE_IDLE_TIMEOUT_S` and the file's entry
`idle_timeout_s`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import Field, dataclass, field, fields
from typing import Any

from facegauge_server.errors import BadConfiguration

__all__ = ["Setting", "check_bounds", "flag_name", "setting", "setting_of"]

KEY = "setting"


@dataclass(frozen=True, slots=True)
class Setting:
    """Description of a setting beyond its type and default."""

    help: str
    group: str
    metavar: str | None = None
    """The unit or form of the value in the help text."""
    choices: tuple[str, ...] = ()
    above: float | None = None
    """The value must be greater."""
    at_least: float | None = None
    """The value must not be less."""


def setting(
    group: str,
    help_text: str,
    default: Any = None,
    *,
    default_factory: Callable[[], Any] | None = None,
    metavar: str | None = None,
    choices: tuple[str, ...] = (),
    above: float | None = None,
    at_least: float | None = None,
) -> Any:
    """Return a dataclass field that is a setting of the server."""
    metadata = {KEY: Setting(help_text, group, metavar, choices, above, at_least)}
    if default_factory is not None:
        return field(default_factory=default_factory, metadata=metadata)
    return field(default=default, metadata=metadata)


def setting_of(one: Field[Any]) -> Setting:
    """Return what `setting` was given for a field."""
    found: Setting = one.metadata[KEY]
    return found


def flag_name(field_name: str) -> str:
    """Return the flag of a field: without the unit of seconds, which the help names."""
    return "--" + field_name.removesuffix("_s").replace("_", "-")


def check_bounds(settings: Any) -> None:
    """Raise BadConfiguration, naming the flag, for the first number out of its bounds or not finite."""
    for one in fields(settings):
        if KEY not in one.metadata:
            continue
        value, bounds, flag = getattr(settings, one.name), setting_of(one), flag_name(one.name)
        if bounds.choices and value not in bounds.choices:
            raise BadConfiguration(f"{flag} must be one of {', '.join(bounds.choices)}, not {value!r}")
        if bounds.above is not None and not value > bounds.above:
            raise BadConfiguration(f"{flag} must be greater than {bounds.above:g}")
        if bounds.at_least is not None and not value >= bounds.at_least:
            raise BadConfiguration(f"{flag} must be at least {bounds.at_least:g}")
        if isinstance(value, float) and not math.isfinite(value):
            raise BadConfiguration(f"{flag} must be a finite number")
