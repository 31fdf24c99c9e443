"""Why sockets close: every code that the server closes with, and what a client does then."""

from msgspec import Struct, structs

from domain.core import Kind, Refused


class Closing(Struct, frozen=True):
    """A close code with its reason, and what a client does then.

    `retry_after_ms`: the client comes back after a random part of it at the earliest. `flush`: what waits to be sent,
    and what is being answered, still goes out first.
    """

    code: int
    reason: str
    reconnect: bool
    client: str
    retry_after_ms: int = 0
    flush: bool = True

    def after(self, milliseconds: int) -> "Closing":
        """Ask the client to wait that long."""
        return structs.replace(self, retry_after_ms=milliseconds)


_COMES_BACK = "comes back after a pause, and is replayed what it missed"
_STOPS = "stops: it would end the same way"

GONE = Closing(1006, "the client is gone", reconnect=True, client=_COMES_BACK, flush=False)
"""Nothing can be sent any more."""
VIOLATION = Closing(1002, "not RFC 6455", reconnect=False, client=_STOPS)
NOT_UTF8 = Closing(1007, "text that is not UTF-8", reconnect=False, client=_STOPS)
TOO_BIG = Closing(1009, "message too big", reconnect=False, client=_STOPS)
INTERNAL = Closing(
    1011, "internal error", reconnect=True, client="comes back after a pause twice as long", retry_after_ms=1_000
)
NOT_AUTHENTICATED = Closing(
    4001,
    "not authenticated, or no longer",
    reconnect=False,
    client="gets fresh credentials and comes back with them; stops where it has no others",
)
FORBIDDEN = Closing(4003, "forbidden", reconnect=False, client=_STOPS)
FEED_UNKNOWN = Closing(4004, "feed unknown", reconnect=False, client=_STOPS)
TOO_SLOW = Closing(4008, "too slow", reconnect=True, client=_COMES_BACK, flush=False)
TOO_MANY_CONNECTIONS = Closing(
    4009,
    "too many connections",
    reconnect=True,
    client="comes back after `retry_after_ms`; shares one connection",
    retry_after_ms=10_000,
)
HEARTBEAT_MISSED = Closing(4010, "heartbeat missed", reconnect=True, client=_COMES_BACK, flush=False)
DRAINING = Closing(4012, "draining", reconnect=True, client="comes back within the jitter that `welcome` announced")
TOO_MANY_MESSAGES = Closing(
    4029,
    "too many messages",
    reconnect=True,
    client="comes back after `retry_after_ms`, and says less",
    retry_after_ms=2_000,
)
PROTOCOL_ERRORS = Closing(4400, "repeated protocol errors", reconnect=False, client=_STOPS)
NO_SUBPROTOCOL = Closing(4400, "no common subprotocol", reconnect=False, client=_STOPS)

CLOSINGS = (
    VIOLATION,
    GONE,
    NOT_UTF8,
    TOO_BIG,
    INTERNAL,
    NOT_AUTHENTICATED,
    FORBIDDEN,
    FEED_UNKNOWN,
    TOO_SLOW,
    TOO_MANY_CONNECTIONS,
    HEARTBEAT_MISSED,
    DRAINING,
    TOO_MANY_MESSAGES,
    PROTOCOL_ERRORS,
    NO_SUBPROTOCOL,
)
"""All of them, for whoever describes them."""
_OF_KIND: dict[Kind, Closing] = {
    "invalid": PROTOCOL_ERRORS,
    "unauthenticated": NOT_AUTHENTICATED,
    "forbidden": FORBIDDEN,
    "unknown": FEED_UNKNOWN,
    "conflict": FORBIDDEN,
    "limit": TOO_MANY_CONNECTIONS,
    "unavailable": INTERNAL,
}


def closing_of(refusal: Refused | None) -> Closing:
    """Say with which code a socket closes that is refused as a whole; `None`: for a reason that nobody expected."""
    if refusal is None:
        return INTERNAL
    closing = _OF_KIND[refusal.kind]
    return closing.after(1000 * refusal.extra["retry_after"]) if "retry_after" in refusal.extra else closing
