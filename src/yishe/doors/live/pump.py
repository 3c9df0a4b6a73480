"""Reads the outbox once for all streams of this process, and hands rows to their readers: when the bell rings
(PostgreSQL), and in turn: every two seconds while the bell is heard, twice a second where there is none.

Nothing is read while nobody listens. A reader that does not keep up is cut off; its browser comes back with
the last id it saw and is given what it missed.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from django.db import DatabaseError, InterfaceError, close_old_connections

from yishe.doors import away
from yishe.doors.live import who
from yishe.talk import bell, live
from yishe.talk.models import Outbox

logger = logging.getLogger(__name__)

T = TypeVar("T")
EVERY_SECONDS = 0.5
EVERY_SECONDS_WHILE_HEARD = 2.0
QUEUE = 200


@dataclass(frozen=True)
class Item:
    """A row on its way to a stream. `told`: whether it was its person's business at `at` (the loop's own time), asked once for
    all her streams; None when nobody could be asked."""

    row: Outbox
    safe: int
    told: bool | None
    at: float


class Listener:
    """One open stream: a bounded queue of items."""

    def __init__(self, person: UUID) -> None:
        self.person = person
        self.queue: asyncio.Queue[Item | None] = asyncio.Queue(QUEUE)
        self.closed = False

    def put(self, item: Item) -> None:
        try:
            self.queue.put_nowait(item)
        except asyncio.QueueFull:
            self.close()

    def close(self) -> None:
        self.closed = True
        with contextlib.suppress(asyncio.QueueFull):
            self.queue.put_nowait(None)


class Pump:
    """The single reader of a process. Database work happens in its own threads, never on the event loop."""

    def __init__(self, threads: int = 2) -> None:
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="live")
        self.listeners: set[Listener] = set()
        self.of_person: dict[UUID, set[Listener]] = {}
        self.tail: live.Tail | None = None
        self.task: asyncio.Task[None] | None = None
        self.rung = asyncio.Event()
        self.stopping = False

    @property
    def safe(self) -> int:
        """The id up to which everything has been read."""
        return self.tail.safe if self.tail else 0

    async def run(self, work: Callable[..., T], *args: Any) -> T:
        """Run blocking `work` in a database thread."""
        return await asyncio.get_running_loop().run_in_executor(self.pool, _fresh, work, *args)

    @contextlib.asynccontextmanager
    async def listening(self, person: UUID) -> AsyncIterator[Listener]:
        """A listener that receives every row from now on."""
        if self.tail is None:
            last = await self.run(live.newest)
            self.tail = self.tail or live.Tail(last)
        listener = Listener(person)
        self.listeners.add(listener)
        self.of_person.setdefault(person, set()).add(listener)
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._pump())
        try:
            yield listener
        finally:
            self.listeners.discard(listener)
            self._forget(listener)

    def _forget(self, listener: Listener) -> None:
        others = self.of_person[listener.person]
        others.discard(listener)
        if not others:
            del self.of_person[listener.person]

    async def stop(self) -> None:
        """End all streams, so that the server can close."""
        self.stopping = True
        self.rung.set()
        for listener in list(self.listeners):
            listener.close()
        if self.task:
            await asyncio.wait({self.task}, timeout=2 * EVERY_SECONDS)
        self.pool.shutdown(wait=False, cancel_futures=True)

    async def _pump(self) -> None:
        loop = asyncio.get_running_loop()
        ear = bell.Ear(lambda: _soon(loop, self.rung))
        ear.open()
        rung = False
        while self.listeners and not self.stopping:
            await self._once(rung=rung)
            rung = await self._turn(EVERY_SECONDS_WHILE_HEARD if ear.hears else EVERY_SECONDS)
        ear.close()
        self.tail = None

    async def _turn(self, seconds: float) -> bool:
        """Wait for the bell, at most so long; says whether it rang."""
        try:
            await asyncio.wait_for(self.rung.wait(), seconds)
        except TimeoutError:
            return False
        self.rung.clear()
        return True

    async def _once(self, *, rung: bool) -> None:
        assert self.tail is not None  # noqa: S101
        try:
            rows = await self.run(lambda tail: tail.read(rung=rung), self.tail)
        except (DatabaseError, InterfaceError) as fault:
            logger.warning("live: database away (%s), waiting", type(fault).__name__)
            return
        heard = [row for row in rows if row.person in self.of_person]
        if heard:
            await self._hand_out(heard, self.tail.safe)

    async def _hand_out(self, rows: Sequence[Outbox], safe: int) -> None:
        """Whose business a row is, is asked once for all streams of its person."""
        at = asyncio.get_running_loop().time()
        try:
            told: list[bool | None] = [*await self.run(_told, rows)]
        except (DatabaseError, InterfaceError) as fault:
            logger.warning("live: database away (%s), each stream asks for itself", type(fault).__name__)
            told = [None] * len(rows)
        for row, one in zip(rows, told, strict=True):
            for listener in self.of_person.get(row.person, ()):
                listener.put(Item(row, min(safe, row.id), one, at))


def _told(rows: Sequence[Outbox]) -> list[bool]:
    return [who.still_told(row) for row in rows]


def _soon(loop: asyncio.AbstractEventLoop, rung: asyncio.Event) -> None:
    """From the ear's thread into the loop, which may have ended."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(rung.set)


def _fresh(work: Callable[..., T], *args: Any) -> T:
    close_old_connections()
    away.let_go_of_a_dead_line()
    try:
        return work(*args)
    finally:
        close_old_connections()
