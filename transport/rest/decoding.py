"""Reading bodies: msgspec decodes them once, and what it dislikes becomes a refusal that names the place."""

import re
from typing import Any, Protocol, TypeVar

import msgspec

from transport.errors import InvalidBody, MalformedJson, invalid

T_co = TypeVar("T_co", covariant=True)

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class Decoder(Protocol[T_co]):
    """A msgspec decoder."""

    def decode(self, buf: bytes, /) -> T_co:
        """Read a value."""
        ...


def decoded(decoder: Decoder[T_co], body: bytes) -> T_co:
    """Decode a JSON body. Raises `MalformedJson` or `InvalidBody`.

    Text with NUL characters is refused: PostgreSQL has no place for them in the read models.
    """
    try:
        value = decoder.decode(body)
    except msgspec.ValidationError as error:
        raise invalid(InvalidBody, error) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedJson(f"The body is not JSON: {error}.") from error
    except RecursionError as error:
        raise MalformedJson("The body is nested too deeply.") from error
    if b"\\u0000" in body and _NUL.search(body):
        raise InvalidBody("Text must not contain NUL characters.")
    return value


def encoded(value: Any) -> bytes:
    """Encode an answer."""
    return msgspec.json.encode(value)
