"""The read side's one entry: every query by its permanent name, and who answers it."""

import asyncio
import hashlib
from collections.abc import Iterable
from pathlib import Path
from time import monotonic
from typing import Any, Self
from uuid import UUID

import msgspec
import psycopg
from msgspec import Raw, structs
from psycopg_pool import AsyncConnectionPool

from domain.registry import name_of
from eventstore.personal import Vault
from projections.asking import Answer, NoSnapshot, NulInQuery, Query, Question, Reading, Rebuilding, Viewer
from projections.models import ALL, QUESTIONS
from projections.rows import SCHEMA
from projections.watermarks import PATIENCE, SHORTEST, StaleRead, Watermarks
from runtime.blobs import Blobs
from runtime.broker import Broker
from runtime.cache import AnswerCache
from runtime.progress import ProgressBoard


def _by_name(questions: Iterable[Question]) -> dict[str, Question]:
    named: dict[str, Question] = {}
    for question in questions:
        if named.setdefault(name_of(question.query), question) is not question:
            raise TypeError(f"{name_of(question.query)!r} names two queries")
    return named


_QUESTIONS = _by_name(QUESTIONS)

QUERIES: dict[str, type[Query]] = {name: question.query for name, question in _QUESTIONS.items()}
RESULT_OF: dict[str, Any] = {name: question.result for name, question in _QUESTIONS.items()}
"""The type of each query's answer, by the query's name."""
_BY_TYPE = {question.query: question for question in QUESTIONS}
_RELEASE = hashlib.sha256(
    b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
).hexdigest()
"""Tells this program's answers apart from another release's, which may share the cache while both run."""
_TABLES = {projection.name: [f"{SCHEMA}.{row.table}" for row in projection.rows] for projection in ALL}


class Queries:
    """Answers queries. As an async context manager it also hears at once how far the read models are."""

    def __init__(
        self,
        pool: AsyncConnectionPool[Any],
        vault: Vault,
        blobs: Blobs,
        broker: Broker | None = None,
        *,
        board: ProgressBoard | None = None,
        cache: AnswerCache | None = None,
    ) -> None:
        """Read through `pool` and `blobs`, open personal texts with `vault`; `board` tells what goes on right now.

        Without a broker, waiting goes by polling alone; all that it hears is for us. Without a cache every answer is
        made anew.
        """
        self._pool = pool
        self.vault = vault
        self._blobs = blobs
        self.watermarks = Watermarks(pool, [projection.name for projection in ALL], broker)
        self._board = board
        self._cache = cache

    async def __aenter__(self) -> Self:
        await self.watermarks.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.watermarks.__aexit__(*exception)

    async def answer(self, query: Query, viewer: Viewer) -> Answer:
        """Answer a query, as far as `viewer` may know.

        Raises a `Refused`: `UnknownProject` also for a project that is none of the viewer's business, `StaleRead` when
        the read models did not reach `query.after`, or one sequence for a snapshot, within five seconds, `NoSnapshot`
        where there can be none, `Rebuilding` while tables are made anew.
        """
        if any(isinstance(value, str) and "\0" in value for value in structs.astuple(query)):
            raise NulInQuery
        present = _is_present(query)
        if query.snapshot and not present:
            raise NoSnapshot
        try:
            answer, after = await self._answer(query, viewer, query.after)
            patient_until = monotonic() + PATIENCE
            while query.snapshot and answer.sequence is None:
                if monotonic() > patient_until:
                    raise StaleRead(position=answer.position)
                await asyncio.sleep(SHORTEST)  # the projections are in the middle of this feed's news, or far behind
                answer, after = await self._answer(query, viewer, after)
        except (psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedTable) as error:
            raise Rebuilding from error
        return answer if present else structs.replace(answer, sequence=None, epoch=None)

    async def _answer(self, query: Query, viewer: Viewer, after: int | None) -> tuple[Answer, int]:
        """Answer with what is known, `after` that position; give also how far the furthest projection is."""
        question = _BY_TYPE[type(query)]
        if self._cache is not None and question.cached and getattr(query, "at", None) is None:  # that may lie ahead
            return await self._beside(self._cache, question, query, viewer, after)
        reading = await self._reading(question, viewer, after)
        return _answered(reading, await question.answer(reading, query))

    async def _reading(self, question: Question, viewer: Viewer, after: int | None) -> Reading:
        reading = Reading(
            self._pool,
            self.vault,
            self.watermarks,
            viewer,
            question.sources,
            blobs=self._blobs,
            board=self._board,
        )
        if after is not None:
            await reading.reach(after)
        return reading

    async def _beside(
        self, cache: AnswerCache, question: Question, query: Query, viewer: Viewer, after: int | None
    ) -> tuple[Answer, int]:
        """Take the answer from the cache where it is true at the project's state as it is now; else keep the new one.

        The state, and the viewer's right to it, come from PostgreSQL each time: a kept answer is never a stale one.
        """
        project_id: UUID = getattr(query, "project_id")  # noqa: B009 - only queries about a project are cached
        subject = f"project:{project_id}"
        standing = await self._reading(question, viewer, after)
        lives = await standing.stand([table for name in question.sources for table in _TABLES[name]], project_id)
        asked = msgspec.json.encode((structs.replace(query, after=None, snapshot=False), lives, _RELEASE))
        place = hashlib.sha256(asked).hexdigest()
        if standing.sequence is not None:
            found = await cache.find(subject, (str(standing.epoch), standing.sequence), place)
            if found is not None:
                return _answered(standing, Raw(found))
        reading = await self._reading(question, viewer, after)
        body = await question.answer(reading, query)
        if reading.sequence is None or reading.private:
            return _answered(reading, body)
        encoded = msgspec.json.encode(body)
        await cache.keep(subject, (str(reading.epoch), reading.sequence), place, encoded)
        return _answered(reading, Raw(encoded))


def _answered(reading: Reading, body: Any) -> tuple[Answer, int]:
    position = reading.position if reading.as_of is None else reading.as_of
    epoch = None if reading.sequence is None else reading.epoch
    return Answer(body=body, position=position, sequence=reading.sequence, epoch=epoch), reading.highest


def _is_present(query: Query) -> bool:
    """Whether an answer shows a project as it is now, from the start: not a past one, not a further page."""
    past = any(getattr(query, name, None) is not None for name in ("at", "version", "cursor", "a"))
    return getattr(query, "project_id", None) is not None and not past
