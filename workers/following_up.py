"""What those who follow the log share: ids that stay the same, commands sent as the system, whom a job is for."""

from uuid import UUID, uuid5

import structlog
from psycopg import OperationalError

from commands.bus import Bus
from commands.states import States
from domain.core import SYSTEM, Command, Refused
from domain.job import Job
from eventstore import Recorded

_DERIVED = UUID("0c5c9f1e-8a43-4d0f-9a55-51d4a7d1f2ab")

log = structlog.get_logger()


def derived_id(recorded: Recorded, purpose: str) -> UUID:
    """Give the id that whatever follows from an event has, however often the event is read."""
    return uuid5(_DERIVED, f"{recorded.stream}:{recorded.version}:{purpose}")


def reaudit_id(project_id: UUID, version: int) -> UUID:
    """Give the id that the audit of an edited version has, however often it becomes due."""
    return uuid5(_DERIVED, f"reaudit:{project_id}:{version}")


async def follow_up(bus: Bus, recorded: Recorded, command: Command, purpose: str = "follow-up") -> None:
    """Send a command that follows from an event. What is refused is logged; raises when the log is away."""
    await send_command(bus, command, derived_id(recorded, purpose), recorded.correlation_id, recorded.command_id)


async def send_command(
    bus: Bus, command: Command, command_id: UUID, correlation_id: UUID | None = None, causation_id: UUID | None = None
) -> None:
    """Send a command that nobody waits for. What is refused is logged; raises when the log is away."""
    try:
        await bus.execute(
            command, actor=SYSTEM, command_id=command_id, correlation_id=correlation_id, causation_id=causation_id
        )
    except Refused as refusal:
        if refusal.kind == "unavailable":
            raise OperationalError(refusal.detail) from refusal
        log.warning("follow_up.refused", command_id=str(command_id), code=refusal.code, detail=refusal.detail)


async def requester(states: States, recorded: Recorded) -> str:
    """Say on whose wish something happened: an account's own doing, or that of the job which did it. Empty: nobody's.

    Whatever a job does is correlated with the job's id, and so is what follows from it.
    """
    if recorded.actor.startswith("account:"):
        return recorded.actor
    if recorded.correlation_id is None:
        return ""
    job: Job = (await states.get(f"job:{recorded.correlation_id}")).state
    return job.requested_by
