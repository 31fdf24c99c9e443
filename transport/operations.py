"""What operators do from the command line: migrate, rebuild, verify, follow a feed, appoint and erase accounts."""

import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec
from msgspec import structs
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from commands.write_side import WriteSide, write_side
from domain.account import Account, Erase, GrantRole, OnlyOwner, UnknownAccount
from domain.core import SYSTEM
from eventstore.seals import feed_digest, verify
from plumbline_client import Client
from projections.rebuild import rebuild
from projections.tables import ensure_tables
from runtime.broker import open_broker
from runtime.database import open_pool
from runtime.migrations import check, migrate
from runtime.settings import Settings
from transport.servers import servers


async def migrate_database(settings: Settings, target: int | None, out: Console) -> None:
    """Take the missing migrations, and make the read models' tables."""
    async with servers(settings) as running:
        taken = await migrate(running.postgres, target)
        for name in taken:
            out.print(name, highlight=False)
        if target is None:
            async with open_pool(running.postgres, name="migrate", size=1) as pool, pool.connection() as connection:
                await ensure_tables(connection)
        out.print(f"{len(taken)} migrations taken", highlight=False)


async def rebuild_projections(settings: Settings, names: Sequence[str], out: Console) -> None:
    """Fold read models from the log again, and show how far it is."""
    columns = (TextColumn("{task.description:<12}"), BarColumn(), TextColumn("{task.completed}"), TimeElapsedColumn())
    async with servers(settings) as running:
        await check(running.postgres)
        with Progress(*columns, console=out) as progress:
            tasks: dict[str, object] = {}

            def show(name: str, position: int, head: int) -> None:
                if name not in tasks:
                    tasks[name] = progress.add_task(name, total=head)
                progress.update(tasks[name], completed=position, total=head)  # pyright: ignore[reportArgumentType]

            await rebuild(running.postgres, names, show)


async def tail_feed(url: str, token: str, feed: str, after: int) -> None:
    """Print a feed's events, a JSON line each, until interrupted. Raises `GaveUp`, `FeedReset`, `Refusal`."""

    def say(what: str, details: dict[str, Any]) -> None:
        print(what, *(f"{name}={value}" for name, value in details.items()), file=sys.stderr)  # noqa: T201 - as above

    async with Client(url, token, on_report=say) as client:
        async for event in client.feed(feed, after=after):
            line = structs.asdict(event) | {"data": event.raw}
            del line["raw"]
            print(msgspec.json.encode(line).decode(), flush=True)  # noqa: T201 - the answer, beside what is odd


async def verify_log(settings: Settings, out: Console) -> bool:
    """Prove the log's promises over everything stored; answer whether they hold."""
    async with servers(settings) as running, open_pool(running.postgres, name="verify", size=1) as pool:
        await check(running.postgres)
        async with pool.connection() as connection:
            report = await verify(connection)
    for line in report.lines():
        out.print(line, highlight=False)
    return report.holds


async def verify_feed(settings: Settings, feed: str, sequence: int, digest: str, out: Console) -> bool:
    """Prove that a feed's first events are those that a report was made from; answer whether they are."""
    async with servers(settings) as running, open_pool(running.postgres, name="verify", size=1) as pool:
        await check(running.postgres)
        async with pool.connection() as connection:
            found = await feed_digest(connection, feed, sequence)
    if found is None:
        told = f"{feed} has no events 1 to {sequence} without a gap"
    elif found.hex() != digest.strip().lower():
        told = f"{feed}: the events 1 to {sequence} are not those of the report: their digest is {found.hex()}"
    else:
        told = f"{feed}: the events 1 to {sequence} are those of the report"
    out.print(told, highlight=False, soft_wrap=True)
    return found is not None and found.hex() == digest.strip().lower()


async def make_admin(settings: Settings, email: str, out: Console) -> None:
    """Let the account with this e-mail address administer the installation."""
    async with servers(settings) as running, _writing(running) as write:
        holder = await _registered(write, email)
        account: Account = (await write.bus.states.get(holder, fresh=True)).state
        account_id = UUID(holder.removeprefix("account:"))
        await write.bus.execute(GrantRole(account_id=account_id, plan=account.plan, admin=True), actor=SYSTEM)
        out.print(f"{email} administers this installation", highlight=False)


async def erase_account(settings: Settings, email: str, out: Console) -> None:
    """Erase the account with this e-mail address, for who cannot do it. Raises `UnknownAccount`, `OnlyOwner`."""
    async with servers(settings) as running, _writing(running) as write:
        holder = await _registered(write, email)
        try:
            await write.bus.execute(Erase(account_id=UUID(holder.removeprefix("account:"))), actor=SYSTEM)
        except OnlyOwner as refusal:
            raise OnlyOwner(f"{refusal.detail} {', '.join(map(str, refusal.extra['projects']))}") from None
        out.print(f"{holder} is erased, its key as soon as a worker runs", highlight=False)


async def _registered(write: WriteSide, email: str) -> str:
    """Name the account with an e-mail address. Raises `UnknownAccount`."""
    claim = await write.bus.states.get(f"claim:{write.lookups.email_claim(email)}", fresh=True)
    if claim.state.holder is None:
        raise UnknownAccount(f"No account is registered under {email}.")
    return claim.state.holder


@asynccontextmanager
async def _writing(settings: Settings) -> AsyncGenerator[WriteSide]:
    async with (
        open_pool(settings.postgres, name="cli", size=2) as pool,
        open_broker(settings.valkey) as broker,
        write_side(pool, broker, settings.master_key) as write,
    ):
        yield write
