"""Answers kept in Valkey: found at exactly their state, bounded, and no burden where Valkey is away."""

import asyncio
from time import monotonic

import pytest
from redis.asyncio import Redis

from runtime.broker import open_client
from runtime.cache import MOST_ANSWERS, MOST_BYTES, AnswerCache
from runtime.ids import new_id

ERA, LATER_ERA = "era", "later era"


@pytest.fixture
def cache(valkey: Redis) -> AnswerCache:
    return AnswerCache(valkey)


@pytest.fixture
def subject() -> str:
    return f"project:{new_id()}"


async def test_an_answer_is_found_at_its_state_alone(cache: AnswerCache, subject: str) -> None:
    await cache.keep(subject, (ERA, 7), "q", b"seven")
    assert await cache.find(subject, (ERA, 7), "q") == b"seven"
    for state in ((ERA, 6), (ERA, 8), (LATER_ERA, 7)):
        assert await cache.find(subject, state, "q") is None
    assert await cache.find(subject, (ERA, 7), "another") is None
    assert await cache.find("project:another", (ERA, 7), "q") is None


async def test_a_newer_state_drops_what_was_kept_and_an_older_one_changes_nothing(
    cache: AnswerCache, subject: str
) -> None:
    await cache.keep(subject, (ERA, 9), "q", b"nine")
    await cache.keep(subject, (ERA, 10), "r", b"ten")
    await cache.keep(subject, (ERA, 9), "s", b"late")
    assert await cache.find(subject, (ERA, 10), "r") == b"ten"
    for question in "qs":
        assert await cache.find(subject, (ERA, 9), question) is None
        assert await cache.find(subject, (ERA, 10), question) is None
    await cache.keep(subject, (LATER_ERA, 1), "q", b"a log restored from a backup begins a new era")
    assert await cache.find(subject, (ERA, 10), "r") is None
    assert await cache.find(subject, (LATER_ERA, 1), "q") is not None


async def test_a_subject_has_so_many_answers_of_such_a_size(cache: AnswerCache, valkey: Redis, subject: str) -> None:
    await cache.keep(subject, (ERA, 1), "large", b"x" * (MOST_BYTES + 1))
    assert await cache.find(subject, (ERA, 1), "large") is None
    for index in range(3 * MOST_ANSWERS):
        await cache.keep(subject, (ERA, 1), str(index), b"x" * MOST_BYTES if index % 50 == 0 else b"x")
        assert await cache.find(subject, (ERA, 1), str(index)) is not None
        assert await valkey.hlen(f"answers:{subject}") <= MOST_ANSWERS + 2
    assert 0 < await valkey.ttl(f"answers:{subject}") <= 600


async def test_where_valkey_is_away_nothing_is_found_and_nobody_waits(subject: str) -> None:
    async with open_client("unix:///nowhere/valkey.sock") as away:
        cache = AnswerCache(away)
        began = monotonic()
        for _ in range(100):
            await cache.keep(subject, (ERA, 1), "q", b"x")
            assert await cache.find(subject, (ERA, 1), "q") is None
        assert monotonic() - began < 5


async def test_a_valkey_that_does_not_answer_is_left_alone_for_a_while(
    subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[asyncio.StreamWriter] = []

    async def never(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(writer)

    monkeypatch.setattr("runtime.cache.PATIENCE", 0.05)
    server = await asyncio.start_server(never, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, open_client(f"redis://127.0.0.1:{port}/0") as client:
        cache = AnswerCache(client)
        for _ in range(50):
            assert await cache.find(subject, (ERA, 1), "q") is None
        assert len(asked) == 1
        monkeypatch.setattr("runtime.cache.REST", 0.0)
        cache = AnswerCache(client)
        for _ in range(2):
            assert await cache.find(subject, (ERA, 1), "q") is None
        assert len(asked) == 3
    for writer in asked:
        writer.close()
        await writer.wait_closed()
