"""The one file of a multipart/form-data body, read as it arrives: at no time is more of it in memory than a chunk."""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator
from typing import cast

from multipart import (  # pyright: ignore[reportMissingTypeStubs] - typed inside, but for one function
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,  # pyright: ignore[reportUnknownVariableType] - the one
)

from domain.core import Refused
from transport.errors import BodyTimeout, MalformedHeader, TooLarge, UnsupportedMediaType
from transport.visit import BODY_SECONDS, Receive, Visit, chunk

ENVELOPE = 64 * 1024
"""Bytes that the parts of the body around the file may have."""
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


class MalformedUpload(Refused):
    """The body must be multipart/form-data with one part named `file`, which has a file name."""

    code = "malformed_upload"
    kind = "invalid"


class EmptyFile(Refused):
    """The file is empty."""

    code = "empty_file"
    kind = "invalid"


class MultipartFile:
    """A file on its way in. `name` is known once its first chunk is."""

    def __init__(self, visit: Visit, receive: Receive, limit: int) -> None:
        """Read the file of `visit`, at most `limit` bytes. Raises `UnsupportedMediaType`, `TooLarge`."""
        content_type = visit.headers.get("content-type", "")
        media_type, options = cast("tuple[str, dict[str, str]]", parse_options_header(content_type))
        boundary = options.get("boundary")
        if media_type != "multipart/form-data" or not boundary:
            raise UnsupportedMediaType("Send the file as multipart/form-data, in a part named `file`.")
        try:
            self._parser = PushMultipartParser(boundary, max_segment_count=4, strict=True)
        except MultipartError as error:
            raise MalformedHeader(f"Content-Type: {error}.") from error
        self._limit = limit
        visit.length(limit + ENVELOPE)
        self._receive = receive
        self._visit = visit
        self.name = ""

    async def chunks(self) -> AsyncGenerator[bytes]:
        """Give the file's bytes. Raises `MalformedUpload`, `EmptyFile`, `TooLarge`, `BodyTimeout`, `ClientGone`."""
        size = received = 0
        while not self._parser.closed:
            data = await self._next()
            received += len(data)
            if received > self._limit + ENVELOPE:
                raise self.too_large()
            for part in self._parsed(data, last=not self._visit.unread):
                size += len(part)
                yield part
        if not self.name:
            raise MalformedUpload
        if size == 0:
            raise EmptyFile

    async def _next(self) -> bytes:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await chunk(self._visit, self._receive)
        except TimeoutError:
            raise BodyTimeout from None

    def too_large(self) -> TooLarge:
        """Say what the limit is."""
        return TooLarge(f"A file may have at most {self._limit} bytes.", limit_bytes=self._limit)

    def _parsed(self, data: bytes, *, last: bool) -> Iterator[bytes]:
        try:
            for event in self._parser.parse(data) if data else ():
                if isinstance(event, MultipartSegment):
                    self._begin(event)
                elif event is not None:
                    yield bytes(cast("bytes | bytearray", event))
            if last:
                self._parser.close()
        except MultipartError as error:
            raise MalformedUpload(f"The body is not complete multipart/form-data: {error}.") from error

    def _begin(self, part: MultipartSegment) -> None:
        if self.name or part.name != "file" or not part.filename:
            raise MalformedUpload
        self.name = clean_name(part.filename)


def clean_name(filename: str) -> str:
    """Give the last part of a file's name, as some browsers send whole paths, without control characters.

    Raises `MalformedUpload` where nothing is left.
    """
    name = _UNPRINTABLE.sub("", filename.replace("\\", "/").rpartition("/")[2]).strip()
    if not name:
        raise MalformedUpload
    return name
