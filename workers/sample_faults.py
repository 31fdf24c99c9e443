"""Faults of every rule's own kind, planted one at a time into clean generated bills: what a rule must find."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.bill import Bill, BillSection, StatedTotal, TakeoffLine
from domain.experts.context import BillFacts, CataloguePrice, DeclaredBill, Offer
from domain.experts.elements import Trade, family_key, piece_of
from domain.experts.finding import Finding
from domain.experts.prices import code_key, unit_key
from domain.position import Position, line_total
from workers.jobs import positions_of
from workers.sample_plan import plan

DOCUMENT = UUID(int=1)
JOB = UUID(int=1 << 64)
PRICED_ON = date(2026, 1, 15)


class Sample(Struct, frozen=True, kw_only=True):
    """A bill as the rules see it."""

    lines: tuple[Position, ...]
    facts: BillFacts

    def changed(self, at: Iterable[Position], change: Callable[[Position], Position | None]) -> "Sample":
        """Give the bill with some lines changed, or left out where `change` gives `None`."""
        ids = {position.position_id for position in at}
        kept = (change(line) if line.position_id in ids else line for line in self.lines)
        return replace(self, lines=tuple(line for line in kept if line is not None))


class Planted(Struct, frozen=True, kw_only=True):
    """A bill with one fault, and where a finding about it stands: at a line, or at a section."""

    sample: Sample
    position_id: UUID | None = None
    section: tuple[str, ...] = ()

    def is_told_by(self, finding: Finding) -> bool:
        """Whether the finding is about the place of the fault."""
        if self.position_id is not None:
            return finding.position_id == self.position_id
        return finding.position_id is None and finding.section == self.section


def clean_sample(*, items: int = 400, objects: int = 2, seed: int = 7) -> Sample:
    """Make a bill in which everything agrees: lines, sections, takeoff, and concrete with what belongs to it."""
    planned = list(plan(objects=objects, items=items, seed=seed, priced=True, faults=()))
    parts = [
        ((each.code, group.group.code, part.part.code), part)
        for each in planned
        for group in each.groups
        for part in group.parts
    ]
    sections = tuple(BillSection(path=path, declared_total=part.total) for path, part in parts)
    bill = Bill(format="sample", confidence=100, items=tuple(item for _, part in parts for item in part.items))
    total = sum((each.total for each in planned), Decimal(0))
    declared = DeclaredBill(
        document_id=DOCUMENT, declared_total=total, sections=sections, totals=_totals(total, Decimal(21))
    )
    lines = positions_of(bill, JOB, DOCUMENT)
    prices = {line.position_id: price for line in lines if (price := _listed(line)) is not None}
    facts = BillFacts(declared=(declared,), catalogues=("Sample prices 1",), prices=prices, as_of=PRICED_ON)
    return Sample(lines=lines, facts=facts)


def _totals(net: Decimal, rate: Decimal) -> tuple[StatedTotal, ...]:
    """State a whole bill's totals as its cover does."""
    tax = line_total(net, rate / 100) or Decimal(0)
    return (
        StatedTotal(kind="net", amount=net),
        StatedTotal(kind="vat", amount=tax, rate=rate, base=net),
        StatedTotal(kind="gross", amount=net + tax),
    )


def _listed(line: Position) -> CataloguePrice | None:
    """Give the price that a catalogue has for a line: its own."""
    if not line.unit_price:
        return None
    return CataloguePrice(
        catalogue="Sample prices",
        version=1,
        code=line.code,
        description=line.description,
        unit=line.unit,
        unit_price=line.unit_price,
        priced_on=PRICED_ON,
        by="code",
    )


def _at(line: Position, sample: Sample, **changes: Any) -> Planted:
    """Change fields of a line, where the fault is then."""
    return Planted(sample=sample.changed([line], lambda each: replace(each, **changes)), position_id=line.position_id)


def _wrong_total(sample: Sample, random: Random) -> Planted:
    line = random.choice(sample.lines)
    return _at(
        line, sample, declared_total=(line.declared_total or 0) + random.choice((Decimal("0.02"), Decimal(1000)))
    )


def _wrong_sum(sample: Sample, random: Random) -> Planted:
    (declared,) = sample.facts.declared
    at = random.randrange(len(declared.sections))
    section = declared.sections[at]
    wrong = replace(section, declared_total=(section.declared_total or 0) + random.choice((Decimal(1), Decimal(500))))
    sections = (*declared.sections[:at], wrong, *declared.sections[at + 1 :])
    facts = replace(sample.facts, declared=(replace(declared, sections=sections),))
    return Planted(sample=replace(sample, facts=facts), section=section.path)


