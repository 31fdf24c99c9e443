"""What GAEB DA XML 3.3 demands of a file, of the part of the format that Plumbline writes: `gaeb_schema` says it.

The official schemas may not be passed on. Who has them, from gaeb.de, names their folder in PLUMBLINE_GAEB_SCHEMAS:
then what is written is held against them too.
"""

import os
from decimal import Decimal
from functools import cache
from pathlib import Path

from lxml import etree
from msgspec.structs import replace

from domain.bill import Bill, BillItem, Rounding
from domain.job import ExportFormat
from tests.workers.statements import statement, with_total
from workers.writers import WRITERS, Written

PHASES: dict[ExportFormat, str] = {"gaeb": "84", "gaeb_x82": "82"}

OURS = Path(__file__).parent / "gaeb_schema"
OFFICIAL = "GAEB_DA_XML_{phase}_3.3_2021-05.xsd"
VARIABLE = "PLUMBLINE_GAEB_SCHEMAS"
NAMESPACE = "http://www.gaeb.de/GAEB_DA_XML/DA{phase}/3.3"


@cache
def _schema(path: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(path))


def ours(phase: str) -> etree.XMLSchema:
    """Our schema of a phase."""
    return _schema(OURS / f"x{phase}.xsd")


def official(phase: str) -> etree.XMLSchema | None:
    """The official schema of a phase, where the environment says where it is."""
    folder = os.environ.get(VARIABLE, "")
    if not folder:
        return None
    name = OFFICIAL.format(phase=phase)
    path = next(iter(sorted(Path(folder).rglob(name))), None)
    if path is None:
        message = f"{VARIABLE} names {folder}, which has no {name}"
        raise FileNotFoundError(message)
    return _schema(path)


def faults(data: bytes, phase: str) -> list[str]:
    """Say what is wrong with a file of a phase, by our schema and by the official one where there is one."""
    document = etree.fromstring(data)
    found: list[str] = []
    for schema in filter(None, (ours(phase), official(phase))):
        schema.validate(document)
        found += [f"line {error.line}: {error.message}" for error in schema.error_log]
    return found


def known(phase: str) -> set[str]:
    """Name the elements that our schema of a phase knows."""
    files = [etree.parse(OURS / name) for name in (f"x{phase}.xsd", "shared.xsd")]
    return {str(element.get("name")) for file in files for element in file.iter("{*}element")}


def of_what_we_know(data: bytes, phase: str) -> bytes:
    """Take from a file all elements that our schema does not know, and give it another phase."""
    root = etree.fromstring(data)
    for element in list(root.iter(etree.Element)):
        name = etree.QName(element).localname
        parent = element.getparent()
        if name not in known(phase) and parent is not None:
            parent.remove(element)
        elif name == "DP":
            element.text = phase
    own = etree.QName(root).namespace or ""
    return etree.tostring(root).replace(own.encode(), NAMESPACE.format(phase=phase).encode())


def written(bill: Bill, name: ExportFormat) -> Written:
    """Write a bill, and hold what comes out against the schema."""
    file = WRITERS[name].write(statement(bill))
    assert faults(file.data, PHASES[name]) == []
    return file


def simple(**fields: object) -> BillItem:
    """An item of two cubic metres at 10.50."""
    return with_total(
        replace(BillItem(description="Beton", unit="m3", quantity=Decimal(2), unit_price=Decimal("10.50")), **fields),
        Rounding(),
    )


def bill_of(*items: BillItem, **fields: object) -> Bill:
    """A bill of these items."""
    return replace(Bill(format="plumbline", confidence=100, title="Haus", currency="EUR", items=items), **fields)
