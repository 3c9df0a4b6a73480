"""GET /live/: server-sent events for one signed-in person.

Each event is `id` (outbox id), `event` (loop, notice, timeline or access) and `data`, a JSON object of ids and
codes without any personal text. A client that comes back says `Last-Event-ID` and is given what it missed.
A comment keeps proxies awake. A stream that ends because its process does says last when to come back,
each at another moment. Every fifteen seconds, busy or not, and at once when one of the person's sessions
ended, the session is looked at again; a stream whose session is over or locked closes with the event `bye`.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

from yishe.doors import away, counting, draining, edge
from yishe.doors.live import who
from yishe.doors.live.bridge import Receive, Scope, Send
from yishe.doors.live.crowd import Crowd
from yishe.doors.live.pump import Item, Listener, Pump
from yishe.people.actors import Actor
from yishe.policy.refusals import Refused, TooMany
from yishe.talk import account_news, live
from yishe.talk.models import Outbox
from yishe.trust import logs

logger = logging.getLogger(__name__)
HEARTBEAT_SECONDS = 15.0
RETRY_MILLISECONDS = 2000
REPLAY = 500
FRESH_SECONDS = 1.0
"""For so long what was found of a row holds; a stream that lags asks anew."""
ENDED = "access.ended"


class Stream:
    """The ASGI application under /live/."""

    def __init__(self, pump: Pump) -> None:
        self.pump = pump
        self.crowd = Crowd()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await _said(send, 405, "method_not_allowed", "实时通道只接受 GET。")
            return
        if self.pump.stopping:
            await _said(send, 503, "stopping", "服务正在重新启动，请稍候再连。")
            return
        try:
            actor = await self.pump.run(who.came, scope)
            most = await self.pump.run(who.most_streams)
            with self.crowd.one_more(who.seats(scope, actor), most), counting.stream():
                await self._open(scope, receive, send, actor)
        except Refused as refused:
            await _refuse(send, refused)
        except away.AWAY as fault:
            logger.warning("live: database away (%s)", logs.said(fault))
            said, later = away.trouble(fault), str(away.RETRY_SECONDS).encode()
            await _said(send, 503, said.code, said.says, [(b"retry-after", later)])

    async def _open(self, scope: Scope, receive: Receive, send: Send, actor: Actor) -> None:
        await _begin(send)
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b""})
            return
        await self._talk(scope, receive, send, actor)

    async def _talk(self, scope: Scope, receive: Receive, send: Send, actor: Actor) -> None:
        """Write until the client leaves, the session ends or the server stops."""
        async with self.pump.listening(actor.staff_id) as listener:
            writing = asyncio.create_task(self._write(scope, send, actor, listener))
            leaving = asyncio.create_task(_left(receive))
            await asyncio.wait({writing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            for task in (writing, leaving):
                task.cancel()
            broken, _ = await asyncio.gather(writing, leaving, return_exceptions=True)
            if isinstance(broken, Exception):
                logger.warning("live: a stream broke off (%s)", type(broken).__name__)

    async def _write(self, scope: Scope, send: Send, actor: Actor, listener: Listener) -> None:
        async for text in self._texts(scope, actor, listener):
            await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
        last = f"retry: {draining.again_milliseconds()}\n\n" if self.pump.stopping else ""
        await send({"type": "http.response.body", "body": last.encode(), "more_body": False})

    async def _texts(self, scope: Scope, actor: Actor, listener: Listener) -> AsyncIterator[str]:
        last = who.last_event_id(scope)
        seen: set[int] = set()
        yield f"retry: {RETRY_MILLISECONDS}\n: hello\n\n"
        if last is None:
            yield f"id: {self.pump.safe}\n\n"
        while last is not None:
            missed = await self.pump.run(live.since, actor.staff_id, last, REPLAY)
            for row in missed:
                seen.add(row.id)
                if row.topic != account_news.ENDED:
                    yield await self._told(row, row.id)
            last = missed[-1].id if len(missed) == REPLAY else None
        loop = asyncio.get_running_loop()
        look = loop.time() + HEARTBEAT_SECONDS
        while not listener.closed:
            item = await self._next(listener, look - loop.time())
            ended = item is not None and item.row.topic == account_news.ENDED
            if ended or loop.time() >= look:
                if not await self._still_welcome(scope):
                    yield "event: bye\ndata: {}\n\n"
                    return
                look = loop.time() + HEARTBEAT_SECONDS
            if item is None:
                yield ": \n\n"
            elif item.row.id not in seen and not ended:
                fresh = item.told is not None and loop.time() - item.at < FRESH_SECONDS
                yield (
                    event(item.row, item.safe, ended=not item.told)
                    if fresh
                    else await self._told(item.row, item.safe)
                )

    async def _told(self, row: Outbox, safe: int) -> str:
        """The event; for someone whose reason to hear of it has ended only that it has, so that his screen closes."""
        return event(row, safe, ended=not await self.pump.run(who.still_told, row))

    async def _next(self, listener: Listener, seconds: float) -> Item | None:
        """The next row, or None when none came for so long, or the listener was closed."""
        try:
            return await asyncio.wait_for(listener.queue.get(), max(seconds, 0.0))
        except TimeoutError:
            return None

    async def _still_welcome(self, scope: Scope) -> bool:
        """Asked of a database that is away it stays open, since nothing can be told meanwhile: before each row and at the
        next turn it is asked again. A thousand browsers that come back at once would keep the database down."""
        try:
            await self.pump.run(who.came, scope)
        except Refused:
            return False
        except away.AWAY as fault:
            logger.warning("live: database away (%s)", logs.said(fault))
        return True


def event(row: Outbox, safe: int, *, ended: bool = False) -> str:
    """One event as text/event-stream writes it; `ended` says only that there is nothing more to see here."""
    data: dict[str, Any] = {
        "topic": ENDED if ended else row.topic,
        "loop": str(row.loop) if row.loop else None,
        "subject": str(row.subject) if row.subject else None,
        "urgency": "green" if ended else row.urgency,
        "at": row.created_at.isoformat(),
    }
    name = live.ACCESS if ended else live.event_of(row)
    return f"id: {safe}\nevent: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _begin(send: Send) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [
                *edge.raw_headers("text/event-stream; charset=utf-8"),
                (b"x-accel-buffering", b"no"),
            ],
        }
    )


async def _refuse(send: Send, refused: Refused) -> None:
    later = (
        [(b"retry-after", str(refused.extra["retry_after"]).encode())] if isinstance(refused, TooMany) else []
    )
    await _said(send, refused.status, refused.code, refused.title, later)


async def _said(
    send: Send, status: int, code: str, title: str, more: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    body = json.dumps(
        {"type": "about:blank", "title": title, "status": status, "code": code}, ensure_ascii=False
    ).encode()
    headers = [*edge.raw_headers("application/problem+json; charset=utf-8"), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