def _wrong_takeoff(sample: Sample, random: Random) -> Planted:
    line = random.choice(sample.lines)
    rows = (TakeoffLine(expression="4*5", value=Decimal(20)),)
    return _at(line, sample, quantity=random.choice((Decimal("20.002"), Decimal(25))), takeoff=rows)


def _missing_text(sample: Sample, random: Random) -> Planted:
    return _at(random.choice(sample.lines), sample, **{random.choice(("unit", "description", "code")): ""})


def _odd_number(sample: Sample, random: Random) -> Planted:
    change = random.choice(({"quantity": Decimal(0)}, {"quantity": Decimal(-3)}, {"unit_price": Decimal(-1)}))
    return _at(random.choice(sample.lines), sample, **change)


def _missing_price(sample: Sample, random: Random) -> Planted:
    return _at(random.choice(sample.lines), sample, unit_price=random.choice((None, Decimal(0))))


def _repeated_line(sample: Sample, random: Random) -> Planted:
    line = random.choice(sample.lines)
    again = replace(line, position_id=UUID(int=random.getrandbits(128)), number=f"{line.number}.1")
    return Planted(sample=replace(sample, lines=(*sample.lines, again)), position_id=again.position_id)


def _repeated_code(sample: Sample, random: Random) -> Position:
    """Choose a line whose code and unit stand in the bill again."""
    seen: dict[object, list[Position]] = {}
    for line in sample.lines:
        seen.setdefault(code_key(line), []).append(line)
    return random.choice(random.choice([lines for lines in seen.values() if len(lines) > 1]))


def _other_unit(sample: Sample, random: Random) -> Planted:
    line = _repeated_code(sample, random)
    return _at(line, sample, unit="km" if line.unit != "km" else "m")


def _other_price(sample: Sample, random: Random) -> Planted:
    line = _repeated_code(sample, random)
    return _at(line, sample, unit_price=(line.unit_price or 0) * random.choice((Decimal("1.2"), Decimal(3))))


def _outlier(sample: Sample, random: Random) -> Planted:
    line = random.choice([line for line in sample.lines if unit_key(line) == "m2"])
    return _at(line, sample, unit_price=random.choice((Decimal(1_000_000), Decimal("0.01"))))


def _dominant(sample: Sample, random: Random) -> Planted:
    (declared,) = sample.facts.declared
    return _at(random.choice(sample.lines), sample, quantity=Decimal(1), unit_price=declared.declared_total, takeoff=())


def _wrong_vat(sample: Sample, random: Random) -> Planted:
    """Give a line or the whole a rate that does not exist, or state a wrong tax or a wrong total with it."""
    rate = random.choice((Decimal(19), Decimal(15), Decimal(20)))
    kind = random.choice(("line", "rate", "vat", "gross"))
    if kind == "line":
        return _at(random.choice(sample.lines), sample, vat_rate=rate)
    (declared,) = sample.facts.declared
    net, vat, gross = declared.totals
    off = random.choice((Decimal("0.02"), Decimal("-0.01"), Decimal(1000)))
    totals = {
        "rate": _totals(net.amount, rate),
        "vat": (net, replace(vat, amount=vat.amount + off), replace(gross, amount=gross.amount + off)),
        "gross": (net, vat, replace(gross, amount=gross.amount + 2 * off)),
    }
    facts = replace(sample.facts, declared=(replace(declared, totals=totals[kind]),))
    return Planted(sample=replace(sample, facts=facts))


def _unbalanced(sample: Sample, random: Random) -> Planted:
    """Compare with an estimate 10 % above each price and bids around it, and load one line of no great weight."""
    total = sample.facts.declared[0].declared_total or Decimal(0)
    small = [line for line in sample.lines if 0 < (line.declared_total or 0) < total / 100]
    kept = random.choice((("estimate",), ("bid", "other bid"), ("estimate", "bid", "other bid")))
    factors = {"estimate": Decimal("1.1"), "bid": Decimal("0.95"), "other bid": Decimal("1.15")}
    offers = {
        line.position_id: tuple(
            Offer(
                compared_as="estimate" if name == "estimate" else "bid",
                document_id=UUID(int=at),
                name=name,
                unit_price=(line.unit_price or Decimal(0)) * factors[name],
                by="everything",
            )
            for at, name in enumerate(kept, start=2)
        )
        for line in sample.lines
    }
    whole = replace(sample, facts=replace(sample.facts, offers=offers))
    line = random.choice(small)
    factor = random.choice((Decimal(2), Decimal("0.3")))
    price = (line.unit_price or Decimal(0)) * factor
    loaded = whole.changed([line], lambda each: replace(each, unit_price=price))
    return Planted(sample=loaded, position_id=line.position_id)


