"""JSON: the bill itself, with everything that Plumbline knows of it, and what the audit says."""

from uuid import UUID

import msgspec
from msgspec import Struct

from domain.bill import Bill
from domain.experts.finding import Verdict
from workers.writers.statement import Judgement, Statement, Written

EDITION = 1


class Exported(Struct, frozen=True, kw_only=True):
    """The file's one object; `plumbline` is the edition of this layout. Verdicts go with the bill's items."""

    plumbline: int
    bill: Bill
    project_id: UUID | None = None
    version: int = 0
    verdicts: tuple[Verdict | None, ...] = ()
    judgement: Judgement | None = None


def write(statement: Statement) -> Written:
    """Write everything."""
    exported = Exported(
        plumbline=EDITION,
        project_id=statement.project_id,
        version=statement.version,
        bill=statement.bill,
        verdicts=statement.verdicts,
        judgement=statement.judgement,
    )
    return Written(msgspec.json.format(msgspec.json.encode(exported), indent=1))
