"""How the streams of a port are called at the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from facegauge_gateway.errors import BadConfiguration

__all__ = ["Names", "StreamName", "parse_ssrc"]

MAX_SSRC = 2**32 - 1


@dataclass(frozen=True, slots=True)
class StreamName:
    """Id of a stream, and of the call that it belongs to."""

    stream_id: str
    call_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names by SSRC; without any, every SSRC is taken and named by the templates.

    Templates may use {ssrc}, {port} (the gateway's) and {host} (the sender's). Two sources with the same name
    are one stream: the later one takes over once the earlier is silent.
    """

    by_ssrc: Mapping[int, StreamName] = field(default_factory=dict)
    stream_id: str = "{ssrc}"
    call_id: str = ""

    def __post_init__(self) -> None:
        for flag, template in (("--stream-id", self.stream_id), ("--call-id", self.call_id)):
            try:
                template.format(ssrc=1, port=1, host="h")
            except (AttributeError, LookupError, TypeError, ValueError) as error:
                raise BadConfiguration(
                    f"{flag} {template!r}: it may use {{ssrc}}, {{port}} and {{host}} ({error!r})"
                ) from None

    def name(self, ssrc: int, *, host: str, port: int) -> StreamName | None:
        """Return the name of a source; None for one that is not to be taken."""
        if self.by_ssrc:
            return self.by_ssrc.get(ssrc)
        stream_id, call_id = (
            template.format(ssrc=ssrc, port=port, host=host) for template in (self.stream_id, self.call_id)
        )
        return StreamName(stream_id, call_id)


def parse_ssrc(text: str) -> tuple[int, StreamName]:
    """Read `SSRC=STREAM` or `SSRC=STREAM/CALL`, the SSRC in decimal or as 0x...; raises BadConfiguration."""
    number, separator, name = text.partition("=")
    stream_id, _, call_id = name.partition("/")
    try:
        ssrc = int(number, 0)
    except ValueError:
        ssrc = -1
    if not separator or not stream_id or not 0 <= ssrc <= MAX_SSRC:
        raise BadConfiguration(f"--ssrc wants SSRC=STREAM/CALL, such as 1234=alice/call-7, not {text!r}")
    return ssrc, StreamName(stream_id, call_id)
