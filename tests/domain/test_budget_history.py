"""Any list of commands leaves the budget that a plain model of it says: the same lines, order, sums and versions."""

from copy import deepcopy
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from msgspec import structs

from domain.bill import Rounding, TakeoffLine
from domain.budget import (
    BUDGET,
    AddPosition,
    BudgetCommand,
    BulkEdit,
    BulkItem,
    Edit,
    EditPosition,
    Imported,
    MovePosition,
    NameVersion,
    OtherCurrency,
    PositionAdded,
    PositionEdited,
    PositionIdTaken,
    PositionMoved,
    PositionRemoved,
    Recalculate,
    RemovePosition,
    RestoreVersion,
    RevisionConflict,
    TwiceInBulk,
    UnknownPosition,
    UnknownVersion,
    Versioned,
)
from domain.core import Event
from domain.position import Position
from tests.domain.budget_model import Model, product
from tests.domain.budgets import P, at_version, bill, key, last, order
from tests.domain.history import MACHINE, History, context

KEYS = st.integers(0, 11).map(key)
DOCUMENTS = st.integers(0, 3).map(lambda number: UUID(int=0xD0C0 + number))
SECTIONS = st.sampled_from([(), ("SO 01",), ("SO 01", "HSV"), ("SO 02",)])
AMOUNTS = st.none() | st.decimals(-1000, 1000, places=4) | st.sampled_from(["0", "0.5", "0.125", "999999999999999"])
DECIMALS = AMOUNTS.map(lambda amount: None if amount is None else Decimal(amount))
JSON = st.dictionaries(st.sampled_from(["a", "ž"]), st.integers(-5, 5) | st.text(max_size=3) | st.none(), max_size=2)
EDITS = st.fixed_dictionaries(
    {},
    optional={
        "description": st.sampled_from(["", "Skirting", "Žlab"]),
        "section": SECTIONS,
        "quantity": DECIMALS,
        "unit_price": DECIMALS,
        "notes": st.sampled_from([(), ("Oak",)]),
        "enrichment": JSON,
    },
).map(lambda fields: Edit(**fields))
LINES = st.builds(
    Position,
    position_id=KEYS,
    section=SECTIONS,
    quantity=DECIMALS,
    unit_price=DECIMALS,
    material_price=DECIMALS,
    declared_total=DECIMALS,
    takeoff=st.sampled_from([(), (TakeoffLine(expression="2*3", value=Decimal(6)),)]),
    metadata=JSON,
)


