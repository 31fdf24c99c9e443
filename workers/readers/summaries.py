"""What a workbook says of its bill outside the table of items: covers, and recapitulations that look like bills."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Literal

from domain.bill import StatedTotal
from domain.position import line_total
from workers.readers.cells import Cell, label, money
from workers.readers.draft import BillDraft, ItemDraft
from workers.readers.vocabulary import SUMS, WITH_VAT, WITHOUT_VAT, says

TOLERANCE = Decimal("0.05")


def stated(rows: Sequence[Sequence[Cell]], sheet: str, path: tuple[str, ...]) -> list[StatedTotal]:
    """Find the totals without VAT and with it that rows of a cover name as such: at most one of each."""
    found: dict[str, StatedTotal] = {}
    for line, row in enumerate(rows, 1):
        name = next((written for cell in row if isinstance(cell, str) and (written := cell.strip())), "")
        words = label(name)
        kind = _kind(words) if words.startswith(SUMS) else None
        amount = next((value for cell in reversed(row) if cell != "" and (value := money(cell)) is not None), None)
        if kind and amount:
            found.setdefault(kind, StatedTotal(kind=kind, amount=amount, path=path, label=name, sheet=sheet, line=line))
    return list(found.values())


def _kind(words: str) -> Literal["net", "gross"] | None:
    if says(words, WITHOUT_VAT):
        return "net"
    return "gross" if says(words, WITH_VAT) else None


def drop_recapitulations(draft: BillDraft, tables: Iterable[str]) -> list[str]:
    """Leave out sheets whose items only repeat the sums of what stands on other sheets; return their names.

    All of these items come to what all the others do, and each to a section or a sheet among those.
    """
    dropped: list[str] = []
    for sheet in tables:
        own = [item for item in draft.items if item.sheet == sheet]
        others = [item for item in draft.items if item.sheet != sheet]
        if own and len(own) < len(others) and _repeats(own, others):
            dropped.append(sheet)
            draft.items = others
            draft.sections = [section for section in draft.sections if section.sheet != sheet]
            draft.totals = [total for total in draft.totals if total.sheet != sheet]
            for item in own:
                draft.skip(sheet, item.line, f"a sum of other sheets again: {item.description}")
            draft.warn(f"The sheet {sheet!r} repeats the sums of others and was not read as items.")
    return dropped


def _repeats(own: Sequence[ItemDraft], others: Sequence[ItemDraft]) -> bool:
    sums: dict[tuple[str, ...], Decimal] = {}
    for item in others:
        for depth in range(len(item.section) + 1):
            sums[item.section[:depth]] = sums.get(item.section[:depth], Decimal(0)) + _worth(item)
    known = set(sums.values())
    amounts = [_worth(item) for item in own]
    return bool(sum(amounts)) and abs(sum(amounts) - sums[()]) <= TOLERANCE and known.issuperset(filter(None, amounts))


def _worth(item: ItemDraft) -> Decimal:
    if item.declared_total is not None:
        return item.declared_total
    return line_total(item.quantity, item.unit_price) or Decimal(0)
