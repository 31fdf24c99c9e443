"""`python -m tests.fuzz [--seconds N] [--only NAME ...]`: atheris over all readers, led by the code that inputs reach.

`--rounds N` makes so many fixed changes to every layout instead, each read in a process of its own with the limits of
the real one. Ends with 1, and the offending file, where a reader breaks, hangs or takes too much memory.
"""

import argparse
import os
import random
import resource
import signal
import sys
import tempfile
from pathlib import Path

from tests.fuzz.mutations import mutated
from tests.fuzz.seeds import seeds

MEMORY = 2**30
SECONDS = 20
OUT_OF_MEMORY = (b"memory allocation of", b"capacity overflow")


def main() -> None:
    """Run one of the two ways."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=60)
    arguments.add_argument("--rounds", type=int, default=0)
    arguments.add_argument("--only", nargs="*", default=None)
    chosen = arguments.parse_args()
    layouts = {name: data for name, data in seeds().items() if not chosen.only or name in chosen.only}
    if chosen.rounds:
        sys.exit(fixed(layouts, chosen.rounds))
    guided(layouts, chosen.seconds)


def fixed(layouts: dict[str, bytes], rounds: int) -> int:
    """Read so many changed copies of every layout, the same ones every time; tell how many broke a reader."""
    broken = 0
    for name, data in layouts.items():
        for number in range(rounds):
            changed = mutated(data, random.Random(f"{name} {number}"))  # noqa: S311 - no secret
            why = read_apart(changed)
            if why:
                broken += 1
                kept = Path(tempfile.mkdtemp(prefix="plumbline-fuzz-")) / f"{name}-{number}"
                kept.write_bytes(changed)
                print(f"{name}, round {number}: {why}; kept as {kept}", flush=True)  # noqa: T201 - a report
    return min(broken, 1)


def read_apart(data: bytes) -> str:
    """Read a file in a forked process with the limits of the real one; tell what went wrong."""
    spoken, speak = os.pipe()
    child = os.fork()
    if not child:
        os.close(spoken)
        os.dup2(speak, sys.stderr.fileno())
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(SECONDS)
        try:
            read_once(data)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is what we look for
            os.write(speak, f"{type(error).__name__}: {error}"[:2000].encode())
            os._exit(1)
        os._exit(0)
    os.close(speak)
    with os.fdopen(spoken, "rb") as stream:
        words = stream.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if not status or any(said in words for said in OUT_OF_MEMORY):
        return ""
    return f"exit code {status}, {words.decode(errors='replace')[-500:]}"


def read_once(data: bytes) -> None:
    """Read a file as a bill; a refusal is as good as a bill."""
    from workers.readers import Unreadable, read_bill  # noqa: PLC0415 - after it was made ready for guidance

    try:
        bill = read_bill(data)
    except (Unreadable, MemoryError):
        return
    if not bill.items:
        raise AssertionError("a bill without items")


def guided(layouts: dict[str, bytes], seconds: int) -> None:
    """Let atheris look for inputs that reach new code, from the layouts on. It ends the process itself."""
    import atheris  # noqa: PLC0415 - not there on every system

    for name in [name for name in sys.modules if name.startswith("workers")]:
        del sys.modules[name]
    with atheris.instrument_imports(include=["workers.readers"]):
        import workers.readers  # noqa: F401, PLC0415 - as above

    def mutate(data: bytes, limit: int, seed: int) -> bytes:
        return mutated(data, random.Random(seed))[:limit]  # noqa: S311 - no secret

    folder = Path(tempfile.mkdtemp(prefix="plumbline-fuzz-"))
    for name, data in layouts.items():
        (folder / name).write_bytes(data)
    options = [f"-max_total_time={seconds}", f"-timeout={SECONDS}", "-rss_limit_mb=2048", "-max_len=200000"]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={folder}/", str(folder)], read_once, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
