"""Small workbooks and tables made for one test each."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

import xlsxwriter


class Formula(NamedTuple):
    """A cell that is computed; `value` is what the program that wrote the file left in it, `None` for nothing."""

    formula: str
    value: float | None = None


Rows = Sequence[Sequence[str | float | Formula | None]]

KROS_HEADER = ("PČ", "Typ", "Kód", "Popis", "MJ", "Množství", "J.cena [CZK]", "Cena celkem [CZK]", "Cenová soustava")


def xlsx(rows: Rows, *, first_row: int = 0, first_column: int = 0, sheet: str = "Sheet1") -> bytes:
    """One sheet; `None` leaves a cell out."""
    return xlsx_of({sheet: rows}, first_row=first_row, first_column=first_column)


def xlsx_of(
    sheets: Mapping[str, Rows], *, hidden: Sequence[str] = (), first_row: int = 0, first_column: int = 0
) -> bytes:
    """Several sheets."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as workbook:
        for name, rows in sheets.items():
            sheet = workbook.add_worksheet(name)
            if name in hidden:
                sheet.hide()
            for at, row in enumerate(rows, first_row):
                for column, cell in enumerate(row, first_column):
                    if isinstance(cell, str):
                        sheet.write_string(at, column, cell)
                    elif isinstance(cell, Formula):
                        sheet.write_formula(at, column, cell.formula, None, "" if cell.value is None else cell.value)
                    elif cell is not None:
                        sheet.write_number(at, column, cell)
    return content.getvalue()


def ods(rows: Rows) -> bytes:
    """One sheet as OpenDocument."""
    body = "".join(f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>" for row in rows)
    document = "urn:oasis:names:tc:opendocument:xmlns:"
    return archive(
        {
            "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": f'<?xml version="1.0"?><office:document-content xmlns:office="{document}office:1.0" '
            f'xmlns:table="{document}table:1.0" xmlns:text="{document}text:1.0"><office:body><office:spreadsheet>'
            f'<table:table table:name="List1">{body}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>".encode(),
            "META-INF/manifest.xml": b'<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:'
            b'manifest:1.0"><manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.'
            b'opendocument.spreadsheet"/></manifest:manifest>',
        }
    )


def _ods_cell(cell: str | float | Formula | None) -> str:
    if cell is None:
        return "<table:table-cell/>"
    if isinstance(cell, str):
        return f'<table:table-cell office:value-type="string"><text:p>{escape(cell)}</text:p></table:table-cell>'
    return f'<table:table-cell office:value-type="float" office:value="{cell}"/>'


def csv(rows: Rows, *, delimiter: str = ";", encoding: str = "utf-8") -> bytes:
    """Delimited text; every cell is quoted, so that any text may stand in it."""
    lines = (
        delimiter.join('"{}"'.format("" if cell is None else str(cell).replace('"', '""')) for cell in row)
        for row in rows
    )
    return "\r\n".join(lines).encode(encoding)


def archive(parts: Mapping[str, bytes]) -> bytes:
    """A ZIP archive of these parts."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, part in parts.items():
            packed.writestr(name, part)
    return content.getvalue()


def parts_of(packed: bytes) -> dict[str, bytes]:
    """Unpack a ZIP archive."""
    with zipfile.ZipFile(io.BytesIO(packed)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}
