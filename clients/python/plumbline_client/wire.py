"""Wire formats: how messages become frames, and frames messages."""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from plumbline_client.answers import Unknown
from plumbline_client.messages import Said, Told
from plumbline_client.packed import bounds


class Format(Protocol):
    """A way to write messages; the server knows it by `subprotocol`."""

    subprotocol: str

    def encode(self, message: Said) -> bytes:
        """Write one message."""
        ...

    def join(self, messages: Sequence[bytes]) -> str | bytes:
        """Make one frame of several messages."""
        ...

    def decode(self, frame: str | bytes) -> Sequence[Told | Unknown]:
        """Read a frame. What cannot be understood becomes `Unknown`; this never raises."""
        ...

    def read(self, raw: bytes, into: Any) -> Any:
        """Read a part that was left as it came into a type. Raises `msgspec.MsgspecError`."""
        ...


class Json:
    """JSON in text frames, a message a line."""

    subprotocol = "plumbline.v1"

    def __init__(self) -> None:
        """Make the decoders."""
        self._told: msgspec.json.Decoder[Told] = msgspec.json.Decoder(Told)
        self._encoder = msgspec.json.Encoder()

    def encode(self, message: Said) -> bytes:
        """Write one message."""
        return self._encoder.encode(message)

    def join(self, messages: Sequence[bytes]) -> str:
        """Make one frame of several messages."""
        return b"\n".join(messages).decode()

    def decode(self, frame: str | bytes) -> Sequence[Told | Unknown]:
        """Read a frame."""
        try:
            return self._told.decode_lines(frame)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            lines = frame.encode() if isinstance(frame, str) else frame
            return [self._one(line) for line in lines.split(b"\n")]

    def read(self, raw: bytes, into: Any) -> Any:
        """Read a part that was left as it came."""
        return msgspec.json.decode(raw, type=into)

    def _one(self, line: bytes) -> Told | Unknown:
        try:
            return self._told.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return Unknown(_anything(line), str(error))


class MsgPack:
    """MessagePack in binary frames, message behind message."""

    subprotocol = "plumbline.v1.msgpack"

    def __init__(self) -> None:
        """Make the decoders."""
        self._told: msgspec.msgpack.Decoder[Told] = msgspec.msgpack.Decoder(Told)
        self._encoder = msgspec.msgpack.Encoder(decimal_format="string", uuid_format="canonical")

    def encode(self, message: Said) -> bytes:
        """Write one message."""
        return self._encoder.encode(message)

    def join(self, messages: Sequence[bytes]) -> bytes:
        """Make one frame of several messages."""
        return b"".join(messages)

    def decode(self, frame: str | bytes) -> Sequence[Told | Unknown]:
        """Read a frame."""
        if isinstance(frame, str):
            return [Unknown(frame, "text where bytes were agreed")]
        try:
            return [self._one(frame[start:end]) for start, end in bounds(frame)]
        except IndexError as error:
            return [Unknown(frame, str(error))]

    def read(self, raw: bytes, into: Any) -> Any:
        """Read a part that was left as it came into a type."""
        return msgspec.msgpack.decode(raw, type=into)

    def _one(self, message: bytes) -> Told | Unknown:
        try:
            return self._told.decode(message)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return Unknown(message, str(error))


def _anything(line: bytes) -> Any:
    try:
        return msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return line


JSON = Json()
MSGPACK = MsgPack()
