"""The log: append, read, snapshot, seal. Knows nothing of budgets."""

from eventstore.reading import read_log
from eventstore.records import (
    Append,
    Appended,
    AppendUnknown,
    CommandMismatch,
    Lines,
    LogUnavailable,
    NewEvent,
    Recorded,
    Snapshot,
    VersionConflict,
    Write,
)
from eventstore.snapshots import worth_snapshot
from eventstore.store import EventStore

__all__ = [
    "Append",
    "AppendUnknown",
    "Appended",
    "CommandMismatch",
    "EventStore",
    "Lines",
    "LogUnavailable",
    "NewEvent",
    "Recorded",
    "Snapshot",
    "VersionConflict",
    "Write",
    "read_log",
    "worth_snapshot",
]
