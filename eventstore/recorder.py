"""The log as a persistence module of the eventsourcing library: its recorders, on our tables and with our append.

An application of that library uses it with `PERSISTENCE_MODULE=eventstore.recorder`. What the library calls the events
table becomes the application's feed, and its aggregates the streams `<feed>:<originator id>`; what others append to the
log is not its business. Our migrations make the tables, so `create_table` makes none.
"""

from collections.abc import Sequence
from threading import Event
from typing import Any
from uuid import UUID

from eventsourcing import postgres
from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    InterfaceError,
    Notification,
    OperationalError,
    ProcessRecorder,
    StoredEvent,
    Subscription,
)
from eventsourcing.postgres import (
    PostgresAggregateRecorder,
    PostgresApplicationRecorder,
    PostgresDatastore,
    PostgresTrackingRecorder,
)
from eventsourcing.utils import retry
from msgspec import structs
from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.sql import SQL, Identifier

from eventstore.arrays import bytea, register, text
from eventstore.batch import APPEND_EVENTS, Encoded, answers, arguments, encode
from eventstore.records import Append, Appended, NewEvent, Write

ACTOR = "eventsourcing"
POLL_EVERY = 0.05
"""Seconds between a subscription's looks at the log: appends send no NOTIFY, as it locks the whole database."""

NOTIFICATIONS = b"""
    SELECT position, stream, version, type, data FROM events
    WHERE feed = %s AND position >= %s AND position <= %s AND (%s::text[] IS NULL OR type = ANY(%s))
    ORDER BY sequence LIMIT %s
"""
LAST = b"SELECT position FROM events WHERE feed = %s ORDER BY sequence DESC LIMIT 1"
SAVE_SNAPSHOT = b"INSERT INTO snapshots (stream, version, position, fingerprint, state) VALUES (%s, %s, 0, %s, %s)"
TRACK = SQL(
    "INSERT INTO followers (name, position) VALUES (%(application_name)s, %(notification_id)s)"
    " ON CONFLICT (name) DO UPDATE SET position = excluded.position WHERE followers.position < excluded.position"
    " RETURNING position"
)
TRACKED = SQL("SELECT max(position) FROM followers WHERE name = %s")
FURTHEST = 2**63 - 1

retrying = retry((InterfaceError, OperationalError), max_attempts=10, wait=0.2)
"""As the library's own recorders do, which call this for every method."""


STORED_SNAPSHOTS = SQL(
    "SELECT * FROM (SELECT substr(stream, {start})::{id_type} AS originator_id, version AS originator_version,"
    " fingerprint AS topic, state, stream FROM snapshots) stored WHERE stream = {prefix} || %s"
)
STORED_EVENTS = SQL(
    "SELECT * FROM (SELECT substr(stream, {start})::{id_type} AS originator_id, version + {before} AS"
    " originator_version, type AS topic, data AS state, stream FROM events) stored WHERE stream = {prefix} || %s"
)
"""The library adds its conditions to these, and passes an originator id."""


class PlumblineSnapshotRecorder(PostgresAggregateRecorder):
    """Keeps the library's snapshots in our table; their topic stands where ours have a fingerprint."""

    def __init__(self, datastore: PostgresDatastore, *, events_table_name: str = "stored_snapshots") -> None:
        """Use the connections of `datastore`."""
        super().__init__(datastore, events_table_name=events_table_name)
        self.select_events_statement = STORED_SNAPSHOTS.format(
            start=len(events_table_name) + 2,
            id_type=Identifier(datastore.originator_id_type),
            prefix=f"{events_table_name}:",
        )

    def create_table(self) -> None:
        """Leave tables to the migrations."""

    def _insert_stored_events(self, curs: Cursor[DictRow], stored_events: Sequence[StoredEvent], **_: Any) -> None:
        rows = [
            (f"{self.events_table_name}:{one.originator_id}", one.originator_version, one.topic, one.state)
            for one in stored_events
        ]
        with curs.connection.transaction():
            curs.executemany(SAVE_SNAPSHOT, rows)