def _family(sample: Sample, random: Random, trade: Trade) -> tuple[list[Position], list[Position]]:
    """Choose reinforced concrete: its lines in one object, and those of a trade that belong to it."""
    concrete = [
        line for line in sample.lines if (piece := piece_of(line)) and piece.trade == "concrete" and piece.reinforced
    ]
    key = family_key(random.choice(concrete))
    together = [line for line in sample.lines if family_key(line) == key]
    of_trade = [line for line in together if (piece := piece_of(line)) and piece.trade == trade and not piece.strikes]
    return [line for line in concrete if line in together], of_trade


def _incomplete(sample: Sample, random: Random) -> Planted:
    concrete, others = _family(sample, random, random.choice(("rebar", "formwork")))
    return Planted(sample=sample.changed(others, lambda _: None), position_id=random.choice(concrete).position_id)


def _scaled(trade: Trade, *factors: str) -> Callable[[Sample, Random], Planted]:
    """Make a fault: a trade's quantities are multiples of what they were."""

    def plant(sample: Sample, random: Random) -> Planted:
        _, lines = _family(sample, random, trade)
        factor = Decimal(random.choice(factors))
        scaled = sample.changed(lines, lambda each: replace(each, quantity=(each.quantity or 0) * factor, takeoff=()))
        return Planted(sample=scaled, position_id=random.choice(lines).position_id)

    return plant


def _formwork_twice(sample: Sample, random: Random) -> Planted:
    common: dict[str, Any] = {
        "code_system": "otskp",
        "section": ("SO 90", "2"),
        "quantity": Decimal(random.randint(5, 50)),
    }
    concrete = Position(
        position_id=UUID(int=random.getrandbits(128)), code="272325", unit="M3", description="ZÁKLADY ZE ŽB", **common
    )
    formwork = Position(
        position_id=UUID(int=random.getrandbits(128)), code="272351", unit="M2", description="BEDNĚNÍ", **common
    )
    added = replace(sample, lines=(*sample.lines, concrete, formwork))
    return Planted(sample=added, position_id=concrete.position_id)


def _unmoved(sample: Sample, random: Random) -> Planted:
    moving = random.choice([line for line in sample.lines if line.code.startswith("9987")])
    return Planted(sample=sample.changed([moving], lambda _: None), section=moving.section)


def _worded(*texts: str) -> Callable[[Sample, Random], Planted]:
    """Make a fault: reinforced concrete is described so."""

    def plant(sample: Sample, random: Random) -> Planted:
        concrete, _ = _family(sample, random, "rebar")
        return _at(random.choice(concrete), sample, description=random.choice(texts), notes=())

    return plant


def _off_the_list(sample: Sample, random: Random) -> Planted:
    line = random.choice([line for line in sample.lines if line.unit_price])
    factor = random.choice((Decimal("0.8"), Decimal("1.15"), Decimal(3)))
    return _at(line, sample, unit_price=(line.unit_price or 0) * factor)


FAULTS: dict[str, Callable[[Sample, Random], Planted]] = {
    "V1": _wrong_total,
    "V2": _wrong_sum,
    "V3": _wrong_takeoff,
    "V4": _missing_text,
    "V5": _odd_number,
    "V6": _missing_price,
    "V7": _repeated_line,
    "V8": _other_unit,
    "C1": _other_price,
    "C2": _outlier,
    "C3": _off_the_list,
    "C4": _dominant,
    "C5": _wrong_vat,
    "C6": _unbalanced,
    "S1": _incomplete,
    "S2": _formwork_twice,
    "S3": _scaled("rebar", "0.1", "4", "12"),
    "S4": _unmoved,
    "S5": _scaled("formwork", "0.01", "80"),
    "N1": _worded(
        "Stěny ze železobetonu tř. C 26/30 XC1", "Desky ze ŽB C30/35 XC2", "ŽB z lehkého betonu LC 16/20 XC1"
    ),
    "N2": _worded("Stěny ze železobetonu C20/25 XC4", "Pasy ze ŽB tř. C 25/30 - XF4, XD3", "ŽB C30/37 XC4, XS2"),
    "N3": _worded("Stěny ze železobetonu tř. C 25/30", "Základové desky ze ŽB C30/37 bez výztuže"),
    "N4": _worded("Stěny ze železobetonu C30/37 XF4", "Pasy ze ŽB C30/37 XA2, XC2"),
}
"""How to plant a fault of each rule's own kind."""


def told(planted: Planted, findings: Sequence[Finding], rule: str) -> bool:
    """Whether the rule found the fault."""
    return any(finding.rule == rule and planted.is_told_by(finding) for finding in findings)
