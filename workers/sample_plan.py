"""What a sample bill contains, before it is written: items, takeoff that adds up to their quantities, and sums."""

from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from domain.bill import BillItem, TakeoffLine
from domain.position import line_total
from workers.sample_wording import FULLER, GROUPS, OBJECTS, PLACES, REMARK, VRN, Group, Part, Work

Fault = Literal[
    "wrong_line_total",
    "wrong_section_sum",
    "takeoff_mismatch",
    "missing_unit",
    "missing_code",
    "negative_quantity",
    "zero_price",
    "duplicate",
    "unit_conflict",
]

PRICE_SYSTEM = "CS ÚRS 2025 02"
SIDE_COSTS = 4
"""Items at most of an object's VRN group: what does not grow with the building."""

ZERO = Decimal(0)
_SIDES = {"volume": 3, "area": 2, "mass": 2}


class PlannedPart(Struct, kw_only=True):
    """A section with its items; `total` is what the bill shows, off by `error` when a fault is planted there."""

    part: Part
    items: list[BillItem]
    error: Decimal = ZERO
    total: Decimal = ZERO


class PlannedGroup(Struct, kw_only=True):
    """A group of sections and the total that the bill shows for it."""

    group: Group
    parts: list[PlannedPart]
    total: Decimal = ZERO


class PlannedObject(Struct, kw_only=True):
    """One object of the bill, which is one sheet, and the total that the bill shows for it."""

    code: str
    title: str
    groups: list[PlannedGroup]
    total: Decimal = ZERO


def plan(*, objects: int, items: int, seed: int, priced: bool, faults: Sequence[Fault]) -> Iterator[PlannedObject]:
    """Plan one object after the other, so that only one has to be held. Objects take turns in getting the faults.

    Raises `ValueError` when an object is too small for its faults.
    """
    for index in range(objects):
        size = items * (index + 1) // objects - items * index // objects
        planned = _object(index, size, Random(f"{seed}/{index}"), priced=priced)  # noqa: S311 - must be reproducible
        _plant(planned, [fault for turn, fault in enumerate(faults) if turn % objects == index])
        _add_up(planned)
        yield planned


