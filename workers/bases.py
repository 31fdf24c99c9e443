"""What this process audited lately: the next audit of the same project starts from it, and judges only what changed."""

from collections import OrderedDict
from uuid import UUID

from domain.experts.orchestrator import Base

MOST_POSITIONS = 250_000
"""Positions whose last audit is kept, over all projects. They are shared with the states that the bus keeps."""


class Bases:
    """Last audits by project, the least recently used forgotten first. A project without one is audited wholly."""

    def __init__(self, most_positions: int = MOST_POSITIONS) -> None:
        """Keep audits of at most so many positions."""
        self._most = most_positions
        self._bases: OrderedDict[UUID, Base] = OrderedDict()
        self._positions = 0

    def get(self, project_id: UUID) -> Base | None:
        """Give the project's last audit that this process made."""
        base = self._bases.get(project_id)
        if base is not None:
            self._bases.move_to_end(project_id)
        return base

    def keep(self, project_id: UUID, base: Base) -> None:
        """Remember an audit in place of the project's earlier one."""
        earlier = self._bases.pop(project_id, None)
        self._positions += len(base.positions) - (len(earlier.positions) if earlier else 0)
        self._bases[project_id] = base
        while self._positions > self._most:
            _, forgotten = self._bases.popitem(last=False)
            self._positions -= len(forgotten.positions)
