"""Why connections end, and what to do then: one line per close code."""

from enum import Enum, auto

from msgspec import Struct


class Then(Enum):
    """What a client does after the end of a connection."""

    STOP = auto()
    """Nothing: coming back would end the same way."""
    BACK_OFF = auto()
    """Come back after a random pause, longer from try to try."""
    BACK_OFF_TWICE = auto()
    """As above, but twice as long."""
    SPREAD = auto()
    """Come back within the time over which the server spreads its clients."""
    WAIT = auto()
    """Come back after as long as the server said."""
    SIGN_IN = auto()
    """Come back with fresh credentials."""


LOST = 1006
"""The connection broke, or never was."""

THEN: dict[int, Then] = {
    1000: Then.STOP,  # the server is done with us
    1001: Then.SPREAD,  # it goes away
    1006: Then.BACK_OFF,  # the connection broke
    1009: Then.STOP,  # we sent too large a message, and would again
    1011: Then.BACK_OFF_TWICE,  # it has trouble of its own
    4001: Then.SIGN_IN,  # not signed in, or no longer
    4003: Then.STOP,  # forbidden
    4004: Then.STOP,  # unknown feed
    4008: Then.BACK_OFF,  # we were too slow; what we missed is replayed
    4009: Then.WAIT,  # too many connections
    4010: Then.BACK_OFF,  # it did not hear us
    4012: Then.SPREAD,  # it drains for a deploy; another one is there
    4029: Then.WAIT,  # we sent too many messages
    4400: Then.STOP,  # it does not understand us
}


class Ending(Struct, frozen=True, kw_only=True):
    """How a connection ended. `reconnect` and `retry_after` (seconds) are the server's words, if it said goodbye."""

    code: int = LOST
    reason: str = ""
    reconnect: bool | None = None
    retry_after: float = 0.0
    welcomed: bool = False
    """Whether the server had let us in."""

    @property
    def then(self) -> Then:
        """What to do. A code that is not known here is the server's to explain."""
        known = THEN.get(self.code)
        if known is not None:
            return known
        return Then.STOP if self.reconnect is False else Then.BACK_OFF
