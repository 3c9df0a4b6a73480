"""What a process counts of itself while it works: requests, screens, rounds. By address name, never by address: nothing here
says who, or about whom.

Every process of a node writes into one folder (YISHE_METRICS_DIR); `yishe metrics` adds them up and answers for the node. Without
the folder nothing is counted, and nothing costs.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from prometheus_client import Counter, Gauge, Histogram, values

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
ROUND_SECONDS = (0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0)
NODE = socket.gethostname()[:40].replace("_", "-")
ON = settings.METRICS_DIR is not None


def _name() -> str:
    """A process of this machine or container, in the name of its file."""
    return f"{NODE}-{os.getpid()}"


if ON:
    values.ValueClass = values.MultiProcessValue(_name)

REQUESTS = Counter("yishe_requests", "Requests answered", ["role", "view", "method", "status"])
REQUEST_SECONDS = Histogram("yishe_request_seconds", "Time to an answer", ["role", "view"], buckets=SECONDS)
ROUNDS = Histogram(
    "yishe_round_seconds", "Rounds of clocks, of delivery and of the day", ["work"], buckets=ROUND_SECONDS
)
STREAMS = Gauge("yishe_streams_open", "Open screens", multiprocess_mode="livesum")


def request(role: str, view: str, method: str, status: int, seconds: float) -> None:
    """One request was answered."""
    REQUESTS.labels(role, view, method, str(status)).inc()
    REQUEST_SECONDS.labels(role, view).observe(seconds)


@contextmanager
def round_of(work: str) -> Iterator[None]:
    """The time of what is done inside, of a kind of `work`."""
    began = time.perf_counter()
    try:
        yield
    finally:
        if ON:
            ROUNDS.labels(work).observe(time.perf_counter() - began)


@contextmanager
def stream() -> Iterator[None]:
    """One screen is open."""
    if ON:
        STREAMS.inc()
    try:
        yield
    finally:
        if ON:
            STREAMS.dec()
