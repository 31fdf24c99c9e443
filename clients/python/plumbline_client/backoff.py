"""When to try again: full jitter over a ceiling that doubles, so that clients that fail together come back apart."""

from plumbline_client.closing import Ending, Then
from plumbline_client.timing import Clock, Timing


class Backoff:
    """Counts tries, and gives the pause before each."""

    def __init__(self, timing: Timing, clock: Clock) -> None:
        """Begin without a failure."""
        self.tries = 0
        """Tries in a row since the last stable connection."""
        self.spread = 0.0
        """Seconds over which the server wants its clients to come back."""
        self._timing = timing
        self._clock = clock

    def forget(self) -> None:
        """Begin anew, because a connection was stable or somebody asked for a try."""
        self.tries = 0

    def announce(self, spread: float) -> None:
        """Hear over how many seconds the server spreads its clients."""
        self.spread = min(max(spread, 0.0), self._timing.longest_jitter)

    def pause(self, ending: Ending) -> float | None:
        """Give the seconds to wait after a connection ended so; `None` if there is no point in going on."""
        then = ending.then
        if then is Then.STOP or self.tries >= self._timing.most_tries:
            return None
        self.tries += 1
        match then:
            case Then.WAIT:
                return ending.retry_after + self.jittered()
            case Then.SPREAD if ending.retry_after:
                return ending.retry_after
            case Then.SPREAD:
                return self._clock.random() * max(self.spread, self._timing.first_pause)
            case Then.BACK_OFF | Then.SIGN_IN if self.tries == 1 and ending.welcomed:
                return self._clock.random() * max(self.spread, self._timing.first_pause)
            case Then.BACK_OFF_TWICE:
                return 2 * self.jittered()
            case _:
                return self.jittered()

    def jittered(self) -> float:
        """Give a random part of the present ceiling."""
        ceiling = min(self._timing.longest_pause, self._timing.first_pause * 2 ** max(self.tries - 1, 0))
        return self._clock.random() * ceiling
