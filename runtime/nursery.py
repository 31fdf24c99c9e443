"""The nursery: one process that imports our programs once, and forks one of them whenever it is asked to.

Importing takes most of a program's start. With it done once, three programs start in the time of one, and start again
after a crash in no time. The nursery runs no thread and no event loop, so forking it is safe.
"""

import asyncio
import gc
import importlib
import os
import runpy
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn, Self

import msgspec
from msgspec import Struct
from setproctitle import setproctitle


class Program(Struct, frozen=True):
    """A module that is run as `python -m` would run it."""

    module: str
    arguments: tuple[str, ...] = ()


class Order(Struct, frozen=True):
    """What the nursery is asked to fork, and in which environment. Three open files travel with it."""

    program: Program
    environ: dict[str, str]


class Birth(Struct, frozen=True):
    """The answer to an order."""

    pid: int


class Nursery:
    """Our side of a nursery. Use as an async context manager; leaving it does not end what it forked."""

    def __init__(self, preload: Sequence[str]) -> None:
        """Have `preload` imported before anything is forked."""
        self._preload = preload
        self._process: asyncio.subprocess.Process | None = None
        self._socket: socket.socket | None = None
        self._asking = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self._start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._socket is not None:
            self._socket.close()
        if self._process is not None:
            await self._process.wait()

    async def fork(self, program: Program, environ: Mapping[str, str], files: tuple[int, int, int]) -> int:
        """Start a program and give its process id.

        `files` are its standard input, its output, and one that only it holds: whoever reads the other end of that
        sees the end of the program. A nursery that was killed is replaced first.
        """
        order = msgspec.msgpack.encode(Order(program, dict(environ)))
        async with self._asking:
            try:
                return await self._ask(order, files)
            except OSError:
                await self.__aexit__()
                await self._start()
                return await self._ask(order, files)

    async def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "runtime.nursery", *self._preload, stdin=theirs.fileno(), start_new_session=True
            )
        ours.setblocking(False)
        self._socket = ours

    async def _ask(self, order: bytes, files: tuple[int, int, int]) -> int:
        if self._socket is None:
            raise OSError("the nursery is not entered")
        socket.send_fds(self._socket, [len(order).to_bytes(4, "big")], files)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self._socket, order)
        answer = await loop.sock_recv(self._socket, 64)
        if not answer:
            raise ConnectionResetError("the nursery is gone")
        return msgspec.msgpack.decode(answer, type=Birth).pid


def serve(orders: socket.socket) -> None:
    """Fork what is ordered until the other side is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system forgets our children when they end
    gc.collect()
    gc.freeze()
    while True:
        size, files, *_ = socket.recv_fds(orders, 4, 3)
        if not size:
            return
        content = orders.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)
        order = msgspec.msgpack.decode(content, type=Order)
        pid = os.fork()
        if not pid:
            orders.close()
            _become(order, files)
        for file in files:
            os.close(file)
        orders.sendall(msgspec.msgpack.encode(Birth(pid)))


def _become(order: Order, files: Sequence[int]) -> NoReturn:
    """Turn this fork into the program. Its third file stays open, under a number that programs it starts do not get."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(files[0], 0)
    os.dup2(files[1], 1)
    os.dup2(files[1], 2)
    for file in files[:2]:
        os.close(file)
    os.set_inheritable(files[2], False)
    os.environ.clear()
    os.environ.update(order.environ)
    sys.argv = [order.program.module, *order.program.arguments]
    setproctitle(f"plumbline: {' '.join(sys.argv)}")  # else `ps` shows all of them as nurseries
    runpy.run_module(order.program.module, run_name="__main__", alter_sys=True)
    sys.exit()  # through the frames below, as any program ends: with what it raised, its threads joined, all flushed


if __name__ == "__main__":
    setproctitle("plumbline: nursery")  # it finds the place of the title only while the environment is untouched
    for module in sys.argv[1:]:
        importlib.import_module(module)
    serve(socket.socket(fileno=os.dup(0)))
