"""Eight clients in two processes: requests built beforehand, kept connections, every answer read and counted."""

import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

PROCESSES, CLIENTS = 2, 8


@dataclass
class Run:
    """One measured run. Latencies in milliseconds; `errors` counts everything that was not as wished."""

    rate: float
    count: int
    errors: int
    latencies: list[float] = field(repr=False, default_factory=list)
    outcomes: dict[str, int] = field(default_factory=dict)

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def spread(
    work: Callable[[Any, Sequence[Any]], tuple[list[float], Counter[str]]], common: Any, items: Sequence[Any]
) -> Run:
    """Share `items` among the clients and run `work(common, share)` in each, all starting together."""
    shares = [items[n::CLIENTS] for n in range(CLIENTS)]
    per = CLIENTS // PROCESSES
    context = get_context("spawn")
    gate = context.Barrier(PROCESSES + 1)
    answers: Any = context.Queue()
    children = [
        context.Process(target=_process, args=(work, common, shares[n * per : (n + 1) * per], gate, answers))
        for n in range(PROCESSES)
    ]
    for child in children:
        child.start()
    gate.wait()
    began = time.perf_counter()
    parts = [answers.get() for _ in children]
    took = time.perf_counter() - began
    for child in children:
        child.join()
    faults = [fault for _, _, fault in parts if fault]
    if faults:
        raise RuntimeError(faults[0])
    latencies = [one for part, _, _ in parts for one in part]
    outcomes: Counter[str] = sum((said for _, said, _ in parts), Counter())
    return Run(len(items) / took, len(items), len(items) - outcomes["ok"], latencies, dict(outcomes))


def _process(work: Any, common: Any, shares: list[Any], gate: Any, answers: Any) -> None:
    with ThreadPoolExecutor(len(shares)) as pool:
        gate.wait()
        try:
            done = list(pool.map(lambda share: work(common, share), shares))
        except Exception as fault:
            answers.put(([], Counter(), f"{type(fault).__name__}: {fault}"))
            return
    answers.put(([one for part, _ in done for one in part], sum((said for _, said in done), Counter()), ""))


def over_http(address: str, requests: Sequence[bytes]) -> tuple[list[float], Counter[str]]:
    """Send each request on one kept connection and read its answer to the end."""
    host, port = address.split(":")
    latencies, outcomes = [], Counter[str]()
    with socket.create_connection((host, int(port))) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for request in requests:
            began = time.perf_counter()
            line.sendall(request)
            status = _answer(line)
            latencies.append((time.perf_counter() - began) * 1000)
            outcomes["ok" if 200 <= status < 300 else str(status)] += 1
    return latencies, outcomes


def _answer(line: socket.socket) -> int:
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
    return int(head.split(b" ", 2)[1])


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
