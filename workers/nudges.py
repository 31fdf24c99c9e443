"""Nudges as dramatiq messages: one queue for each priority, no retries and no delays of dramatiq's own.

The truth about jobs is in PostgreSQL. A message that is lost, repeated or late is made up for by the sweeper
(`leases.due`) and the fencing numbers, so a broker that forgets everything costs seconds.
"""

from collections.abc import Callable, Iterable
from uuid import UUID

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from workers.leases import Nudge

QUEUES = ("critical", "high", "default", "low")
NAMESPACE = "plumbline:jobs"
POLL_MILLISECONDS = 50
"""The longest pause between two looks at an empty queue."""

Run = Callable[[UUID, int], None]
"""Makes an attempt at a job and returns when it is over."""


class Nudges:
    """Sends nudges, and hands those that arrive to `run`."""

    def __init__(self, redis_url: str, run: Run) -> None:
        """Declare an actor for each queue on the broker at `redis_url`."""
        self.broker = RedisBroker(url=redis_url, namespace=NAMESPACE, middleware=[])
        self._actors = {
            queue: dramatiq.Actor(
                _receiver(run),
                broker=self.broker,
                actor_name=f"job.{queue}",
                queue_name=queue,
                priority=priority,
                options={},
            )
            for priority, queue in enumerate(QUEUES)
        }

    def send(self, nudges: Iterable[Nudge]) -> None:
        """Send messages. Blocks for as long as the broker takes; a broker that is away loses them, harmlessly."""
        for nudge in nudges:
            self._actors[nudge.queue].send(str(nudge.job_id), nudge.attempt)

    def worker(self, threads: int) -> dramatiq.Worker:
        """Make the dramatiq worker that receives on all queues with so many threads."""
        return dramatiq.Worker(self.broker, worker_threads=threads, worker_timeout=POLL_MILLISECONDS)


def _receiver(run: Run) -> Callable[[str, int], None]:
    def receive(job_id: str, attempt: int) -> None:
        run(UUID(job_id), attempt)

    return receive
