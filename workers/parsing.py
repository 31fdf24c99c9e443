"""Parsing: reads uploaded bills in a child process, bounded in memory, processor time and clock time.

A hostile or broken file can at worst end its child. `parse` starts a child for one file; a `ParserPool` keeps one
started ahead, which saves its start-up (about 0.1 s) on every file.
"""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Self

import msgspec
from msgspec import Struct

from domain.analysis import AnalysisKind
from domain.bill import Bill
from domain.extraction import Extraction
from workers.readers.unreadable import Code, Unreadable
from workers.readers.wire import LENGTH, Answer, Done, Extracted, Failed, Piece, Request, Wanted, frame, whole

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"}
"""All that a child sees of this process's environment: nothing in it is secret."""

LAST_WORDS = 8192
"""Bytes of a child's standard error that are kept."""

OUT_OF_MEMORY = (b"memory allocation of", b"MemoryError", b"capacity overflow")
"""What Rust and Python say last when memory runs out."""

_DECODER = msgspec.msgpack.Decoder(Answer)


class Limits(Struct, frozen=True, kw_only=True):
    """What one file may cost. The memory bound is enforced on Linux only."""

    upload_bytes: int = 64 * 2**20
    memory_bytes: int = 2**30
    cpu_seconds: int = 60
    wall_seconds: float = 90.0
    open_files: int = 32


DEFAULT = Limits()


async def parse(data: bytes | Path, limits: Limits = DEFAULT) -> Bill:
    """Read a bill from its bytes or its file, in a child process of its own.

    Raises `Unreadable` when no bill can be read within the limits, and `OSError` when the file cannot be opened. When
    the caller is cancelled, the child is killed.
    """
    content = await _content(data, limits)
    return _bill(await (await _Child.start()).read(content, limits))


