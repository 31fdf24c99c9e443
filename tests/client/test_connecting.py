"""States, close codes and silence, with a peer that misbehaves as it is told."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from plumbline_client import Client, Closed, Credentials, GaveUp, State, Timing
from tests.client.meeting import QUICK, Seen, take, until
from tests.client.peer import Call, event, peer

UP = [State.CONNECTING, State.CONNECTED]


def client_of(url: str, seen: Seen, timing: Timing = QUICK, **options: object) -> Client:
    given = {"token": "t", "timing": timing, "on_state": seen.states.append, "on_report": seen.report} | options
    return Client(url, **given)  # pyright: ignore[reportArgumentType]


async def test_a_client_is_idle_until_it_starts() -> None:
    client = client_of("http://127.0.0.1:9", Seen())
    assert client.state is State.IDLE
    assert client.stale
    assert client.last_synced_at is None
    await client.close()


@pytest.mark.parametrize("code", [1001, 1006, 1011, 1012, 4008, 4009, 4010, 4012, 4029, 4999])
async def test_after_these_codes_it_comes_back(code: int) -> None:
    async def script(call: Call) -> None:
        await call.welcome()
        if call.number > 1:
            await call.stay()
        elif code == 1006:
            call.connection.transport.abort()
        else:
            await call.part(code)

    seen = Seen()
    async with peer(script) as met, client_of(met.url, seen):
        await until(lambda: len(seen.states) >= 4)
    assert seen.states == [*UP, State.RECONNECTING, State.CONNECTED, State.CLOSED]


@pytest.mark.parametrize("code", [1000, 1009, 4001, 4003, 4004, 4400, 4998])
async def test_after_these_codes_it_does_not_until_somebody_asks(code: int) -> None:
    async def script(call: Call) -> None:
        await call.welcome()
        if call.number > 1:
            await call.stay()
        await call.part(code, reconnect=False)

    seen = Seen()
    async with peer(script) as met, client_of(met.url, seen) as client:
        feed = client.feed("f")
        with pytest.raises(GaveUp) as gave_up:
            await take(feed, 1)
        assert (gave_up.value.code, gave_up.value.reason) == (code, "as the test says")
        assert client.state is State.FAILED
        with pytest.raises(GaveUp):
            await client.connected()
        with pytest.raises(GaveUp):
            await take(client.feed("other"), 1)
        client.retry()
        await until(lambda: client.state is State.CONNECTED)
        await client.connected()
    assert seen.states == [*UP, State.RECONNECTING, State.FAILED, *UP, State.CLOSED]
    with pytest.raises(Closed):
        await client.connected()


async def test_it_gives_up_after_so_many_tries_and_tries_again_when_asked() -> None:
    seen = Seen()
    timing = Timing(first_pause=0.001, longest_pause=0.002, most_tries=4)
    async with client_of("http://127.0.0.1:9", seen, timing) as client:
        await until(lambda: client.state is State.FAILED)
        assert seen.reported == ["connection ended"] * 4
        client.retry()
        await until(lambda: len(seen.reports) == 8)
        await until(lambda: client.state is State.FAILED)


async def test_a_connection_that_does_not_last_does_not_count_as_one() -> None:
    async def script(call: Call) -> None:
        await call.welcome()
        await call.part(4010)

    seen = Seen()
    timing = Timing(first_pause=0.001, longest_pause=0.002, most_tries=3, longest_jitter=0)
    async with peer(script) as met, client_of(met.url, seen, timing) as client:
        await until(lambda: client.state is State.FAILED)
        assert len(met.calls) == 4
    async with (
        peer(script) as met,
        client_of(met.url, seen, Timing(first_pause=0.001, most_tries=3, stable=0)) as client,
    ):
        await until(lambda: len(met.calls) > 8)


async def test_silence_is_death() -> None:
    async def script(call: Call) -> None:
        await call.welcome(heartbeat_interval=0.1, heartbeat_timeout=0.1)
        for t in range(3):
            await call.say({"op": "ping", "t": t})
            assert (await call.hear("pong"))["t"] == t
        await call.stay()

    seen = Seen()
    async with peer(script) as met, client_of(met.url, seen):
        await until(lambda: len(met.calls) == 2)
    assert seen.reports[0][1]["reason"] == "the server fell silent"


async def test_a_server_that_does_not_welcome_us_is_left() -> None:
    async def script(call: Call) -> None:
        await call.stay()

    seen = Seen()
    async with peer(script) as met, client_of(met.url, seen, Timing(first_pause=0.01, connect=0.1)):
        await until(lambda: len(met.calls) == 2)
    assert State.CONNECTED not in seen.states


async def test_refused_credentials_are_fetched_anew_once() -> None:
    async def script(call: Call) -> None:
        assert call.connection.request is not None
        tokens.append(call.connection.request.headers["authorization"].removeprefix("Bearer "))
        if call.number == 2:
            await call.welcome()
            await call.stay()
        await call.part(4001, reconnect=False)

    tokens: list[str] = []
    given: list[int] = []

    async def sign_in() -> Credentials:
        given.append(len(given) + 1)
        if len(given) == 3:
            raise OSError("no directory")
        return Credentials(token=f"{given[-1]}")

    seen = Seen()
    async with peer(script) as met, client_of(met.url, seen, token="", sign_in=sign_in) as client:
        await client.connected()
        assert given == [1, 2]
        await met.calls[-1].part(4001)
        await until(lambda: client.state is State.FAILED)
    assert tokens == ["1", "2", "2", "4"]
    assert "no fresh credentials" in seen.reported


async def test_credentials_are_renewed_on_the_open_connection() -> None:
    async def script(call: Call) -> None:
        await call.welcome()
        renewed.append((await call.hear("auth"))["token"])
        renewed.append((await call.hear("auth"))["token"])
        await call.stay()

    renewed: list[str] = []
    given: list[int] = []

    async def sign_in() -> Credentials:
        given.append(len(given) + 1)
        if len(given) == 3:
            raise OSError("no directory")
        soon = datetime.now(UTC) + timedelta(seconds=0.02)
        return Credentials(token=f"{len(given)}", expires_at=soon if len(given) < 4 else None)

    seen = Seen()
    timing = Timing(renew_before=0.01, renew_least=0.001)
    async with peer(script) as met, client_of(met.url, seen, timing, token="", sign_in=sign_in):
        await until(lambda: len(renewed) == 2)
        assert len(met.calls) == 1
    assert renewed == ["2", "4"]


async def test_a_ticket_is_the_first_message_and_good_for_one_connection() -> None:
    async def script(call: Call) -> None:
        tickets.append((await call.hear("auth"))["ticket"])
        assert "authorization" not in call.connection.request.headers  # pyright: ignore[reportOptionalMemberAccess]
        await call.say({"op": "signed_in", "id": 0})
        await call.welcome()
        if call.number == 1:
            await call.part(4012)
        await call.stay()

    tickets: list[str] = []

    async def sign_in() -> Credentials:
        return Credentials(ticket=f"ticket {len(tickets) + 1}")

    async with peer(script) as met, client_of(met.url, Seen(), token="", sign_in=sign_in):
        await until(lambda: len(tickets) == 2)
    assert tickets == ["ticket 1", "ticket 2"]


async def test_whatever_signing_in_raises_is_reported_and_tried_again() -> None:
    async def script(call: Call) -> None:
        await call.welcome()
        await call.stay()

    tries: list[int] = []

    async def sign_in() -> Credentials:
        tries.append(1)
        if len(tries) == 1:
            raise ZeroDivisionError
        return Credentials(token="t")  # noqa: S106 - a test's

    seen = Seen()
    async with peer(script) as met, client_of(met.url, seen, token="", sign_in=sign_in) as client:
        await client.connected()
    assert seen.reported[0] == "no connection"


async def test_frames_that_nobody_understands_are_reported_and_passed_over() -> None:
    async def script(call: Call) -> None:
        await call.welcome()
        await call.subscribed()
        await call.say({"op": "sing", "song": "x"}, "nonsense", event(1), {"op": "error", "problem": {"code": "odd"}})
        await call.connection.send(b"\xff\xfe")
        await call.say({"op": "event", "feed": "f"}, event(2))
        await call.stay()

    seen = Seen()
    async with peer(script) as met, client_of(met.url, seen) as client, client.feed("f", after=0) as feed:
        assert [each.sequence for each in await take(feed, 2)] == [1, 2]
    assert seen.reported == ["unknown message"] * 2 + ["message refused"] + ["unknown message"] * 2


async def test_a_hole_makes_the_client_subscribe_anew() -> None:
    async def script(call: Call) -> None:
        await call.welcome()
        await call.subscribed()
        await call.say(event(1), event(3), {"op": "caught_up", "feed": "f", "sequence": 3})
        parted = await call.hear("unsubscribe")
        again = await call.hear("subscribe")
        assert again["after"] == 1
        await call.say({"op": "unsubscribed", "feed": "f", "id": parted["id"]}, event(4))
        told = {"op": "subscribed", "id": again["id"], "feed": "f", "epoch": again["epoch"], "head": 3}
        await call.say(told | {"recovered": True}, event(2), event(3), {"op": "caught_up", "feed": "f", "sequence": 3})
        await call.stay()

    seen = Seen()
    async with peer(script) as met, client_of(met.url, seen) as client, client.feed("f", after=0) as feed:
        assert [each.sequence for each in await take(feed, 3)] == [1, 2, 3]
        await until(lambda: feed.live)
    assert seen.reported == ["a hole in a feed"]


async def test_a_hole_that_fills_itself_is_no_reason_to() -> None:
    async def script(call: Call) -> None:
        await call.welcome()
        await call.subscribed()
        await call.say(
            event(1), event(1), event(3), {"op": "caught_up", "feed": "f", "sequence": 4}, event(4), event(2)
        )
        await call.stay()

    seen = Seen()
    async with peer(script) as met, client_of(met.url, seen) as client, client.feed("f", after=0) as feed:
        assert [each.sequence for each in await take(feed, 4)] == [1, 2, 3, 4]
        assert feed.live
        await asyncio.sleep(2 * QUICK.hole)
    assert seen.reported == []


async def test_a_subscription_that_is_refused_for_the_moment_is_tried_again() -> None:
    async def script(call: Call) -> None:
        await call.welcome()
        problem = {"status": 503, "code": "unavailable"}
        await call.say({"op": "error", "id": (await call.hear("subscribe"))["id"], "problem": problem})
        busy = problem | {"status": 429, "retry_after": 0.01}
        await call.say({"op": "error", "id": (await call.hear("subscribe"))["id"], "problem": busy})
        await call.subscribed()
        await call.say(event(1), {"op": "unsubscribed", "feed": "f", "code": "unavailable"})
        assert (await call.subscribed())["after"] == 1
        await call.say(event(2))
        await call.stay()

    async with peer(script) as met, client_of(met.url, Seen()) as client, client.feed("f", after=0) as feed:
        assert [each.sequence for each in await take(feed, 2)] == [1, 2]
