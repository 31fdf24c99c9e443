"""The worker process: where reactor, sweeper and dramatiq's threads are wired together."""

import asyncio
import os
import socket
from collections.abc import Sequence
from concurrent.futures import CancelledError
from contextlib import AsyncExitStack
from uuid import UUID

import structlog
from obstore.exceptions import BaseError
from psycopg import OperationalError

from commands.frames import LOG_CHANNEL
from commands.write_side import write_side
from eventstore.seals import seal
from projections.tables import ensure_tables
from runtime.blobs import Blobs
from runtime.broker import Broker, open_broker, open_client
from runtime.database import Pool, open_pool
from runtime.exposing import exposed
from runtime.garbage import collect_less
from runtime.ids import new_id
from runtime.lifeline import stop_requested, watch_stdin
from runtime.loop_delay import observe_delay
from runtime.migrations import check
from runtime.progress import ProgressBoard
from runtime.settings import Settings
from workers.bases import Bases
from workers.following import Following
from workers.jobs import KINDS
from workers.leases import Leases
from workers.notifier import notifier
from workers.nudges import Nudges
from workers.parsing import ParserPool
from workers.reactor import reactor
from workers.work import Tools, Worker

SEAL_SECONDS = 60.0
SWEEP_SECONDS = 3600.0

log = structlog.get_logger()


async def work(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT. Attempts under way are given back at once, for others to repeat."""
    watch_stdin()
    async with AsyncExitStack() as stack:
        stack.enter_context(exposed(settings.host, settings.worker_metrics_port))
        pool = await stack.enter_async_context(open_pool(settings.postgres, name="worker", size=settings.pool_size))
        await check(settings.postgres)
        async with pool.connection() as connection:
            await ensure_tables(connection)  # audits read prices there, perhaps before any projector has started
        broker = await stack.enter_async_context(open_broker(settings.valkey))
        valkey = await stack.enter_async_context(open_client(settings.valkey))
        write = await stack.enter_async_context(write_side(pool, broker, settings.master_key))
        parser = await stack.enter_async_context(ParserPool())
        tools = Tools(
            bus=write.bus,
            store=write.store,
            blobs=Blobs(settings.blob_url),
            parser=parser,
            broker=broker,
            board=ProgressBoard(valkey),
            bases=Bases(),
            pool=pool,
        )
        name = f"{socket.gethostname()}:{os.getpid()}:{new_id()}"
        worker = Worker(tools=tools, leases=Leases(pool, name), kinds=KINDS)
        attempts = Attempts(worker)
        nudges = Nudges(settings.nudges, attempts.run)
        followers = [
            Following(settings.postgres, each)
            for each in (reactor(write.bus, write.vault, nudges.send), notifier(write.bus))
        ]
        async with asyncio.TaskGroup() as tasks:
            running = [
                *(tasks.create_task(follower.run(), name="follower") for follower in followers),
                tasks.create_task(observe_delay(), name="loop delay"),
                tasks.create_task(_wake(followers, broker), name="wake"),
                tasks.create_task(_seal(pool), name="seal"),
                tasks.create_task(_sweep(tools.blobs), name="sweep"),
            ]
            threads = nudges.worker(settings.worker_threads)
            threads.start()
            collect_less()
            log.info("worker.ready", threads=settings.worker_threads)
            await stop_requested()
            await attempts.stop()
            await asyncio.to_thread(threads.stop)
            for task in running:
                task.cancel()


class Attempts:
    """Lets dramatiq's threads make attempts on the event loop, and ends them when the process ends."""

    def __init__(self, worker: Worker) -> None:
        """Run on the present event loop."""
        self._worker = worker
        self._loop = asyncio.get_running_loop()
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = False

    def run(self, job_id: UUID, attempt: int) -> None:
        """Make an attempt. Called in a thread; returns when the attempt is over."""
        try:
            asyncio.run_coroutine_threadsafe(self._run(job_id, attempt), self._loop).result()
        except CancelledError:
            log.info("job.given_back", job_id=str(job_id), attempt=attempt)

    async def stop(self) -> None:
        """Give back what is under way and begin nothing more."""
        self._stopping = True
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _run(self, job_id: UUID, attempt: int) -> None:
        if self._stopping:
            return
        task = asyncio.create_task(self._worker.run(job_id, attempt))
        self._running.add(task)
        try:
            await task
        finally:
            self._running.discard(task)


async def _wake(followers: Sequence[Following], broker: Broker) -> None:
    await broker.subscribe(LOG_CHANNEL)
    async for _ in broker.messages():
        for follower in followers:
            follower.wake()


async def _seal(pool: Pool) -> None:
    """Seal what was stored, once a minute."""
    while True:
        try:
            async with pool.connection() as connection:
                while await seal(connection) is not None:
                    pass
        except OperationalError as error:
            log.warning("seal.database_away", error=str(error).strip())
        await asyncio.sleep(SEAL_SECONDS)


async def _sweep(blobs: Blobs) -> None:
    """Clear away what interrupted uploads left behind."""
    while True:
        try:
            if swept := await blobs.sweep():
                log.info("blobs.swept", files=swept)
        except (OSError, BaseError) as error:
            log.warning("blobs.not_swept", error=str(error))
        await asyncio.sleep(SWEEP_SECONDS)