class BudgetHistory(History):
    aggregate = BUDGET

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.versions = [Model()]
        self.used: set[UUID] = set()
        self.documents: set[UUID] = set()
        self.revisions: dict[UUID, int] = {}

    # Changes

    @rule(
        document=DOCUMENTS,
        lines=st.lists(LINES, min_size=1, max_size=5),
        currency=st.sampled_from(["CZK", "CZK", "CZK", "EUR"]),
        rounding=st.sampled_from([0, 2, 2, 6]),
    )
    def import_lines(self, document: UUID, lines: list[Position], currency: str, rounding: int) -> None:
        keys = {line.position_id for line in lines}
        command = bill(*lines, document=document, currency=currency, rounding=rounding)
        if document in self.documents:
            self.refused(command, None)
        elif self.model.currency not in {"", currency}:
            self.refused(command, OtherCurrency)
        elif len(keys) < len(lines) or keys & self.used:
            self.refused(command, PositionIdTaken)
        else:
            if not self.model.currency:
                self.model.currency, self.model.rounding = currency, rounding
            own = None if rounding == self.model.rounding else Rounding(total=rounding)
            for line in lines:
                self.model.put(structs.replace(line, rounding=own, total_price=product(line, rounding)))
            self.documents.add(document)
            self.done(command, added=len(lines))

    @rule(position_id=KEYS, edit=EDITS, after=st.none() | KEYS)
    def add(self, position_id: UUID, edit: Edit, after: UUID | None) -> None:
        command = AddPosition(project_id=P, position_id=position_id, fields=edit, after=after)
        if position_id in self.used:
            self.refused(command, PositionIdTaken)
        elif after is not None and after not in self.model.lines:
            self.refused(command, UnknownPosition)
        else:
            place = None if after is None else self.model.place_behind(after)
            self.model.put(Position(position_id=position_id, source="manual"), place)
            self.model.edit(position_id, edit)
            self.done(command, added=1)

    @rule(position_id=KEYS, edit=EDITS, insisting=st.sampled_from([None, 0, 0, 1]))
    def edit(self, position_id: UUID, edit: Edit, insisting: int | None) -> None:
        expected = None if insisting is None else self.revisions.get(position_id, 1) + insisting
        command = EditPosition(project_id=P, position_id=position_id, changes=edit, expected_revision=expected)
        if position_id not in self.model.lines:
            self.refused(command, UnknownPosition)
        elif insisting:
            self.refused(command, RevisionConflict)
        else:
            self.model.edit(position_id, edit)
            self.done(command)

    @rule(edits=st.lists(st.tuples(KEYS, EDITS), min_size=1, max_size=4))
    def bulk_edit(self, edits: list[tuple[UUID, Edit]]) -> None:
        items = tuple(BulkItem(position_id=position_id, changes=edit) for position_id, edit in edits)
        command = BulkEdit(project_id=P, edits=items)
        if len({position_id for position_id, _ in edits}) < len(edits):
            self.refused(command, TwiceInBulk)
        elif not all(position_id in self.model.lines for position_id, _ in edits):
            self.refused(command, UnknownPosition)
        else:
            for position_id, edit in edits:
                self.model.edit(position_id, edit)
            self.done(command)

    @rule(position_id=KEYS)
    def remove(self, position_id: UUID) -> None:
        command = RemovePosition(project_id=P, position_id=position_id)
        if position_id not in self.model.lines:
            self.refused(command, UnknownPosition)
        else:
            self.model.take(position_id)
            self.done(command, removed=1)

    @rule(position_id=KEYS, after=st.none() | KEYS, section=st.none() | SECTIONS)
    def move(self, position_id: UUID, after: UUID | None, section: tuple[str, ...] | None) -> None:
        command = MovePosition(project_id=P, position_id=position_id, after=after, section=section)
        if position_id not in self.model.lines or (after is not None and after not in self.model.lines):
            self.refused(command, UnknownPosition)
        else:
            self.model_move(position_id, after, section)
            self.done(command, modified=1)

    @precondition(lambda self: len(self.model.order) > 2)
    @rule(turns=st.integers(10, 25))
    def crowd_the_top(self, turns: int) -> None:
        for _ in range(turns):
            moving = self.model.order[1]
            self.model_move(moving, None, None)
            self.done(MovePosition(project_id=P, position_id=moving), modified=1)

    @rule(rounding=st.sampled_from([None, 0, 2, 6]))
    def recalculate(self, rounding: int | None) -> None:
        self.model.rounding = self.model.rounding if rounding is None else rounding
        for position_id, line in self.model.lines.items():
            own = line.rounding if rounding is None else None
            decimals = self.model.rounding if own is None else own.total
            self.model.lines[position_id] = structs.replace(line, rounding=own, total_price=product(line, decimals))
        self.done(Recalculate(project_id=P, rounding=rounding))

    @rule(back=st.integers(-1, 8))
    def restore(self, back: int) -> None:
        version = self.state.version - back
        if version < 1:
            return
        command = RestoreVersion(project_id=P, version=version)
        if version > self.state.version:
            self.refused(command, UnknownVersion)
            return
        before = self.model
        self.model = deepcopy(self.versions[version])
        self.model.currency = before.currency
        added, removed = self.model.lines.keys() - before.lines.keys(), before.lines.keys() - self.model.lines.keys()
        past = context(looked_up=at_version(self.events, version))
        self.done(command, past, added=len(added), removed=len(removed), modified=None)

    @rule(version=st.integers(1, 9), name=st.sampled_from(["Tender", "Contract"]))
    def name(self, version: int, name: str) -> None:
        command = NameVersion(project_id=P, version=version, name=name)
        if version > self.state.version:
            self.refused(command, UnknownVersion)
        else:
            self.command(command)
            assert self.state.names[version] == name

    # What each must come to

    def model_move(self, position_id: UUID, after: UUID | None, section: tuple[str, ...] | None) -> None:
        line = self.model.lines[position_id]
        if after != position_id:
            self.model.order.remove(position_id)
            self.model.order.insert(self.model.place_behind(after), position_id)
        if section is not None:
            self.model.lines[position_id] = structs.replace(line, section=section)

    def refused(self, command: BudgetCommand, refusal: type[Exception] | None) -> None:
        """Nothing happens, for this reason where one is given."""
        assert self.command(command, context(looked_up=self.state)) == []
        assert self.refusal is not None
        assert refusal is None or type(self.refusal) is refusal

    def done(
        self, command: BudgetCommand, known: Any = None, *, added: int = 0, removed: int = 0, modified: int | None = -1
    ) -> None:
        """One version closes what the model shows, or there is no event where it shows no change."""
        was = self.versions[-1]
        events = self.command(command, known)
        if self.refusal is not None:
            raise self.refusal
        if self.model == was:
            assert events == []
            return
        version = last(events)
        changed = sum(was.lines[key] != line for key, line in self.model.lines.items() if key in was.lines)
        assert (version.changes.added, version.changes.removed) == (added, removed)
        assert modified is None or version.changes.modified == (changed if modified < 0 else modified)
        assert version.version == len(self.versions)
        assert version.total_positions == len(self.model.lines)
        assert Fraction(version.total_cost) == self.model.total
        assert Fraction(version.delta_cost) == self.model.total - was.total
        assert (version.currency, version.rounding) == (self.model.currency, self.model.rounding)
        self.count_revisions(events, command)
        self.versions.append(deepcopy(self.model))

    def count_revisions(self, events: list[Event], command: Any) -> None:
        """Revisions rise with every change; only a neighbour that made room keeps its own."""
        for event in events:
            match event:
                case Imported(positions=positions):
                    self.revisions |= {position.position_id: position.revision for position in positions}
                case PositionAdded(position=position):
                    assert position.revision == self.revisions.get(position.position_id, 0) + 1
                    self.revisions[position.position_id] = position.revision
                case (
                    PositionEdited(position_id=key, revision=revision)
                    | PositionMoved(position_id=key, revision=revision)
                ):
                    room = isinstance(event, PositionMoved) and key != command.position_id
                    assert revision == self.revisions[key] + (0 if room else 1)
                    self.revisions[key] = revision
                case PositionRemoved() | Versioned():
                    pass
                case _:
                    raise AssertionError(event)
        self.used |= self.revisions.keys()

    @invariant()
    def the_budget_is_what_the_model_says(self) -> None:
        lines = {key: structs.replace(line, revision=1) for key, line in self.state.positions.items()}
        assert lines == self.model.lines
        assert order(self.state) == self.model.order
        assert len(set(self.state.ranks.values())) == len(self.state.ranks)
        assert max(self.state.ranks.values(), default=0) <= self.state.last_rank
        assert Fraction(self.state.total_cost) == self.model.total

    @invariant()
    def every_position_knows_its_revision(self) -> None:
        kept = {key: position.revision for key, position in self.state.positions.items()} | self.state.removed
        assert kept == self.revisions


TestBudgetHistory = BudgetHistory.TestCase
TestBudgetHistory.settings = MACHINE
