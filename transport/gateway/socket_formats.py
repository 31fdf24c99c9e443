"""How messages travel on a socket: JSON in text frames, one per line, or MessagePack in binary frames, end to end.

Inside the server every message is a line of JSON. What is said in MessagePack is rewritten when it comes; what is told
is rewritten once, when the first socket wants it, and shared: a frame is one bytes object for all sockets.
"""

from collections.abc import Callable, Iterator

import msgspec

from transport.errors import MalformedJson

MESSAGE_BYTES = 64 * 1024
"""Of a message that comes in, whole or in parts."""
TEXT, BINARY = 1, 2
"""Opcodes of RFC 6455."""
_FIN = 0x80


class Format:
    """A way to write messages: `name` is the subprotocol, `opcode` that of its frames."""

    __slots__ = ("name", "opcode", "read", "write")

    def __init__(
        self,
        name: str,
        opcode: int,
        read: Callable[[bytes], Iterator[bytes]],
        write: Callable[[bytes], bytes],
    ) -> None:
        """`read` gives a frame's messages, each a line of JSON, and raises `MalformedJson`; `write` takes lines."""
        self.name = name
        self.opcode = opcode
        self.read = read
        self.write = write


class Text:
    """Messages, as lines of JSON, ready to be sent; each format's frame is made once."""

    __slots__ = ("_frames", "lines", "messages")

    def __init__(self, lines: bytes, messages: int = 1) -> None:
        """Tell these, so many, in one frame."""
        self.lines = lines
        self.messages = messages
        self._frames: dict[Format, bytes] = {}

    def frame(self, form: Format) -> bytes:
        """Give the WebSocket frame, with its header."""
        frame = self._frames.get(form)
        if frame is None:
            frame = self._frames[form] = framed(form.opcode, form.write(self.lines))
        return frame


def framed(opcode: int, payload: bytes) -> bytes:
    """Put a header before a payload, as servers do: whole and unmasked."""
    size = len(payload)
    if size < 126:  # noqa: PLR2004 - RFC 6455, 5.2
        header = bytes((_FIN | opcode, size))
    elif size < 1 << 16:
        header = bytes((_FIN | opcode, 126)) + size.to_bytes(2, "big")
    else:
        header = bytes((_FIN | opcode, 127)) + size.to_bytes(8, "big")
    return header + payload


def _lines(payload: bytes) -> Iterator[bytes]:
    return iter(payload.removesuffix(b"\n").split(b"\n"))


def _unpacked(payload: bytes) -> Iterator[bytes]:
    try:
        for start, end in _bounds(payload):
            yield msgspec.json.encode(msgspec.msgpack.decode(payload[start:end]))
    except (msgspec.MsgspecError, UnicodeDecodeError, TypeError, IndexError) as error:
        raise MalformedJson(f"The frame is not MessagePack that JSON could say: {error}.") from error
    except RecursionError as error:
        raise MalformedJson("The message is nested too deeply.") from error


def _packed(lines: bytes) -> bytes:
    return b"".join([_pack(_parse(line)) for line in lines.split(b"\n")])


def _bounds(payload: bytes) -> Iterator[tuple[int, int]]:
    """Find where each value of a concatenation starts and ends. Raises `IndexError` where the last one is cut off."""
    end = 0
    while end < len(payload) or not payload:
        start, missing = end, 1
        while missing:
            size, children = _value(payload, end)
            end += size
            missing += children - 1
        if end > len(payload):
            raise IndexError("it ends too early")
        yield start, end


def _value(payload: bytes, at: int) -> tuple[int, int]:
    """Read the head of a value: how many bytes it has, without its children, and how many children."""
    kind = payload[at]
    if kind < 0x80 or kind >= 0xE0:  # noqa: PLR2004 - small integers
        return 1, 0
    if kind < 0xA0:  # noqa: PLR2004 - small maps and arrays
        return 1, (kind & 0x0F) * (2 if kind < 0x90 else 1)  # noqa: PLR2004
    if kind < 0xC0:  # noqa: PLR2004 - short strings
        return 1 + (kind & 0x1F), 0
    width, fixed, children = _HEADS[kind]
    count = int.from_bytes(payload[at + 1 : at + 1 + width], "big")
    if children:
        return 1 + width, count * children
    return 1 + width + fixed + (count if width else 0), 0


_HEADS: dict[int, tuple[int, int, int]] = {
    0xC0: (0, 0, 0),
    0xC1: (0, 0, 0),
    0xC2: (0, 0, 0),
    0xC3: (0, 0, 0),
    **{0xC4 + log: (1 << log, 0, 0) for log in range(3)},  # bytes
    **{0xC7 + log: (1 << log, 1, 0) for log in range(3)},  # extensions
    0xCA: (0, 4, 0),
    0xCB: (0, 8, 0),
    **{0xCC + log: (0, 1 << log, 0) for log in range(4)},  # unsigned integers
    **{0xD0 + log: (0, 1 << log, 0) for log in range(4)},  # integers
    **{0xD4 + log: (0, 1 + (1 << log), 0) for log in range(5)},  # extensions of fixed size
    **{0xD9 + log: (1 << log, 0, 0) for log in range(3)},  # strings
    **{0xDC + log: (2 << log, 0, 1) for log in range(2)},  # arrays
    **{0xDE + log: (2 << log, 0, 2) for log in range(2)},  # maps
}
"""By first byte: bytes of the length that follows it, bytes besides what that counts, children for each it counts."""
_parse = msgspec.json.Decoder().decode
_pack = msgspec.msgpack.Encoder().encode

JSON = Format("plumbline.v1", TEXT, _lines, bytes)
MSGPACK = Format("plumbline.v1.msgpack", BINARY, _unpacked, _packed)
FORMATS = {form.name: form for form in (JSON, MSGPACK)}
