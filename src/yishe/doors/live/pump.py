"""Reads the outbox twice a second, once for all streams of this process, and hands rows to their readers.

Nothing is read while nobody listens. A reader that does not keep up is cut off; its browser comes back with
the last id it saw and is given what it missed.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from uuid import UUID

from django.db import DatabaseError, InterfaceError, close_old_connections

from yishe.talk import live
from yishe.talk.models import Outbox

logger = logging.getLogger(__name__)

T = TypeVar("T")
EVERY_SECONDS = 0.5
QUEUE = 200


class Listener:
    """One open stream: a bounded queue of (row, safe id)."""

    def __init__(self, person: UUID) -> None:
        self.person = person
        self.queue: asyncio.Queue[tuple[Outbox, int] | None] = asyncio.Queue(QUEUE)
        self.closed = False

    def put(self, row: Outbox, safe: int) -> None:
        try:
            self.queue.put_nowait((row, safe))
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
        self.tail: live.Tail | None = None
        self.task: asyncio.Task[None] | None = None
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
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._pump())
        try:
            yield listener
        finally:
            self.listeners.discard(listener)

    async def stop(self) -> None:
        """End all streams, so that the server can close."""
        self.stopping = True
        for listener in list(self.listeners):
            listener.close()
        if self.task:
            await asyncio.wait({self.task}, timeout=2 * EVERY_SECONDS)
        self.pool.shutdown(wait=False, cancel_futures=True)

    async def _pump(self) -> None:
        while self.listeners and not self.stopping:
            await self._once()
            await asyncio.sleep(EVERY_SECONDS)
        self.tail = None

    async def _once(self) -> None:
        assert self.tail is not None  # noqa: S101
        try:
            rows = await self.run(self.tail.read)
        except (DatabaseError, InterfaceError) as fault:
            logger.warning("live: database away (%s), waiting", type(fault).__name__)
            return
        self._hand_out(rows, self.tail.safe)

    def _hand_out(self, rows: Sequence[Outbox], safe: int) -> None:
        people = {row.person for row in rows}
        readers = [listener for listener in self.listeners if listener.person in people]
        for row in rows:
            for listener in readers:
                if listener.person == row.person:
                    listener.put(row, min(safe, row.id))


def _fresh(work: Callable[..., T], *args: Any) -> T:
    close_old_connections()
    try:
        return work(*args)
    finally:
        close_old_connections()
