"""Finding facts in a page of text: patterns, and the passage that each match stands in."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal

from msgspec import Struct

from domain.extraction import Fact

AROUND = 160
"""Characters of a passage on either side of a match; it ends earlier where a paragraph does."""


class Value(Struct, frozen=True):
    """What a match comes to."""

    value: str
    label: str = ""
    amount: Decimal | None = None
    unit: str = ""
    at: int | None = None


Read = Callable[[re.Match[str]], Iterator[Value]]
Field = tuple[tuple[re.Pattern[str], Read], ...]
"""Patterns for one field, each with what reads its matches. Patterns take linear time."""


def find(page: str, number: int, fields: Mapping[str, Field]) -> Iterator[Fact]:
    """Find the facts of a page. Where two patterns of a field match at one place, the first counts."""
    for field, patterns in fields.items():
        taken: set[tuple[int, str]] = set()
        for pattern, read in patterns:
            for match in pattern.finditer(page):
                for value in read(match):
                    at = match.start() if value.at is None else value.at
                    if (at, value.value) in taken:
                        continue
                    taken.add((at, value.value))
                    yield Fact(
                        field=field,
                        value=value.value,
                        label=value.label,
                        amount=value.amount,
                        unit=value.unit,
                        page=number,
                        offset=at,
                        passage=passage(page, match.start(), match.end()),
                    )


def passage(page: str, start: int, end: int) -> str:
    """Give the words around a place, within its paragraph."""
    first, last = max(0, start - AROUND), min(len(page), end + AROUND)
    paragraph = page.rfind("\n\n", max(0, first - 2), start)
    stop = page.find("\n\n", end, last)
    return squeezed(page[max(first, paragraph + 2 if paragraph >= 0 else 0) : stop if stop >= 0 else last])


def squeezed(text: str) -> str:
    """Make one blank of every run of blanks."""
    return " ".join(text.split())


NUMBER = r"\d{1,3}(?:[ \u00a0\u202f.,']\d{3}){1,4}(?:[.,]\d{1,2}(?!\d))?|\d+(?:[.,]\d{1,4})?"
"""Up to 15 digits: a row of numbers without end would be tried from each of them to its end."""
CURRENCIES = {
    "kč": "CZK",
    "czk": "CZK",
    "eur": "EUR",
    "€": "EUR",
    "usd": "USD",
    "$": "USD",
    "gbp": "GBP",
    "£": "GBP",
    "pln": "PLN",
}
_CURRENCY = r"Kč|CZK|EUR|€|USD|\$|GBP|£|PLN"
AMOUNT = re.compile(
    rf"(?<![\w.,/])(?:(?P<number>{NUMBER})(?:,-{{1,2}}|,[\u2013\u2014])?\s?(?P<currency>{_CURRENCY})(?!\w)"
    rf"|(?P<before>CZK|EUR|€|USD|\$|GBP|£|PLN)\s?(?P<behind>{NUMBER}))",
    re.IGNORECASE,
)


def number(text: str) -> Decimal:
    """Read a number with whatever separators: the last one is a decimal sign unless three digits follow it."""
    plain = re.sub(r"[ \u00a0\u202f']", "", text)
    last = max(plain.rfind("."), plain.rfind(","))
    if last < 0:
        return Decimal(plain)
    whole, fraction = re.sub(r"[.,]", "", plain[:last]), plain[last + 1 :]
    grouped = len(fraction) == 3 and whole != "0"  # noqa: PLR2004 - thousands come in threes
    return Decimal(whole + fraction) if grouped else Decimal(f"{whole}.{fraction}")


def amounts(label: Callable[[re.Match[str]], str] = lambda _: "") -> Read:
    """Read amounts of money; `label` says what for."""

    def read(match: re.Match[str]) -> Iterator[Value]:
        found = number(match["number"] or match["behind"])
        currency = CURRENCIES[(match["currency"] or match["before"]).casefold()]
        yield Value(f"{found:f} {currency}", label(match), found, currency)

    return read


def near(match: re.Match[str], labels: Mapping[str, re.Pattern[str]], before: int = 120, behind: int = 60) -> str:
    """Say which of the words that `labels` look for stand nearest before a match, else soon behind it.

    Those of its own paragraph count; empty where there are none.
    """
    text = match.string[max(0, match.start() - before) : match.start()].rpartition("\n\n")[2]
    places = {name: max((each.end() for each in words.finditer(text)), default=-1) for name, words in labels.items()}
    name = max(places, key=lambda each: places[each])
    if places[name] >= 0:
        return name
    text = match.string[match.start() : match.end() + behind].partition("\n\n")[0]
    return next((name for name, words in labels.items() if words.search(text)), "")


MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "ledna january jan",
            "února february feb",
            "března march mar",
            "dubna april apr",
            "května may",
            "června june jun",
            "července july jul",
            "srpna august aug",
            "září september sep sept",
            "října october oct",
            "listopadu november nov",
            "prosince december dec",
        ),
        1,
    )
    for name in names.split()
}
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
DATES = (
    re.compile(r"(?<![\d.])(?P<d>\d{1,2})\.\s?(?P<m>\d{1,2})\.\s?(?P<y>(?:19|20)\d\d)(?!\d)"),
    re.compile(r"(?<!\d)(?P<y>(?:19|20)\d\d)-(?P<m>\d\d)-(?P<d>\d\d)(?!\d)"),
    re.compile(
        rf"(?<!\d)(?P<d>\d{{1,2}})(?:\.|st|nd|rd|th)?\s(?:of\s)?(?P<m>{_MONTH})\.?,?\s(?P<y>(?:19|20)\d\d)(?!\d)",
        re.IGNORECASE,
    ),
    re.compile(rf"\b(?P<m>{_MONTH})\.?\s(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s(?P<y>(?:19|20)\d\d)(?!\d)", re.IGNORECASE),
)


def dates(match: re.Match[str]) -> Iterator[Value]:
    """Read a date as ISO 8601; what is no day of the calendar is none."""
    month = match["m"]
    try:
        yield Value(
            date(
                int(match["y"]), int(month) if month.isdecimal() else MONTHS[month.casefold()], int(match["d"])
            ).isoformat()
        )
    except ValueError:
        return


def name(text: str) -> str:
    """Cut a name out of what stands behind its label: up to what follows a name usually."""
    cut = re.split(
        r",\s*(?=IČO?|DIČ|se sídlem|sídlo|bytem|nar\.|zastoupen|r\.\s?č"
        r"|company|reg|VAT|with|having|born|represented)"
        r"|\s+(?:IČO?|DIČ)\b|[;(\n]|\s{3,}",
        text,
        maxsplit=1,
    )[0]
    return squeezed(cut).strip(" ,:-\u2013")
