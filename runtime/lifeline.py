"""The lifeline: a process of ours ends when whoever started it is gone, even by kill -9.

The parent holds the writing end of the child's standard input and never writes. When the parent dies, however it dies,
the system closes that end and the child reads the end of the file.
"""

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping

VARIABLE = "PLUMBLINE_LIFELINE"


def watch_stdin(environ: Mapping[str, str] = os.environ, *, grace: float = 15) -> None:
    """Send this process SIGTERM when standard input ends, and end it the hard way `grace` seconds later.

    Does nothing unless `PLUMBLINE_LIFELINE=1`: a process started by hand may have no standard input at all.
    """
    if environ.get(VARIABLE) == "1":
        threading.Thread(target=_watch, args=(grace,), name="lifeline", daemon=True).start()


def _watch(grace: float) -> None:
    while os.read(sys.__stdin__.fileno() if sys.__stdin__ else 0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace)
    os._exit(1)


async def stop_requested() -> signal.Signals:
    """Wait for SIGINT or SIGTERM and tell which came. From then on more of them change nothing: we are stopping."""
    loop = asyncio.get_running_loop()
    came: asyncio.Future[signal.Signals] = loop.create_future()

    def note(which: signal.Signals) -> None:
        if not came.done():
            came.set_result(which)

    for which in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(which, note, which)
    return await came
