"""The read side's one entry: every query by its permanent name, and who answers it."""

import asyncio
from collections.abc import Iterable
from time import monotonic
from typing import Any, Self

import psycopg
from msgspec import structs
from psycopg_pool import AsyncConnectionPool

from domain.registry import name_of
from eventstore.personal import Vault
from projections.asking import Answer, NoSnapshot, NulInQuery, Query, Question, Reading, Rebuilding, Viewer
from projections.models import ALL, QUESTIONS
from projections.watermarks import PATIENCE, SHORTEST, StaleRead, Watermarks
from runtime.blobs import Blobs
from runtime.broker import Broker
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


class Queries:
    """Answers queries. As an async context manager it also hears at once how far the read models are."""

    def __init__(
        self,
        pool: AsyncConnectionPool[Any],
        vault: Vault,
        blobs: Blobs,
        broker: Broker | None = None,
        board: ProgressBoard | None = None,
    ) -> None:
        """Read through `pool` and `blobs`, open personal texts with `vault`; `board` tells what goes on right now.

        Without a broker, waiting goes by polling alone; all that it hears is for us.
        """
        self._pool = pool
        self.vault = vault
        self._blobs = blobs
        self.watermarks = Watermarks(pool, [projection.name for projection in ALL], broker)
        self._board = board

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
        body = await question.answer(reading, query)
        position = reading.position if reading.as_of is None else reading.as_of
        epoch = None if reading.sequence is None else reading.epoch
        return Answer(body=body, position=position, sequence=reading.sequence, epoch=epoch), reading.highest


def _is_present(query: Query) -> bool:
    """Whether an answer shows a project as it is now, from the start: not a past one, not a further page."""
    past = any(getattr(query, name, None) is not None for name in ("at", "version", "cursor", "a"))
    return getattr(query, "project_id", None) is not None and not past
