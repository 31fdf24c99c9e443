"""One variation: what it would do to each position of the present budget, or what it did when it was approved."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from domain.budget import (
    Addition,
    BulkItem,
    Effect,
    Omission,
    Proposal,
    UnknownVariation,
    cost_effect,
    effects_of,
    named_in,
    outdated,
)
from domain.position import Position
from projections import positions, versions
from projections.asking import CHECKPOINT, MEMBERS, Query, Question, Reading
from projections.differences import Change, changes_between
from projections.positions import LINES, Line
from projections.variations import COLUMNS, NAME, VariationItem

Kind = Literal["added", "changed", "removed"]
SHOWN = tuple(name for name in Position.__struct_fields__ if name != "revision")
"""The fields whose changes are told."""


class GetVariation(Query, frozen=True, kw_only=True, tag="variations.get"):
    """A variation with all that it proposes, held against the budget as it is now; an approved one, as it was then."""

    project_id: UUID
    variation_id: UUID


class ProposedItem(Struct, frozen=True, kw_only=True):
    """What becomes of one position: `before` is null for one that is added, `after` for one that is taken out.

    Both are null for one that is gone already. `behind` is where an added one goes, null for the end. `changes` are by
    field. `outdated`: the position is not what the variation saw.
    """

    position_id: UUID
    change: Kind
    behind: UUID | None
    before: Position | None
    after: Position | None
    changes: dict[str, Change]
    cost_effect: Decimal
    outdated: bool


class VariationDetail(VariationItem, frozen=True, kw_only=True):
    """A variation, and its items held against version `against` of the budget, which `cost_effect` is the sum of.

    `applies`: it could be approved as it is, or submitted first. `outdated` are the positions that keep it from that.
    """

    against: int
    applies: bool
    outdated: list[UUID]
    items: list[ProposedItem]


class _Said(VariationItem, frozen=True, kw_only=True):
    proposal: Proposal
    position: int


class _Head(Struct, frozen=True):
    version: int = 0
    rounding: int = 2


class _Known(Line, frozen=True, kw_only=True):
    gone: bool


SAID = (
    f"SELECT {COLUMNS}, v.proposal, v.position FROM read.variations v"  # noqa: S608 - our own text
    " WHERE v.project_id = %(project_id)s AND v.variation_id = %(variation_id)s"
)
HEAD = f"""
SELECT version, rounding FROM read.versions WHERE project_id = %(project_id)s AND position <= {CHECKPOINT}
ORDER BY version DESC LIMIT 1
"""  # noqa: S608 - our own text
KNOWN = f"""
SELECT DISTINCT ON (l.position_id) l.*, l.until <= %(version)s AS gone FROM {LINES} l
WHERE l.project_id = %(project_id)s AND l.position_id = ANY(%(ids)s::uuid[]) AND l.since <= %(version)s
ORDER BY l.position_id, l.since DESC
"""  # noqa: S608 - our own text


class _Held(Struct, frozen=True):
    """Positions as they stand in a version, and those that were removed until then."""

    present: dict[UUID, Position]
    removed: set[UUID]


async def _get_variation(reading: Reading, query: GetVariation) -> VariationDetail:
    given = {"variation_id": query.variation_id}
    found = await reading.select(_Said, SAID, given, project_id=query.project_id)
    if not found:
        raise UnknownVariation
    (said,) = found
    await reading.reach(said.position)
    if said.version is not None:
        return await _approved(reading, query.project_id, said, said.version)
    (head,) = await reading.select(_Head, HEAD, {}, project_id=query.project_id) or [_Head()]
    held = await _held(reading, query.project_id, said.proposal, head.version)
    effects = effects_of(said.proposal, held.present, head.rounding)
    late = outdated(said.proposal, held.present, held.removed)
    changing = any(effect.before != effect.after for effect in effects)
    applies = said.status in {"draft", "submitted"} and changing and not late
    return _told(said, effects, against=head.version, applies=applies, late=late)


async def _approved(reading: Reading, project_id: UUID, said: _Said, version: int) -> VariationDetail:
    before = await _held(reading, project_id, said.proposal, version - 1)
    after = await _held(reading, project_id, said.proposal, version)
    effects = [
        Effect(position_id=each, before=before.present.get(each), after=after.present.get(each))
        for each in named_in(said.proposal)
    ]
    return _told(said, effects, against=version - 1, applies=False, late=[])


async def _held(reading: Reading, project_id: UUID, proposal: Proposal, version: int) -> _Held:
    anchors = [each.after for each in proposal.additions if each.after is not None]
    params = {"ids": [*named_in(proposal), *anchors], "version": version}
    lines = await reading.select(_Known, KNOWN, params, project_id=project_id)
    present = {line.position_id: _position(line) for line in lines if not line.gone}
    return _Held(present, {line.position_id for line in lines if line.gone})


def _position(line: Line) -> Position:
    return Position(**{name: getattr(line, name) for name in Position.__struct_fields__})


def _told(said: _Said, effects: Sequence[Effect], *, against: int, applies: bool, late: list[UUID]) -> VariationDetail:
    items = list(_items(said.proposal, {effect.position_id: effect for effect in effects}, late))
    shown: dict[str, Any] = {name: getattr(said, name) for name in VariationItem.__struct_fields__}
    shown["cost_effect"] = cost_effect(effects)
    return VariationDetail(**shown, against=against, applies=applies, outdated=late, items=items)


def _items(proposal: Proposal, effects: dict[UUID, Effect], late: list[UUID]) -> Iterator[ProposedItem]:
    kinds: tuple[tuple[Kind, Sequence[Addition | BulkItem | Omission]], ...] = (
        ("added", proposal.additions),
        ("changed", proposal.changes),
        ("removed", proposal.omissions),
    )
    for change, items in kinds:
        for item in items:
            effect = effects.get(item.position_id)
            before, after = (effect.before, effect.after) if effect else (None, None)
            yield ProposedItem(
                position_id=item.position_id,
                change=change,
                behind=item.after if isinstance(item, Addition) else None,
                before=before,
                after=after,
                changes=changes_between(before, after, SHOWN) if before and after else {},
                cost_effect=effect.cost if effect else Decimal(0),
                outdated=item.position_id in late,
            )


QUESTIONS = (
    Question(
        query=GetVariation,
        result=VariationDetail,
        sources=(MEMBERS, NAME, positions.NAME, versions.NAME),
        answer=_get_variation,
        cached=True,
    ),
)
