"""One queue for all writers of a SQLite database, across threads and processes.

SQLite's own waiting is unfair: with eight writers its p99 was 1 170 ms; with this lock around the transaction
alone it was 68 ms at the same throughput (design §6). In-memory databases need no file.
"""

import fcntl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

_threads = threading.RLock()
_depth = threading.local()


def _path() -> Path | None:
    name = str(connection.settings_dict["NAME"])
    return None if "memory" in name else Path(f"{name}.write-lock")


@contextmanager
def held() -> Iterator[None]:
    """Hold the queue's head; entering again in the same thread is free."""
    if getattr(_depth, "value", 0):
        yield
        return
    with _threads:
        _depth.value = 1
        try:
            yield from _with_file(_path())
        finally:
            _depth.value = 0


def _with_file(path: Path | None) -> Iterator[None]:
    if path is None:
        yield
        return
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
