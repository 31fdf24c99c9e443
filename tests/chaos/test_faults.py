"""Five hundred schedules of faults: whatever happens to the network and to the broker, every consumer sees the log."""

import asyncio
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from runtime.embedded import Embedded
from tests.chaos.schedules import HEARTBEAT, SCHEDULES, Schedule, World, play_all, world
from tests.transport.socket_world import Server, running_server

AT_A_TIME = 50
BATCHES = 10


@pytest.fixture(scope="module")
def server(servers: Embedded, migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    with running_server(servers, migrated_template, tmp_path_factory.mktemp("chaos"), **HEARTBEAT) as running:
        yield running


@pytest.fixture(scope="module")
def runner() -> Generator[asyncio.Runner]:
    with asyncio.Runner() as running:
        yield running


@pytest.fixture(scope="module")
def muddled(server: Server, runner: asyncio.Runner) -> Generator[World]:
    opened = world(server)
    yield runner.run(opened.__aenter__())
    runner.run(opened.__aexit__(None, None, None))


@pytest.mark.timeout(600)
@settings(
    max_examples=BATCHES,
    deadline=None,
    database=None,
    phases=[Phase.generate],  # a failure that depends on timing does not shrink
    suppress_health_check=list(HealthCheck),
)
@given(schedules=st.lists(SCHEDULES, min_size=AT_A_TIME, max_size=AT_A_TIME))
def test_every_consumer_sees_the_log(muddled: World, runner: asyncio.Runner, schedules: list[Schedule]) -> None:
    played = runner.run(play_all(muddled, schedules))
    assert len(played) == AT_A_TIME
