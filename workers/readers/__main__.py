"""The reading process: `python -m workers.readers` takes one file on standard input and answers on standard output.

It ends with its parent, who keeps standard input open until then (the idea of `runtime.lifeline`, without its imports),
and an alarm bounds its life in any case.
"""

import gc
import os
import resource
import signal
import sys
import threading
from collections.abc import Iterator

import msgspec

from workers.extraction import extract
from workers.readers import Unreadable, read_bill
from workers.readers.price_list import read_prices
from workers.readers.wire import LENGTH, Answer, Extracted, Failed, Request, Wanted, answers, frame

GRACE = 5.0
"""Seconds that the alarm leaves the parent to end this process itself."""


def main() -> None:
    """Take one request and answer it; end quietly when the parent goes away before it has one."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    length = source.read(LENGTH.size)
    if len(length) < LENGTH.size:
        return
    request = msgspec.msgpack.decode(source.read(LENGTH.unpack(length)[0]), type=Request)
    data = source.read(request.size)
    threading.Thread(target=end_with_parent, daemon=True).start()
    confine(request)
    for answer in read(data, request.wants):
        sink.write(frame(answer))
    sink.flush()


def end_with_parent() -> None:
    """Wait for the end of standard input, which is the end of the parent, and end this process."""
    while os.read(0, 4096):
        pass
    os._exit(1)


def confine(request: Request) -> None:
    """Bound what this process may use from here on. It lives for one file, so it collects no garbage either."""
    gc.disable()
    signal.setitimer(signal.ITIMER_REAL, request.wall_seconds + GRACE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (request.open_files, request.open_files))
    resource.setrlimit(resource.RLIMIT_CPU, (request.cpu_seconds, request.cpu_seconds + 1))
    if sys.platform == "linux":  # elsewhere the kernel does not enforce it
        resource.setrlimit(resource.RLIMIT_AS, (request.memory_bytes, request.memory_bytes))


def read(data: bytes, wants: Wanted = "bill") -> Iterator[Answer]:
    """Yield the answers to one file."""
    try:
        match wants:
            case "bill":
                yield from answers(read_bill(data))
            case "prices":
                yield from answers(read_prices(data))
            case "contract" | "property":
                yield Extracted(extract(data, wants))
    except Unreadable as error:
        yield Failed(error.code, error.detail)
    except MemoryError:
        yield Failed("unreadable.out_of_memory", "")


if __name__ == "__main__":
    main()
