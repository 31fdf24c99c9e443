"""Read models over a world of the test's making, and somebody who asks."""

from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from domain.project import CreateProject
from eventstore.personal import Vault
from projections.asking import Answer, Listing, Query, Viewer
from projections.models import ALL
from projections.projection import Projection
from projections.queries import Queries
from runtime.blobs import Blobs
from runtime.database import Pool
from runtime.ids import new_id
from tests.projections.tables import catch_up, head
from tests.projections.world import World

OWNER, EDITOR, OUTSIDER = (f"account:{new_id()}" for _ in range(3))


class Shelf:
    """What happened so far is in the read models once `keep_up` was called."""

    def __init__(self, connection: AsyncConnection[Any], pool: Pool, vault: Vault, blobs: Blobs) -> None:
        self.world = World()
        self.connection = connection
        self.pool = pool
        self.blobs = blobs
        self.queries = Queries(pool, vault, blobs)

    async def keep_up(self, *, but: int = 0, lagging: Projection | None = None) -> int:
        """Store what the world did, and fold all of it but the last events; give the log's last position.

        One projection may lag behind the others.
        """
        position = await self.world.store(self.pool) or await head(self.connection)
        others = [projection for projection in ALL if projection is not lagging]
        await catch_up(self.connection, others, upto=position - but)
        return position

    def project(self, name: str = "Bridge") -> UUID:
        """Create a project of the owner's."""
        project_id = new_id()
        self.world.do(CreateProject(project_id=project_id, name=name), OWNER)
        return project_id

    async def answer(self, query: Query, actor: str = OWNER, *, admin: bool = False) -> Answer:
        return await self.queries.answer(query, Viewer(account_id=UUID(actor.removeprefix("account:")), admin=admin))

    async def ask(self, query: Query, actor: str = OWNER) -> Any:
        return (await self.answer(query, actor)).body

    async def pages(self, query: Listing, actor: str = OWNER) -> list[Any]:
        """Give the items of all pages."""
        items: list[Any] = []
        while True:
            body = await self.ask(query, actor)
            assert len(body.items) <= query.limit
            items += body.items
            if body.next_cursor is None:
                return items
            query = replaced(query, cursor=body.next_cursor)


def replaced(query: Any, **changes: Any) -> Any:
    return type(query)(**{name: getattr(query, name) for name in query.__struct_fields__} | changes)
