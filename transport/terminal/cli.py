"""The command line: `plumbline`. Starts processes, operates the log, and does the main job in one command."""

import asyncio
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from time import monotonic
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from runtime.settings import Settings, SettingsError, load

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
out = Console()
err = Console(stderr=True)

UNREADABLE = 2


@app.command()
def up(
    *,
    demo: Annotated[bool, typer.Option(help="Create a demo account and check a sample bill.")] = False,
) -> None:
    """Run everything on this machine, with embedded servers unless DATABASE_URL and REDIS_URL are set."""
    from transport.terminal.stack import run  # noqa: PLC0415 - each command imports what it runs

    _run(run(_settings(), demo=demo, out=out))


@app.command()
def api() -> None:
    """Run one API process."""
    from transport.server import serve  # noqa: PLC0415 - each command imports what it runs

    serve(_settings())


@app.command()
def projector() -> None:
    """Run one projector: it builds the read models."""
    os.execv(sys.executable, [sys.executable, "-m", "workers", "projector"])  # noqa: S606 - our own program


@app.command()
def worker() -> None:
    """Run one worker: it reacts to events and does the jobs."""
    os.execv(sys.executable, [sys.executable, "-m", "workers", "worker"])  # noqa: S606 - our own program


@app.command()
def migrate(
    target: Annotated[int | None, typer.Option(help="Go to this migration, up or down; the last by default.")] = None,
) -> None:
    """Bring the database's schema up to date."""
    from transport.operations import migrate_database  # noqa: PLC0415 - each command imports what it runs

    _run(migrate_database(_settings(), target, out))


@app.command()
def rebuild(
    projections: Annotated[list[str] | None, typer.Argument(help="Read models to rebuild; all by default.")] = None,
) -> None:
    """Fold read models from the log again."""
    from transport.operations import rebuild_projections  # noqa: PLC0415 - each command imports what it runs

    _run(rebuild_projections(_settings(), projections or [], out))


@app.command()
def tail(
    feed: Annotated[str, typer.Argument(help="Such as project:<id>.")],
    after: Annotated[int, typer.Option(help="Show events behind this sequence.")] = 0,
    url: Annotated[str, typer.Option(envvar="PLUMBLINE_URL")] = "http://127.0.0.1:8000",
    token: Annotated[str, typer.Option(envvar="PLUMBLINE_TOKEN")] = "",
) -> None:
    """Show a feed's events as they happen, a JSON line each."""
    from transport.operations import tail_feed  # noqa: PLC0415 - each command imports what it runs

    _run(tail_feed(url, token, feed, after))


@app.command()
def verify(
    feed: Annotated[str, typer.Option(help="Prove this feed's events instead, as an audit report names it.")] = "",
    sequence: Annotated[int, typer.Option(min=0, help="How many of its events the report rests on.")] = 0,
    digest: Annotated[str, typer.Option(help="The SHA-256 in the report, in hexadecimal.")] = "",
) -> None:
    """Prove that the log has no gap and no changed byte; or that a feed still is what a report was made from."""
    from transport.operations import verify_feed, verify_log  # noqa: PLC0415 - each command imports what it runs

    if any((feed, sequence, digest)) and not all((feed, sequence, digest)):
        raise typer.BadParameter("--feed, --sequence and --digest belong together.")
    proof = verify_feed(_settings(), feed, sequence, digest, out) if feed else verify_log(_settings(), out)
    if not _run(proof):
        raise typer.Exit(1)


@app.command()
def admin(email: Annotated[str, typer.Argument(help="The account's e-mail address.")]) -> None:
    """Let an account administer this installation."""
    from transport.operations import make_admin  # noqa: PLC0415 - each command imports what it runs

    _run(make_admin(_settings(), email, out))


@app.command()
def erase(
    email: Annotated[str, typer.Argument(help="The account's e-mail address.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase an account for good, for somebody who cannot do it: nobody can read its personal data any more."""
    from transport.operations import erase_account  # noqa: PLC0415 - each command imports what it runs

    if not yes:
        typer.confirm(f"Erase {email} for good?", abort=True)
    _run(erase_account(_settings(), email, out))


@app.command()
def check(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A bill of quantities.")],
    url: Annotated[str, typer.Option(help="A running server; by default one is started for this check.")] = "",
    token: Annotated[str, typer.Option(envvar="PLUMBLINE_TOKEN", help="A bearer token of that server.")] = "",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Upload, read, import and audit a bill, and show the result. Exit code 2: the file cannot be read."""
    from plumbline_client import ClientError  # noqa: PLC0415 - as above
    from transport.rest.checking import check_file  # noqa: PLC0415 - as above
    from transport.terminal.check import Unreadable  # noqa: PLC0415 - each command imports what it runs

    try:
        _run(check_file(file, url, token, as_json=as_json, out=out, began=monotonic()))
    except (Unreadable, ClientError) as reason:
        err.print(f"{file.name}: {reason}", style="red", highlight=False)
        raise typer.Exit(UNREADABLE) from None


def main() -> None:
    """Run the command line."""
    app()


def _settings() -> Settings:
    try:
        return load()
    except SettingsError as error:
        _give_up(str(error))


def _run(job: Coroutine[Any, Any, Any]) -> Any:
    from transport.failures import EXPECTED  # noqa: PLC0415 - imports the database driver

    try:
        return asyncio.run(job)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except EXPECTED as error:
        _give_up(str(error))


def _give_up(why: str) -> NoReturn:
    err.print(why, style="red", highlight=False)
    raise typer.Exit(1)
