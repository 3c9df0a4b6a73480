"""Django behind the embedded server sees requests as behind any other."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from yishe.doors.live import bridge
from yishe.doors.live.bridge import Bridge

Headers = list[tuple[bytes, bytes]]


def ask(
    application: Callable[..., Iterable[bytes]],
    body: tuple[bytes, ...] = (b"",),
    headers: Headers | None = None,
) -> tuple[int, Headers, bytes, int]:
    """Status, headers, body and number of body messages of one answer."""
    sent: list[dict[str, Any]] = []
    waiting = [
        {"type": "http.request", "body": part, "more_body": i < len(body) - 1} for i, part in enumerate(body)
    ]

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/居民", "query_string": b"q=1", "http_version": "1.1",
        "headers": headers or [(b"content-length", str(sum(map(len, body))).encode())], "client": ("10.0.0.9", 5),
    }  # fmt: skip
    asyncio.run(Bridge(application)(scope, receive, send))
    bodies = [message["body"] for message in sent[1:]]
    return sent[0]["status"], sent[0]["headers"], b"".join(bodies), len(bodies)


def echo(env: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    start("200 OK", [("X-Path", env["PATH_INFO"]), ("Set-Cookie", " a=1"), ("Set-Cookie", "b=2")])
    return [env["wsgi.input"].read()]


def test_path_body_and_both_cookies_arrive() -> None:
    status, headers, body, _ = ask(echo, (b"one", b"two"))
    assert (status, body) == (200, b"onetwo")
    assert (b"x-path", "/居民".encode()) in headers
    assert [value for name, value in headers if name == b"set-cookie"] == [b"a=1", b"b=2"]


def test_headers_that_could_pass_for_others_are_dropped() -> None:
    def seen(env: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        start("200 OK", [])
        return [repr(sorted((k, v) for k, v in env.items() if k.startswith("HTTP_"))).encode()]

    headers = [(b"x_forwarded_for", b"evil"), (b"cookie", b"a=1"), (b"cookie", b"b=2"), (b"accept", b"x")]
    body = ask(seen, headers=headers)[2].decode()
    assert "evil" not in body
    assert "('HTTP_COOKIE', 'a=1; b=2')" in body


def test_a_large_answer_leaves_in_pieces_and_is_closed() -> None:
    closed = []

    class Large:
        def __iter__(self) -> Any:
            return iter([b"x" * bridge.CHUNK] * 3)

        def close(self) -> None:
            closed.append(True)

    def application(env: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        start("200 OK", [])
        return Large()

    _, _, body, pieces = ask(application)
    assert (len(body), pieces, closed) == (3 * bridge.CHUNK, 4, [True])


@pytest.mark.parametrize(
    "headers",
    [[(b"content-length", b"999999999999")], [(b"content-length", b"many")], [(b"content-length", b"-1")]],
)
def test_a_body_too_large_is_refused_unread(headers: Headers) -> None:
    status, _, body, _ = ask(echo, headers=headers)
    assert status == 413
    assert "内容太大" in body.decode()


def test_a_body_that_lies_about_its_size_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge, "LARGEST_BODY", 10)
    assert ask(echo, (b"x" * 6, b"x" * 6), [(b"content-length", b"6")])[0] == 413
