"""Reads what consumers recorded and proves that each saw the log: all of it, in order, once."""

from collections.abc import Sequence

from msgspec import Struct


class Seen(Struct, frozen=True):
    """An event, as the log holds it or as a consumer got it."""

    sequence: int
    position: int
    type: str
    data: bytes


class Broken(AssertionError):  # noqa: N818 - says what is wrong
    """A consumer did not see the log."""


def check(log: Sequence[Seen], delivered: Sequence[Seen], *, after: int = 0) -> None:
    """Prove that what was delivered is the log behind sequence `after`, to its end. Raises `Broken` where not."""
    expected = [event for event in log if event.sequence > after]
    if [event.sequence for event in expected] != list(range(after + 1, after + 1 + len(expected))):
        raise Broken("the log itself is not contiguous")
    last = after
    for event in delivered:
        if event.sequence <= last:
            raise Broken(f"{event.sequence} came after {last}: a repeat, or out of order")
        if event.sequence != last + 1:
            raise Broken(f"{event.sequence} came after {last}: a gap")
        last = event.sequence
    if len(delivered) != len(expected):
        raise Broken(f"{len(delivered)} of {len(expected)} events came")
    for event, stored in zip(delivered, expected, strict=True):
        if event != stored:
            raise Broken(f"{event} came, {stored} is stored")