def _object(index: int, size: int, random: Random, *, priced: bool) -> PlannedObject:
    code = f"SO {index + 1:02}"
    planned = PlannedObject(code=code, title=OBJECTS[index % len(OBJECTS)], groups=[])
    side_costs = min(SIDE_COSTS, size // 10)
    counts = (size - side_costs - size * 3 // 8, size * 3 // 8, side_costs)
    number = 1
    for group, count in zip(GROUPS, counts, strict=True):
        parts: list[PlannedPart] = []
        for at, part in enumerate(group.parts):
            share = count * (at + 1) // len(group.parts) - count * at // len(group.parts)
            items = list(_items(part, share, (code, group.code, part.code), number, random, priced=priced))
            number += len(items)
            if items:
                parts.append(PlannedPart(part=part, items=items))
        if parts:
            planned.groups.append(PlannedGroup(group=group, parts=parts))
    return planned


def _items(
    part: Part, count: int, path: tuple[str, ...], first: int, random: Random, *, priced: bool
) -> Iterator[BillItem]:
    """Go round the works of a section, with another size or place each time; concrete leads what belongs to it.

    A last round that has no room for all that belongs to the concrete does without it.
    """
    round_of_works = (*part.cast, *part.works) if count > len(part.cast) else part.works
    rounds, rest = divmod(count, len(round_of_works))
    whole = count if rest >= len(part.cast) else count - rest
    concrete = ZERO
    for at in range(count):
        works, turn = (round_of_works, at) if at < whole else (part.works, at - whole)
        closes = part.closing is not None and at == count - 1
        work = part.closing if part.closing and closes else works[turn % len(works)]
        variant = 0 if closes else turn // len(works) + (0 if at < whole else rounds)
        item = _item(work, variant, random, concrete, priced=priced)
        if part.cast and work is part.cast[0]:
            concrete = item.quantity or ZERO
        yield replace(item, number=str(first + at), section=path)


def _item(work: Work, variant: int, random: Random, concrete: Decimal, *, priced: bool) -> BillItem:
    size = variant % len(work.sizes) if work.sizes else 0
    place = variant // max(len(work.sizes), 1)
    description = work.text.format(*work.sizes[size : size + 1]) + (f", část {place + 1}" if place else "")
    width = (8 if work.kind == "material" else 9) - len(work.prefix)
    takeoff = _takeoff(work, random, concrete)
    quantity = _rounded(sum((row.value or ZERO for row in takeoff if row.kind == "row"), ZERO), 3) or Decimal(1)
    price = _rounded(work.price * (100 + 3 * size) / 100, 1) if priced else ZERO
    notes = ((f"{description}. {FULLER}",) if random.random() < 0.3 else ()) + (  # noqa: PLR2004 - a share
        (REMARK,) if random.random() < 0.08 else ()  # noqa: PLR2004 - a share
    )
    return BillItem(
        code=f"{work.prefix}{variant % 10**width:0{width}}",
        code_system="urs",
        price_system=PRICE_SYSTEM,
        description=description,
        kind=work.kind,
        quantity=quantity,
        unit=work.unit,
        unit_price=price,
        declared_total=line_total(quantity, price),
        vat_rate=Decimal(21),
        notes=notes,
        takeoff=takeoff,
    )


def _takeoff(work: Work, random: Random, concrete: Decimal) -> tuple[TakeoffLine, ...]:
    """Measure a work in one to three rows; several rows end with their sum."""
    if work.measure == "sum":
        return ()
    if work.share is not None:
        factors = [[concrete, work.share]]
    elif work.measure in _SIDES:
        longest = (240, 160, 24)[: _SIDES[work.measure]]
        factors = [[_side(random, most) for most in longest] for _ in range(random.randint(1, 3))]
    else:
        factors = [[Decimal(random.randint(2, 30))] for _ in range(random.randint(1, 3))]
    rows: list[TakeoffLine] = []
    for sides in factors:
        value = Decimal(1)
        for side in sides:
            value *= side
        comment = f'"{random.choice(PLACES)}" ' if random.random() < 0.4 else ""  # noqa: PLR2004 - a share
        expression = comment + "*".join(f"{side}".replace(".", ",") for side in sides)
        rows.append(TakeoffLine(expression=expression, value=value))
    if len(rows) > 1:
        total = sum((row.value or ZERO for row in rows), ZERO)
        rows.append(TakeoffLine(expression="Součet", value=total, kind="total"))
    return tuple(rows)


def _side(random: Random, longest: int) -> Decimal:
    """Length in metres, up to `longest` twentieths of one."""
    return Decimal(random.randint(3, longest)) / 20


def _rounded(value: Decimal, decimals: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def _plant(planned: PlannedObject, faults: Sequence[Fault]) -> None:
    """Plant each fault in a pair of neighbouring items of its own, clear of concrete and what depends on it."""
    parts = [part for group in planned.groups if group.group is not VRN for part in group.parts if not part.part.cast]
    pairs = [(part, at) for part in parts for at in range(0, len(part.items) - 2, 2)]
    if len(faults) > len(pairs):
        raise ValueError(f"{planned.code} has room for {len(pairs)} faults, not for {len(faults)}: plan more items")
    for turn, fault in enumerate(faults):
        part, at = pairs[turn * len(pairs) // len(faults)]
        _spoil(part, at, fault)


def _spoil(part: PlannedPart, at: int, fault: Fault) -> None:
    items, item, below = part.items, part.items[at], part.items[at + 1]
    match fault:
        case "wrong_line_total":
            items[at] = replace(item, declared_total=(item.declared_total or ZERO) + 1000)
        case "wrong_section_sum":
            part.error = Decimal(500)
        case "takeoff_mismatch":
            items[at] = _changed(
                item, quantity=Decimal(25), takeoff=(TakeoffLine(expression="4*5", value=Decimal(20)),)
            )
        case "missing_unit":
            items[at] = replace(item, unit="")
        case "missing_code":
            items[at] = replace(item, code="", code_system="own", price_system="")
        case "negative_quantity":
            items[at] = _changed(item, quantity=-(item.quantity or ZERO), takeoff=())
        case "zero_price":
            items[at] = _changed(item, unit_price=ZERO)
        case "duplicate":
            items[at + 1] = replace(item, number=below.number)
        case "unit_conflict":
            unit = "m" if item.unit != "m" else "m2"
            items[at + 1] = replace(below, code=item.code, unit=unit, kind=item.kind)


def _changed(item: BillItem, **changes: object) -> BillItem:
    changed = replace(item, **changes)
    return replace(changed, declared_total=line_total(changed.quantity, changed.unit_price))


def _add_up(planned: PlannedObject) -> None:
    for group in planned.groups:
        for part in group.parts:
            part.total = sum((item.declared_total or ZERO for item in part.items), part.error)
        group.total = sum((part.total for part in group.parts), ZERO)
    planned.total = sum((group.total for group in planned.groups), ZERO)
