"""HTTP itself: what is no request, comes too late, is too large, or goes on after it was answered."""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest

from tests.transport.serving import Api, api
from transport import http_protocol
from transport.http_protocol import HEAD_BYTES, HttpProtocol
from transport.server import Server, listening

__all__ = ["api"]


@contextmanager
def raw(api: Api) -> Iterator[socket.socket]:
    url = urlsplit(api.url)
    with socket.create_connection((url.hostname or "", url.port or 0), timeout=20) as connection:
        yield connection


def whole(connection: socket.socket) -> bytes:
    answer = b""
    while part := connection.recv(65536):
        answer += part
    return answer


def refusal(answer: bytes) -> tuple[int, str]:
    """Read an answer that is a problem object and ends the connection: its status and code."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    assert b"connection: close" in head
    problem: dict[str, Any] = msgspec.json.decode(body)
    assert f"x-request-id: {problem['request_id']}".encode() in head
    assert int(head.split()[1]) == problem["status"]
    return problem["status"], problem["code"]


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"nonsense\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, "bad_request"),
        (b"CONNECT /a HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_request"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 400, "bad_request"),
        (b"GET /health/live HTTP/1.1\r\nHost: x\r\nA: " + b"a" * HEAD_BYTES + b"\r\n\r\n", 431, "head_too_large"),
        (b"GET /" + b"a" * HEAD_BYTES + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431, "head_too_large"),
    ],
)
def test_what_is_no_request_is_answered_by_a_problem(api: Api, sent: bytes, status: int, code: str) -> None:
    with raw(api) as connection:
        connection.sendall(sent)
        assert refusal(whole(connection)) == (status, code)


def test_a_head_without_end_is_refused_at_its_limit(api: Api) -> None:
    with raw(api) as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\nA: ")
        for _ in range(20):
            connection.sendall(b"a" * 10_000)
            time.sleep(0.01)
        assert refusal(whole(connection)) == (431, "head_too_large")


def test_a_head_of_many_parts_within_the_limit_is_a_request(api: Api) -> None:
    with raw(api) as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\nA: ")
        for _ in range(5):
            connection.sendall(b"a" * 10_000)
            time.sleep(0.01)
        connection.sendall(b"\r\n\r\n")
        assert whole(connection).startswith(b"HTTP/1.1 200 ")


def test_requests_sent_together_are_answered_in_order(api: Api) -> None:
    with raw(api) as connection:
        first = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
        last = b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        connection.sendall(first + first + last)
        answer = whole(connection)
        assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200", b"404"]


def test_an_offer_of_another_protocol_is_passed_over(api: Api) -> None:
    client = api.account().program()
    offer = {"connection": "Upgrade, HTTP2-Settings", "upgrade": "h2c", "http2-settings": "AAMAAABkAAQAAP__"}
    for name in ("A", "B"):
        answer = client.post("/api/commands/project.create", json={"name": name}, headers=offer)
        assert answer.status_code == 201


def test_a_refused_body_is_taken_in_so_that_the_answer_is_read(api: Api) -> None:
    client = api.client(connection="close")
    answer = client.post("/api/commands/project.create", content=b"x" * 5_000_000)
    assert answer.status_code == 401


@pytest.fixture
async def bare(monkeypatch: pytest.MonkeyPatch) -> Any:
    """An impatient server that answers everything at once, and reads no body."""
    for name in ("HEAD_SECONDS", "DRAIN_SECONDS"):
        monkeypatch.setattr(http_protocol, name, 0.3)

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    with listening("127.0.0.1", 0) as listener:
        server = Server(app)
        serving = asyncio.create_task(server.serve([listener]))
        yield listener.getsockname()[1]
        server.should_exit = True
        await serving
        assert server.config.http_protocol_class is HttpProtocol


async def test_whoever_sends_no_head_in_time_is_cut_off(bare: int) -> None:
    reader, silent = await asyncio.open_connection("127.0.0.1", bare)
    assert await asyncio.wait_for(reader.read(), 10) == b""
    silent.close()
    reader, slow = await asyncio.open_connection("127.0.0.1", bare)
    slow.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
    assert refusal(await asyncio.wait_for(reader.read(), 10)) == (408, "head_timeout")
    slow.close()


async def test_the_next_head_has_its_own_time(bare: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", bare)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    await asyncio.sleep(0.5)  # an idle connection stays
    writer.write(b"GET / HTTP/1.1\r\nHo")
    assert refusal(await asyncio.wait_for(reader.read(), 10)) == (408, "head_timeout")
    writer.close()


async def test_a_body_that_nobody_wants_ends_after_a_while(bare: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", bare)
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    began = time.monotonic()
    while not reader.at_eof():
        assert time.monotonic() - began < 10
        writer.write(b"x")
        await asyncio.sleep(0.02)
        with_end = asyncio.create_task(reader.read(1))
        done, _ = await asyncio.wait([with_end], timeout=0.02)
        if not done:
            with_end.cancel()
    writer.close()


def test_a_taken_port_is_refused() -> None:
    with listening("127.0.0.1", 0) as listener, pytest.raises(OSError, match="Address already in use"):
        listening("127.0.0.1", listener.getsockname()[1])


def test_the_answer_says_when_it_was_given_but_not_by_what(api: Api) -> None:
    answer = httpx.get(f"{api.url}/health/live")
    assert "date" in answer.headers
    assert "server" not in answer.headers
