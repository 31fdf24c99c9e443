"""What `make run` shows: a bill that was really checked, and things to try that work as they are printed."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.e2e.conftest import START_SECONDS, Stack


@asynccontextmanager
async def demo(stack: Stack) -> AsyncGenerator[str]:
    """Run `plumbline up --demo` during the block; give what it showed until it was ready."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "transport", "up", "--demo", env=stack.environ, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    shown: list[str] = []
    try:
        async with asyncio.timeout(START_SECONDS):
            while not shown or not shown[-1].startswith("Plumbline runs at"):
                line = await process.stdout.readline()
                assert line, "plumbline up ended"
                shown.append(line.decode())
        yield "".join(shown)
    finally:
        process.send_signal(signal.SIGINT)
        await process.communicate()
    assert process.returncode == 0


def said(text: str, name: str) -> str:
    """Give what stands behind a name at the begin of a line."""
    found = re.search(rf"^{name} +(\S+)$", text, re.MULTILINE)
    assert found, (name, text)
    return found[1]


async def test_the_demo_checks_a_bill_and_what_it_says_to_try_works(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "data")
    async with demo(stack) as text, httpx.AsyncClient(timeout=20) as client:
        assert f"export PLUMBLINE_URL={stack.url} PLUMBLINE_TOKEN={said(text, 'token')}" in text
        assert re.search(r"\b(GREEN|AMBER|RED)\b", text)
        docs = await client.get(said(text, "address"))
        assert docs.status_code == 200
        login = {"email": said(text, "account"), "password": said(text, "password")}
        origin = {"origin": stack.url}
        assert (await client.post(f"{stack.url}/api/session", json=login, headers=origin)).status_code == 201
        client.cookies.clear()
        printed = re.search(r"curl -H \"(.+?): (.+?)\" '(\S+)'", text)
        assert printed is not None
        header, value, url = printed.groups()
        value = value.replace("$PLUMBLINE_TOKEN", said(text, "token"))
        positions = await client.get(url, headers={header: value})
        assert len(positions.json()["items"]) == 3
        feed = re.search(r"plumbline tail (project:\S+)", text)
        assert feed is not None
        assert feed[1].partition(":")[2] in url
    async with demo(stack) as text:
        assert re.search(r"Found the data of an earlier run: .+, version 1\.", text)
        assert login["email"] == said(text, "account")
