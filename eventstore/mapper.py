"""Our events for the eventsourcing library: its mapper, with our event types in place of topics and transcoder."""

from typing import Any
from uuid import UUID

from eventsourcing.persistence import (
    Cipher,
    Compressor,
    JSONTranscoder,
    Mapper,
    MapperDeserialisationError,
    StoredEvent,
)
from msgspec import Struct

from eventstore.types import EventTypes, Undecodable, UnknownType


class Originated(Struct, frozen=True):
    """An event with the aggregate and the version that the library asks events for."""

    originator_id: UUID
    originator_version: int
    event: Any


class EventMapper(Mapper[UUID]):
    """Maps `Originated` events; what is stored is the same name and JSON that `EventStore` stores.

    The library's compressor and cipher work on top of it, as in its own mapper.
    """

    def __init__(
        self, types: EventTypes[Any], compressor: Compressor | None = None, cipher: Cipher | None = None
    ) -> None:
        """Know `types`. The base class wants a transcoder, which is never used."""
        super().__init__(JSONTranscoder(), compressor, cipher)
        self._types = types

    def to_stored_event(self, domain_event: Originated) -> StoredEvent:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Encode an event, compress it, encrypt it."""
        stored = self._types.encode(domain_event.event)
        state = stored.data
        if self.compressor:
            state = self.compressor.compress(state)
        if self.cipher:
            state = self.cipher.encrypt(state)
        return StoredEvent(domain_event.originator_id, domain_event.originator_version, stored.type, state)

    def to_domain_event(self, stored_event: StoredEvent) -> Originated:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Decrypt an event, decompress it, decode it. Raises `MapperDeserialisationError`."""
        state = stored_event.state
        try:
            if self.cipher:
                state = self.cipher.decrypt(state)
            if self.compressor:
                state = self.compressor.decompress(state)
            event = self._types.decode(stored_event.topic, state)
        except (UnknownType, Undecodable, ValueError, OSError) as error:
            raise MapperDeserialisationError(f"{stored_event.topic}: {error}") from error
        return Originated(UUID(str(stored_event.originator_id)), stored_event.originator_version, event)
