"""The demo of `make run`: an account, a sample bill of our own making, and what the service makes of it."""

import asyncio
import os
import secrets
import sys
from pathlib import Path
from uuid import UUID

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.panel import Panel

from transport.check import Bar, check, show_result
from transport.remote import Remote, make_account

SAMPLE = "sample-bill.xlsx"


class Demo(Struct, kw_only=True):
    """What the demo remembers between runs, in `<data_dir>/demo.json`."""

    email: str = "demo@localhost"
    password: str
    account_id: UUID
    token: str
    project_id: UUID


async def show_demo(url: str, data_dir: Path, out: Console) -> None:
    """Make the demo account and check the sample bill the first time; afterwards show what is there."""
    kept = data_dir / "demo.json"
    if await asyncio.to_thread(kept.exists):
        demo = msgspec.json.decode(await asyncio.to_thread(kept.read_bytes), type=Demo)
        async with Remote(url, demo.token) as remote:
            project = await remote.query(f"/api/projects/{demo.project_id}")
        out.print(f"Found the data of an earlier run: {project['name']}, version {project['version']}.")
    else:
        demo = await _first_run(url, data_dir, out)
        await asyncio.to_thread(_keep, kept, demo)
    out.print(Panel(_what_next(url, demo), title="Plumbline is running", expand=False))


async def _first_run(url: str, data_dir: Path, out: Console) -> Demo:
    sample = data_dir / SAMPLE
    program = (sys.executable, "-m", "workers", "sample-bill", str(sample))
    writer = await asyncio.create_subprocess_exec(*program)
    if await writer.wait():
        raise RuntimeError("the sample bill could not be written")
    password = secrets.token_urlsafe(12)
    async with Remote(url) as remote:
        account_id = await make_account(remote, email="demo@localhost", password=password, name="Demo")
        with Bar() as show:
            data = await asyncio.to_thread(sample.read_bytes)
            checked, audit_id = await check(remote, SAMPLE, data, show)
        await show_result(remote, checked, audit_id, out)
    return Demo(password=password, account_id=account_id, token=remote.token, project_id=checked.project_id)


def _keep(path: Path, demo: Demo) -> None:
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(demo), indent=2))


def _what_next(url: str, demo: Demo) -> str:
    project = f"{url}/api/projects/{demo.project_id}"
    return "\n".join(
        (
            f"[bold]{url}/api/docs[/]  what it can do",
            f"account   {demo.email}",
            f"password  {demo.password}",
            f"token     {demo.token}",
            "",
            "Try next:",
            f"  export PLUMBLINE_TOKEN={demo.token}",
            f"  curl -H \"Authorization: Bearer $PLUMBLINE_TOKEN\" '{project}/positions?limit=3'",
            f"  plumbline tail project:{demo.project_id} --url {url}",
            f"  plumbline check YOUR-BILL.xlsx --url {url}",
        )
    )
