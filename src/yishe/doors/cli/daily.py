"""What the worker does beside clocks and delivery. Every few minutes: asks about odd looks. Once a day: sweeps old sessions;
seals the digest; erases what need not be kept any more, throws away old extracts, opens what contracts
promise from today on; makes and proves a backup, in a process of its own."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

from django.conf import settings

from yishe.care import classes, departures, erasures, plan_promises, renewals, replanning, year
from yishe.doors import admission
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

ASKED_EVERY = timedelta(minutes=5)
"""How often the database is asked whether a backup is wanted."""


class Daily:
    """Looked at in every round of the worker; it does nothing on most of them."""

    def __init__(self) -> None:
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
        self._ask_about_looks(at)
        classes.keep_up(at)
        day = at.astimezone(LOCAL).date()
        if day == self.day:
            return
        self.day = day
        _sweep()
        for duty in (digests.seal, self._erase_due, research.sweep, open_the_year):
            try:
                duty(at)
            except Refused as refused:
                remark(refused.title)

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

    def _erase_due(self, at: datetime) -> None:
        """What law obliged to keep until today goes today."""
        erasures.due(SYSTEM, at)

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


def open_the_year(at: datetime) -> int:
    """What contracts and plans promise from today on becomes loops; who is gone has nothing open any more, and running years
    follow what is known of residents today; of an end that is near somebody is told. Returns how many."""
    departures.end(at)
    classes.of_the_day(at)
    replanning.everybody(at)
    renewals.remind(at)
    return year.open_due(at) + plan_promises.open_due(at)


def _sweep() -> None:
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
