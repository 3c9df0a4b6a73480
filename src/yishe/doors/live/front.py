"""One origin for the embedded server: /live/ is answered here, everything else by Django's WSGI handler."""

from yishe.doors import draining
from yishe.doors.live.bridge import Bridge, Receive, Scope, Send, Wsgi
from yishe.doors.live.pump import Pump
from yishe.doors.live.stream import Stream
from yishe.doors.probes import ALIVE, READY


class Front:
    """An ASGI application over a WSGI one. Without `pages` it serves streams alone (production)."""

    def __init__(self, pages: Wsgi | None) -> None:
        self.pump = Pump()
        self.stream = Stream(self.pump)
        self.bridge = Bridge(pages) if pages else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].rstrip("/") == "/live":
            await self.stream(scope, receive, send)
        elif self.bridge:
            await self.bridge(scope, receive, send)
        else:  # a process of streams is ready until it is asked to end: its ear finds the database again by itself
            status = {ALIVE: 200, READY: 503 if draining.begun() else 200}.get(scope["path"], 404)
            await send({"type": "http.response.start", "status": status, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self.pump.stop()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
