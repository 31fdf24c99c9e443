"""`plumbline check`: the main job on one file, on a server that is named or on a stack of its own."""

import asyncio
import secrets
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from rich.console import Console

from runtime import telemetry
from runtime.ids import new_id
from transport.terminal.check import Bar, check, show_result
from transport.terminal.remote import Remote, make_account
from transport.terminal.stack import private_settings, stack


async def check_file(file: Path, url: str, token: str, *, as_json: bool, out: Console, began: float) -> None:
    """Check a file and print the result. Raises `Unreadable`, `Refusal`, `Unreachable`."""
    data = await asyncio.to_thread(file.read_bytes)
    with Bar() as show:
        async with _server(url, token) as remote:
            checked, audited = await check(remote, file.name, data, show, began=began)
            if not as_json:
                await show_result(remote, checked, audited, out)
    if as_json:
        print(msgspec.json.encode(checked).decode())  # noqa: T201 - the answer, and nothing else, on standard output


@asynccontextmanager
async def _server(url: str, token: str) -> AsyncGenerator[Remote]:
    if url:
        async with Remote(url, token) as remote:
            yield remote
        return
    with tempfile.TemporaryDirectory(prefix="plumbline-", ignore_cleanup_errors=True) as folder:
        settings = private_settings(Path(folder))
        telemetry.configure("check", level=settings.log_level)  # to standard error: the answer is all of the output
        async with stack(settings, temporary=True) as own_url, Remote(own_url) as remote:
            await make_account(
                remote, email=f"{new_id()}@localhost", password=secrets.token_urlsafe(24), name="Command line"
            )
            yield remote
