"""Papers about properties: address, parcels, areas, values, owners, encumbrances. Czech and English."""

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

LABELLED_ADDRESS = re.compile(
    r"\b(?:adresa(?:[ \t]nemovitosti)?[ \t]*:|na adrese|(?:property )?address[ \t]*:|located at|situated at|known as)"
    r"[ \t]*\n?[ \t]*(?P<address>[^\n;]{5,160})",
    I,
)
CAPITAL = "A-ZÁČĎÉĚÍŇÓŘŠŤÚŮÝŽ"
STREET = re.compile(
    rf"(?P<address>[{CAPITAL}][\w.]{{1,30}}(?:[ ][\w.]{{1,30}}){{0,3}}[ ]\d{{1,4}}(?:/\d{{1,4}}[a-z]?)?,[ ]?"
    rf"\d{{3}}[ ]?\d{{2}}[ ][{CAPITAL}]\w{{1,30}}(?:[ ]\w{{1,30}}){{0,3}})"
)
PARCEL = re.compile(
    r"\b(?:par(?:c\.|cel\w*)[ \t]?(?:č\.|čís\w*|no\.?|number)?|p\.[ ]?č\.|plot (?:no\.?|number))[ \t]*+:?[ \t]*+"
    r"(?P<st>st\.[ \t]?)?(?P<numbers>\d{1,5}(?:/\d{1,4})?"
    r"(?:(?:,|[ ]a|[ ]and)[ ]\d{1,5}(?:/\d{1,4})?(?![\d.,]*[ ]?(?:m|Kč)))*)",
    I,
)
PARCEL_NUMBER = re.compile(r"\d{1,5}(?:/\d{1,4})?")
CADASTRE = re.compile(
    r"(?:\bk\.[ ]?ú\.|\bkatastrální\w*[ \t]území\w*|\bcadastral (?:area|territory|district))[ \t]*+:?[ \t]*+"
    r"(?P<name>[^\W\d_][\w-]{1,30}(?:[ ](?:[^\W\d_][\w-]{0,30})){0,3})",
    I,
)
DEED = re.compile(
    r"\b(?:LV|list\w*[ ]vlastnictví|title (?:deed|number)|folio)[ \t]*+(?:č\.|čís\w*|no\.?|number)?[ \t]*+:?[ \t]*+"
    r"(?P<number>[A-Z]{0,3}\d{1,7})\b",
    I,
)
AREA = re.compile(
    rf"(?<![\w.,/])(?P<number>{NUMBER})[ \u00a0]?"
    r"(?P<unit>m2|m²|ha|hectares?|sqm|sq\.?[ ]?m\.?|square met(?:er|re)s?|sq\.?[ ]?ft\.?|ft²|acres?)(?!\w)",
    I,
)
UNITS = {"ha": "ha", "hectare": "ha", "hectares": "ha", "acre": "acre", "acres": "acre"}
AREAS = {
    "built_up": re.compile(r"zastavěn|built.?up|footprint", I),
    "floor": re.compile(r"podlahov|užitn|obytn|floor|usable|living", I),
    "plot": re.compile(r"pozem|parcel|výměr|plot|land|site", I),
}
VALUES = {
    "purchase_price": re.compile(r"kupní\w* cen|purchase price|sale price", I),
    "market_value": re.compile(r"tržní\w* hodnot|obvykl\w+ cen|cen\w+ obvykl|market value", I),
    "appraisal": re.compile(r"odhad|znaleck|zjištěn\w+ cen|apprais|valuation|assessed", I),
    "rent": re.compile(r"nájemn|\brent\b", I),
    "secured_debt": re.compile(r"pohledávk|zástavní|mortgage|secured", I),
}
OWNER = re.compile(
    r"^[ \t]*(?:vlastník|vlastníci|vlastnické právo|spoluvlastník|registered (?:owner|proprietor)|owners?|proprietor)"
    r"[ \t]*(?::|[ \t]-|[ \t]\u2013)[ \t]*\n?[ \t]*(?P<name>\S[^\n]{1,150})",
    I | re.MULTILINE,
)
ENCUMBRANCES = {
    "mortgage": r"zástavní\w* práv\w+|hypoték\w*|mortgages?|deeds? of trust",
    "easement": r"věcn\w+ břemen\w*|služebnost\w*|easements?|rights? of way|servitudes?",
    "pre_emption": r"předkupní\w* práv\w+|pre-?emption rights?|rights? of first refusal",
    "enforcement": r"exekuc\w+|exekuční\w*|enforcement order|writ of execution",
    "lien": r"zadržovací\w* práv\w+|liens?",
    "transfer_ban": r"zákaz\w* zcizení|zákaz\w* zatížení|restrictive covenants?",
    "lease": r"nájemní\w* (?:práv\w+|smlouv\w+)|leases?|tenanc(?:y|ies)",
}
ENCUMBRANCE = re.compile(
    r"\b(?:" + "|".join(f"(?P<{kind}>{words})" for kind, words in ENCUMBRANCES.items()) + r")\b", I
)
DENIED = re.compile(r"\b(?:bez|žádn\w+|nevázn\w+|není|nejsou|free (?:of|from)|no|without|not)\b[^.\n]{0,60}$", I)


def _address(match: re.Match[str]) -> Iterator[Value]:
    found = squeezed(match["address"]).strip(" ,.")
    if any(sign.isdecimal() for sign in found):
        yield Value(found, at=match.start("address"))


def _parcels(match: re.Match[str]) -> Iterator[Value]:
    built = bool(match["st"])
    for each in PARCEL_NUMBER.finditer(match["numbers"]):
        yield Value(f"st. {each[0]}" if built else each[0], at=match.start("numbers") + each.start())


def _named(match: re.Match[str]) -> Iterator[Value]:
    yield Value(squeezed(match["name"]), at=match.start("name"))


def _deed(match: re.Match[str]) -> Iterator[Value]:
    yield Value(match["number"], at=match.start("number"))


def _area(match: re.Match[str]) -> Iterator[Value]:
    size = number(match["number"])
    written = match["unit"].casefold().strip(".")
    unit = UNITS.get(written, "ft2" if "ft" in written else "m2")
    yield Value(f"{size:f} {unit}", near(match, AREAS), size, unit)


def _owner(match: re.Match[str]) -> Iterator[Value]:
    found = name(match["name"])
    if found:
        yield Value(found, at=match.start("name"))


def _encumbrance(match: re.Match[str]) -> Iterator[Value]:
    kind = next(kind for kind in ENCUMBRANCES if match[kind])
    before = match.string[max(0, match.start() - 80) : match.start()]
    yield Value(kind, "denied" if DENIED.search(before) else squeezed(match[0]))


FIELDS: Mapping[str, Field] = {
    "address": ((LABELLED_ADDRESS, _address), (STREET, _address)),
    "parcel": ((PARCEL, _parcels),),
    "cadastral_area": ((CADASTRE, _named),),
    "title_deed": ((DEED, _deed),),
    "area": ((AREA, _area),),
    "value": ((AMOUNT, amounts(lambda match: near(match, VALUES))),),
    "owner": ((OWNER, _owner),),
    "encumbrance": ((ENCUMBRANCE, _encumbrance),),
    "date": tuple((pattern, dates) for pattern in DATES),
}
