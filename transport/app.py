"""The application factory: the one place where an API process is wired together."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NoReturn

from litestar import Litestar, Request
from litestar.types import ControllerRouterHandler

from commands.write_side import write_side
from projections.queries import Queries
from runtime.blobs import Blobs
from runtime.broker import open_broker, open_client
from runtime.cache import AnswerCache
from runtime.database import open_pool
from runtime.migrations import check
from runtime.progress import ProgressBoard
from runtime.settings import Settings
from transport.access_log import AccessLog
from transport.admission import Admission
from transport.freshness import Freshness
from transport.gate import Gate
from transport.gateway.feed_door import feed_routes
from transport.gateway.socket import open_socket_door
from transport.gateway.socket_places import Places
from transport.gateway.socket_wire import PATH
from transport.health import health_routes
from transport.limits import Limiter, Limits
from transport.recognition import Recognition
from transport.rest.analysis_door import analysis_routes
from transport.rest.command_door import command_apps
from transport.rest.docs_door import docs_routes
from transport.rest.doors import Doors
from transport.rest.export_door import export_routes
from transport.rest.query_door import query_routes
from transport.rest.session_door import session_routes
from transport.rest.upload_door import upload_routes
from transport.sessions import Sessions
from transport.tickets import PATH as TICKETS
from transport.tickets import TicketDoor

LIMITS = Limits()
MOST_CONNECTIONS = 64
"""To Valkey, besides the brokers: more than its users here take together; each of them bounds what it asks at once."""


def create_app(settings: Settings, *, limits: Limits = LIMITS) -> Litestar:
    """Make the API. Its routes appear when its lifespan has opened the parts that they need.

    `state.socket_door` is then where sockets come in; its `sockets` are to be drained before the end.
    The lifespan raises `MigrationsMissing`, which lists them, on a database that is behind.
    """

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None]:
        async with access_log, open_doors(settings, limits) as doors, open_socket_door(doors) as socket_door:
            for route in (*_routes(doors), *feed_routes(doors, socket_door)):
                app.register(route)
            gate.direct |= command_apps(doors) | {TICKETS: TicketDoor(doors), PATH: socket_door}
            app.state.socket_door = socket_door
            yield

    app = Litestar(
        lifespan=[lifespan],
        exception_handlers={Exception: _leave_to_the_gate},
        openapi_config=None,
        logging_config=None,
    )
    access_log = AccessLog(enabled=settings.log_level in {"debug", "info"})
    app.asgi_handler = gate = Gate(app.asgi_handler, access_log, settings.trusted_proxies)
    return app


@asynccontextmanager
async def open_doors(settings: Settings, limits: Limits = LIMITS) -> AsyncGenerator[Doors]:
    """Open every part of an API process, and close them in the opposite order."""
    async with AsyncExitStack() as stack:
        await check(settings.postgres)
        pool = await stack.enter_async_context(open_pool(settings.postgres, name="api", size=settings.pool_size))
        broker = await stack.enter_async_context(open_broker(settings.valkey))
        valkey = await stack.enter_async_context(open_client(settings.valkey, size=MOST_CONNECTIONS))
        write = await stack.enter_async_context(
            write_side(pool, broker, settings.master_key, settings.analysis_sharing)
        )
        marks = await stack.enter_async_context(open_broker(settings.valkey))
        blobs = Blobs(settings.blob_url)
        queries = await stack.enter_async_context(
            Queries(pool, write.vault, blobs, marks, board=ProgressBoard(valkey), cache=AnswerCache(valkey))
        )
        ends = await stack.enter_async_context(open_broker(settings.valkey))
        sessions = await stack.enter_async_context(
            Sessions(valkey, ends, write.identities, settings.master_key, settings.session_hours)
        )
        freshness = await stack.enter_async_context(Freshness(write.store, write.bus.states))
        recognise = Recognition(write, sessions, freshness)
        limiter = Limiter(valkey)
        places = await stack.enter_async_context(
            Places(valkey, per_account=settings.sockets_per_account, per_address=settings.sockets_per_address)
        )
        yield Doors(
            settings=settings,
            pool=pool,
            broker=broker,
            valkey=valkey,
            write=write,
            blobs=blobs,
            queries=queries,
            recognise=recognise,
            sessions=sessions,
            admission=Admission(recognise, limiter, limits, settings.allowed_origins),
            limiter=limiter,
            limits=limits,
            places=places,
            epoch=await write.store.epoch(),
        )


def _routes(doors: Doors) -> Iterator[ControllerRouterHandler]:
    yield from query_routes(doors)
    yield from session_routes(doors)
    yield from upload_routes(doors)
    yield from export_routes(doors)
    yield from analysis_routes(doors)
    yield from health_routes(doors)
    yield from docs_routes()


def _leave_to_the_gate(_request: Request[Any, Any, Any], error: Exception) -> NoReturn:
    raise error
