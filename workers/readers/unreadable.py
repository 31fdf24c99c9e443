"""Why a file could not be read: permanent codes, and words that tell its owner what to do."""

from typing import Literal

Code = Literal[
    "unreadable.not_a_workbook",
    "unreadable.encrypted",
    "unreadable.zip_bomb",
    "unreadable.empty",
    "unreadable.no_table",
    "unreadable.malformed",
    "unreadable.entities",
    "unreadable.price_list",
    "unreadable.not_a_price_list",
    "unreadable.other_currency",
    "unreadable.needs_ocr",
    "unreadable.no_text",
    "unreadable.too_large",
    "unreadable.too_slow",
    "unreadable.out_of_memory",
    "unreadable.crashed",
]

SUPPORTED = (
    "Plumbline reads XLSX, XLS, ODS, CSV, uniXML, XC4, GAEB DA XML, BC3, and PDF with text. "
    "Export the bill in one of these formats and upload that file."
)


class Unreadable(Exception):  # noqa: N818 - an answer about the file, not a fault of the program
    """No bill could be read from a file. `code` is permanent, `detail` says in English why and what to do."""

    def __init__(self, code: Code, detail: str) -> None:
        """Refuse the file with `code`, and `detail` for the person who sent it."""
        self.code: Code = code
        self.detail = detail
        super().__init__(f"{code}: {detail}")


def foreign(what: str) -> Unreadable:
    """Explain that the file is something else than a bill."""
    return Unreadable("unreadable.not_a_workbook", f"This is {what}, not a bill. {SUPPORTED}")


def older(what: str, instead: str) -> Unreadable:
    """Explain that the file may well be a bill, in a format that another one took the place of."""
    return Unreadable("unreadable.not_a_workbook", f"This is {what}, which Plumbline does not read. {instead}")


def encrypted() -> Unreadable:
    """Explain that the file needs a password."""
    return Unreadable(
        "unreadable.encrypted",
        "The workbook is encrypted with a password. Open it in your spreadsheet program, remove the password "
        "(File > Info > Protect), save it and upload it again. Locked sheets are no problem, only encryption is.",
    )


def damaged(why: str) -> Unreadable:
    """Explain that the container is broken."""
    return Unreadable(
        "unreadable.not_a_workbook",
        f"The workbook is damaged ({why}). Open it in your spreadsheet program, save it as XLSX and upload that copy.",
    )
