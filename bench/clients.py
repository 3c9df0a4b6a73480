"""Eight clients in two processes: requests built beforehand, kept connections, every answer read and counted."""

import os
import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from threading import BrokenBarrierError
from typing import Any

PROCESSES, CLIENTS = 2, 8
LONGEST_START = 120.0


@dataclass
class Run:
    """One measured run. Latencies in milliseconds; `errors` counts everything that was not as wished."""

    rate: float
    count: int
    errors: int
    latencies: list[float] = field(repr=False, default_factory=list)
    outcomes: dict[str, int] = field(default_factory=dict)
    client_us: float = 0.0
    """The clients' own CPU time per request, in microseconds; their start is in it."""

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


Ready = Callable[[], None]
Work = Callable[[Any, Sequence[Any], Ready], tuple[list[float], Counter[str]]]
"""What one client does with its share: connect, do the first item, say it is ready, do the others and time them."""


def spread(work: Work, common: Any, items: Sequence[Any]) -> Run:
    """Share `items` among the clients and run `work` in each. The first item of each warms it (connection, prepared
    statements, caches) and is not measured; then all start together."""
    if len(items) < 2 * CLIENTS:
        raise RuntimeError(
            f"{len(items)} targets are too few: bench with more residents and loops, or fewer requests"
        )
    shares = [items[n::CLIENTS] for n in range(CLIENTS)]
    per = CLIENTS // PROCESSES
    context = get_context("spawn")
    gate = context.Barrier(CLIENTS + 1)
    answers: Any = context.Queue()
    children = [
        context.Process(target=_process, args=(work, common, shares[n * per : (n + 1) * per], gate, answers))
        for n in range(PROCESSES)
    ]
    for child in children:
        child.start()
    with suppress(BrokenBarrierError):  # a client that fails says why in its answer
        gate.wait(LONGEST_START)
    began, spent = time.perf_counter(), os.times()
    parts = [answers.get() for _ in children]
    took = time.perf_counter() - began
    for child in children:
        child.join()
    faults = [fault for _, _, fault in parts if fault]
    if faults:
        raise RuntimeError(faults[0])
    return _summed(parts, took, len(items) - CLIENTS, os.times().children_user - spent.children_user)


def _summed(parts: list[Any], took: float, count: int, client_seconds: float) -> Run:
    latencies = [one for part, _, _ in parts for one in part]
    outcomes: Counter[str] = sum((said for _, said, _ in parts), Counter())
    errors = sum(outcomes.values()) - outcomes["ok"]
    return Run(count / took, count, errors, latencies, dict(outcomes), client_seconds / count * 1e6)


def _process(work: Work, common: Any, shares: list[Any], gate: Any, answers: Any) -> None:
    def ready() -> None:
        gate.wait(LONGEST_START)

    with ThreadPoolExecutor(len(shares)) as pool:
        try:
            done = list(pool.map(lambda share: work(common, share, ready), shares))
        except Exception as fault:
            gate.abort()
            answers.put(([], Counter(), f"{type(fault).__name__}: {fault}"))
            return
    answers.put(([one for part, _ in done for one in part], sum((said for _, said in done), Counter()), ""))


Asked = bytes | tuple[bytes, ...]
"""One request; or several that follow each other, of which the first answers with the id that the others name as `LOOP`."""
LOOP = b"00000000-0000-0000-0000-00000000loop"


def over_http(address: str, requests: Sequence[Asked], ready: Ready) -> tuple[list[float], Counter[str]]:
    """Send each request on one kept connection and read its answer to the end."""
    host, port = address.split(":")
    latencies, outcomes = [], Counter[str]()
    with socket.create_connection((host, int(port))) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number, request in enumerate(requests):
            began = time.perf_counter()
            status = _told(line, request) if isinstance(request, tuple) else _sent(line, request)[0]
            if number:
                latencies.append((time.perf_counter() - began) * 1000)
            outcomes["ok" if 200 <= status < 300 else str(status)] += 1
            if not number:
                ready()
    return latencies, outcomes


def _told(line: socket.socket, requests: tuple[bytes, ...]) -> int:
    """The status of the last, or of the first that did not go well."""
    status, body = _sent(line, requests[0])
    found = body.find(b'"id":"') + 6
    for request in requests[1:]:
        if not 200 <= status < 300:
            break
        status, _ = _sent(line, request.replace(LOOP, body[found : found + len(LOOP)]))
    return status


def _sent(line: socket.socket, request: bytes) -> tuple[int, bytes]:
    line.sendall(request)
    return _answer(line)


def _answer(line: socket.socket) -> tuple[int, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(line)
    head, _, body = data.partition(b"\r\n\r\n")
    lower = head.lower()
    if b"transfer-encoding: chunked" in lower:
        while not body.endswith(b"0\r\n\r\n"):
            body += _more(line)
    else:
        length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += _more(line)
    return int(head.split(b" ", 2)[1]), body


def _more(line: socket.socket) -> bytes:
    got = line.recv(65536)
    if not got:
        raise ConnectionError("the server closed the line")
    return got


def get(path: str, *headers: str) -> bytes:
    """A request without a body."""
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: bench", *headers, "", ""]).encode()


def post(path: str, body: bytes, *headers: str) -> bytes:
    """A request with a JSON body."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: bench",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body
