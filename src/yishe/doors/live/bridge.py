"""Django's WSGI handler behind an ASGI server, so that pages and streams share one port.

A request's body is read to the end before a thread is taken (a slow sender holds no thread), within a limit
told by `Content-Length` or counted while it arrives. It stays in memory, since a roster in a temporary file would be
names in the clear on a disk; so only a few large ones are taken at once. Threads are few and long-lived: each keeps
its database connection. Why: docs/decisions/0004-one-port.md.
"""

import asyncio
import io
import json
import sys
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import IO, Any

from yishe.doors import edge

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

LARGEST_BODY = 33 * 1024 * 1024
SMALL_BODY = 1024 * 1024
LARGE_AT_ONCE = 4
BODY_SECONDS = 180
CHUNK = 256 * 1024
Hold = Callable[[], Awaitable[object]]


class TooLarge(Exception):
    """The body is larger than any form or workbook this system takes."""


class Bridge:
    """One WSGI application served by a fixed pool of threads."""

    def __init__(self, application: Wsgi, threads: int = 8) -> None:
        self.application = application
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="web")
        self.large = asyncio.Semaphore(LARGE_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(BODY_SECONDS):
                    body = await read_body(scope, receive, lambda: held.enter_async_context(self.large))
            except TooLarge:
                await refuse(send, 413, "too_large", "内容太大：请分成几份再传。")
                return
            except TimeoutError:
                await refuse(send, 408, "too_slow", "内容没有在时限内传完：请检查网络后重发。")
                return
            if body is None:
                return
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self.pool, self._run, environ(scope, body), send, loop)

    def _run(self, env: dict[str, Any], send: Send, loop: asyncio.AbstractEventLoop) -> None:
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
            started.append((status, headers))

        def say(*messages: dict[str, Any]) -> None:
            asyncio.run_coroutine_threadsafe(_send_all(send, messages), loop).result()

        chunks = self.application(env, start_response)
        try:
            _answer(chunks, started, say)
        finally:
            close = getattr(chunks, "close", None)
            if close:
                close()


def _answer(chunks: Iterable[bytes], started: list[Any], say: Callable[..., None]) -> None:
    """Small answers leave in one go; large ones as they are made."""
    held, size, opened = [], 0, False
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size >= CHUNK:
            body = {"type": "http.response.body", "body": b"".join(held), "more_body": True}
            say(*([] if opened else [_head(started[-1])]), body)
            held, size, opened = [], 0, True
    last = {"type": "http.response.body", "body": b"".join(held), "more_body": False}
    say(*([] if opened else [_head(started[-1])]), last)


async def _send_all(send: Send, messages: Iterable[dict[str, Any]]) -> None:
    for message in messages:
        await send(message)


def _head(started: tuple[str, list[tuple[str, str]]]) -> dict[str, Any]:
    status, headers = started
    return {
        "type": "http.response.start",
        "status": int(status.split(" ", 1)[0]),
        "headers": [
            (name.lower().encode("latin-1"), value.strip().encode("latin-1")) for name, value in headers
        ],
    }


async def read_body(scope: Scope, receive: Receive, hold: Hold) -> io.BytesIO | None:
    """The whole body; None when the client went away. `hold` is awaited before more than a small one is kept.
    Raises TooLarge."""
    declared = dict(scope["headers"]).get(b"content-length", b"0")
    if not declared.isdigit() or int(declared) > LARGEST_BODY:
        raise TooLarge
    body, size, held = io.BytesIO(), 0, False
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        size += len(message.get("body", b""))
        if size > LARGEST_BODY:
            raise TooLarge
        if size > SMALL_BODY and not held:
            await hold()
            held = True
        body.write(message.get("body", b""))
        if not message.get("more_body", False):
            body.seek(0)
            return body


async def refuse(send: Send, status: int, code: str, title: str) -> None:
    """In the form every error of this system has."""
    said = {"type": f"urn:yishe:problem:{code}", "title": title, "status": status, "code": code}
    headers = [*edge.raw_headers("application/problem+json; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(said, ensure_ascii=False).encode()})


def environ(scope: Scope, body: IO[bytes]) -> dict[str, Any]:
    """PEP 3333's description of the request."""
    server = scope.get("server") or ("127.0.0.1", 80)
    client = scope.get("client") or ("", 0)
    env = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode("utf-8").decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "REMOTE_ADDR": client[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        _add_header(env, raw_name.decode("latin-1"), raw_value.decode("latin-1"))
    return env


def _add_header(env: dict[str, Any], name: str, value: str) -> None:
    """Names with an underscore are dropped: they could pass for another header."""
    if "_" in name:
        return
    key = name.upper().replace("-", "_")
    if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        key = f"HTTP_{key}"
    joint = "; " if key == "HTTP_COOKIE" else ","
    env[key] = f"{env[key]}{joint}{value}" if key in env else value
