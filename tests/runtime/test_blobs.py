import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runtime.blobs import BUFFER, Blob, BlobDamaged, BlobMissing, Blobs, BlobTooLarge


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "blobs of ours"


@pytest.fixture
def blobs(folder: Path) -> Blobs:
    return Blobs(folder.as_uri())


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        await asyncio.sleep(0)
        yield part


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("parts", [(), (b"",), (b"bill",), (os.urandom(BUFFER - 1), b"12", os.urandom(BUFFER))])
async def test_a_stream_is_kept_under_its_hash(blobs: Blobs, folder: Path, parts: tuple[bytes, ...]) -> None:
    data = b"".join(parts)
    blob = await blobs.put_stream(chunks(*parts), limit=len(data))
    assert blob == Blob(sha256=hashlib.sha256(data).hexdigest(), size=len(data))
    assert await blobs.get(blob.sha256) == data
    assert files(folder) == [f"{blob.sha256[:2]}/{blob.sha256}"]


async def test_the_same_bytes_are_kept_once(blobs: Blobs, folder: Path) -> None:
    first = await blobs.put(b"bill")
    kept = folder / first.sha256[:2] / first.sha256
    before = kept.stat()
    assert await blobs.put_stream(chunks(b"bi", b"ll"), limit=4) == first
    assert kept.stat().st_ino == before.st_ino
    assert len(files(folder)) == 1


async def test_uploads_at_the_same_time_do_not_disturb_each_other(blobs: Blobs, folder: Path) -> None:
    data = [bytes([n % 3]) * 300_000 for n in range(12)]
    stored = await asyncio.gather(*(blobs.put_stream(chunks(part[:7], part[7:]), limit=300_000) for part in data))
    assert [await blobs.get(blob.sha256) for blob in stored] == data
    assert len(files(folder)) == 3


async def test_too_large_an_upload_is_refused_early_and_leaves_nothing(blobs: Blobs, folder: Path) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield bytes(BUFFER)

    with pytest.raises(BlobTooLarge):
        await blobs.put_stream(endless(), limit=3 * BUFFER)
    assert taken == 4
    assert files(folder) == []


async def test_an_upload_that_breaks_off_leaves_nothing(blobs: Blobs, folder: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(3 * BUFFER)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await blobs.put_stream(broken(), limit=10 * BUFFER)
    assert files(folder) == []


async def test_an_unknown_hash_is_missing(blobs: Blobs) -> None:
    with pytest.raises(BlobMissing):
        await blobs.get("0" * 64)


async def test_a_damaged_blob_is_not_given_out(blobs: Blobs, folder: Path) -> None:
    blob = await blobs.put(b"bill")
    (folder / blob.sha256[:2] / blob.sha256).write_bytes(b"bull")
    with pytest.raises(BlobDamaged):
        await blobs.get(blob.sha256)


def test_a_process_may_end_right_after_using_a_store(folder: Path) -> None:
    program = (
        "import asyncio, sys\n"
        "from runtime.blobs import Blobs\n"
        "blobs = Blobs(sys.argv[1])\n"
        "async def main(): await blobs.get((await blobs.put(b'bill')).sha256)\n"
        "asyncio.run(main())\n"
    )
    assert subprocess.run([sys.executable, "-c", program, folder.as_uri()], check=False).returncode == 0


async def test_what_a_killed_process_left_behind_is_swept_after_a_day(blobs: Blobs, folder: Path) -> None:
    program = (
        "import asyncio, os, sys\n"
        "from runtime.blobs import BUFFER, Blobs\n"
        "async def cut_off():\n"
        "    for _ in range(20):\n"
        "        yield bytes(BUFFER)\n"
        "    os._exit(9)\n"
        "asyncio.run(Blobs(sys.argv[1]).put_stream(cut_off(), limit=100 * BUFFER))\n"
    )
    kept = await blobs.put(b"bill")
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, folder.as_uri())
        assert await process.wait() == 9
    old, _ = left = sorted((folder / "incoming").iterdir())
    assert await blobs.sweep() == 0
    os.utime(old, (0, 0))
    assert await blobs.sweep() == 1
    assert sorted((folder / "incoming").iterdir()) == left[1:]
    assert await blobs.get(kept.sha256) == b"bill"
