"""Parsing in a child: the same bill, whatever the file does, and nothing left behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.workers.workbooks import archive, csv, parts_of, xlsx
from workers import parsing
from workers.parsing import Limits, ParserPool, parse
from workers.readers import Unreadable, read_bill
from workers.sample_bill import sample_bill

HEADER = ("Kód", "Popis", "MJ", "Množství", "Jednotková cena", "Cena celkem")
SAMPLE = sample_bill(items=30)


@pytest.fixture(scope="module")
def slow() -> bytes:
    """A table that takes a child several seconds."""
    return csv([HEADER, *(("122151103", f"Výkop {row}", "m3", row, 2, 2 * row) for row in range(250_000))])


@pytest.fixture
async def pool() -> AsyncIterator[ParserPool]:
    async with ParserPool() as opened:
        yield opened


def children() -> list[psutil.Process]:
    """The children of this process that read bills."""
    return [child for child in psutil.Process().children() if "workers.readers" in child.cmdline()]


async def reading_child() -> psutil.Process:
    """Wait until a child is busy."""
    async with asyncio.timeout(20):
        while True:
            for child in children():
                if child.cpu_times().user > 0.5:
                    return child
            await asyncio.sleep(0.01)


async def refusal(data: bytes, limits: Limits) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        await parse(data, limits)
    return caught.value


async def test_a_child_reads_what_the_reader_reads(tmp_path: Path, pool: ParserPool) -> None:
    path = tmp_path / "bill"
    path.write_bytes(SAMPLE)
    expected = read_bill(SAMPLE)
    assert await parse(SAMPLE) == expected
    assert await parse(path) == expected
    assert await pool.parse(SAMPLE) == await pool.parse(path) == expected


async def test_a_bill_of_many_pieces_arrives_whole() -> None:
    rows = [HEADER, *(("1", f"Práce {row}", "m", row, 1, row) for row in range(2500)), ("text",)]
    data = xlsx([*rows, (None, "konec")])
    assert await parse(data) == read_bill(data)


async def test_refusals_cross_with_code_and_detail() -> None:
    with pytest.raises(Unreadable) as caught:
        await parse(b"\x89PNG\r\n\x1a\n")
    assert caught.value.code == "unreadable.not_a_workbook"
    assert "a picture" in caught.value.detail


async def test_a_file_above_the_limit_is_not_even_loaded(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.touch()
    os.truncate(path, 2**40)
    with pytest.raises(Unreadable, match="too_large"):
        await parse(path)
    assert (await refusal(b"x" * 11, Limits(upload_bytes=10))).code == "unreadable.too_large"


async def test_a_missing_file_is_the_callers_problem(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await parse(tmp_path / "nothing")


async def test_processor_time_is_bounded(slow: bytes) -> None:
    assert (await refusal(slow, Limits(cpu_seconds=1))).code == "unreadable.too_slow"


async def test_clock_time_is_bounded(slow: bytes) -> None:
    began = time.monotonic()
    found = await refusal(slow, Limits(wall_seconds=1))
    assert found.code == "unreadable.too_slow"
    assert "1 seconds" in found.detail
    assert time.monotonic() - began < 5


async def test_memory_of_the_interpreter_is_bounded(slow: bytes) -> None:
    found = await refusal(slow, Limits(memory_bytes=150 * 2**20))
    assert found.code == "unreadable.out_of_memory"
    assert "150 MiB" in found.detail


async def test_a_sheet_that_claims_all_rows_and_columns_runs_out_of_memory() -> None:
    parts = parts_of(xlsx([HEADER]))
    name = "xl/worksheets/sheet1.xml"
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    parts[name] = parts[name].replace(b"</sheetData>", far)
    assert (await refusal(archive(parts), Limits())).code == "unreadable.out_of_memory"


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGSEGV, "unreadable.crashed"), (signal.SIGKILL, "unreadable.out_of_memory")]
)
async def test_a_child_that_dies_is_told_by_how_it_died(slow: bytes, number: signal.Signals, code: str) -> None:
    reading = asyncio.create_task(parse(slow))
    (await reading_child()).send_signal(number)
    with pytest.raises(Unreadable) as caught:
        await reading
    assert caught.value.code == code


async def test_cancelling_kills_the_child(slow: bytes) -> None:
    reading = asyncio.create_task(parse(slow))
    await reading_child()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert children() == []


async def test_a_child_ends_with_its_parent(slow: bytes, tmp_path: Path) -> None:
    path = tmp_path / "slow.csv"
    path.write_bytes(slow)
    program = f"import asyncio, pathlib, workers.parsing as p; asyncio.run(p.parse(pathlib.Path({str(path)!r})))"
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=parsing.ROOT)  # noqa: ASYNC220 - at once
    try:
        child = await asyncio.to_thread(_busy_child, parent.pid)
    finally:
        parent.kill()
        parent.wait()
    await asyncio.to_thread(child.wait, 3)


def _busy_child(pid: int) -> psutil.Process:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for child in psutil.Process(pid).children():
            if child.cpu_times().user > 0.5:
                return child
        time.sleep(0.01)
    raise AssertionError("the child never read")


async def test_a_child_sees_no_secret_and_has_its_limits(slow: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:secret@host/base")
    reading = asyncio.create_task(parse(slow, Limits(memory_bytes=512 * 2**20, cpu_seconds=30, open_files=20)))
    child = await reading_child()
    assert child.environ().keys() <= parsing.ENVIRONMENT | {"PYTHONPATH"}
    assert child.rlimit(psutil.RLIMIT_AS) == (512 * 2**20,) * 2
    assert child.rlimit(psutil.RLIMIT_CPU) == (30, 31)
    assert child.rlimit(psutil.RLIMIT_NOFILE) == (20, 20)
    assert child.rlimit(psutil.RLIMIT_CORE) == (0, 0)
    reading.cancel()
    await asyncio.wait([reading])


async def test_the_event_loop_goes_on_while_a_large_bill_arrives(pool: ParserPool) -> None:
    data = csv([HEADER, *(("122151103", f"Výkop {row}", "m3", row, 2, 2 * row) for row in range(10_000))])
    gaps = [0.0]

    async def tick() -> None:
        while True:
            before = time.thread_time()  # the loop's own work: others on this machine may keep it from running
            await asyncio.sleep(0.005)
            gaps.append(time.thread_time() - before)

    ticking = asyncio.create_task(tick())
    bill = await pool.parse(data)
    ticking.cancel()
    assert len(bill.items) == 10_000
    assert max(gaps) < 0.25


async def test_a_pool_keeps_one_child_ahead_and_leaves_none_behind() -> None:
    async with ParserPool() as pool:
        await pool.parse(SAMPLE)
        await pool.parse(SAMPLE)
        await asyncio.sleep(0.3)
        assert len(children()) == 1
    assert children() == []


async def test_a_waiting_child_that_died_is_replaced(pool: ParserPool) -> None:
    while not children():
        await asyncio.sleep(0.01)
    for child in children():
        child.kill()
        await asyncio.to_thread(child.wait)
    await asyncio.sleep(0.1)
    assert len((await pool.parse(SAMPLE)).items) == 30


async def test_files_are_read_side_by_side(pool: ParserPool) -> None:
    bills = await asyncio.gather(*(pool.parse(SAMPLE) for _ in range(4)))
    assert {len(bill.items) for bill in bills} == {30}


@pytest.fixture
def read_in_child() -> Iterator[Callable[[bytes], None]]:
    """Reads in a child, from tests that are not asynchronous; fails on anything but a bill or a refusal of the file."""
    with asyncio.Runner() as runner:
        opened = ParserPool()
        runner.run(opened.__aenter__())

        def read(data: bytes) -> None:
            try:
                bill = runner.run(opened.parse(data, Limits(wall_seconds=20)))
            except Unreadable as refused:
                harmless = {
                    "not_a_workbook",
                    "malformed",
                    "encrypted",
                    "empty",
                    "no_table",
                    "zip_bomb",
                    "out_of_memory",
                }
                if refused.code.removeprefix("unreadable.") not in harmless:
                    raise
            else:
                assert bill.items

        yield read
        runner.run(opened.__aexit__())


PARTS = parts_of(SAMPLE)
MANY = settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
"""One pool serves all examples of a test."""

EDITS = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=12), st.integers(0, 40)), min_size=1, max_size=5
)


def mutated(content: bytes, edits: list[tuple[float, bytes, int]]) -> bytes:
    """Replace some bytes at each place by others."""
    for place, new, length in edits:
        at = int(place * len(content))
        content = content[:at] + new + content[at + length :]
    return content


@MANY
@given(edits=EDITS)
def test_mutated_files_never_break_a_reader(
    read_in_child: Callable[[bytes], None], edits: list[tuple[float, bytes, int]]
) -> None:
    read_in_child(mutated(SAMPLE, edits))


@MANY
@given(edits=EDITS, part=st.sampled_from(sorted(PARTS)))
def test_mutated_parts_in_a_sound_archive_never_break_a_reader(
    read_in_child: Callable[[bytes], None], edits: list[tuple[float, bytes, int]], part: str
) -> None:
    read_in_child(archive({**PARTS, part: mutated(PARTS[part], edits)}))


@MANY
@given(edits=EDITS)
def test_mutated_binary_workbooks_never_break_a_reader(
    read_in_child: Callable[[bytes], None], bills: Path, edits: list[tuple[float, bytes, int]]
) -> None:
    read_in_child(mutated((bills / "kalkulace_SO201_most_PRICED.xls").read_bytes(), edits))
