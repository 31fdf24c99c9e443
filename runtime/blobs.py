"""Blobs: uploads kept under the SHA-256 of their raw bytes, in a local folder or an S3-compatible store.

The store's blocking calls run in threads. (Its asynchronous ones can abort the interpreter when it exits right after.)
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import obstore
from msgspec import Struct
from obstore.store import LocalStore, from_url

from runtime.ids import new_id

INCOMING = "incoming"
"""Where uploads are while they arrive."""
ABANDONED = timedelta(days=1)
BUFFER = 1024 * 1024
"""Bytes gathered before a thread writes them."""


class Blob(Struct, frozen=True):
    """What was stored: the lower-case hexadecimal SHA-256 of the bytes, and how many there are."""

    sha256: str
    size: int


class BlobTooLarge(Exception):  # noqa: N818 - says what is wrong with the upload
    """The upload is larger than allowed."""


class BlobMissing(Exception):  # noqa: N818 - says what is wrong
    """No blob has this hash."""


class BlobDamaged(Exception):  # noqa: N818 - says what is wrong
    """The stored bytes no longer have the hash that they are stored under."""


class Blobs:
    """A content-addressed store; its keys are `<first two digits of the hash>/<hash>`."""

    def __init__(self, url: str) -> None:
        """Use the folder of a `file:///` URL, made when missing, or the bucket and prefix of an `s3://` URL.

        The S3 client reads the usual `AWS_*` variables (AWS_ENDPOINT_URL for other makes).
        """
        parts = urlsplit(url)
        self._folder = Path(unquote(parts.path)) if parts.scheme == "file" else None
        self._store = LocalStore(self._folder, mkdir=True) if self._folder else from_url(url)

    async def put_stream(self, chunks: AsyncIterable[bytes], limit: int) -> Blob:
        """Store what the chunks hold, hashing on the way; what is stored already is not written again.

        The blob is on disk when this returns. Raises `BlobTooLarge` above `limit` bytes, and then keeps nothing.
        """
        digest, size, draft = hashlib.sha256(), 0, f"{INCOMING}/{new_id()}"
        writer = obstore.open_writer(self._store, draft, max_concurrency=2)  # dropped unless closed
        pending = bytearray()
        async for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise BlobTooLarge(f"larger than {limit} bytes")
            digest.update(chunk)
            pending += chunk
            if len(pending) >= BUFFER:
                await asyncio.to_thread(writer.write, bytes(pending))
                pending.clear()
        await asyncio.to_thread(writer.write, bytes(pending))
        await asyncio.to_thread(writer.close)
        blob = Blob(sha256=digest.hexdigest(), size=size)
        await asyncio.to_thread(self._settle, draft, blob)
        return blob

    async def put(self, data: bytes) -> Blob:
        """Store bytes; what is stored already is not written again."""

        async def once() -> AsyncIterator[bytes]:
            yield data

        return await self.put_stream(once(), len(data))

    async def get(self, sha256: str) -> bytes:
        """Read a blob. Raises `BlobMissing`, or `BlobDamaged` when the bytes are not those that were stored."""
        return await asyncio.to_thread(self._read, sha256)

    async def sweep(self) -> int:
        """Delete what interrupted uploads left behind more than a day ago; answer how many files that were."""
        return await asyncio.to_thread(self._sweep, datetime.now(UTC) - ABANDONED)

    def _sweep(self, before: datetime) -> int:
        if self._folder:  # the store does not list files that it is still writing
            old = [path for path in self._folder.glob(f"{INCOMING}/*") if path.stat().st_mtime < before.timestamp()]
            for path in old:
                path.unlink(missing_ok=True)
            return len(old)
        listing: Iterable[Sequence[Any]] = obstore.list(self._store, INCOMING)  # pyright: ignore[reportUnknownMemberType] - partly typed
        listed = [each for part in listing for each in part]
        keys = [each["path"] for each in listed if each["last_modified"] < before]
        obstore.delete(self._store, keys)
        return len(keys)

    def _settle(self, draft: str, blob: Blob) -> None:
        key = _key(blob.sha256)
        try:
            found = obstore.head(self._store, key)["size"] == blob.size
        except FileNotFoundError:
            found = False
        if found:
            obstore.delete(self._store, draft)
            return
        if self._folder:
            _flush(self._folder / draft)
        obstore.rename(self._store, draft, key)
        if self._folder:
            _flush((self._folder / key).parent)
            _flush(self._folder)

    def _read(self, sha256: str) -> bytes:
        try:
            data = bytes(obstore.get(self._store, _key(sha256)).bytes())
        except FileNotFoundError:
            raise BlobMissing(sha256) from None
        if hashlib.sha256(data).hexdigest() != sha256:
            raise BlobDamaged(sha256)
        return data


def _key(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256}"


def _flush(path: Path) -> None:
    """Bring a file or folder to the disk: the store itself does not wait for it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
