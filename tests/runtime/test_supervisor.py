import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec
import psutil
import pytest

import runtime.supervisor
from runtime.nursery import Nursery, Program
from runtime.supervisor import Child, ProgramFailed, supervise

CHILD = """
import json, os, signal, subprocess, sys, time
from runtime import lifeline

name, folder, *options = sys.argv[1:]
lifeline.watch_stdin(grace=0.5)
if "deaf" in options:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    def stop(*_):
        time.sleep(0.1 if "slow" in options else 0)
        with open(f"{folder}/ended", "a") as ended:
            ended.write(name + "\\n")
        sys.exit()
    signal.signal(signal.SIGTERM, stop)
helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) if "helper" in options else None
print(json.dumps({"event": "started", "process": name, "level": "info"}), file=sys.stderr, flush=True)
with open(f"{folder}/pids", "a") as pids:
    pids.write(f"{os.getpid()}\\n" + (f"{helper.pid}\\n" if helper else ""))
while True:
    time.sleep(1)
"""

SUPERVISOR = """
import asyncio, msgspec, os, sys
from runtime.nursery import Nursery, Program
from runtime.supervisor import supervise

async def main():
    programs = msgspec.json.decode(sys.argv[1], type=dict[str, Program])
    async with Nursery(()) as nursery, supervise(nursery, programs, os.environ, human=False):
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
async def nursery() -> AsyncGenerator[Nursery]:
    async with Nursery(()) as opened:
        yield opened


def running(code: str, *arguments: str) -> Program:
    return Program("tests.runtime.running", (code, *arguments))


def program(name: str, folder: Path, *options: str) -> Program:
    return running(CHILD, name, str(folder), *options)


def pids(folder: Path) -> list[int]:
    path = folder / "pids"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def until_started(folder: Path, count: int) -> list[int]:
    async with asyncio.timeout(30):
        while len(pids(folder)) < count:
            await asyncio.sleep(0.01)
    return pids(folder)


async def until_gone(folder: Path) -> None:
    async with asyncio.timeout(30):
        while any(alive(pid) for pid in pids(folder)):
            await asyncio.sleep(0.01)


async def test_programs_end_one_after_another_as_listed(nursery: Nursery, tmp_path: Path) -> None:
    commands = {"api": program("api", tmp_path, "slow"), "worker": program("worker", tmp_path)}
    async with supervise(nursery, commands, os.environ, human=False) as children:
        await until_started(tmp_path, 2)
        assert {child.pid for child in children.values()} == set(pids(tmp_path))
    assert (tmp_path / "ended").read_text().split() == ["api", "worker"]
    assert not any(alive(pid) for pid in pids(tmp_path))


async def test_a_program_that_was_killed_is_started_again(nursery: Nursery, tmp_path: Path) -> None:
    async with supervise(nursery, {"api": program("api", tmp_path)}, os.environ, human=False):
        (first,) = await until_started(tmp_path, 1)
        os.kill(first, signal.SIGKILL)
        _, second = await until_started(tmp_path, 2)
        assert alive(second)
    assert not alive(second)


async def test_what_a_killed_program_had_started_is_ended(nursery: Nursery, tmp_path: Path) -> None:
    async with supervise(nursery, {"api": program("api", tmp_path, "helper")}, os.environ, human=False):
        first, helper = await until_started(tmp_path, 2)
        os.kill(first, signal.SIGKILL)
        await until_started(tmp_path, 4)
        assert not alive(helper)


async def test_a_program_that_does_not_stop_is_killed(
    nursery: Nursery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime.supervisor, "DRAIN_LIMIT", 0.2)
    async with supervise(nursery, {"api": program("api", tmp_path, "deaf", "helper")}, os.environ, human=False):
        await until_started(tmp_path, 2)
    await until_gone(tmp_path)


async def test_a_program_that_never_starts_ends_the_block(
    nursery: Nursery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime.supervisor, "MOST_FAILURES", 2)
    failing = "import pathlib, sys, time\nwhile not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.01)\nsys.exit(3)"
    commands = {
        "worker": program("worker", tmp_path),
        "api": running(failing, str(tmp_path / "pids")),
    }
    with pytest.raises(ProgramFailed, match="api ended 2 times right after its start"):
        async with supervise(nursery, commands, os.environ, human=False), asyncio.timeout(30):
            await asyncio.sleep(60)
    assert not any(alive(pid) for pid in pids(tmp_path))
    assert (tmp_path / "ended").read_text() == "worker\n"


async def test_what_ends_the_block_comes_out_as_it_is(nursery: Nursery, tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="mine"):  # noqa: PT012 - leaving the block is what is tested
        async with supervise(nursery, {"api": program("api", tmp_path)}, os.environ, human=False):
            await until_started(tmp_path, 1)
            raise KeyError("mine")
    assert not any(alive(pid) for pid in pids(tmp_path))


@pytest.mark.parametrize("options", [(), ("deaf",)])
async def test_programs_end_when_their_supervisor_is_killed(tmp_path: Path, options: tuple[str, ...]) -> None:
    commands = msgspec.json.encode({"api": program("api", tmp_path, *options)}).decode()
    supervisor = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SUPERVISOR, commands), stderr=asyncio.subprocess.DEVNULL
    )
    await until_started(tmp_path, 1)
    supervisor.kill()
    await supervisor.wait()
    await until_gone(tmp_path)


@pytest.mark.parametrize("human", [False, True])
async def test_lines_are_passed_on_and_shortened_for_people(
    nursery: Nursery, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], human: bool
) -> None:
    async with supervise(nursery, {"api": program("api", tmp_path)}, os.environ, human=human):
        await until_started(tmp_path, 1)
    lines = capfdbinary.readouterr().err.splitlines()
    json_line = b'{"event": "started", "process": "api", "level": "info"}'
    assert (json_line in lines) is not human
    assert any(line.endswith(b"api        started") for line in lines) is human


async def test_even_a_line_without_an_end_is_passed_on(nursery: Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime.supervisor, "MOST_FAILURES", 1)
    lines: list[bytes] = []
    writing = "import sys; sys.stdout.write('x' * 3_000_000 + '\\nlast')"
    with pytest.raises(ProgramFailed):
        await Child("api", running(writing), os.environ, nursery).keep(lines.append)
    assert b"".join(lines) == b"x" * 3_000_000 + b"last"
    assert lines[-1] == b"last"


async def test_without_the_variable_standard_input_means_nothing() -> None:
    code = "from runtime.lifeline import watch_stdin; watch_stdin({}); import time; time.sleep(0.3)"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdin=asyncio.subprocess.DEVNULL)
    assert await process.wait() == 0


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
async def test_a_signal_to_stop_is_told_once_and_more_change_nothing(name: str) -> None:
    code = (
        "import asyncio\n"
        "from runtime.lifeline import stop_requested\n"
        "async def main():\n"
        "    waiting = asyncio.create_task(stop_requested())\n"
        "    await asyncio.sleep(0)\n"
        "    print('ready', flush=True)\n"
        "    print((await waiting).name, flush=True)\n"
        "    await asyncio.sleep(0.3)\n"
        "    print('ended')\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    process.send_signal(signal.Signals[name])
    assert await process.stdout.readline() == f"{name}\n".encode()
    process.send_signal(signal.Signals[name])
    assert await process.stdout.read() == b"ended\n"
    assert await process.wait() == 0


async def test_a_nursery_that_was_killed_is_replaced(nursery: Nursery, tmp_path: Path) -> None:
    async with supervise(nursery, {"api": program("api", tmp_path)}, os.environ, human=False):
        (first,) = await until_started(tmp_path, 1)
        assert nursery._process is not None
        nursery._process.kill()
        os.kill(first, signal.SIGKILL)
        _, second = await until_started(tmp_path, 2)
        assert alive(second)
    assert not alive(second)
