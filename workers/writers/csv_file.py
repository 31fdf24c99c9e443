"""CSV: UTF-8 with its mark, semicolons and decimal commas, as spreadsheet programs in most of Europe open it right."""

import csv
import io
from decimal import Decimal

from workers.writers.grid import COLUMNS, Value, first_row, rows_of
from workers.writers.statement import Statement, Written

DELIMITER = ";"
FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What makes a spreadsheet program take a text for a formula or a command, the wide forms of East Asia included."""
QUOTE = "'"


def write(statement: Statement) -> Written:
    """Write the bill, and the verdict of each item."""
    bill = statement.bill
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=DELIMITER, lineterminator="\r\n")
    writer.writerow(map(neutral, first_row(bill)))
    writer.writerow(COLUMNS)
    for row in rows_of(bill, statement.verdicts):
        writer.writerow([_shown(row.cells.get(column)) for column in COLUMNS])
    return Written(out.getvalue().encode("utf-8-sig"))


def _shown(value: Value) -> str:
    match value:
        case None:
            return ""
        case str():
            return neutral(value)
        case Decimal():
            return f"{value:f}".replace(".", ",")
        case int():
            return str(value)


def neutral(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet program would run; `plain` takes it away again."""
    return QUOTE + text if text.startswith((*FORMULA_PREFIXES, QUOTE)) else text


def plain(text: str) -> str:
    """Undo `neutral`."""
    return text.removeprefix(QUOTE)
