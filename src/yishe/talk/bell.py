"""The bell of the outbox: on PostgreSQL a process that wrote rings, and every process with open streams hears it.

A ring carries nothing: who hears it reads the outbox and hands each row to the person it is for. It is rung after
the act's commit and from a connection of its own, because NOTIFY inside a writing transaction makes all commits
queue (docs/decisions/0003). A ring that is lost costs a moment: the outbox is read now and then all the same.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections

from yishe.trust import columns, logs, straight

log = logging.getLogger(__name__)
CHANNEL = "yishe_outbox"
GATHER_SECONDS = 0.025
"""Rings within this time are one; the first after a silence is heard at once."""
AGAIN_SECONDS = 1.0
LOOK_UP_SECONDS = 0.25


def there_is_one() -> bool:
    """Whether this database has bells: SQLite has none."""
    return columns.on_postgresql()


RING = f"BEGIN; SET LOCAL synchronous_commit = off; NOTIFY {CHANNEL}; COMMIT"
"""A ring writes nothing that a crash could lose, so it does not wait for the disk and takes no turn there from acts that
do. Said for this transaction alone: a pooler lends the session to others."""


def _line() -> "psycopg.Connection[Any]":
    """A connection of this thread's own, outside Django's, to where this process speaks: a ring is a whole transaction."""
    known = connections[DEFAULT_DB_ALIAS]
    line: psycopg.Connection[Any] = known.get_new_connection(known.get_connection_params())
    line.autocommit = True
    return line


class Ringer:
    """Rings for one process, from a thread that starts with the first ring."""

    def __init__(self) -> None:
        self.wanted = threading.Event()
        self.starting = threading.Lock()
        self.ending = False
        self.thread: threading.Thread | None = None

    def ring(self) -> None:
        """Soon. Costs the caller nothing and never fails."""
        if not there_is_one():
            return
        self.wanted.set()
        with self.starting:
            if self.thread is None or not self.thread.is_alive():
                self.thread = threading.Thread(target=self._run, name="bell", daemon=True)
                self.thread.start()

    def hang_up(self) -> None:
        """Close the line; the next ring opens another one."""
        if self.thread is not None:
            self.ending = True
            self.wanted.set()
            self.thread.join()
            self.ending = False

    def _run(self) -> None:
        line: psycopg.Connection[Any] | None = None
        pause = threading.Event()
        while self.wanted.wait() and not self.ending:
            self.wanted.clear()
            try:
                line = line or _line()
                line.execute(RING)
            except Exception as fault:
                log.warning("bell: %s", logs.said(fault))
                line = None
            pause.wait(GATHER_SECONDS)
        if line is not None:
            line.close()


_ringer = Ringer()
ring = _ringer.ring
hang_up = _ringer.hang_up


def ring_now() -> None:
    """At once, for a process that is about to end."""
    if not there_is_one():
        return
    try:
        with _line() as line:
            line.execute(RING)
    except psycopg.Error as fault:
        log.warning("bell: %s", logs.said(fault))


class Ear:
    """One LISTEN connection in a thread; `on_ring` is called from it. `hears` is false while the line is down."""

    def __init__(self, on_ring: Callable[[], None]) -> None:
        self.on_ring = on_ring
        self.hears = False
        self.end = threading.Event()
        self.thread = threading.Thread(target=self._run, name="ear", daemon=True)

    def open(self) -> None:
        """Begin to listen, where there is a bell."""
        if there_is_one():
            self.thread.start()

    def close(self) -> None:
        """Ends the thread soon, without waiting for it."""
        self.end.set()

    def _run(self) -> None:
        while not self.end.is_set():
            try:
                with straight.line() as line:
                    line.execute(f"LISTEN {CHANNEL}")
                    self._listen(line)
            except Exception as fault:
                log.warning("ear: %s", logs.said(fault))
            self.hears = False
            self.end.wait(AGAIN_SECONDS)

    def _listen(self, line: "psycopg.Connection[Any]") -> None:
        """What was written while nobody listened is looked for at once."""
        self.hears = True
        self.on_ring()
        while not self.end.is_set():
            for _ in line.notifies(timeout=LOOK_UP_SECONDS, stop_after=1):
                self.on_ring()
