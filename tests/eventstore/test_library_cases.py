"""The eventsourcing library's own test cases, run against our recorders: the peer's proof that they are recorders."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from eventsourcing.application import Application
from eventsourcing.compressor import ZlibCompressor
from eventsourcing.cryptography import AESCipher
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import IntegrityError, MapperDeserialisationError, StoredEvent, Tracking
from eventsourcing.postgres import PostgresDatastore
from eventsourcing.tests.persistence import (
    AggregateRecorderTestCase,
    ApplicationRecorderTestCase,
    InfrastructureFactoryTestCase,
    NonInterleavingNotificationIDsBaseCase,
    ProcessRecorderTestCase,
    TrackingRecorderTestCase,
)
from eventsourcing.utils import Environment
from msgspec import Struct
from psycopg.conninfo import conninfo_to_dict

from eventstore.mapper import EventMapper, Originated
from eventstore.recorder import (
    PlumblineFactory,
    PlumblineProcessRecorder,
    PlumblineRecorder,
    PlumblineSnapshotRecorder,
    PlumblineTrackingRecorder,
)
from eventstore.types import EventTypes


@pytest.fixture
def environment(database_url: str) -> dict[str, str]:
    """How an application of the library is told to use our database."""
    parts = conninfo_to_dict(database_url)
    return {
        "PERSISTENCE_MODULE": "eventstore.recorder",
        "POSTGRES_DBNAME": str(parts["dbname"]),
        "POSTGRES_HOST": str(parts["host"]),
        "POSTGRES_USER": str(parts["user"]),
        "POSTGRES_PASSWORD": "",
    }


class _OnOurDatabase:
    """Gives each of the library's cases a migrated database of its own."""

    datastore: PostgresDatastore

    @pytest.fixture(autouse=True)
    def _database(self, environment: dict[str, str]) -> Iterator[None]:
        with PostgresDatastore(
            environment["POSTGRES_DBNAME"],
            environment["POSTGRES_HOST"],
            "",
            environment["POSTGRES_USER"],
            "",
            pool_size=5,
            max_overflow=10,
        ) as self.datastore:
            yield


class TestSnapshotRecorder(_OnOurDatabase, AggregateRecorderTestCase):
    def create_recorder(self) -> PlumblineSnapshotRecorder:
        recorder = PlumblineSnapshotRecorder(self.datastore)
        recorder.create_table()
        return recorder


class TestApplicationRecorder(_OnOurDatabase, ApplicationRecorderTestCase[PlumblineRecorder]):
    INITIAL_VERSION = 0
    """These cases number from 0 here and there; ours must know where an aggregate begins."""

    def create_recorder(self) -> PlumblineRecorder:
        recorder = PlumblineRecorder(self.datastore, first_version=self.INITIAL_VERSION)
        recorder.create_table()
        return recorder

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestNonInterleavingNotificationIDs(_OnOurDatabase, NonInterleavingNotificationIDsBaseCase):
    insert_num = 1000

    def create_recorder(self) -> PlumblineRecorder:
        return PlumblineRecorder(self.datastore, first_version=0)


class TestTrackingRecorder(_OnOurDatabase, TrackingRecorderTestCase):
    def create_recorder(self) -> PlumblineTrackingRecorder:
        recorder = PlumblineTrackingRecorder(self.datastore)
        recorder.create_table()
        return recorder


class TestProcessRecorder(_OnOurDatabase, ProcessRecorderTestCase):
    def create_recorder(self) -> PlumblineProcessRecorder:
        from_zero = self._testMethodName == "test_performance"
        return PlumblineProcessRecorder(self.datastore, first_version=0 if from_zero else 1)


class _SpecialTrackingRecorder(PlumblineTrackingRecorder):
    pass


