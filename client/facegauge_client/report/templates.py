"""Templates of the report, and the filters that they use. Every value is escaped."""

from __future__ import annotations

import base64
import functools
from typing import Any

import jinja2
from markupsafe import Markup

from facegauge_client.cause_words import cause_words
from facegauge_client.quality_bands import Band, band_of
from facegauge_client.sdk.types import StreamState

__all__ = ["clock", "plain", "render", "share", "words"]


def render(template: str, **values: Any) -> Markup:
    """Fill in a template of this package; the result is HTML."""
    return Markup(_environment().get_template(template).render(**values))  # noqa: S704 - escaped by jinja2


def plain(name: str) -> str:
    """Replace what does not print by question marks.

    These are control characters, halves of surrogate pairs, and marks that change the direction of writing.
    """
    return "".join(character if character.isprintable() else "?" for character in name)


def share(part: float) -> str:
    """Write a share, 0-1, as a percentage that is 0% or 100% only where it is exactly that."""
    if 0 < part < 0.01:
        return "<1%"
    return ">99%" if 0.99 < part < 1 else f"{part:.0%}"


def clock(seconds: float) -> str:
    """Write a time as m:ss, or h:mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def words(state: StreamState) -> str:
    """Write a state in words."""
    return state.value.replace("_", " ")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("facegauge_client", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(plain=plain, share=share, clock=clock, words=words, base64=_base64)
    environment.globals.update(Band=Band, band_of=band_of, cause_words=cause_words)
    return environment