class ParserPool:
    """Keeps one child waiting, with everything imported, for the next file. Use as an asynchronous context manager."""

    def __init__(self) -> None:
        """Begin without a child; the first starts on entering."""
        self._spare: asyncio.Task[_Child] | None = None

    async def __aenter__(self) -> Self:
        """Start the first child."""
        self._spare = asyncio.create_task(_Child.start())
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the waiting child. Files that are being read have their own callers to wait for them."""
        spare, self._spare = self._spare, None
        if spare is not None:
            await (await spare).end()

    async def parse(self, data: bytes | Path, limits: Limits = DEFAULT) -> Bill:
        """Read a bill like the function of this name, in the waiting child; the next one starts meanwhile."""
        return await self._read(data, limits, "bill")

    async def prices(self, data: bytes | Path, limits: Limits = DEFAULT) -> Bill:
        """Read a price list: a bill of items without quantities, without a currency where the file states none."""
        return await self._read(data, limits, "prices")

    async def extract(self, data: bytes | Path, kind: AnalysisKind, limits: Limits = DEFAULT) -> Extraction:
        """Find what a contract or a paper about a property says."""
        content = await _content(data, limits)
        found = await (await self._take()).read(content, limits, kind)
        if not isinstance(found, Extraction):
            raise TypeError(f"the child was asked for a {kind} and answered a {type(found).__name__}")
        return found

    async def _read(self, data: bytes | Path, limits: Limits, wants: Wanted) -> Bill:
        content = await _content(data, limits)
        return _bill(await (await self._take()).read(content, limits, wants))

    async def _take(self) -> "_Child":
        if self._spare is None:
            raise RuntimeError("the pool is not open")
        spare, self._spare = self._spare, asyncio.create_task(_Child.start())
        child = await spare
        return child if child.alive else await _Child.start()


class _Child:
    """One reading process, good for one file."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._last_words = asyncio.create_task(_tail(_reader(process.stderr)))

    @classmethod
    async def start(cls) -> Self:
        """Start the process; it imports its readers and waits."""
        return cls(
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "workers.readers"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={name: os.environ[name] for name in ENVIRONMENT & os.environ.keys()} | {"PYTHONPATH": str(ROOT)},
                start_new_session=True,
            )
        )

    @property
    def alive(self) -> bool:
        """Whether the process still runs, as far as is known."""
        return self._process.returncode is None

    async def read(self, content: bytes, limits: Limits, wants: Wanted = "bill") -> Bill | Extraction:
        """Read one file. The process is gone afterwards, whatever happened."""
        try:
            async with asyncio.timeout(limits.wall_seconds):
                await self._send(content, limits, wants)
                answer = await self._receive(limits)
                if answer is None:
                    raise _died(await self._process.wait(), await self._last_words, limits)
                return answer
        except TimeoutError:
            raise _over("unreadable.too_slow", limits) from None
        finally:
            await asyncio.shield(self.end())

    async def end(self) -> None:
        """Kill the process, if it still runs, and wait until it and its pipes are gone."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        _writer(self._process.stdin).close()
        await _reader(self._process.stdout).read()
        await self._last_words
        await self._process.wait()

    async def _send(self, content: bytes, limits: Limits, wants: Wanted) -> None:
        stdin = _writer(self._process.stdin)
        request = Request(
            size=len(content),
            memory_bytes=limits.memory_bytes,
            cpu_seconds=limits.cpu_seconds,
            wall_seconds=limits.wall_seconds,
            open_files=limits.open_files,
            wants=wants,
        )
        # A child that dies at this point breaks the pipe; why it died is told by its exit code.
        with contextlib.suppress(ConnectionError):
            stdin.write(frame(request))
            stdin.write(content)
            await stdin.drain()

    async def _receive(self, limits: Limits) -> Bill | Extraction | None:
        """Gather the answers; `None` when they end too early."""
        stdout = _reader(self._process.stdout)
        pieces: list[Piece] = []
        while True:
            try:
                length = LENGTH.unpack(await stdout.readexactly(LENGTH.size))[0]
                answer: Answer = _DECODER.decode(await stdout.readexactly(length))
            except asyncio.IncompleteReadError:
                return None
            match answer:
                case Piece():
                    pieces.append(answer)
                case Done(rest):
                    return whole(pieces, rest)
                case Extracted(extraction):
                    return extraction
                case Failed("unreadable.out_of_memory" as code):
                    raise _over(code, limits)
                case Failed(code, detail):
                    raise Unreadable(code, detail)


def _bill(answer: Bill | Extraction) -> Bill:
    if not isinstance(answer, Bill):
        raise TypeError(f"the child was asked for a bill and answered a {type(answer).__name__}")
    return answer


async def _content(data: bytes | Path, limits: Limits) -> bytes:
    """Load what is to be read, unless it is too large to begin with."""
    size = len(data) if isinstance(data, bytes) else (await asyncio.to_thread(data.stat)).st_size
    if size > limits.upload_bytes:
        raise Unreadable(
            "unreadable.too_large",
            f"The file has {size / 2**20:,.1f} MiB; the limit is {limits.upload_bytes / 2**20:,.1f} MiB. "
            "Remove pictures and sheets that do not belong to the bill, or split it by objects.",
        )
    return data if isinstance(data, bytes) else await asyncio.to_thread(data.read_bytes)


async def _tail(stream: asyncio.StreamReader) -> bytes:
    """Read a stream to its end and keep its end."""
    tail = b""
    while chunk := await stream.read(LAST_WORDS):
        tail = (tail + chunk)[-LAST_WORDS:]
    return tail


def _died(code: int, last_words: bytes, limits: Limits) -> Unreadable:
    """Tell by exit code and last words why a child ended without an answer."""
    if -code in {signal.SIGXCPU, signal.SIGALRM}:
        return _over("unreadable.too_slow", limits)
    if -code == signal.SIGKILL or any(words in last_words for words in OUT_OF_MEMORY):
        return _over("unreadable.out_of_memory", limits)
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    error = Unreadable(
        "unreadable.crashed",
        f"Reading this file broke its reader ({how}); nothing else was harmed. Open the file in your spreadsheet "
        "program, save it as a new XLSX and upload that copy. If that breaks too, please report it with the file.",
    )
    error.add_note(last_words.decode(errors="replace"))
    return error


def _over(code: Code, limits: Limits) -> Unreadable:
    """Explain that the file needs more than its limits allow."""
    need = f"{min(limits.wall_seconds, limits.cpu_seconds):g} seconds"
    if code == "unreadable.out_of_memory":
        need = f"{limits.memory_bytes / 2**20:,.0f} MiB of memory"
    return Unreadable(
        code,
        f"Reading this file takes more than {need}. Delete stray cells far below or right of the tables, and sheets "
        "that do not belong to the bill, or split it by objects.",
    )


def _reader(stream: asyncio.StreamReader | None) -> asyncio.StreamReader:
    if stream is None:
        raise RuntimeError("the child was started without this pipe")
    return stream


def _writer(stream: asyncio.StreamWriter | None) -> asyncio.StreamWriter:
    if stream is None:
        raise RuntimeError("the child was started without this pipe")
    return stream
