"""Where each value of concatenated MessagePack ends, without reading it: msgspec takes one value at a time."""

from collections.abc import Iterator

_FIXED = {
    0xC0: 0,
    0xC2: 0,
    0xC3: 0,  # nil, false, true
    0xCA: 4,
    0xCB: 8,  # floats
    0xCC: 1,
    0xCD: 2,
    0xCE: 4,
    0xCF: 8,
    0xD0: 1,
    0xD1: 2,
    0xD2: 4,
    0xD3: 8,  # integers
    0xD4: 2,
    0xD5: 3,
    0xD6: 5,
    0xD7: 9,
    0xD8: 17,  # extensions of fixed size
}
"""Bytes behind the first one, by the first one."""
_COUNTED = {
    0xC4: (1, 0),
    0xC5: (2, 0),
    0xC6: (4, 0),  # bytes
    0xC7: (1, 1),
    0xC8: (2, 1),
    0xC9: (4, 1),  # extensions
    0xD9: (1, 0),
    0xDA: (2, 0),
    0xDB: (4, 0),  # strings
}
"""Bytes of the length, and bytes besides what it counts: of strings, bytes and extensions."""
_NESTED = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}
"""Bytes of the length, and values for each that it counts: of arrays and maps."""


def bounds(frame: bytes) -> Iterator[tuple[int, int]]:
    """Give where each value starts and ends. Raises `IndexError` where the last one is cut off or none."""
    end = 0
    while end < len(frame):
        start, missing = end, 1
        while missing:
            size, values = _head(frame, end)
            end += size
            missing += values - 1
        if end > len(frame):
            raise IndexError("the frame ends too early")
        yield start, end


def _head(frame: bytes, at: int) -> tuple[int, int]:
    """Give a value's bytes, without the values inside, and how many those are."""
    kind = frame[at]
    if kind < 0x80 or kind >= 0xE0:  # noqa: PLR2004 - a small integer
        return 1, 0
    if kind < 0x90:  # noqa: PLR2004 - a small map
        return 1, 2 * (kind & 0x0F)
    if kind < 0xA0:  # noqa: PLR2004 - a small array
        return 1, kind & 0x0F
    if kind < 0xC0:  # noqa: PLR2004 - a short string
        return 1 + (kind & 0x1F), 0
    if kind in _FIXED:
        return 1 + _FIXED[kind], 0
    if kind in _COUNTED:
        width, besides = _COUNTED[kind]
        return 1 + width + besides + _count(frame, at, width), 0
    if kind in _NESTED:
        width, each = _NESTED[kind]
        return 1 + width, each * _count(frame, at, width)
    raise IndexError(f"{kind:#x} begins no value")


def _count(frame: bytes, at: int, width: int) -> int:
    return int.from_bytes(frame[at + 1 : at + 1 + width], "big")
