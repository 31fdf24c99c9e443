"""Which catalogue's price belongs to which line: by code and unit, else by a text alike in the same unit.

Not a query of people: the audit asks it before its rules run.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg_pool import AsyncConnectionPool

from domain.experts.catalogue import LEAST_ALIKE
from domain.experts.context import CataloguePrice
from domain.experts.prices import price_of
from domain.experts.units import normalised_unit
from domain.position import Position

MOST_TEXTS = 2_000
"""Different texts of a bill that are compared with the catalogues, each some milliseconds; further lines are matched by
their codes alone."""
ALIKE = 5
"""Prices of the most similar texts that are looked at for one in the right unit."""


class Counting(Struct, frozen=True, kw_only=True):
    """A catalogue that counts: attached to the project, with prices, in the right currency."""

    catalogue_id: UUID
    account_id: UUID
    name: str
    version: int
    priced_on: date


class _Priced(Struct, frozen=True, kw_only=True):
    """A price that may belong to the line or text numbered `place`."""

    place: int
    catalogue_id: UUID
    code: str
    description: str
    unit: str
    unit_price: Decimal
    similarity: Decimal


COUNTING = """
SELECT catalogue_id, account_id, name, version, priced_on FROM read.catalogues
WHERE projects @> %(project)s::jsonb AND currency = %(currency)s AND version > 0 AND NOT removed
    AND account_id = ANY(%(accounts)s)
ORDER BY priced_on DESC, catalogue_id
"""
BY_CODE = """
SELECT w.place, p.catalogue_id, p.code, p.description, p.unit, p.unit_price, 1 AS similarity
FROM json_to_recordset(%(wanted)s::json) AS w (place bigint, said text)
JOIN read.catalogue_prices p ON p.code_key = public.search_code(w.said)
JOIN json_to_recordset(%(catalogues)s::json) AS c (catalogue_id uuid, version bigint) USING (catalogue_id, version)
WHERE p.code_key <> '' AND p.unit_price > 0
"""
BY_TEXT = f"""
SELECT w.place, p.catalogue_id, p.code, p.description, p.unit, p.unit_price, round(p.alike::numeric, 3) AS similarity
FROM json_to_recordset(%(wanted)s::json) AS w (place bigint, said text), LATERAL (
    SELECT n.*, public.similarity(n.folded, public.search_fold(w.said)) AS alike
    FROM read.catalogue_prices n
    JOIN json_to_recordset(%(catalogues)s::json) AS c (catalogue_id uuid, version bigint) USING (catalogue_id, version)
    WHERE n.folded OPERATOR(public.%%) public.search_fold(w.said) AND n.unit_price > 0
    ORDER BY alike DESC, n.catalogue_id, n.place LIMIT {ALIKE}
) p WHERE p.alike >= {LEAST_ALIKE}
"""  # noqa: S608 - our own text


async def counting(
    pool: AsyncConnectionPool[Any], project_id: UUID, currency: str, accounts: Iterable[UUID]
) -> list[Counting]:
    """Find the catalogues that count in a project, of these accounts, the newest prices first."""
    values = {"project": f'["{project_id}"]', "currency": currency, "accounts": list(accounts)}
    return await _select(pool, Counting, COUNTING, values)


async def prices_for(
    pool: AsyncConnectionPool[Any], catalogues: Sequence[Counting], positions: Sequence[Position]
) -> dict[UUID, CataloguePrice]:
    """Match priced lines with the catalogues' prices; lines without a match are left out."""
    if not catalogues:
        return {}
    lines = [position for position in positions if price_of(position) is not None and position.unit]
    by_code = await _found(pool, catalogues, BY_CODE, {position.code for position in lines if position.code})
    matches = {
        line.position_id: found for line in lines if (found := _best(line, by_code.get(line.code, ()), catalogues))
    }
    others = [line for line in lines if line.position_id not in matches and line.description]
    texts = list(dict.fromkeys(line.description for line in others))[:MOST_TEXTS]
    by_text = await _found(pool, catalogues, BY_TEXT, texts)
    for line in others:
        if found := _best(line, by_text.get(line.description, ()), catalogues, by_text=True):
            matches[line.position_id] = found
    return matches


async def _found(
    pool: AsyncConnectionPool[Any], catalogues: Sequence[Counting], sql: str, said: Iterable[str]
) -> dict[str, list[_Priced]]:
    wanted = sorted(said)
    if not wanted:
        return {}
    rows: list[_Priced] = await _select(
        pool,
        _Priced,
        sql,
        {
            "wanted": _json([{"place": place, "said": each} for place, each in enumerate(wanted)]),
            "catalogues": _json([{"catalogue_id": each.catalogue_id, "version": each.version} for each in catalogues]),
        },
    )
    found: dict[str, list[_Priced]] = {}
    for row in rows:
        found.setdefault(wanted[row.place], []).append(row)
    return found


def _best(
    line: Position, candidates: Sequence[_Priced], catalogues: Sequence[Counting], *, by_text: bool = False
) -> CataloguePrice | None:
    """Choose among prices in the line's own unit: the most similar, then those of the newest catalogue."""
    unit = normalised_unit(line.unit)
    ranks = {each.catalogue_id: rank for rank, each in enumerate(catalogues)}
    fitting = [each for each in candidates if normalised_unit(each.unit) == unit]
    if not fitting:
        return None
    best = min(fitting, key=lambda each: (-each.similarity, ranks[each.catalogue_id], each.unit_price))
    catalogue = catalogues[ranks[best.catalogue_id]]
    return CataloguePrice(
        catalogue=catalogue.name,
        version=catalogue.version,
        code=best.code,
        description=best.description,
        unit=best.unit,
        unit_price=best.unit_price,
        priced_on=catalogue.priced_on,
        by="text" if by_text else "code",
        similarity=best.similarity,
    )


async def _select(pool: AsyncConnectionPool[Any], item: type[Any], sql: str, values: dict[str, Any]) -> list[Any]:
    async with pool.connection() as connection:
        cursor = await connection.execute(
            f"SELECT coalesce(json_agg(q), '[]')::text FROM ({sql}) q".encode(),  # noqa: S608 - our own text
            values,
        )
        ((text,),) = await cursor.fetchall()
    return msgspec.json.decode(text, type=list[item])


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