class TestFactory(InfrastructureFactoryTestCase[PlumblineFactory]):
    @pytest.fixture(autouse=True)
    def _environment(self, environment: dict[str, str]) -> None:
        self.settings = environment

    def setUp(self) -> None:
        self.env = Environment("", self.settings)
        super().setUp()

    def expected_factory_class(self) -> type[PlumblineFactory]:
        return PlumblineFactory

    def expected_aggregate_recorder_class(self) -> type[PlumblineSnapshotRecorder]:
        return PlumblineSnapshotRecorder

    def expected_application_recorder_class(self) -> type[PlumblineRecorder]:
        return PlumblineRecorder

    def expected_tracking_recorder_class(self) -> type[PlumblineTrackingRecorder]:
        return PlumblineTrackingRecorder

    def tracking_recorder_subclass(self) -> type[PlumblineTrackingRecorder]:
        return _SpecialTrackingRecorder

    def expected_process_recorder_class(self) -> type[PlumblineProcessRecorder]:
        return PlumblineProcessRecorder


class Dog(Aggregate):
    """An aggregate as the library's documentation writes them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.tricks: list[str] = []

    @event("TrickAdded")
    def add_trick(self, trick: str) -> None:
        self.tricks.append(trick)


def test_an_application_of_the_library_lives_in_our_log(environment: dict[str, str]) -> None:
    with Application(env={**environment, "IS_SNAPSHOTTING_ENABLED": "yes"}) as app:
        dog = Dog(name="Fido")
        dog.add_trick("roll over")
        app.save(dog)
        app.take_snapshot(dog.id)
        dog.add_trick("play dead")
        app.save(dog)
        found: Dog = app.repository.get(dog.id)
        assert found.tricks == ["roll over", "play dead"]
        assert [one.id for one in app.notification_log.select(start=1, limit=10)] == [1, 2, 3]


def test_events_of_several_aggregates_keep_their_order(environment: dict[str, str]) -> None:
    with PlumblineFactory(environment) as factory:
        recorder = factory.application_recorder()
        one, other = uuid4(), uuid4()
        mixed = [StoredEvent(each, version, "t", b"{}") for version in (1, 2) for each in (one, other)]
        assert recorder.insert_events(mixed) == [1, 2, 3, 4]
        assert [(n.originator_id, n.originator_version) for n in recorder.select_notifications(1, 9)] == [
            (each.originator_id, each.originator_version) for each in mixed
        ]
        with pytest.raises(IntegrityError, match="do not follow each other"):
            recorder.insert_events([StoredEvent(one, 3, "t", b"{}"), StoredEvent(one, 5, "t", b"{}")])


def test_a_conflict_takes_the_tracking_back_with_it(environment: dict[str, str]) -> None:
    with PlumblineFactory(environment) as factory:
        recorder = factory.process_recorder()
        with pytest.raises(IntegrityError):
            recorder.insert_events([StoredEvent(uuid4(), 2, "t", b"{}")], tracking=Tracking("upstream", 1))
        assert recorder.max_tracking_id("upstream") is None


class Opened(Struct, frozen=True, tag="box.opened"):
    name: str


TYPES: EventTypes[Any] = EventTypes({"box.opened": Opened})


def test_the_mapper_stores_what_the_event_store_stores() -> None:
    mapper = EventMapper(TYPES)
    originated = Originated(uuid4(), 3, Opened("a"))
    stored = mapper.to_stored_event(originated)
    assert (stored.topic, stored.state) == ("box.opened", b'{"name":"a"}')
    assert mapper.to_domain_event(stored) == originated


def test_the_librarys_compressor_and_cipher_still_work() -> None:
    cipher = AESCipher(Environment("", {"CIPHER_KEY": AESCipher.create_key(32)}))
    mapper = EventMapper(TYPES, ZlibCompressor(), cipher)
    originated = Originated(uuid4(), 1, Opened("secret" * 20))
    stored = mapper.to_stored_event(originated)
    assert b"secret" not in stored.state
    assert mapper.to_domain_event(stored) == originated
    with pytest.raises(MapperDeserialisationError, match=r"box\.opened"):
        EventMapper(TYPES).to_domain_event(stored)
