"""Bills of quantities: reading workbooks beside openpyxl, and a bill of 100,000 positions through a whole stack.

Reading is processor time: our reader makes a bill of a workbook, openpyxl (read-only, values only) gives the values of
all cells of all its sheets, and makes nothing of them. The workbooks are generated ones and, where PLUMBLINE_BILLS or
the folder beside the repository has them, real ones; the ratio that counts is the lowest of them.

The large bill goes through `plumbline check`: upload, parse, import and full audit by real processes. Memory is the
most that the worker and its reading child had together; growth is the cost of a position beside that in a tenth of the
bill.
"""

import gc
import io
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
import timeit
from collections.abc import Callable
from pathlib import Path
from statistics import median

import msgspec
import openpyxl
import psutil

from workers.readers import read_bill
from workers.sample_bill import sample_bill

ROOT = Path(__file__).parents[1]
REAL = Path(os.environ.get("PLUMBLINE_BILLS", ROOT / "../shared/data/bills"))
ROUNDS, ENOUGH = 5, 0.1
"""So many rounds of a work, each of them repeated until it takes so many seconds."""
SMALL, LARGE = 10_000, 100_000
SMALL_ROUNDS = 2
"""Before and after the large bill."""
MEMORY_EVERY = 0.05
STEPS = ("parse", "import", "audit")


class Checked(msgspec.Struct):
    """What is needed of the answer of `plumbline check`."""

    positions: int
    total: str
    declared_total: str
    seconds: dict[str, float]


def run() -> dict[str, float]:
    """Measure, print two tables, and answer `read.ratio_openpyxl`, `bill_100k.seconds` and so on."""
    ratio = _reading()
    print()
    return {"read.ratio_openpyxl": ratio} | _large()


def _reading() -> float:
    """Give the lowest ratio. Every workbook is read in a process of its own, as in a worker."""
    workbooks = {
        "generated, 300 items": sample_bill(items=300),
        "generated, 10,000 items": sample_bill(objects=5, items=SMALL),
    } | {path.name: path.read_bytes() for path in sorted(REAL.glob("*.xlsx")) if _is_bill(path)}
    print(f"{'milliseconds of processor time':52}{'ours':>10}{'openpyxl':>10}{'ratio':>8}")
    ratios: list[float] = []
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as process:
        measured = process.map(_read_by_both, workbooks.values(), chunksize=1)
    for name, (ours, theirs) in zip(workbooks, measured, strict=True):
        ratios.append(theirs / ours)
        print(f"{name:52}{ours * 1e3:10.1f}{theirs * 1e3:10.1f}{theirs / ours:8.1f}")
    return min(ratios)


def _read_by_both(data: bytes) -> list[float]:
    return _least(lambda: read_bill(data), lambda: _values(data))


def _is_bill(path: Path) -> bool:
    """Whether a file of the folder holds items: an empty form is answered before anything is read of it."""
    return "template" not in path.name


def _values(data: bytes) -> int:
    workbook = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    return sum(1 for sheet in workbook.worksheets for row in sheet.iter_rows(values_only=True) for _ in row)


def _least(*works: Callable[[], object]) -> list[float]:
    """Give the least seconds of processor time of some rounds of each. They take turns, so that load weighs on all.

    A round does a short work again and again, until caches hold what it needs. The collector is on, as in programs.
    """
    timers = [timeit.Timer(work, gc.enable, timer=time.process_time) for work in works]
    numbers = [_repeats(timer) for timer in timers]
    rounds = [
        [timer.timeit(number) / number for timer, number in zip(timers, numbers, strict=True)] for _ in range(ROUNDS)
    ]
    return [min(seconds) for seconds in zip(*rounds, strict=True)]


def _repeats(timer: timeit.Timer) -> int:
    number = 1
    while timer.timeit(number) < ENOUGH:
        number *= 2
    return number


def _large() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        files = {count: Path(folder) / f"{count}.xlsx" for count in (SMALL, LARGE)}
        for count, path in files.items():
            path.write_bytes(sample_bill(objects=count // 2000, items=count))
        small = [_checked(files[SMALL], SMALL)[0] for _ in range(SMALL_ROUNDS)]
        large, memory = _checked(files[LARGE], LARGE)
        small += [_checked(files[SMALL], SMALL)[0] for _ in range(SMALL_ROUNDS)]  # other load weighs on both
    costs = {step: median(each.seconds[step] for each in small) for step in STEPS}
    print(f"{'seconds':24}{f'{SMALL:,}':>12}{f'{LARGE:,}':>12}{'growth':>10}")
    for step in STEPS:
        print(
            f"{step:24}{costs[step]:12.2f}{large.seconds[step]:12.2f}{_growth(costs[step], large.seconds[step]):10.2f}"
        )
    before, after = sum(costs.values()), sum(large.seconds[step] for step in STEPS)
    print(f"{'together':24}{before:12.2f}{after:12.2f}{_growth(before, after):10.2f}")
    print(f"\nworker and reading child: {memory:,.0f} MiB at most")
    return {"bill_100k.seconds": after, "bill_100k.growth": _growth(before, after), "bill_100k.mib": memory}


def _growth(small: float, large: float) -> float:
    return large / small * SMALL / LARGE


def _checked(path: Path, count: int) -> tuple[Checked, float]:
    """Check a file with a stack of its own; give the answer, and the most MiB of worker and reading child together."""
    command = [sys.executable, "-m", "transport", "check", str(path), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT) as process:
        watch = _Memory(psutil.Process(process.pid))
        said, _ = process.communicate()
        memory = watch.stop()
    checked = msgspec.json.decode(said, type=Checked)
    assert (checked.positions, checked.total) == (count, checked.declared_total)
    return checked, memory


class _Memory:
    """Looks every now and then at how much memory worker and readers have, until `stop`."""

    def __init__(self, root: psutil.Process) -> None:
        self._root = root
        self._most = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def stop(self) -> float:
        """Give the most that they had at one time, in MiB."""
        self._over.set()
        self._thread.join()
        return self._most / 2**20

    def _watch(self) -> None:
        while not self._over.wait(MEMORY_EVERY):
            try:
                family = self._root.children(recursive=True)
            except psutil.NoSuchProcess:
                return
            self._most = max(self._most, sum(map(_resident, family)))


def _resident(process: psutil.Process) -> int:
    try:
        told = " ".join(process.cmdline())
        return process.memory_info().rss if "workers.readers" in told or "worker" in told.split() else 0
    except psutil.NoSuchProcess:
        return 0
