"""Feeds over HTTP, where sockets do not get through: each a stream of events, or page by page where streams stall.

To its client it is a connection like a socket: feeds subscribe on it, and are told in the same messages.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from enum import Enum
from urllib.parse import quote
from uuid import UUID

import httpx
from msgspec import MsgspecError, Raw, Struct, structs

from plumbline_client.answers import Unknown
from plumbline_client.errors import ClientError, Refusal
from plumbline_client.http import Http
from plumbline_client.messages import (
    Acknowledge,
    Bye,
    CaughtUp,
    Error,
    EventFrame,
    Reset,
    Said,
    Subscribe,
    Subscribed,
    Told,
    Unsubscribe,
)
from plumbline_client.timing import Timing
from plumbline_client.wire import JSON, Format

EVENT_STREAM = "text/event-stream"
PAGE = 500
"""Events of a page, at most."""
NO_SUCH_DOOR = "not_found"
"""What a server says that has no feeds over HTTP."""

Hear = Callable[[Iterable[Told | Unknown]], None]


class Way(Enum):
    """How feeds travel."""

    SOCKET = "socket"
    STREAM = "stream"
    """Server-sent events, a request for each feed."""
    POLL = "poll"
    """Pages, one request after another."""


class Page(Struct, frozen=True, kw_only=True):
    """Events of a feed, in order; the next page is after `sequence`. With `reset` there are none."""

    epoch: UUID
    head: int
    sequence: int
    events: tuple[Raw, ...] = ()
    reset: Raw = Raw()


class Stalled(Exception):  # noqa: N818 - says what is wrong
    """A stream was opened, and nothing of it arrives: somebody on the way collects it."""


class HttpLink:
    """Follows feeds over HTTP for as long as that works; `failed` tells why it does not."""

    format: Format = JSON

    def __init__(self, http: Http, timing: Timing, hear: Hear, changed: Callable[[Way], None]) -> None:
        """Tell `hear` what comes, and `changed` when streams turn out to stall."""
        self.way = Way.STREAM
        self.failed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._http = http
        self._timing = timing
        self._hear = hear
        self._changed = changed
        self._followed: dict[str, _Following] = {}

    def say(self, message: Said) -> None:
        """Do what a server would that is told this over a socket."""
        match message:
            case Subscribe():
                self._leave(message.feed)
                following = self._followed[message.feed] = _Following(message, self._http, self._timing, self._hear)
                following.task = asyncio.create_task(self._follow(following), name=f"follow {message.feed}")
            case Unsubscribe():
                self._leave(message.feed)
            case Acknowledge() if message.feed in self._followed:
                self._followed[message.feed].acknowledged()
            case _:
                pass  # presence needs a socket; commands and queries are requests of their own

    def send(self, encoded: bytes) -> None:
        """Never called: what is encoded is for sockets."""
        raise AssertionError(encoded)

    async def aclose(self) -> None:
        """Follow nothing any more."""
        tasks = [each.task for each in self._followed.values() if each.task is not None]
        for name in list(self._followed):
            self._leave(name)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _leave(self, name: str) -> None:
        following = self._followed.pop(name, None)
        if following is not None and following.task is not None:
            following.task.cancel()

    async def _follow(self, following: "_Following") -> None:
        try:
            if self.way is Way.STREAM:
                try:
                    self._fail(await following.stream())
                except Stalled:
                    if self.way is Way.STREAM:
                        self.way = Way.POLL
                        self._changed(self.way)
            if self.way is Way.POLL:
                await following.poll()
        except Refusal as refusal:
            if refusal.code == NO_SUCH_DOOR:
                self._fail("the server sends no feeds over HTTP")
            else:
                self._hear([Error(id=following.asked.id, problem=refusal.problem)])
        except (ClientError, httpx.HTTPError, MsgspecError) as error:
            self._fail(str(error) or repr(error))

    def _fail(self, why: str) -> None:
        if not self.failed.done():
            self.failed.set_result(why)


class _Following:
    """One feed that is followed, as fast as its consumer takes it."""

    def __init__(self, asked: Subscribe, http: Http, timing: Timing, hear: Hear) -> None:
        self.asked = asked
        self.task: asyncio.Task[None] | None = None
        self._http = http
        self._timing = timing
        self._hear = hear
        self._path = f"/api/feeds/{quote(asked.feed)}"
        self._waiting = 0
        """Events told that were not acknowledged."""
        self._room = asyncio.Event()

    def acknowledged(self) -> None:
        """Hear that the consumer has taken what was told, or most of it."""
        self._waiting = 0
        self._room.set()

    async def stream(self) -> str:
        """Follow the stream to its end; answer why it ended. Raises `Stalled`, `Refusal`, httpx's errors."""
        begun = False
        headers = {"Accept": EVENT_STREAM}
        given = self._given(self.asked.after, self.asked.epoch)
        try:
            async with self._http.stream(
                f"{self._path}/stream", seconds=self._timing.silence, params=given, headers=headers
            ) as response:
                if not response.headers.get("content-type", "").startswith(EVENT_STREAM):
                    raise Stalled
                async with aclosing(_data(response)) as several:
                    async for data in several:
                        begun = True
                        for message in JSON.decode(data):
                            if isinstance(message, Bye):
                                return message.reason
                            await self._tell(message)
        except httpx.ReadTimeout:
            if not begun:
                raise Stalled from None
            return "the stream fell silent"
        return "the stream ended"

    async def poll(self) -> None:
        """Ask for page after page. Raises `Refusal`, `Unreachable`."""
        after, epoch, wait = self.asked.after, self.asked.epoch, 0
        limit = min(PAGE, self.asked.window or PAGE)
        begun = False
        while True:
            given = self._given(after, epoch) | {"limit": f"{limit}", "wait": f"{wait}"}
            response = await self._http.request("GET", f"{self._path}/events", params=given)
            page: Page = JSON.read(response.content, Page)
            if bytes(page.reset):
                for message in JSON.decode(bytes(page.reset)):
                    await self._tell(message)
                return
            if not begun:
                begun = True
                await self._tell(
                    Subscribed(
                        id=self.asked.id,
                        feed=self.asked.feed,
                        epoch=page.epoch,
                        head=page.head if after is not None else page.sequence,
                        recovered=after is not None,
                    )
                )
            after, epoch = page.sequence, page.epoch
            for event in page.events:
                for message in JSON.decode(bytes(event)):
                    await self._tell(message)
            if after >= page.head:
                await self._tell(CaughtUp(feed=self.asked.feed, sequence=after))
                wait = self._timing.poll

    async def _tell(self, message: Told | Unknown) -> None:
        if isinstance(message, Subscribed | Reset):
            message = structs.replace(message, id=self.asked.id)
        self._hear([message])
        if isinstance(message, EventFrame):
            self._waiting += 1
            while self.asked.window is not None and self._waiting >= self.asked.window:
                self._room.clear()
                await self._room.wait()

    def _given(self, after: int | None, epoch: UUID | None) -> dict[str, str]:
        given = {"after": after, "epoch": epoch, "types": ",".join(self.asked.types)}
        about = self.asked.about or ()
        given["about"] = ",".join(map(str, (about,) if isinstance(about, UUID) else about))
        return {name: str(value) for name, value in given.items() if value not in {None, ""}}


async def _data(response: httpx.Response) -> AsyncGenerator[str]:
    """Give the data of each event of a stream; it always is one line here."""
    async for line in response.aiter_lines():
        if line.startswith("data:"):
            yield line.removeprefix("data:").removeprefix(" ")
