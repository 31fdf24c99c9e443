"""The long run: `python -m tests.chaos.soak --schedules 10000`. Prints how far it is, and what it came to."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from time import monotonic

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from runtime.embedded import embedded
from runtime.migrations import migrate
from tests.chaos.schedules import HEARTBEAT, SCHEDULES, Played, Schedule, play_all, world
from tests.transport.socket_world import make_tables, new_server

AT_A_TIME = 50


def soak(schedules: int, number: int) -> None:
    """Play so many schedules, drawn by seed `number`. Raises `Broken` at the first that does not hold."""
    with asyncio.Runner() as runner, tempfile.TemporaryDirectory(prefix="plumbline-soak-") as folder:
        servers = embedded(Path(folder) / "servers", temporary=True)
        running = runner.run(servers.__aenter__())
        runner.run(migrate(running.database_url))
        runner.run(make_tables(running.database_url))
        server = new_server(running.database_url, running.redis_url, Path(folder), **HEARTBEAT)
        server.start()
        try:
            opened = world(server)
            there = runner.run(opened.__aenter__())
            played: list[Played] = []
            began = monotonic()

            @seed(number)
            @settings(
                max_examples=-(-schedules // AT_A_TIME),
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(st.lists(SCHEDULES, min_size=AT_A_TIME, max_size=AT_A_TIME))
            def go_on(batch: list[Schedule]) -> None:
                played.extend(runner.run(play_all(there, batch)))
                _say(played, monotonic() - began)

            go_on()
            runner.run(opened.__aexit__(None, None, None))
            sys.stdout.write("every consumer saw the log: all of it, in order, once\n")
        finally:
            server.stop()
            runner.run(servers.__aexit__(None, None, None))


def _say(played: list[Played], seconds: float) -> None:
    events, cuts, commands = (sum(getattr(each, name) for each in played) for name in ("events", "cuts", "commands"))
    sys.stdout.write(
        f"{len(played)} schedules in {seconds:.0f} s: {events} events, {commands} commands, {cuts} connections cut\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    given_ = parser.parse_args()
    soak(given_.schedules, given_.seed)
