"""What is written: a bill, what the latest audit says of it, and the tree that its sections make."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from functools import reduce
from uuid import UUID

from msgspec import Struct, field

from domain.bill import Bill, BillItem, BillSection
from domain.experts.finding import Finding, Verdict
from domain.experts.settings import AuditSettings
from domain.position import EXACT

Path = tuple[str, ...]


class Unwritable(Exception):  # noqa: N818 - says what is wrong
    """The format cannot hold this bill. Carries a permanent code, and words for who asked."""

    def __init__(self, code: str, detail: str) -> None:
        """Give the code and the words."""
        self.code = code
        self.detail = detail
        super().__init__(detail)


class Written(Struct, frozen=True):
    """A file, and what of the bill its format could not say as it was."""

    data: bytes
    notes: tuple[str, ...] = ()


class Overridden(Struct, frozen=True, kw_only=True):
    """A person's verdict in the place of the experts', and why."""

    position_id: UUID
    verdict: Verdict
    reason: str


class Judgement(Struct, frozen=True, kw_only=True):
    """What an audit said of `version`. `findings` are all but notes; `rules` counts the verdicts of each rule.

    `feed_digest` is the SHA-256 over the project's events up to `sequence`, in hexadecimal: see `eventstore.seals`.
    """

    audit_id: UUID
    version: int
    rules: dict[str, dict[Verdict, int]]
    settings: AuditSettings | None
    findings: tuple[Finding, ...]
    overridden: tuple[Overridden, ...] = ()
    sequence: int = 0
    position: int = 0
    feed_digest: str = ""


class Statement(Struct, frozen=True, kw_only=True):
    """A version of a project's budget on its way out.

    `verdicts` and `position_ids` go with the bill's items; a verdict is `None` where no audit looked at the line as it
    is now.
    """

    project_id: UUID
    project: str
    version: int
    asked_at: datetime
    bill: Bill
    position_ids: tuple[UUID, ...]
    verdicts: tuple[Verdict | None, ...]
    judgement: Judgement | None = None


class Node(Struct):
    """A section with the indices of its own items, and the sections below it in the order of the bill."""

    section: BillSection
    items: list[int] = field(default_factory=list)
    below: dict[str, "Node"] = field(default_factory=dict)
    total: Decimal | None = None

    def walk(self) -> Iterator["Node"]:
        """Yield this node and all below it, each before what is below it."""
        yield self
        for node in self.below.values():
            yield from node.walk()


def tree_of(bill: Bill) -> Node:
    """Make the tree of a bill's sections; the root stands for the bill.

    Headings that only paths name are made. A section's own items come before the sections below it. Totals are sums of
    the items' line totals, in and below; `None` where no item has one.
    """
    declared = {section.path: section for section in bill.sections}
    nodes: dict[Path, Node] = {(): Node(BillSection(path=(), title=bill.title))}
    for section in bill.sections:
        _node(nodes, declared, section.path)
    for index, item in enumerate(bill.items):
        _node(nodes, declared, item.section).items.append(index)
        if item.declared_total is not None:
            for depth in range(len(item.section) + 1):
                node = nodes[item.section[:depth]]
                node.total = EXACT.add(node.total or Decimal(0), item.declared_total)
    return nodes[()]


def _node(nodes: dict[Path, Node], declared: dict[Path, BillSection], path: Path) -> Node:
    node = nodes[()]
    for depth in range(1, len(path) + 1):
        part = path[:depth]
        if part not in nodes:
            nodes[part] = node.below[part[-1]] = Node(declared.get(part) or BillSection(path=part))
        node = nodes[part]
    return node


def amount_of(bill: Bill) -> Decimal | None:
    """Say what a bill comes to: its items and what is added after them; `None` where nothing has a price."""
    amounts = [item.declared_total for item in bill.items if item.declared_total is not None]
    amounts += [surcharge.amount for surcharge in bill.surcharges]
    return reduce(EXACT.add, amounts) if amounts else None


def place_of(item: BillItem) -> str:
    """Name an item for people."""
    return " ".join(filter(None, (item.number, item.code, item.description[:60])))
