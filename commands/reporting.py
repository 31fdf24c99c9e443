"""Showing how far an operation is: what an outside engine reports within a phase is no event, and still seen live."""

from typing import Any

import msgspec
from msgspec import structs
from prometheus_client import Counter
from redis.exceptions import RedisError

from commands.frames import ProgressFrame, ProgressType, channel_of, unnumbered
from commands.states import States
from domain.core import Command
from domain.operation import PHASES, Operation, ReportStep, stage_named
from runtime.broker import Broker
from runtime.progress import ProgressBoard, Step, engine_job
from runtime.telemetry import REGISTRY, get_logger

UNKNOWN = Counter(
    "operation_unknown_phases_total", "Reports that entered a phase which this program does not know", registry=REGISTRY
)

log = get_logger(__name__)


class Reporting:
    """Shows the steps that the bus has accepted."""

    def __init__(self, states: States, broker: Broker, board: ProgressBoard) -> None:
        """Keep steps on `board`, show them through `broker`; `states` says what the log knows already."""
        self._states = states
        self._broker = broker
        self._board = board

    async def __call__(self, command: Command, *, happened: bool) -> None:
        """Show a report, if it is one and news; `happened`: it came to an event. Never fails."""
        if not isinstance(command, ReportStep):
            return
        if happened and command.phase not in PHASES:
            UNKNOWN.inc()
            log.error(
                "operation.phase_unknown",
                phase=command.phase,
                taken_as=stage_named(command.phase),
                operation_id=str(command.operation_id),
                hint="add it to Assembly4Phase, MaterialPhase or TopologyPhase in domain/operation.py, "
                "and its stage to stage_of there",
            )
        operation: Operation = (await self._states.get(f"operation:{command.operation_id}")).state
        if operation.job_id is None or command.event_id < operation.event_id:
            return
        step = Step(
            event_id=command.event_id,
            scope=str(command.operation_id),
            phase=command.phase,
            stage=stage_named(command.phase),
            step_index=command.step_index,
            step_total=command.step_total,
            items_done=command.items_done,
            items_total=command.items_total,
            eta_ms=command.eta_ms,
        )
        try:
            told = await self._board.tell(engine_job(command.project_id, operation.job_id), step)
        except RedisError:
            log.warning("operation.step_not_shown", operation_id=str(command.operation_id), exc_info=True)
            return
        if told is not None:
            ids = {"job_id": operation.job_id, "operation_id": command.operation_id}
            show(self._broker, f"project:{command.project_id}", "operation.progress", ids, told.step)


def show(broker: Broker, feed: str, kind: ProgressType, ids: dict[str, Any], step: Step) -> None:
    """Publish a progress frame: `kind` is what filters know it by, `ids` says of what."""
    known = structs.asdict(step)
    del known["scope"]
    frame = ProgressFrame(feed=feed, type=kind, **ids, **known)
    broker.publish(channel_of(feed), unnumbered(msgspec.json.encode(frame)).encode())
