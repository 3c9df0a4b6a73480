"""What the worker does beside clocks and delivery. Every few minutes: asks about odd looks. Once a day: sweeps old sessions;
seals the digest; erases what need not be kept any more, throws away old extracts, opens what contracts
promise from today on; makes and proves a backup, in a process of its own."""

import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from django.conf import settings

from yishe.care import class_rounds, erasures, rounds
from yishe.doors import admission, counting
from yishe.doors.cli.printing import LOCAL, remark
from yishe.insight import anomalies, research
from yishe.people import packs
from yishe.people.actors import SYSTEM
from yishe.policy.refusals import Refused
from yishe.trust import (
    backup,
    clock,
    codes,
    digests,
    guessing,
    passkeys,
    pins,
    sessions,
    shared_devices,
)
from yishe.trust.sparing import sparing

ASKED_EVERY = timedelta(minutes=5)
"""How often the database is asked whether a backup is wanted."""


class Daily:
    """Looked at in every round of the worker; it does nothing on most of them. A duty that breaks neither stops the others
    nor the clocks: it is said, and tried again."""

    def __init__(self, duties: Sequence[rounds.Duty] | None = None) -> None:
        self.duties = duties or (_sweep, digests.seal, _erase_due, research.sweep, *rounds.DUTIES)
        self.left: list[rounds.Duty] = []
        self.again = datetime.min.replace(tzinfo=UTC)
        self.day: date | None = None
        self.running: subprocess.Popen[str] | None = None
        self.began: datetime | None = None
        self.asked = datetime.min.replace(tzinfo=UTC)
        self.watched = datetime.min.replace(tzinfo=UTC)

    def look(self, at: datetime) -> None:
        """Begin what the day asks for, and note what has ended."""
        self._collect(at)
        if settings.BACKUP_DIR is not None and self.running is None and at >= self.asked + ASKED_EVERY:
            self.asked = at
            self._back_up(at)
        done(self._ask_about_looks, at)
        done(class_rounds.keep_up, at)
        day = at.astimezone(LOCAL).date()
        if day != self.day:
            self.day, self.left, self.again = day, list(self.duties), at
        if self.left and at >= self.again:
            self.left = [duty for duty in self.left if not done(duty, at)]
            self.again = at + packs.in_force().settings(day).watch.again_after.exact()

    def end(self) -> None:
        """The worker stops: a backup in hand is dropped whole."""
        if self.running is not None:
            self.running.terminate()
            self.running.wait()

    def _ask_about_looks(self, at: datetime) -> None:
        """Whether somebody looked oddly, as often as the pack says; a clock set back does not stop it."""
        if not self.watched <= at < self.watched + packs.in_force().anomalies.every.exact():
            self.watched = at
            anomalies.look(at)

    def _back_up(self, at: datetime) -> None:
        """Today's backup, from the pack's time of day on, unless somebody has it in hand."""
        local = at.astimezone(LOCAL)
        wanted = packs.in_force().settings(local.date()).backup
        if local.time() >= wanted.begin and backup.take_day(at, wanted.again_after.exact()):
            self._start(at)

    def _start(self, at: datetime) -> None:
        self.began = at
        self.running = subprocess.Popen(
            [sys.executable, "-m", "yishe", "backup", "--prove"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def _collect(self, at: datetime) -> None:
        if self.running is None or self.began is None or self.running.poll() is None:
            return
        said = self.running.communicate()[0].strip()
        failed = said[-400:] if self.running.returncode else ""
        if failed:
            remark(f"今天的备份没有成功：{failed}")
        backup.day_done(self.began, at, failed)
        self.running = None


def done(duty: rounds.Duty, at: datetime) -> bool:
    """Whether there is nothing more to do; a refusal is an answer. A database that is away is the worker's to wait for."""
    try:
        with sparing(duty.__qualname__) as tried, counting.round_of(duty.__qualname__):
            duty(at)
    except Refused as refused:
        remark(refused.title)
    if tried.fault:
        remark(
            f"每日任务 {duty.__module__}.{duty.__qualname__} 没有做成，稍后再试：{type(tried.fault).__name__}"
        )
    return tried.fault is None


def _erase_due(at: datetime) -> None:
    """What law obliged to keep until today goes today."""
    erasures.due(SYSTEM, at)


def _sweep(_: datetime) -> None:
    """Sessions, challenges, PINs, drafts and wrong tries that were over long ago; they live by real time, also in a demo."""
    at = clock.real_now()
    rules = admission.rules(at)
    kept = rules.screen.device_life.exact()
    sessions.sweep(at, kept)
    passkeys.sweep(at, kept)
    pins.sweep(at - rules.pin.life.exact())
    shared_devices.sweep(at - rules.shared.draft.exact())
    guessing.sweep(at - rules.guessing.kept.exact())
    codes.sweep(at)
