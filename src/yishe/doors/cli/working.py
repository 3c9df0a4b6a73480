"""The worker process: moves what is due, delivers what was told, and waits when there is nothing.

Any number may run. A database that is away, or a full disk, makes it wait and say so; it does not end by
itself.
"""

import os
import signal
import socket
import threading
from dataclasses import dataclass
from datetime import datetime

from django.db import DatabaseError, InterfaceError, connection

from yishe.care import departures
from yishe.doors import counting
from yishe.doors.cli.daily import Daily, done
from yishe.doors.cli.printing import LOCAL, remark, said
from yishe.loops import worker as loops_worker
from yishe.people import packs
from yishe.talk import beats, bell, delivery
from yishe.trust import clock, ids

IDLE_SECONDS = 0.5
IDLE_SECONDS_OF_BATCHES = 5.0
AWAY_SECONDS = (1.0, 2.0, 5.0)
BATCH = 500


@dataclass(frozen=True)
class Round:
    """What one pass did: loops moved, and messages delivered."""

    moved: int
    delivered: int

    def __bool__(self) -> bool:
        return bool(self.moved or self.delivered)


def one_round(at: datetime, name: str) -> Round:
    """One batch of each kind of work at the moment `at`."""
    with counting.round_of("sweep"):
        swept = _swept(at)
    if swept.subjects:
        done(lambda moment: departures.end(moment, swept.subjects), at)
    moved = swept.looked_at - len(swept.stuck) + swept.changes
    with counting.round_of("delivery"):
        return Round(moved, delivery.deliver(at, name, BATCH, patience=patience(at)))


def _swept(at: datetime) -> loops_worker.Swept:
    """Clocks come before messages, yet not for so long that nobody hears of them."""
    wanted, total = packs.in_force().settings(at.astimezone(LOCAL).date()).clocks, loops_worker.Swept()
    for _ in range(wanted.chunks):
        one = loops_worker.sweep(at, wanted.chunk)
        total.count(one)
        if one.looked_at < wanted.chunk:
            break
    return total


def patience(at: datetime) -> delivery.Patience:
    """How the packs in force want delivery to be tried again."""
    wanted = packs.in_force().settings(at.astimezone(LOCAL).date()).delivery
    waits = [wait.exact() for wait in wanted.backoff]
    waits += waits[-1:] * (wanted.attempts - 1 - len(waits))
    return delivery.Patience(wanted.lease.exact(), tuple(waits[: wanted.attempts - 1]))


class Worker:
    """The loop around `one_round`, with a stop that drains. `daily` is done beside the clocks, or, without `clocks`, alone."""

    def __init__(self, daily: Daily | None = None, *, clocks: bool = True) -> None:
        self.daily, self.clocks = daily, clocks
        self.name = f"{socket.gethostname()[:40]}:{os.getpid()}:{ids.new().hex[-6:]}"
        self.stop = threading.Event()
        self.away = 0

    def is_ready(self) -> bool:
        """Whether it reaches the database and was not asked to stop."""
        return not self.away and not self.stop.is_set()

    def run(self) -> int:
        """Work until SIGTERM or SIGINT; the batch in hand is finished first."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop.set())
        while not self.stop.is_set():
            self.stop.wait(self._step())
        self._farewell()
        return 0

    def _step(self) -> float:
        """Do one round; returns for how many seconds to wait before the next."""
        try:
            at = clock.now()
            did = self._moved(at) if self.clocks else Round(0, 0)
            if self.daily is not None:
                self.daily.look(at)
        except (DatabaseError, InterfaceError) as fault:
            return self._wait_out(fault)
        if self.away:
            remark("数据库已恢复，后台任务继续。")
            self.away = 0
        return 0.0 if did else IDLE_SECONDS if self.clocks else IDLE_SECONDS_OF_BATCHES

    def _moved(self, at: datetime) -> Round:
        beats.beat(self.name, at)
        did = one_round(at, self.name)
        if did:
            bell.ring()
        return did

    def _wait_out(self, fault: Exception) -> float:
        connection.close()
        if self.away == 0:
            remark(f"数据库暂时用不了，等待中…（{said(fault)}）")
        wait = AWAY_SECONDS[min(self.away, len(AWAY_SECONDS) - 1)]
        self.away += 1
        return wait

    def _farewell(self) -> None:
        if self.daily is not None:
            self.daily.end()
        try:
            beats.leave(self.name)
        except (DatabaseError, InterfaceError):
            return
