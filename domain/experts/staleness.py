"""What an edit makes stale: which rules have to look again at which positions. Everything else stays as it was."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from domain.experts.balance import OFFERS
from domain.experts.catalogue import MATCH
from domain.experts.context import BillFacts
from domain.experts.rule import Rule
from domain.position import Position

_PLACE = frozenset({"section", "source_document_id", "source_sheet", "source_line"})
"""Findings name where a line stands, and rules group by it: every rule reads these."""

_BOOKKEEPING = frozenset({"revision"})
"""What no rule about positions reads. Rules about sections do, and run after every edit."""


class Change(Struct, frozen=True):
    """A position as it was and as it is, `None` where it was not there or is no more; `fields` that differ."""

    before: Position | None
    after: Position | None
    fields: frozenset[str] = frozenset()

    def concerns(self, rule: Rule) -> bool:
        """Whether the rule reads what changed."""
        if self.before is None or self.after is None or rule.scope.fields is None:
            return True
        return not self.fields.isdisjoint(rule.scope.fields | _PLACE)


class Stale(Struct):
    """For each rule, in their order, the positions that it has to look at again; `None` is all of them."""

    by_rule: list[set[UUID] | None]

    @property
    def everywhere(self) -> tuple[bool, ...]:
        """Say for each rule whether it has to look at all positions again."""
        return tuple(ids is None for ids in self.by_rule)

    def touched(self) -> set[UUID]:
        """Give the positions that at least one rule has to look at again, besides those that look at all."""
        return {position_id for ids in self.by_rule if ids is not None for position_id in ids}


def changes_between(before: Mapping[UUID, Position], after: Mapping[UUID, Position]) -> list[Change]:
    """Compare two versions of a bill, position by position."""
    changes = [
        Change(old, new, _differing(old, new) if old is not None else frozenset())
        for position_id, new in after.items()
        if (old := before.get(position_id)) is not new
    ]
    changes += [Change(old, None) for position_id, old in before.items() if position_id not in after]
    return [change for change in changes if change.before is None or change.after is None or change.fields]


def repriced(positions: Mapping[UUID, Position], before: BillFacts, after: BillFacts) -> list[Change]:
    """Find positions for which catalogues have another price than before, or documents other offers."""
    changes: list[Change] = []
    for position_id, position in positions.items():
        fields: set[str] = set()
        if before.prices.get(position_id) != after.prices.get(position_id):
            fields.add(MATCH)
        if before.offers.get(position_id) != after.offers.get(position_id):
            fields.add(OFFERS)
        if fields:
            changes.append(Change(position, position, frozenset(fields)))
    return changes


def _differing(old: Position, new: Position) -> frozenset[str]:
    # Not a number is not equal to itself, which makes it differ: that costs time and is never wrong.
    names = (name for name in old.__struct_fields__ if getattr(old, name) != getattr(new, name))
    return frozenset(names) - _BOOKKEEPING


def stale_after(changes: Sequence[Change], positions: Iterable[Position], rules: Sequence[Rule]) -> Stale:
    """Say what has to be judged again. `positions` are those of the bill as it is now.

    A rule about sections says the same of every position, so that it never has to look at one again.
    """
    concerned = [
        [change for change in changes if change.concerns(rule)] if rule.judges_positions else [] for rule in rules
    ]
    by_rule: list[set[UUID] | None] = [
        None if found and rule.scope.name == "bill" else {each.after.position_id for each in found if each.after}
        for rule, found in zip(rules, concerned, strict=True)
    ]
    for rule, found, ids in zip(rules, concerned, by_rule, strict=True):
        if not found or ids is None:
            continue
        for key_of in rule.scope.keys:
            keys = _keys(found, key_of)
            if keys:
                ids.update(position.position_id for position in positions if key_of(position) in keys)
    return Stale(by_rule)


def _keys(changes: Sequence[Change], key_of: Callable[[Position], Hashable | None]) -> set[Hashable]:
    """Give the groups that changed positions were in, and those that they are in now."""
    sides = (side for change in changes for side in (change.before, change.after) if side is not None)
    return {key for side in sides if (key := key_of(side)) is not None}
