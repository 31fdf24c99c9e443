"""Contracts: parties and their numbers, dates, amounts, terms, penalties, retention, clauses. Czech and English."""

import re
from collections.abc import Iterator, Mapping

from workers.extraction.passages import (
    AMOUNT,
    DATES,
    NUMBER,
    Field,
    Value,
    amounts,
    dates,
    name,
    near,
    number,
    squeezed,
)

I = re.IGNORECASE  # noqa: E741 - as everybody calls it

ROLES = {
    "client": r"objednatel(?:em)?|client|employer|customer",
    "contractor": r"zhotovitel(?:em)?|hlavní dodavatel|dodavatel|main contractor|contractor|supplier",
    "subcontractor": r"podzhotovitel|subdodavatel|poddodavatel|sub-?contractor",
    "seller": r"prodávající|seller|vendor",
    "buyer": r"kupující|buyer|purchaser",
    "lessor": r"pronajímatel|propachtovatel|lessor|landlord",
    "lessee": r"nájemce|pachtýř|lessee|tenant",
}
_ROLE = "|".join(f"(?P<{role}>{words})" for role, words in ROLES.items())
PARTY = re.compile(
    rf"^[ \t\d.)]*(?:the )?(?:{_ROLE})[ \t]*(?::|[ \t]-|[ \t]\u2013)[ \t]*+(?:\n[ \t]*+)?(?P<name>\S[^\n]{{1,150}})",
    I | re.MULTILINE,
)

COMPANY_ID = re.compile(
    r"\b(?:IČO?|IC|company (?:reg(?:istration)?\.? )?(?:no\.?|number|ID)|reg\. no\.?)[ \t]*+:?[ \t]*+"
    r"(?P<id>\d(?:[ ]?\d){7})(?!\d)",
    I,
)
TAX_ID = re.compile(
    r"\b(?:DIČ|VAT(?:[ \t]reg(?:istration)?)?\.?(?:[ \t](?:no\.?|ID|number))?)[ \t]*+:?[ \t]*+"
    r"(?P<id>[A-Z]{2}[ ]?\d{8,12})(?!\d)",
    I,
)

UNITS = (
    ("day", r"dn[ůíy]|dnech|den|days?"),
    ("week", r"týd(?:en|n\w+)|weeks?"),
    ("month", r"měsíc\w*|months?"),
    ("year", r"let(?:ech)?|rok\w*|years?"),
)
_UNIT = "|".join(f"(?P<{unit}>{words})" for unit, words in UNITS)
TERM = re.compile(
    r"\b(?P<number>\d{1,4})[ \u00a0-](?:\([^)\n]{1,30}\)[ \t]?)?"
    rf"(?P<kind>pracovních |kalendářních |working |business |calendar )?(?:{_UNIT})\b",
    I,
)
TERMS = {
    "warranty": re.compile(r"záru[kč]|záručn|warranty|defects (?:liability|notification)|guarantee", I),
    "payment": re.compile(r"splatn|faktur|uhrad|zaplat|payment|invoice|payable|paid", I),
    "notice": re.compile(r"výpově|odstoup|notice|terminat", I),
    "performance": re.compile(r"dokonč|zaháj|předá|proved|termín|complet|commenc|hand.?over|deliver", I),
}
PURPOSES = {
    "price": re.compile(r"cen[aěyu]\b|sjednan|price|contract sum|consideration", I),
    "penalty": re.compile(r"pokut|penále|penalt|liquidated", I),
    "advance": re.compile(r"záloh|advance|down payment", I),
    "insurance": re.compile(r"pojiš|pojist|insur", I),
    "retention": re.compile(r"zádržn|pozastáv|retention|retainage", I),
    "rent": re.compile(r"nájemn|rent\b", I),
}
FIGURE = (
    r"\b(?:[^\n]|\n(?!\n)){0,200}?(?:(?P<percent>\d{1,3}(?:[.,]\d{1,4})?)[ \u00a0]?%"
    rf"|(?P<money>(?:{NUMBER})(?:,-{{1,2}})?[ \u00a0]?(?:Kč|CZK|EUR|€|USD|GBP|£)"
    rf"|(?:CZK|EUR|€|USD|\$|GBP|£)[ \u00a0]?(?:{NUMBER})))"
)
"""The first percentage or amount of money in the same paragraph, within 200 characters."""
PENALTY = re.compile(
    r"\b(?:smluvní\w* pokut\w*|penále|úrok\w* z prodlení|liquidated damages|delay damages"
    r"|(?:contractual )?penalt(?:y|ies)|late payment interest|interest on late payment)" + FIGURE,
    I,
)
RETENTION = re.compile(r"\b(?:zádržn\w+|zadržn\w+|pozastáv\w+|retention(?: money)?|retainage)" + FIGURE, I)

