"""Backoff and circuit breaker, with time and chance of the tests' own."""

import pytest

from plumbline_client import CircuitOpen, Clock, Timing
from plumbline_client.backoff import Backoff
from plumbline_client.breaker import Breaker
from plumbline_client.closing import THEN, Ending, Then

MOST = Clock(random=lambda: 1.0)
"""Chance that always gives the longest pause."""


def test_pauses_double_up_to_the_longest_and_end_after_ten() -> None:
    backoff = Backoff(Timing(), MOST)
    pauses = [backoff.pause(Ending()) for _ in range(11)]
    assert pauses == [0.5, 1, 2, 4, 8, 16, 20, 20, 20, 20, None]
    backoff.forget()
    assert backoff.pause(Ending()) == 0.5


def test_pauses_have_full_jitter() -> None:
    backoff = Backoff(Timing(), Clock(random=lambda: 0.25))
    assert [backoff.pause(Ending()) for _ in range(3)] == [0.125, 0.25, 0.5]


def test_the_first_try_after_a_connection_is_spread_as_the_server_announced() -> None:
    backoff = Backoff(Timing(), Clock(random=lambda: 0.5))
    backoff.announce(5.0)
    assert backoff.pause(Ending(welcomed=True)) == 2.5
    assert backoff.pause(Ending(welcomed=True)) == 0.5
    backoff.announce(3600)
    assert backoff.spread == 60


@pytest.mark.parametrize(
    ("ending", "pause"),
    [
        (Ending(code=1000), None),
        (Ending(code=1001, welcomed=True), 5.0),
        (Ending(code=1009), None),
        (Ending(code=1011), 1.0),
        (Ending(code=1012), 0.5),
        (Ending(code=4001), 0.5),
        (Ending(code=4003), None),
        (Ending(code=4004), None),
        (Ending(code=4008, welcomed=True), 5.0),
        (Ending(code=4009, retry_after=10), 10.5),
        (Ending(code=4010), 0.5),
        (Ending(code=4012, retry_after=3), 3),
        (Ending(code=4012), 5.0),
        (Ending(code=4029, retry_after=2), 2.5),
        (Ending(code=4400), None),
        (Ending(code=4999, reconnect=False), None),
        (Ending(code=4999, reconnect=True), 0.5),
    ],
    ids=lambda each: f"{each.code}" if isinstance(each, Ending) else "",
)
def test_every_close_code_has_its_pause(ending: Ending, pause: float | None) -> None:
    backoff = Backoff(Timing(), MOST)
    backoff.announce(5.0)
    assert backoff.pause(ending) == pause


def test_only_a_refused_signature_asks_for_credentials() -> None:
    assert [code for code, then in THEN.items() if then is Then.SIGN_IN] == [4001]


def test_a_breaker_opens_after_failures_in_a_row_and_lets_one_request_try() -> None:
    now = [0.0]
    breaker = Breaker(Timing(breaker_failures=3, breaker_pause=10), Clock(now=lambda: now[0]))
    for _ in range(2):
        breaker.failed()
    breaker.answered()
    for _ in range(3):
        breaker.check()
        breaker.failed()
    assert breaker.open
    with pytest.raises(CircuitOpen):
        breaker.check()
    now[0] = 10.0
    breaker.check()
    with pytest.raises(CircuitOpen):
        breaker.check()  # one is at it
    breaker.answered()
    breaker.check()
    assert not breaker.open
