"""Requests that are repeated until they are answered, against a server that answers as a test says."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from plumbline_client import CircuitOpen, Client, Credentials, Refusal, Timing, Unreachable, new_id

TIMING = Timing(first_pause=0.001, longest_pause=0.002, most_tries=3, breaker_failures=3, breaker_pause=60)
OK = b'HTTP/1.1 200 OK\r\nplumbline-position: 7\r\ncontent-length: 8\r\n\r\n{"n": 1}'


def refused(status: int, headers: str = "", body: str = "") -> bytes:
    return f"HTTP/1.1 {status} X\r\n{headers}content-length: {len(body)}\r\n\r\n{body}".encode()


class Counter:
    """Where the server is, and what it was asked."""

    url = ""

    def __init__(self) -> None:
        self.heads: list[str] = []


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncGenerator[Counter]:
    """Give these answers, one a request, the last one for ever. An empty one closes the connection."""
    counter = Counter()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        counter.heads.append(head.decode())
        writer.write(answers[min(len(counter.heads), len(answers)) - 1])
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    counter.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield counter


@asynccontextmanager
async def open_client(url: str) -> AsyncGenerator[Client]:
    """A client that opens no socket."""
    client = Client(url, "t", timing=TIMING)
    try:
        yield client
    finally:
        await client.close()


async def test_what_is_over_in_a_while_is_asked_again() -> None:
    busy = refused(429, "retry-after: 0\r\n")
    async with answering(b"", refused(503), busy, OK) as there, open_client(there.url) as client:
        answer = await client.http.get("/api/x", flag=True, after=None, id=new_id())
        assert (answer.body, answer.position) == ({"n": 1}, 7)
        assert "flag=true&id=" in there.heads[0]
        assert len(there.heads) == 4


async def test_there_is_an_end_to_it() -> None:
    async with answering(refused(503)) as there, open_client(there.url) as client:
        with pytest.raises(Unreachable, match="HTTP 503"):
            await client.http.get("/api/x")


async def test_a_server_that_never_answers_is_left_alone() -> None:
    async with answering(b"") as there, open_client(there.url) as client:
        with pytest.raises(Unreachable):
            await client.http.get("/api/x")
        asked = len(there.heads)
        with pytest.raises(CircuitOpen):
            await client.http.get("/api/x")
        assert len(there.heads) == asked


async def test_a_refusal_is_an_answer_even_without_a_problem_object() -> None:
    async with answering(refused(404, body="<html>")) as there, open_client(there.url) as client:
        with pytest.raises(Refusal) as refusal:
            await client.http.get("/api/x")
        assert (refusal.value.status, refusal.value.code, str(refusal.value)) == (404, "unknown", "<html>")


async def test_refused_credentials_are_fetched_anew_once() -> None:
    given: list[int] = []

    async def sign_in() -> Credentials:
        given.append(1)
        return Credentials(token=f"fresh {len(given)}")

    async with answering(refused(401), OK, refused(401)) as there:
        client = Client(there.url, "old", sign_in=sign_in, timing=TIMING)
        assert (await client.http.get("/api/x")).body == {"n": 1}
        with pytest.raises(Refusal):
            await client.http.get("/api/x")
        client.use_token("given")
        with pytest.raises(Refusal):
            await client.http.get("/api/x")
        await client.close()
    tokens = [head.split("authorization: Bearer ")[1].split("\r\n")[0].lower() for head in map(_named, there.heads)]
    assert tokens == ["old", "fresh 1", "fresh 1", "fresh 2", "given", "fresh 3"]


def _named(head: str) -> str:
    return head.replace("Authorization", "authorization")