CLAUSES: Mapping[str, re.Pattern[str]] = {
    "subject": re.compile(r"předmět|subject|scope of", I),
    "price": re.compile(r"\bcena\b|price|contract sum|nájemné|\brent\b", I),
    "payment": re.compile(r"platební|fakturac|payment|invoic", I),
    "time": re.compile(r"termín|doba plnění|doba trvání|time (?:of|for)|commencement|schedule|duration|\bterm\b", I),
    "acceptance": re.compile(r"předání|převzetí|acceptance|taking.?over|hand.?over", I),
    "warranty": re.compile(r"záru|odpovědnost za vady|warrant|defects", I),
    "penalties": re.compile(r"sankce|smluvní pokut|penalt|liquidated", I),
    "termination": re.compile(r"odstoupení|ukončení|výpověď|terminat", I),
    "liability": re.compile(r"náhrada škody|odpovědnost za škod|liabilit|indemni", I),
    "force_majeure": re.compile(r"vyšší moc|force majeure", I),
    "confidentiality": re.compile(r"mlčenlivost|důvěrn|confidential|non-disclosure", I),
    "insurance": re.compile(r"pojištění|insurance", I),
    "security": re.compile(r"bankovní záruk|zajištění závazk|performance (?:bond|security)", I),
    "disputes": re.compile(r"řešení sporů|rozhodčí|dispute|arbitration|governing law|rozhodné právo", I),
    "final": re.compile(r"závěrečná|general provisions|final provisions|miscellaneous", I),
}
HEADING = re.compile(
    r"^[ \t]*+(?P<mark>(?:článek|čl\.|article|clause|section)[ \t]+)?(?P<number>[IVXL]{1,6}|\d{1,2})"
    r"(?P<dot>[.):]|[ \t]*+[-\u2013])?[ \t]*+(?:\n[ \t]*+)?(?P<title>[^\W\d_][^\n.;:]{2,78})[ \t]*$",
    I | re.MULTILINE,
)


def _party(match: re.Match[str]) -> Iterator[Value]:
    role = next(role for role in ROLES if match[role])
    found = name(match["name"])
    if found:
        yield Value(found, role, at=match.start("name"))


def _company_id(match: re.Match[str]) -> Iterator[Value]:
    digits = match["id"].replace(" ", "")
    yield Value(digits, "" if valid_company_id(digits) else "check digit differs", at=match.start("id"))


def valid_company_id(digits: str) -> bool:
    """Check an IČO's last digit (modulo 11, weights 8 to 2; Czech Statistical Office)."""
    rest = sum(int(digit) * weight for digit, weight in zip(digits, range(8, 1, -1), strict=False)) % 11
    return int(digits[7]) == (11 - rest) % 10


def _tax_id(match: re.Match[str]) -> Iterator[Value]:
    yield Value(match["id"].replace(" ", "").upper(), at=match.start("id"))


def _term(match: re.Match[str]) -> Iterator[Value]:
    unit = next(unit for unit, _ in UNITS if match[unit])
    kind = (match["kind"] or "").strip().casefold()
    working = "working " if kind in {"pracovních", "working", "business"} else ""
    yield Value(f"{int(match['number'])} {working}{unit}", near(match, TERMS), unit=unit)


def _figure(match: re.Match[str]) -> Iterator[Value]:
    if match["percent"]:
        percent = number(match["percent"].replace(",", "."))
        yield Value(f"{percent:f} %", amount=percent, unit="%")
        return
    at = AMOUNT.match(match.string, match.start("money"))
    if at is not None:
        yield from amounts()(at)


def _clause(match: re.Match[str]) -> Iterator[Value]:
    title = squeezed(match["title"])
    if not match["mark"] and not match["dot"]:
        return
    for kind, words in CLAUSES.items():
        if words.search(title):
            yield Value(kind, title, at=match.start("title"))
            return


FIELDS: Mapping[str, Field] = {
    "party": ((PARTY, _party),),
    "company_id": ((COMPANY_ID, _company_id),),
    "tax_id": ((TAX_ID, _tax_id),),
    "date": tuple((pattern, dates) for pattern in DATES),
    "amount": ((AMOUNT, amounts(lambda match: near(match, PURPOSES))),),
    "term": ((TERM, _term),),
    "penalty": ((PENALTY, _figure),),
    "retention": ((RETENTION, _figure),),
    "clause": ((HEADING, _clause),),
}
