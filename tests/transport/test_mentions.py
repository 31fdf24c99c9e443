"""Threads from end to end: said over REST by one member, heard on the socket of another, notified by a real worker."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Self

import httpx
import psycopg
import pytest

from runtime.embedded import Embedded
from tests.transport.serving import problem
from tests.transport.socket_world import (
    SOON,
    Client,
    Server,
    Somebody,
    ann,
    bob,
    open_socket,
    process,
    running_server,
    somebody,
    write,
)

__all__ = ["ann", "bob", "write"]


@pytest.fixture(scope="module")
def server(servers: Embedded, migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with projector and worker, whose notifier has begun."""
    with ExitStack() as stack:
        server = stack.enter_context(running_server(servers, migrated_template, tmp_path_factory.mktemp("threads")))
        for role in ("worker", "projector"):
            stack.enter_context(process(server, role))
        deadline = time.monotonic() + SOON
        with psycopg.connect(server.database_url, autocommit=True) as connection:
            while not connection.execute("SELECT true FROM followers WHERE name = 'notifier'").fetchone():
                assert time.monotonic() < deadline, server.log.read_text()
                time.sleep(0.05)
        yield server


class Member:
    """Somebody who talks about one project over REST."""

    def __init__(self, server: Server, who: Somebody, project_id: str) -> None:
        self.rest = httpx.Client(base_url=server.origin, headers=who.headers, timeout=SOON)
        self.project_id = project_id
        self.position = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.rest.close()

    def send(self, command: str, **body: Any) -> httpx.Response:
        return self.rest.post(f"/api/commands/{command}", json={"project_id": self.project_id, **body})

    def do(self, command: str, **body: Any) -> dict[str, Any]:
        answer = self.send(command, **body)
        assert answer.status_code == 201, answer.text
        receipt: dict[str, Any] = answer.json()
        self.position = receipt["position"]
        return receipt

    def ask(self, path: str, **parameters: Any) -> list[dict[str, Any]]:
        answer = self.rest.get(f"/api/projects/{self.project_id}{path}", params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]


async def event(client: Client, name: str, feed: str) -> dict[str, Any]:
    """Wait for an event of this type."""
    return await client.until("event", type=name, feed=feed)


async def test_a_mention_reaches_the_other_members_socket_and_inbox(
    server: Server, ann: Somebody, bob: Somebody
) -> None:
    project_id = await ann.project()
    await ann.invite(project_id, bob)
    feed, inbox = f"project:{project_id}", f"account:{bob.account_id}"
    with Member(server, ann, str(project_id)) as hers, Member(server, bob, str(project_id)) as his:
        async with await open_socket(server, bob) as of_thread, await open_socket(server, bob) as of_inbox:
            thread_id = hers.do("thread.open", title="Scaffold")["result"]["thread_id"]
            other_id = hers.do("thread.open", title="Concrete")["result"]["thread_id"]
            assert (await of_thread.subscribe(feed, about=thread_id))["op"] == "subscribed"
            assert (await of_inbox.subscribe(inbox, types=["notification.*"]))["op"] == "subscribed"
            said = {"text": "How long is it rented?", "message_type": "question"}
            hers.do("message.post", thread_id=other_id, **said)
            posted = hers.do("message.post", thread_id=thread_id, **said, mentions=[str(bob.account_id)])
            message_id = posted["result"]["message_id"]
            live = await event(of_thread, "message.posted", feed)
            assert (live["sequence"], live["data"]["message_id"]) == (posted["sequence"], message_id)
            assert (live["data"]["text"], live["actor"]) == (None, ann.actor)  # whoever may read it asks for it
            notice = {"kind": "invited"}  # which may come after the subscription
            while notice["kind"] == "invited":
                notice = (await event(of_inbox, "notification.sent", inbox))["data"]
            about = {"kind": "mentioned", "project_id": str(project_id), "subject": thread_id}
            assert notice.items() >= about.items()
            assert notice["details"] == {"message_id": message_id, "by": ann.actor}

            messages = f"/threads/{thread_id}/messages"
            (shown,) = his.ask(messages, after=live["position"])
            assert (shown["text"], shown["mentions"]) == (said["text"], [str(bob.account_id)])
            ids = {"thread_id": thread_id, "message_id": message_id}
            problem(his.send("message.edit", **ids, text="Never."), 403, "message.not_yours")
            problem(his.send("message.delete", **ids), 403, "message.not_yours")
            hers.do("message.edit", **ids, text="How long do we rent it?", expected_revision=1)
            problem(
                hers.send("message.edit", **ids, text="How long?", expected_revision=1),
                409,
                "message.revision_conflict",
            )
            assert (await event(of_thread, "message.edited", feed))["data"]["revision"] == 2
            hers.do("message.delete", **ids)
            assert (await event(of_thread, "message.deleted", feed))["data"]["message_id"] == message_id
            (gone,) = his.ask(messages, after=hers.position)
            assert (gone["text"], gone["deleted_by"]) == (None, ann.actor)
            revisions = his.ask(f"{messages}/{message_id}/history")
            assert [each["text"] for each in revisions] == [said["text"], "How long do we rent it?", None]


async def test_strangers_are_not_mentioned_and_do_not_read(server: Server, ann: Somebody, bob: Somebody) -> None:
    project_id = await ann.project()
    with Member(server, ann, str(project_id)) as hers, Member(server, bob, str(project_id)) as his:
        thread_id = hers.do("thread.open", title="Scaffold")["result"]["thread_id"]
        carol = await somebody(ann.write)
        said = {"thread_id": thread_id, "text": "Hello", "message_type": "question"}
        strangers = [str(bob.account_id), str(carol.account_id)]
        answer = hers.send("message.post", **said, mentions=[*strangers, str(ann.account_id)])
        assert problem(answer, 422, "message.mentions_strangers")["accounts"] == sorted(strangers)
        problem(his.send("message.post", **said), 404, "project.unknown")
        hers.do("message.post", **said)
        for path in ("", f"/{thread_id}/messages"):
            parameters = {"after": hers.position}
            answer = his.rest.get(f"/api/projects/{project_id}/threads{path}", params=parameters)
            problem(answer, 404, "project.unknown")


async def test_talk_goes_over_the_socket_as_well(server: Server, ann: Somebody) -> None:
    project_id = await ann.project()
    async with await open_socket(server, ann) as client:
        command = {"type": "thread.open", "project_id": str(project_id), "title": "Scaffold"}
        await client.say(op="command", id=1, command=command)
        thread_id = (await client.until("result", id=1))["result"]["result"]["thread_id"]
        said = {"thread_id": thread_id, "text": "Hello", "message_type": "clarification"}
        await client.say(op="command", id=2, command={"type": "message.post", "project_id": str(project_id), **said})
        receipt = (await client.until("result", id=2))["result"]
        query = {
            "type": "threads.messages",
            "project_id": str(project_id),
            "thread_id": thread_id,
            "after": receipt["position"],
        }
        await client.say(op="query", id=3, query=query)
        (shown,) = (await client.until("result", id=3))["result"]["items"]
    assert (shown["message_id"], shown["text"]) == (receipt["result"]["message_id"], "Hello")
