"""A person is erased: at the doors, on open sockets, in the log, and in whatever is read or made from it."""

import asyncio
import sys
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from commands.write_side import WriteSide
from domain.account import IssueToken, Register
from eventstore.seals import seal, verify
from runtime.database import open_pool
from runtime.embedded import Embedded
from runtime.ids import new_id
from tests.transport.serving import problem
from tests.transport.socket_world import (
    PASSWORD,
    SOON,
    Server,
    Somebody,
    bob,
    open_socket,
    process,
    running_server,
    write,
)

__all__ = ["bob", "write"]

NAME, SAID = "Jana Nováková", "Ask Jana, 604 123 456."


@pytest.fixture
def server(servers: Embedded, migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server and a projector, without a worker."""
    with (
        running_server(servers, migrated_template, tmp_path_factory.mktemp("erasure")) as running,
        process(running, "projector"),
    ):
        yield running


@pytest.fixture
async def jana(write: WriteSide) -> Somebody:
    account_id = new_id()
    register = Register(account_id=account_id, email=f"jana.{account_id}@localhost", password=PASSWORD, name=NAME)
    await write.bus.execute(register, actor="")
    issue = IssueToken(account_id=account_id, token_id=new_id(), name="tests")
    token = (await write.bus.execute(issue, actor=f"account:{account_id}")).result["token"]
    return Somebody(write, account_id, token)


def client(server: Server, who: Somebody | None = None) -> httpx.Client:
    return httpx.Client(base_url=server.origin, timeout=SOON, headers=who.headers if who else {})


def sent(rest: httpx.Client, command: str, **fields: Any) -> dict[str, Any]:
    answer = rest.post(f"/api/commands/{command}", json=fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


def listed(rest: httpx.Client, path: str, **parameters: Any) -> list[dict[str, Any]]:
    answer = rest.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def content(rest: httpx.Client, path: str) -> bytes:
    answer = rest.get(path)
    assert answer.status_code == 200, answer.text
    return answer.content


async def finished(rest: httpx.Client, project: str, kind: str) -> dict[str, Any]:
    """Wait until the project's job of this kind is completed; give it."""
    async with asyncio.timeout(90):
        while True:
            for job in listed(rest, f"{project}/jobs"):
                assert job["status"] != "failed", job
                if (job["kind"], job["status"]) == (kind, "completed"):
                    return job
            await asyncio.sleep(0.05)


def key_of(server: Server, actor: str) -> bytes | None:
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        ((wrapped,),) = connection.execute("SELECT wrapped FROM person_keys WHERE person = %s", (actor,)).fetchall()
    return wrapped


def stored(server: Server) -> str:
    """Give all that the log and the read models hold, as text."""
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        tables = connection.execute("SELECT format('read.%I', tablename) FROM pg_tables WHERE schemaname = 'read'")
        rows = [connection.execute(f"SELECT * FROM {table}").fetchall() for (table,) in tables.fetchall()]  # type: ignore[arg-type]  # noqa: S608 - its own names
        events = connection.execute("SELECT convert_from(data, 'UTF8') FROM events ORDER BY position").fetchall()
    return f"{events} {rows}"


async def working_together(server: Server, bob: Somebody, jana: Somebody) -> tuple[UUID, str]:
    """Give a project of Bob's and a thread in it where Jana said something; she has edited a position, too."""
    project_id = await bob.project()
    await bob.invite(project_id, jana)
    with client(server, bob) as his, client(server, jana) as hers:
        ids = {"project_id": str(project_id)}
        sent(his, "project.change_member_role", **ids, account_id=str(jana.account_id), role="editor")
        fields = {"description": "Beton", "unit": "m3", "quantity": "2", "unit_price": "3.50"}
        sent(hers, "position.add", **ids, fields=fields)
        thread_id = sent(hers, "thread.open", **ids, title="Walls")["result"]["thread_id"]
        sent(hers, "message.post", **ids, thread_id=thread_id, text=SAID, message_type="question")
    return project_id, thread_id


async def test_who_was_erased_is_nobody_and_nothing_of_theirs_can_be_read(
    server: Server, bob: Somebody, jana: Somebody
) -> None:
    project_id, thread_id = await working_together(server, bob, jana)
    me, proof = str(jana.account_id), {"email": f"jana.{jana.account_id}@localhost", "password": PASSWORD}
    with client(server) as nobody, client(server, jana) as hers:
        socket = await open_socket(server, jana)
        wrong = hers.post("/api/commands/account.erase", json={"account_id": me, "password": "wrong"})
        problem(wrong, 403, "account.wrong_password")
        erased = sent(hers, "account.erase", account_id=me, password=PASSWORD)

        assert (await socket.until("error"))["problem"]["code"] == "not_signed_in"
        assert (await socket.farewell())[1] == 4001
        problem(hers.get("/api/account"), 401, "not_signed_in")
        answers = [
            nobody.post("/api/session", json=proof | {"email": each}) for each in (proof["email"], "x@localhost")
        ]
        known, unknown = [problem(answer, 401, "bad_credentials") for answer in answers]
        assert known | {"request_id": ""} == unknown | {"request_id": ""}
        anew = sent(nobody, "account.register", **proof, name="Jana again")["result"]["account_id"]
        assert anew != me
        assert nobody.post("/api/session", json=proof).json()["account_id"] == anew

    assert key_of(server, jana.actor) is not None  # no worker has run yet: the event waits for one
    with process(server, "worker"):
        async with asyncio.timeout(60):
            while key_of(server, jana.actor) is not None:
                await asyncio.sleep(0.05)
        server.stop()
        server.start()  # and holds no key in memory any more
        with client(server, bob) as his:
            listed(his, "/api/projects", after=erased["position"])
            await read_by_another_member(his, me, project_id, thread_id)
    assert not [text for text in (NAME, SAID, proof["email"]) if text in stored(server)]
    async with open_pool(server.database_url, size=1) as pool, pool.connection() as connection:
        while await seal(connection) is not None:
            pass
        assert (await verify(connection)).holds


async def test_an_operator_erases_who_cannot_do_it(server: Server, bob: Somebody, jana: Somebody) -> None:
    await working_together(server, bob, jana)
    addresses = {"bob": f"{bob.account_id}@localhost", "jana": f"jana.{jana.account_id}@localhost"}
    assert [await erase(server, addresses[name], answer) for name, answer in (("jana", "n"), ("bob", "y"))] == [1, 1]
    async with await open_socket(server, jana) as socket:
        assert await erase(server, addresses["jana"], "y") == 0
        assert (await socket.farewell())[1] == 4001
    assert await erase(server, addresses["jana"], "y") == 1  # there is no such address any more
    assert await erase(server, addresses["bob"], "y") == 0  # whose project has nobody else in it now


async def erase(server: Server, email: str, answer: str) -> int:
    """Run `plumbline erase`; give its exit code."""
    arguments = (sys.executable, "-m", "transport", "erase", email)
    program = await asyncio.create_subprocess_exec(*arguments, env=server.environ, stdin=asyncio.subprocess.PIPE)
    await program.communicate(f"{answer}\n".encode())
    assert program.returncode is not None
    return program.returncode


async def read_by_another_member(his: httpx.Client, erased: str, project_id: UUID, thread_id: str) -> None:
    """Read and make whatever tells of persons: they have no names, and nothing fails."""
    project = f"/api/projects/{project_id}"
    members = {each["account_id"]: each for each in listed(his, f"{project}/members")}
    gone = members.pop(erased)
    assert (gone["name"], gone["email"], gone["role"]) == (None, None, "editor")
    assert [each["name"] for each in members.values()] == ["Somebody"]
    (message,) = listed(his, f"{project}/threads/{thread_id}/messages")
    assert (message["text"], message["deleted_at"]) == (None, None)
    (posted,) = listed(his, f"{project}/history", event_type="message.posted")
    assert (posted["actor"], posted["data"]["text"]) == (f"account:{erased}", None)
    sent(his, "audit.start", project_id=str(project_id))
    await finished(his, project, "audit")
    sent(his, "export.request", project_id=str(project_id), format="pdf")
    job = await finished(his, project, "export")
    assert content(his, f"{project}/exports/{job['job_id']}").startswith(b"%PDF-")
