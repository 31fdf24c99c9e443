"""The way around sockets that do not get through: a stand-in for such a server, and its pages and streams."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import msgspec
import pytest

from plumbline_client import Client, FeedReset, Refusal, State, Timing, Way
from tests.client.meeting import Seen, take, until
from tests.client.peer import EPOCH, event

TIMING = Timing(first_pause=0.01, longest_pause=0.05, longest_jitter=0.01, connect=1, silence=0.3, poll=1)


class Office:
    """Answers HTTP, and refuses to speak WebSocket. `streams`: `yes`, `stalled`, or `no` for none at all."""

    def __init__(self, streams: str = "yes") -> None:
        self.url = ""
        self.asked: list[str] = []
        self.events: list[dict[str, Any]] = []
        self.reset = False
        self.refused = 0
        self.tasks: list[asyncio.Task[None]] = []
        self._streams = streams

    def tell(self, count: int) -> None:
        for _ in range(count):
            self.events.append(event(len(self.events) + 1))

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.append(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                method, target, _ = head.split(" ", 2)
                length = next(
                    (line[16:] for line in head.lower().split("\r\n") if line.startswith("content-length")), "0"
                )
                await reader.readexactly(int(length))
                address = urlsplit(target)
                self.asked.append(f"{method} {address.path}")
                if address.path.endswith("/stream") and self._streams != "no":
                    await self._stream(writer, parse_qs(address.query))
                    return
                status, body = self._answer(address.path, parse_qs(address.query), head)
                await _send(writer, status, body)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.transport.abort()

    def _answer(self, path: str, given: dict[str, list[str]], head: str) -> tuple[int, Any]:
        if path == "/api/account":
            return 200, {}
        if path == "/api/projects":
            return 200, {"items": [1]}
        if path.startswith("/api/commands/"):
            if self.refused:
                self.refused -= 1
                return 409, {"status": 409, "code": "busy"}
            return 201, {"command_id": _header(head, "idempotency-key"), "feed": "f", "sequence": 1, "position": 1}
        if path == "/api/feeds/f/events":
            return 200, self._page(given)
        return 404, {"status": 404, "code": "project.unknown" if path == "/api/feeds/x/events" else "not_found"}

    def _page(self, given: dict[str, list[str]]) -> dict[str, Any]:
        after, limit = int(given.get("after", [f"{len(self.events)}"])[0]), int(given["limit"][0])
        page: dict[str, Any] = {"epoch": EPOCH, "head": len(self.events)}
        if self.reset:
            return page | {"sequence": after, "events": [], "reset": self._reset()}
        events = self.events[after : after + limit]
        return page | {"sequence": after + len(events), "events": events}

    def _reset(self) -> dict[str, Any]:
        return {"op": "reset", "feed": "f", "epoch": EPOCH, "head": len(self.events), "reason": "too_far", "id": 0}

    async def _stream(self, writer: asyncio.StreamWriter, given: dict[str, list[str]]) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        if self._streams == "stalled":
            await asyncio.sleep(60)
        after = int(given.get("after", [f"{len(self.events)}"])[0])
        told: dict[str, Any] = {"op": "subscribed", "id": 0, "feed": "f", "epoch": EPOCH, "head": len(self.events)}
        _tell(writer, told | {"recovered": "after" in given})
        while True:
            for each in self.events[after:]:
                _tell(writer, each)
            if after < len(self.events) or after == 0:
                _tell(writer, {"op": "caught_up", "feed": "f", "sequence": len(self.events)})
            after = len(self.events)
            if self.reset:
                goodbye = {"op": "bye", "code": 4012, "reason": "draining", "reconnect": True, "retry_after_ms": 0}
                _tell(writer, goodbye)
            writer.write(b":\n\n")
            await writer.drain()
            await asyncio.sleep(0.02)


def _header(head: str, name: str) -> str:
    return next((line[len(name) + 2 :] for line in head.lower().split("\r\n") if line.startswith(f"{name}: ")), "")


def _tell(writer: asyncio.StreamWriter, message: dict[str, Any]) -> None:
    writer.write(b"id: 1\ndata: " + msgspec.json.encode(message) + b"\n\n")


async def _send(writer: asyncio.StreamWriter, status: int, body: Any) -> None:
    content = msgspec.json.encode(body)
    writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (status, len(content)) + content)
    await writer.drain()


@asynccontextmanager
async def office(streams: str = "yes") -> AsyncGenerator[Office]:
    running = Office(streams)
    server = await asyncio.start_server(running.accept, "127.0.0.1", 0)
    running.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield running
        for task in running.tasks:
            task.cancel()
        await asyncio.gather(*running.tasks, return_exceptions=True)


@pytest.mark.parametrize(("streams", "way"), [("yes", Way.STREAM), ("stalled", Way.POLL)])
async def test_feeds_and_commands_take_another_way(streams: str, way: Way) -> None:
    seen = Seen()
    async with office(streams) as there, Client(there.url, "t", timing=TIMING, on_report=seen.report) as client:
        there.tell(3)
        feed = client.feed("f", after=1, window=2)
        assert [each.sequence for each in await take(feed, 2)] == [2, 3]
        assert client.way is way
        assert ("sockets do not get through", {"way": way.value}) in seen.reports
        there.tell(4)
        assert [each.sequence for each in await take(feed, 4)] == [4, 5, 6, 7]
        await until(lambda: feed.live)
        assert feed.epoch == EPOCH
        there.refused = 1
        receipts = [await each for each in [client.submit("a.b"), client.submit("a.b")]]
        assert all(isinstance(each.command_id, UUID) for each in receipts)
        assert (await client.query("projects.list")).body == {"items": [1]}
        client.be_present("f", {})
        await feed.aclose()
        again = client.feed("f")
        await until(lambda: again.live or again.position == 7)
    assert client.state is State.CLOSED


async def test_resets_and_refusals_come_over_pages_too() -> None:
    async with office("stalled") as there, Client(there.url, "t", timing=TIMING, on_report=Seen().report) as client:
        there.tell(1)
        there.reset = True
        with pytest.raises(FeedReset):
            await take(client.feed("f", after=0), 1)
        with pytest.raises(Refusal) as refusal:
            await take(client.feed("x", after=0), 1)
        assert refusal.value.code == "project.unknown"


async def test_after_a_while_a_socket_is_tried_again() -> None:
    timing = Timing(first_pause=0.01, longest_pause=0.05, longest_jitter=0.01, fallback=0.1, most_tries=1000)
    async with office() as there, Client(there.url, "t", timing=timing, on_report=Seen().report) as client:
        await until(lambda: there.asked.count("GET /api/ws") >= 4)
        assert client.state is not State.FAILED


async def test_a_stream_that_says_goodbye_is_opened_again_where_it_ended() -> None:
    async with office() as there, Client(there.url, "t", timing=TIMING, on_report=Seen().report) as client:
        there.tell(2)
        feed = client.feed("f", after=0)
        await take(feed, 2)
        there.reset = True
        await until(lambda: there.asked.count("GET /api/feeds/f/stream") >= 2)
        there.reset = False
        there.tell(1)
        assert [each.sequence for each in await take(feed, 1)] == [3]


async def test_a_server_without_feeds_over_http_is_no_way_around() -> None:
    async with office("no") as there, Client(there.url, "t", timing=TIMING, on_report=Seen().report) as client:
        client.feed("other", after=0)
        await until(lambda: client.state is State.FAILED)
