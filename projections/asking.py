"""What every query shares: its envelope, pages and cursors, who asks, and the one statement that reads for it."""

import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, Generic, TypeVar, get_type_hints
from uuid import UUID

import msgspec
from msgspec import Meta, Struct
from psycopg_pool import AsyncConnectionPool
from redis.exceptions import RedisError

from domain.core import Refused
from domain.project import UnknownProject
from eventstore.personal import Vault
from projections.watermarks import StaleRead, Watermarks
from runtime.blobs import Blobs
from runtime.progress import Progress, ProgressBoard
from runtime.telemetry import get_logger

log = get_logger(__name__)

T = TypeVar("T", bound=Struct)
Position = Annotated[int, Meta(ge=0, description="a position of the log")]
Limit = Annotated[int, Meta(ge=1, le=500)]

MEMBERS = "members"
"""Every answer about a project depends on this projection, which says who may read it."""


class Query(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """A question. With `after`, the answer knows everything up to that position of the log, or is `StaleRead`.

    With `snapshot`, an answer about a project is true at exactly one sequence of the project's feed, and tells it: a
    subscription from there goes on with the next event. Of a listing, the first page's sequence counts.
    """

    after: Position | None = None
    snapshot: bool = False


class Listing(Query, frozen=True, kw_only=True):
    """A question answered in pages of at most `limit` items; `cursor` is the `next_cursor` of the page before."""

    limit: Limit = 50
    cursor: str | None = None


class Page(Struct, Generic[T], frozen=True, kw_only=True):
    """Some items, and the cursor that continues behind them; `None` after the last one."""

    items: Sequence[T]
    next_cursor: str | None = None


class Viewer(Struct, frozen=True, kw_only=True):
    """Who asks. An administrator may read every project."""

    account_id: UUID | None
    admin: bool = False


class Answer(Struct, frozen=True, kw_only=True):
    """What a query came to: everything up to `position` of the log is in it.

    Where it shows a project as it is at one `sequence` of the project's feed, that is told too, with the life of the
    log (`epoch`) that the sequence belongs to.
    """

    body: Any
    position: int
    sequence: int | None = None
    epoch: UUID | None = None


class NotSignedIn(Refused):
    """Log in, or send a bearer token."""

    code = "not_signed_in"
    kind = "unauthenticated"


class Rebuilding(Refused):
    """This read model is being rebuilt for a new version of the program: ask again in a moment."""

    code = "read_model_rebuilding"
    kind = "unavailable"


class BadCursor(Refused):
    """This cursor does not come from a page of this query."""

    code = "bad_cursor"
    kind = "invalid"


class NoSnapshot(Refused):
    """A snapshot shows one project as it is now, from its first page on."""

    code = "no_snapshot"
    kind = "invalid"


class NulInQuery(Refused):
    """Text must not contain NUL characters."""

    code = "nul_in_query"
    kind = "invalid"


class Question(Struct, frozen=True, kw_only=True):
    """A kind of query: its struct, what it answers, the projections that it reads, and the function that does it.

    A `cached` answer is kept while nothing happens on the feed of the query's project: it follows from that feed alone
    and is the same for every member.
    """

    query: type[Query]
    result: Any
    sources: tuple[str, ...]
    answer: Callable[["Reading", Any], Awaitable[Any]]
    cached: bool = False


class Order(Struct, frozen=True, kw_only=True):
    """The order of a listing: by fields of its items, which together are unique; `table` is their alias in the SQL.

    Fields that are the same in all items of a listing, but must not change from page to page, are `pinned`.
    """

    fields: tuple[str, ...]
    table: str
    descending: bool = False
    pinned: tuple[str, ...] = ()

    @property
    def cursor(self) -> tuple[str, ...]:
        """What a cursor holds."""
        return (*self.pinned, *self.fields)

    def by(self) -> str:
        """Write ORDER BY."""
        return ", ".join(f"{self.table}.{name}{' DESC' if self.descending else ''}" for name in self.fields)

    def is_behind(self, item: object, place: tuple[Any, ...]) -> bool:
        """Say whether an item lies behind a cursor's place."""
        there = tuple(getattr(item, name) for name in self.cursor)
        return there < place if self.descending else there > place

    def behind(self) -> str:
        """Write the condition for what lies behind a cursor's place."""
        columns = ", ".join(f"{self.table}.{name}" for name in self.fields)
        place = ", ".join(f"%(place_{index})s" for index in range(len(self.fields)))
        return f"({columns}) {'<' if self.descending else '>'} ({place})"


Filter = tuple[str, str, object]
"""A parameter's name, the condition that uses it, and its value; `None` leaves the condition out."""

ALLOWED = (
    "(SELECT bool_or(%(admin)s OR (account_id = %(viewer)s AND joined)) FROM read.members"
    " WHERE project_id = %(project_id)s)"
)
CHECKPOINTS = (
    "(SELECT coalesce(min(position), 0) AS low, coalesce(max(position), 0) AS high"
    " FROM read.checkpoints WHERE projection = ANY(%(sources)s)) checkpoints"
)
CHECKPOINT = "checkpoints.low"
"""In what `Reading.select` runs: the position that all projections have reached that it reads."""
MOST_BEHIND = 1_000
"""Events of a feed that are looked through for the sequence at a position: read models further behind tell none."""
SEQUENCES = ", ".join(
    "(SELECT CASE WHEN command_id IS NULL OR command_hash IS NOT NULL THEN sequence END FROM"  # noqa: S608 - our own
    " (SELECT sequence, position, command_id, command_hash FROM events WHERE feed = %(feed)s"
    f" ORDER BY sequence DESC LIMIT {MOST_BEHIND}) newest WHERE position <= {mark} ORDER BY sequence DESC LIMIT 1)"
    for mark in ("low", "high")
)
"""The feed's sequence at both ends of the checkpoints. None amid a command: its last event carries the hash."""
EPOCH = "(SELECT epoch FROM log_epoch)"


class Reading:
    """One query being answered: reads tables, checks the viewer's right to them, notes how current they are."""

    def __init__(
        self,
        pool: AsyncConnectionPool[Any],
        vault: Vault,
        watermarks: Watermarks,
        viewer: Viewer,
        sources: Sequence[str],
        *,
        blobs: Blobs,
        board: ProgressBoard | None = None,
    ) -> None:
        """Read through `pool`, for `viewer`, from the tables of the projections named in `sources`.

        `blobs` are what those tables name by hash; `board` is live.
        """
        self.pool = pool
        self.viewer = viewer
        self.position = 0
        """What was read is true at this position of the log, of all that was read."""
        self.highest = 0
        """How far the furthest of the projections was that were read."""
        self.epoch: UUID | None = None
        self.as_of: int | None = None
        """The position of the past that the query asks about."""
        self.private = False
        """Whether the answer has texts of persons in it, or what only Valkey knows: it must not be kept."""
        self._vault = vault
        self._watermarks = watermarks
        self._sources = list(sources)
        self._blobs = blobs
        self._board = board
        self._needed = 0
        self._read = False
        self._sequences: set[int | None] = set()

    @property
    def sequence(self) -> int | None:
        """Where in the project's feed all that was read is true: `None` where it is not true at one place."""
        return next(iter(self._sequences)) if len(self._sequences) == 1 else None

    async def reach(self, position: int) -> None:
        """Wait until the tables are true at a position; raises `StaleRead` if they are not in time."""
        self._needed = max(self._needed, position)
        await self._watermarks.wait(self._sources, position)

    @property
    def account_id(self) -> UUID:
        """The viewer's account; raises `NotSignedIn`."""
        if self.viewer.account_id is None:
            raise NotSignedIn
        return self.viewer.account_id

    async def select(
        self, item: type[T], sql: str, params: Mapping[str, Any], *, project_id: UUID | None = None
    ) -> list[T]:
        """Run one SELECT and give its rows as `item`s: columns are named as the fields.

        With `project_id`, in the same statement checks that the viewer may read this project: raises
        `UnknownProject` when it does not exist or is none of the viewer's business.
        """
        rows = f"(SELECT coalesce(json_agg(q), '[]')::text FROM ({sql}) q)"  # noqa: S608 - our own text
        return msgspec.json.decode(await self._run(rows, params, project_id), type=list[item])

    async def stand(self, tables: Sequence[str], project_id: UUID) -> str:
        """Note where the read models stand, as `select` does, and tell these tables apart from any made since."""
        lives = ", ".join(f"'{table}'::regclass::oid" for table in tables)
        return await self._run(f"concat_ws(' ', {lives})", {}, project_id)

    async def _run(self, value: str, params: Mapping[str, Any], project_id: UUID | None) -> str:
        """Give one text that PostgreSQL makes, and note where the read models stand in the same statement."""
        of_project = "true, NULL, NULL, NULL" if project_id is None else f"{ALLOWED}, {SEQUENCES}, {EPOCH}"
        known = {"viewer": self.account_id, "admin": self.viewer.admin, "sources": self._sources}
        given = {
            **params,
            **known,
            "project_id": project_id or params.get("project_id"),
            "feed": f"project:{project_id}",
        }
        async with self.pool.connection() as connection:
            statement = f"SELECT low, high, {of_project}, {value} FROM {CHECKPOINTS}"  # noqa: S608 - our own text
            ((position, high, may_read, *sequences, self.epoch, text),) = await (
                await connection.execute(statement.encode(), given)
            ).fetchall()
        if not may_read:
            raise UnknownProject
        if position < self._needed:
            raise StaleRead(position=position)
        self.position = min(self.position, position) if self._read else position
        self.highest = max(self.highest, high)
        self._sequences.update(sequences)
        self._read = True
        return text

    async def page(
        self,
        query: Listing,
        item: type[T],
        sql: str,
        order: Order,
        *filters: Filter,
        project_id: UUID | None = None,
        **params: object,
    ) -> Page[T]:
        """Run a SELECT that ends in its WHERE clause for one page of `order`, with those filters that have a value.

        Checks the viewer's right to `project_id` as `select` does. Raises `BadCursor`.
        """
        chosen = [condition for _, condition, value in filters if value is not None]
        given = {name: value for name, _, value in filters} | params | {"limit": query.limit + 1}
        if query.cursor is not None:
            place = place_of(query.cursor, item, order.cursor)[len(order.pinned) :]
            given |= {f"place_{index}": value for index, value in enumerate(place)}
            chosen.append(order.behind())
        conditions = "".join(f" AND {condition}" for condition in chosen)
        found = await self.select(
            item, f"{sql}{conditions} ORDER BY {order.by()} LIMIT %(limit)s", given, project_id=project_id
        )
        return _page(found, query.limit, order)

    async def blob(self, sha256: str) -> bytes:
        """Read what is stored under a hash that a table named."""
        return await self._blobs.get(sha256)

    async def progress(self, job: str) -> Progress | None:
        """Give the newest step of a job that goes on; `None` where none is remembered, or nobody can tell."""
        self.private = True
        if self._board is None:
            return None
        try:
            return await self._board.read(job)
        except RedisError:
            log.warning("progress.not_read", job=job, exc_info=True)
            return None

    async def open(self, token: str | None) -> str | None:
        """Make a personal text readable; `None` where there is none, or its key is destroyed."""
        self.private = True
        return None if token is None else await self._vault.open(token)


def page_of(items: Sequence[T], item: type[T], query: Listing, order: Order) -> Page[T]:
    """Cut a page out of all items, which stand in their order already. Raises `BadCursor`."""
    if query.cursor is not None:
        place = place_of(query.cursor, item, order.cursor)
        items = [each for each in items if order.is_behind(each, place)]
    return _page(items, query.limit, order)


def _page(items: Sequence[T], limit: int, order: Order) -> Page[T]:
    shown = items[:limit]
    return Page(items=shown, next_cursor=cursor_of(shown[-1], order.cursor) if len(items) > limit else None)


def cursor_of(item: object, fields: Sequence[str]) -> str:
    """Write the place behind an item, in the order of these fields."""
    key = [getattr(item, name) for name in fields]
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).rstrip(b"=").decode()


def place_of(cursor: str, item: type[Struct], fields: Sequence[str]) -> tuple[Any, ...]:
    """Read the place that a cursor means; raises `BadCursor`."""
    hints = get_type_hints(item)
    try:
        data = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
        return msgspec.json.decode(data, type=tuple[tuple(hints[name] for name in fields)])  # type: ignore[misc]
    except (ValueError, msgspec.DecodeError) as error:
        raise BadCursor from error


def contains(text: str) -> str:
    """Write an ILIKE pattern for texts that contain `text`, whatever signs it has."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