class PlumblineRecorder(PostgresApplicationRecorder):
    """Records events in the log, with all its promises: one call is one append. Notification ids are positions."""

    def __init__(
        self,
        datastore: PostgresDatastore,
        *,
        events_table_name: str = "stored_events",
        first_version: int = 1,
        **kwargs: Any,
    ) -> None:
        """Use the connections of `datastore`; aggregates number their events from `first_version`."""
        super().__init__(datastore, events_table_name=events_table_name, **kwargs)
        self._before_first = first_version - 1
        self.select_events_statement = STORED_EVENTS.format(
            start=len(events_table_name) + 2,
            id_type=Identifier(datastore.originator_id_type),
            before=self._before_first,
            prefix=f"{events_table_name}:",
        )

    def create_table(self) -> None:
        """Leave tables to the migrations."""

    @retrying
    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """Append the events, whole or not at all; answer their positions. Raises `IntegrityError` on a conflict."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_events(cursor, stored_events, **kwargs)
            if not stored_events:
                return None
            batch = [self._encoded(stored_events)]
            register(cursor)
            cursor.execute(APPEND_EVENTS, arguments(batch), prepare=True, binary=True)
            answer = answers(batch, [tuple(row.values()) for row in cursor.fetchall()])[0]
            if not isinstance(answer, Appended):
                raise IntegrityError(str(answer))
            return list(range(answer.first_position, answer.position + 1))

    @retrying
    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Read the application's events between two positions, in order."""
        first = (start or 0) + (not inclusive_of_start)
        last = FURTHEST if stop is None else stop
        wanted = list(topics) or None
        with self.datastore.cursor() as cursor:
            cursor.execute(
                NOTIFICATIONS, (self.events_table_name, first, last, wanted, wanted, limit), prepare=True, binary=True
            )
            return [self._notification(row) for row in cursor.fetchall()]

    @retrying
    def max_notification_id(self) -> int | None:
        """Give the position of the application's last event."""
        with self.datastore.cursor() as cursor:
            row = cursor.execute(LAST, (self.events_table_name,), prepare=True).fetchone()
            return row["position"] if row else None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        """Follow the application's events from behind position `gt`."""
        return PollingSubscription(recorder=self, gt=gt, topics=topics)

    def _encoded(self, stored_events: Sequence[StoredEvent]) -> Encoded:
        """Make one append of the events, which keep their order although streams may alternate."""
        streams: dict[str, list[StoredEvent]] = {}
        for one in stored_events:
            streams.setdefault(f"{self.events_table_name}:{one.originator_id}", []).append(one)
        writes = tuple(
            Write(stream, self._expected(events), tuple(NewEvent(one.topic, one.state) for one in events))
            for stream, events in streams.items()
        )
        places = {stream: place for place, stream in enumerate(streams, 1)}
        return structs.replace(
            encode(Append(feed=self.events_table_name, writes=writes, actor=ACTOR)),
            event_writes=[places[f"{self.events_table_name}:{one.originator_id}"] for one in stored_events],
            event_types=b"".join(text(one.topic) for one in stored_events),
            event_data=b"".join(bytea(one.state) for one in stored_events),
        )

    def _expected(self, events: Sequence[StoredEvent]) -> int:
        """Give the version before the first of these; raise `IntegrityError` if they do not follow each other."""
        first = events[0].originator_version
        if [one.originator_version for one in events] != list(range(first, first + len(events))):
            raise IntegrityError("an aggregate's events do not follow each other")
        return first - self._before_first - 1

    def _notification(self, row: DictRow) -> Notification:
        originator_id: str = row["stream"][len(self.events_table_name) + 1 :]
        return Notification(
            id=row["position"],
            originator_id=UUID(originator_id) if self.datastore.originator_id_type == "uuid" else originator_id,
            originator_version=row["version"] + self._before_first,
            topic=row["type"],
            state=row["data"],
        )


class PollingSubscription(Subscription[PlumblineRecorder]):
    """Follows the log by looking."""

    def __init__(self, recorder: PlumblineRecorder, gt: int | None = None, topics: Sequence[str] = ()) -> None:
        """Begin behind position `gt`."""
        super().__init__(recorder, gt, topics)
        self._stopped = Event()
        self._fetched: list[Notification] = []

    def stop(self) -> None:
        """End the iteration, also one that waits in another thread."""
        super().stop()
        self._stopped.set()

    def __next__(self) -> Notification:
        while not self._stopped.is_set():
            if self._fetched:
                notification = self._fetched.pop()
                self._last_notification_id = notification.id
                return notification
            found = self._recorder.select_notifications(
                self._last_notification_id, 500, topics=self._topics, inclusive_of_start=False
            )
            self._fetched = list(reversed(found))
            if not found:
                self._stopped.wait(POLL_EVERY)
        raise StopIteration


class PlumblineTrackingRecorder(PostgresTrackingRecorder):
    """Keeps the library's tracking among the positions of our followers."""

    def __init__(self, datastore: PostgresDatastore, **kwargs: Any) -> None:
        """Use the connections of `datastore`."""
        super().__init__(datastore, **kwargs)
        self.insert_tracking_statement = TRACK.format()
        self.max_tracking_id_statement = TRACKED.format()

    def create_table(self) -> None:
        """Leave tables to the migrations."""


class PlumblineProcessRecorder(PlumblineTrackingRecorder, PlumblineRecorder, ProcessRecorder):
    """Records events and how far they were caused by other ones, in one transaction."""

    def _insert_events(self, curs: Cursor[DictRow], stored_events: Sequence[StoredEvent], **kwargs: Any) -> None:
        if (tracking := kwargs.get("tracking")) is not None:
            self._insert_tracking(curs, tracking)
        super()._insert_events(curs, stored_events, **kwargs)


class PlumblineFactory(postgres.PostgresFactory):
    """What the library looks for in a persistence module, where it wants to see no other factory."""

    aggregate_recorder_class = PlumblineSnapshotRecorder
    application_recorder_class = PlumblineRecorder
    tracking_recorder_class = PlumblineTrackingRecorder
    process_recorder_class = PlumblineProcessRecorder
