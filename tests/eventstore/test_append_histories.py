"""Any appends, in any crowd: what is stored and what is refused is what one writer after another would have got."""

import asyncio
from collections import defaultdict
from uuid import UUID, uuid4

from appending import BODY, OTHER_BODY, event
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventstore import Append, Appended, CommandMismatch, EventStore, Recorded, VersionConflict, Write

STREAMS = st.sampled_from(["a", "b", "c", "d"])
WRITES = st.dictionaries(STREAMS, st.tuples(st.integers(0, 4), st.integers(1, 3)), min_size=1, max_size=3)
PINS = st.dictionaries(STREAMS, st.integers(0, 3), max_size=2)
COMMANDS = st.none() | st.tuples(st.integers(0, 3), st.sampled_from([BODY, OTHER_BODY]))
APPENDS = st.tuples(st.sampled_from(["f", "g"]), WRITES, PINS, COMMANDS)
CROWDS = st.lists(st.lists(APPENDS, min_size=1, max_size=8), min_size=1, max_size=4)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(crowds=CROWDS)
async def test_every_answer_is_true_at_its_place_in_the_log(store: EventStore, crowds: list) -> None:
    example = uuid4().hex
    commands = [uuid4() for _ in range(4)]
    start = await store.head()
    answered: list[tuple[Append, Appended | Exception]] = []
    for crowd in crowds:
        appends = [_append(example, commands, drawn) for drawn in crowd]
        answers = await asyncio.gather(*(store.append(one) for one in appends), return_exceptions=True)
        _check_crowd(start, await store.log(after=start), list(zip(appends, answers, strict=True)), answered)


def _append(example: str, commands: list[UUID], drawn: tuple) -> Append:
    feed, writes, pins, command = drawn
    return Append(
        feed=f"{feed}:{example}",
        writes=tuple(
            Write(f"{stream}:{example}", expected, (event(),) * count) for stream, (expected, count) in writes.items()
        ),
        pins=tuple((f"{stream}:{example}", version) for stream, version in pins.items() if stream not in writes),
        actor="account:1",
        command_id=commands[command[0]] if command else None,
        command_hash=command[1] if command else None,
    )


def _check_crowd(
    start: int,
    log: list[Recorded],
    crowd: list[tuple[Append, Appended | BaseException]],
    answered: list[tuple[Append, Appended | Exception]],
) -> None:
    before = sum(len(write.events) for one, said in answered if _stored(said) for write in one.writes)
    stored = sorted(
        ((said, one) for one, said in crowd if isinstance(said, Appended) and not said.repeated),
        key=lambda pair: pair[0].position,
    )
    versions = _versions(log[:before])
    commands = {one.command_id: (said, one) for one, said in answered if _stored(said) and one.command_id}
    position = start + before
    for said, one in stored:
        assert said.first_position == position + 1
        for stream, expected in [*((write.stream, write.expected) for write in one.writes), *one.pins]:
            assert versions[stream] == expected
        for write in one.writes:
            for _ in write.events:
                recorded = log[position - start]
                position, versions[write.stream] = position + 1, versions[write.stream] + 1
                assert (recorded.position, recorded.feed) == (position, one.feed)
                assert (recorded.stream, recorded.version) == (write.stream, versions[write.stream])
        assert (said.position, said.sequence) == (position, log[position - start - 1].sequence)
        assert one.command_id not in commands
        if one.command_id:
            commands[one.command_id] = said, one
    assert position == start + len(log), "something was stored that nobody was told of"
    for one, said in crowd:
        _check_refusal(one, said, commands, versions, _versions(log[:before]))
        answered.append((one, said))  # pyright: ignore[reportArgumentType]


def _check_refusal(one: Append, said: object, commands: dict, after: dict[str, int], before: dict[str, int]) -> None:
    if isinstance(said, VersionConflict):
        assert said.expected != said.actual
        assert before[said.stream] <= said.actual <= after[said.stream]
    elif isinstance(said, CommandMismatch):
        assert commands[one.command_id][1].command_hash != one.command_hash
    elif isinstance(said, Appended) and said.repeated:
        first, same = commands[one.command_id]
        assert same.command_hash == one.command_hash
        assert (said.first_position, said.position, said.sequence) == (
            first.first_position,
            first.position,
            first.sequence,
        )
    else:
        assert isinstance(said, Appended)


def _stored(said: object) -> bool:
    return isinstance(said, Appended) and not said.repeated


def _versions(log: list[Recorded]) -> dict[str, int]:
    versions: dict[str, int] = defaultdict(int)
    for one in log:
        versions[one.stream] = one.version
    return versions
