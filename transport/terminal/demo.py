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
from rich.rule import Rule

from plumbline_client import Refusal
from runtime.ids import new_id
from transport.terminal.check import Bar, check, show_result
from transport.terminal.remote import Remote, make_account

SAMPLE = "sample-bill.xlsx"


class Demo(Struct, kw_only=True):
    """What the demo remembers between runs, in `<data_dir>/demo.json`; its project once the bill is checked."""

    email: str
    password: str
    token: str
    project_id: UUID | None = None


async def show_demo(url: str, data_dir: Path, out: Console) -> None:
    """Make the demo account and check the sample bill the first time; afterwards show what is there."""
    kept = data_dir / "demo.json"
    demo = await asyncio.to_thread(_kept, kept)
    if demo is None:
        demo = await _account(url)
        await asyncio.to_thread(_keep, kept, demo)
    async with Remote(url, demo.token) as remote:
        if demo.project_id is None:
            demo.project_id = await _first_run(remote, data_dir / SAMPLE, out)
            await asyncio.to_thread(_keep, kept, demo)
        else:
            project = await remote.query(f"/api/projects/{demo.project_id}")
            out.print(f"Found the data of an earlier run: {project['name']}, version {project['version']}.")
    out.print(Rule("Plumbline is running"))
    out.print(_what_next(url, demo), soft_wrap=True, highlight=False)


async def _account(url: str) -> Demo:
    """Make an account; one that an interrupted run left behind keeps the plain address, and this one gets another."""
    password = secrets.token_urlsafe(12)
    async with Remote(url) as remote:
        for email in ("demo@localhost", f"demo-{new_id().hex[-6:]}@localhost"):
            try:
                await make_account(remote, email=email, password=password, name="Demo")
            except Refusal as refusal:
                if refusal.code != "account.email_taken":
                    raise
            else:
                return Demo(email=email, password=password, token=remote.token)
    raise AssertionError("a new address is free")


async def _first_run(remote: Remote, sample: Path, out: Console) -> UUID:
    program = (sys.executable, "-m", "workers", "sample-bill", str(sample))
    writer = await asyncio.create_subprocess_exec(*program, start_new_session=True)
    if await writer.wait():
        raise RuntimeError("the sample bill could not be written: see the lines above")
    with Bar() as show:
        data = await asyncio.to_thread(sample.read_bytes)
        checked, audited = await check(remote, SAMPLE, data, show)
    await show_result(remote, checked, audited, out)
    return checked.project_id


def _kept(path: Path) -> Demo | None:
    return msgspec.json.decode(path.read_bytes(), type=Demo) if path.exists() else None


def _keep(path: Path, demo: Demo) -> None:
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(demo), indent=2))


def _what_next(url: str, demo: Demo) -> str:
    project = f"{url}/api/projects/{demo.project_id}"
    return "\n".join(
        (
            f"address   {url}/api/docs",
            f"account   {demo.email}",
            f"password  {demo.password}",
            f"token     {demo.token}",
            "",
            "Try next, in another terminal:",
            f"  export PLUMBLINE_URL={url} PLUMBLINE_TOKEN={demo.token}",
            f"  curl -H \"Authorization: Bearer $PLUMBLINE_TOKEN\" '{project}/positions?limit=3'",
            f"  .venv/bin/plumbline tail project:{demo.project_id}",
            f"  .venv/bin/plumbline check YOUR-BILL.xlsx --url {url}",
            "",
        )
    )
