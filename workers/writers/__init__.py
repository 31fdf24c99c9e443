"""Writers of bills: a `Statement` in, a file out, or `Unwritable` with what to do about it.

Each is pure, and writes the same bytes for the same statement. What they write, `workers.readers` reads back to the
same positions and totals. A new format is a module with `write`, one line in `WRITERS`, and its name in
`domain.job.ExportFormat`.
"""

from collections.abc import Callable

from msgspec import Struct

from domain.job import ExportFormat
from workers.writers import csv_file, gaeb_file, json_file, pdf_file, unixml_file, xlsx_file
from workers.writers.statement import Statement, Unwritable, Written

__all__ = ["WRITERS", "Statement", "Unwritable", "Writer", "Written"]


class Writer(Struct, frozen=True):
    """One format: how its files' names end, and how they are made."""

    extension: str
    write: Callable[[Statement], Written]


WRITERS: dict[ExportFormat, Writer] = {
    "xlsx": Writer("xlsx", xlsx_file.write),
    "csv": Writer("csv", csv_file.write),
    "json": Writer("json", json_file.write),
    "unixml": Writer("xml", unixml_file.write),
    "gaeb": Writer("x84", gaeb_file.write_x84),
    "gaeb_x82": Writer("x82", gaeb_file.write_x82),
    "pdf": Writer("pdf", pdf_file.write),
}
