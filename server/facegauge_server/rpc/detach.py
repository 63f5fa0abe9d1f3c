"""Large bytes fields taken out of a protobuf message without a copy.

protobuf copies the bytes of a picture as it parses the message, and again as they are read. A copy of
megabytes goes to memory that is new to the process, where page faults cost several times what the copying
does. So a message with one large field is split: the field becomes a view of the message's bytes, and
protobuf parses what is left.

Only messages in the form that encoders write are split; whatever is unusual, or wrong, is left to protobuf.
"""

from __future__ import annotations

__all__ = ["detach", "only_field"]

VARINT, BYTES = 0, 2
"""Wire types of a number and of what comes with its length (https://protobuf.dev/programming-guides/encoding/)."""
FIXED_SIZES = {1: 8, 5: 4}
"""Bytes of the wire types of fixed size."""
MAX_BITS = 64


def only_field(message: memoryview, number: int) -> memoryview | None:
    """Return the bytes of a field with a length, where the message has that one and no other; else None."""
    try:
        tag, at = _varint(message, 0)
        size, at = _varint(message, at)
    except IndexError:
        return None
    if tag != number << 3 | BYTES or at + size != len(message):
        return None
    return message[at:]


def detach(message: memoryview, number: int) -> tuple[bytes, memoryview] | None:
    """Split a message into what is left without a bytes field, to parse, and a view of that field's bytes.

    Returns None where the message has no such field or several, or is not well formed.
    """
    tag_of_field = number << 3 | BYTES
    at, end = 0, len(message)
    left = b""
    field: memoryview | None = None
    try:
        while at < end:
            start = at
            tag, at = _varint(message, at)
            wire_type = tag & 7
            if wire_type in (VARINT, BYTES):
                value, at = _varint(message, at)
                size = value if wire_type == BYTES else 0
            else:
                size = FIXED_SIZES[wire_type]
            if at + size > end:
                return None
            if tag == tag_of_field:
                if field is not None:
                    return None
                field = message[at : at + size]
            else:
                left += message[start : at + size]
            at += size
    except (IndexError, KeyError):
        return None
    return None if field is None else (left, field)


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """Return the number at a place, and the place after it; raises IndexError where there is none."""
    value = 0
    for shift in range(0, MAX_BITS, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise IndexError("a number is too long")
