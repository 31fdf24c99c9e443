"""RFC 6455 by hand: handshakes that are none, frames in parts, frames that break the rules."""

import asyncio
import struct

import msgspec
import pytest

from tests.transport.socket_raw import CLOSE, CONT, FIN, PING, PONG, TEXT, handshake, masked, raw
from tests.transport.socket_world import SOON, Server, Somebody, ann, open_socket, server, subprotocol, write
from transport.gateway.socket_formats import MESSAGE_BYTES

__all__ = ["ann", "server", "subprotocol", "write"]


@pytest.mark.parametrize(
    ("start", "headers", "status"),
    [
        (b"GET /api/nowhere HTTP/1.1", {}, 404),
        (b"GET /api/ws HTTP/1.1", {"sec_websocket_key": ""}, 400),
        (b"GET /api/ws HTTP/1.1", {"sec_websocket_key": "short"}, 400),
        (b"GET /api/ws HTTP/1.1", {"sec_websocket_version": "8"}, 400),
        (b"POST /api/ws HTTP/1.1", {}, 400),
        (b"GET /api/ws HTTP/1.1", {"x": "y" * 20_000}, 400),
    ],
)
async def test_a_handshake_that_is_none_gets_a_problem(
    server: Server, start: bytes, headers: dict[str, str], status: int
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(start + b"\r\n" + handshake(**headers))
    head, _, body = (await asyncio.wait_for(reader.read(), SOON)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert msgspec.json.decode(body)["status"] == status
    writer.close()


async def test_frames_in_parts_with_others_between_are_put_together(server: Server, ann: Somebody) -> None:
    async with raw(server, ann) as client:
        client.writer.write(
            masked(TEXT, b'{"op":"pi') + masked(FIN | PING, b"are you there") + masked(CONT, b'ng","t"')
        )
        assert await client.frame() == (PONG, b"are you there")
        for byte in masked(FIN | CONT, b":7}"):
            client.writer.write(bytes((byte,)))
            await asyncio.sleep(0)
        assert await client.told() == {"op": "pong", "t": 7}


async def test_what_comes_right_behind_the_handshake_is_heard_after_it(server: Server, ann: Somebody) -> None:
    sign_in = msgspec.json.encode({"op": "auth", "id": 1, "token": ann.token})
    async with raw(server, early=masked(FIN | TEXT, sign_in) + masked(FIN | TEXT, b'{"op":"ping","t":1}')) as client:
        assert await client.told() == {"op": "signed_in", "id": 1}
        assert (await client.told())["op"] == "welcome"
        assert await client.told() == {"op": "pong", "t": 1}


async def test_a_client_that_closes_is_answered_and_let_go(server: Server, ann: Somebody) -> None:
    async with raw(server, ann) as client:
        client.writer.write(masked(FIN | CLOSE, struct.pack("!H", 1000)))
        assert await client.frame() == (CLOSE, struct.pack("!H", 1000))
        assert await asyncio.wait_for(client.reader.read(), SOON) == b""


@pytest.mark.parametrize("goodbye", [masked(FIN | CLOSE, struct.pack("!H", 1000)), b""])
async def test_a_client_that_leaves_without_reading_the_rest_is_forgotten_at_once(
    server: Server, ann: Somebody, goodbye: bytes
) -> None:
    project_id = await ann.project()
    last = await ann.add(project_id, "x" * 50_000, count=100)
    feed = f"project:{project_id}"
    async with raw(server, ann) as client:
        client.writer.transport.pause_reading()
        client.writer.write(
            masked(FIN | TEXT, b'{"op":"subscribe","id":1,"feed":"%s","after":0}' % feed.encode())
            + masked(FIN | TEXT, b'{"op":"subscribe","id":2,"feed":"%s","after":0}' % feed.encode())
        )
        async with asyncio.timeout(SOON):
            while feed not in server.held["feeds"]:
                await asyncio.sleep(0.05)
        assert last > 100
        client.writer.write(goodbye)
        client.writer.write_eof()
        async with asyncio.timeout(8):  # before anybody loses patience with the connection
            while server.held["sockets"]:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (bytes((FIN | TEXT, 2)) + b"{}", 1002),  # not masked
        (masked(FIN | 3), 1002),  # an opcode that means nothing
        (masked(FIN | 0x40 | TEXT, b"{}"), 1002),  # compressed, which was not agreed on
        (masked(FIN | CONT, b"{}"), 1002),  # the rest of nothing
        (masked(FIN | PING, b"x" * 126), 1002),
        (masked(FIN | TEXT, b'{"op":"\xff"}'), 1007),
        (masked(TEXT, b'"\xc3') + masked(FIN | CONT, b'"'), 1007),
        (masked(FIN | TEXT, b"x" * (MESSAGE_BYTES + 1)), 1009),
        (masked(TEXT, b"x" * MESSAGE_BYTES) + masked(FIN | CONT, b"x"), 1009),
        (masked(FIN | TEXT)[:1] + b"\xff" + struct.pack("!Q", 2**62), 1009),  # refused before it comes
    ],
)
async def test_frames_against_the_rules_end_the_socket_with_a_word(
    server: Server, ann: Somebody, frames: bytes, code: int
) -> None:
    async with raw(server, ann) as client:
        client.writer.write(frames)
        if code == 1009:
            assert (await client.told())["problem"]["code"] == "too_large"
        bye = await client.told()
        assert (bye["op"], bye["code"], bye["reconnect"]) == ("bye", code, False)
        assert await client.close_code() == code


async def test_whoever_never_closes_is_cut_off(server: Server, ann: Somebody) -> None:
    async with raw(server, ann) as client:
        client.writer.write(masked(FIN | TEXT, b"no") * 3)
        payload = await client.until(CLOSE)
        assert int.from_bytes(payload[:2], "big") == 4400
        async with asyncio.timeout(SOON):
            assert await client.reader.read() == b""


async def test_the_other_kind_of_frame_is_an_error(server: Server, ann: Somebody, subprotocol: str) -> None:
    async with await open_socket(server, ann) as client:
        await client.connection.send('{"op":"ping"}' if client.packed else b"\x81\xa2op\xa4ping")
        error = await client.hear()
        assert error["problem"]["code"] == "malformed_json"
        assert subprotocol in error["problem"]["detail"]
        await client.say(op="ping", t=1.5)
        assert await client.hear() == {"op": "pong", "t": 1.5}


async def test_nonsense_in_messagepack_is_answered_and_then_closes(server: Server, ann: Somebody) -> None:
    client = await open_socket(server, ann, subprotocols=["plumbline.v1.msgpack"])
    await client.connection.send(b"\x81\xa2op\xa4ping" + b"\x80" + b"\xc1")
    assert await client.hear() == {"op": "pong"}
    codes = [(await client.until("error"))["problem"]["code"] for _ in range(2)]
    assert codes == ["invalid_body", "malformed_json"]
    await client.connection.send(b"\xc1")
    bye, code = await client.farewell()
    assert (code, bye["code"]) == (4400, 4400)


async def test_the_first_offer_that_is_spoken_is_chosen(server: Server, ann: Somebody) -> None:
    for offers in (["chat.v7", "plumbline.v1.msgpack", "plumbline.v1"], ["plumbline.v1", "plumbline.v1.msgpack"]):
        async with await open_socket(server, ann, subprotocols=offers) as client:
            assert client.connection.subprotocol == next(each for each in offers if each.startswith("plumbline"))
