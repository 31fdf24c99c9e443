import asyncio

from transport.hub_stretch import Text
from transport.socket_buffer import FRAME_BYTES, MOST_BYTES, ROOM_BYTES, Outbox


class Wire:
    """A network that takes a frame only when it is let."""

    def __init__(self, *, stuck: bool = False) -> None:
        self.frames: list[str] = []
        self.overflows = 0
        self.outbox = Outbox(self.overflow)
        self.gate = asyncio.Event()
        if not stuck:
            self.gate.set()
        self.task = asyncio.create_task(self.outbox.run(self.send))

    def overflow(self) -> None:
        self.overflows += 1

    async def send(self, text: str) -> None:
        await self.gate.wait()
        self.frames.append(text)


def text(body: str) -> Text:
    return Text(body, len(body.encode()))


async def test_what_waits_together_travels_together_in_order() -> None:
    wire = Wire(stuck=True)
    for body in "abc":
        wire.outbox.put(text(body))
    await asyncio.sleep(0)  # the first is being sent, alone with those that came before it was
    wire.outbox.put(text("d"))
    wire.outbox.put_first(text("ping"))
    wire.gate.set()
    wire.outbox.finish()
    await wire.task
    assert wire.frames == ["a\nb\nc", "ping\nd"]
    assert wire.outbox.bytes == 0


async def test_frames_stay_small_but_one_message_is_never_cut() -> None:
    wire = Wire(stuck=True)
    half, huge = "h" * (FRAME_BYTES // 2), "x" * (FRAME_BYTES * 2)
    for body in (half, half, half, huge, "a"):
        wire.outbox.put(text(body))
    wire.gate.set()
    wire.outbox.finish()
    await wire.task
    assert wire.frames == [f"{half}\n{half}", half, huge, "a"]


async def test_a_single_message_may_be_of_any_size_but_not_a_second() -> None:
    wire = Wire(stuck=True)
    wire.outbox.put(text("x" * (MOST_BYTES + 1)))
    assert wire.overflows == 0
    await asyncio.sleep(0)
    wire.outbox.put(text("a"))
    wire.outbox.put(text("b"))
    assert wire.overflows == 1
    wire.outbox.put(text("c"))
    assert wire.overflows == 1
    wire.gate.set()
    await wire.task
    assert len(wire.frames) == 1


async def test_a_backlog_waits_for_room_and_frames_without_number_are_dropped() -> None:
    wire = Wire(stuck=True)
    wire.outbox.put(text("x" * ROOM_BYTES))
    await asyncio.sleep(0)
    room = asyncio.create_task(wire.outbox.room())
    await asyncio.sleep(0)
    assert not room.done()
    wire.outbox.put_if_room(text("progress"))
    wire.gate.set()
    await room
    wire.outbox.put_if_room(text("more progress"))
    wire.outbox.finish()
    await wire.task
    assert wire.frames[1:] == ["more progress"]


async def test_nobody_waits_for_room_on_a_socket_that_closes() -> None:
    wire = Wire(stuck=True)
    wire.outbox.put(text("x" * ROOM_BYTES))
    await asyncio.sleep(0)
    room = asyncio.create_task(wire.outbox.room())
    await asyncio.sleep(0)
    wire.outbox.clear()
    await asyncio.wait_for(room, 1)
    wire.gate.set()
    await wire.task
