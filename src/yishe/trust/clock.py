"""The one place where time is read.

Doors call `now()` once and hand it down. In a database marked demo a stored offset moves the clock for every
process alike; elsewhere the offset is zero by a database check and moving is refused.

Several machines have one time, that of PostgreSQL's: a machine whose own clock is more than a second off goes by the
database's, so that a worker that runs ahead lets no clock pass early and a page dates nothing in the future.
"""

import logging
import threading
import time
from datetime import UTC, datetime, timedelta

from yishe.policy.refusals import Conflict, Forbidden
from yishe.trust import quick
from yishe.trust.columns import on_postgresql
from yishe.trust.models import Instance

log = logging.getLogger(__name__)

# A real database stays real: its answer is remembered a while. A demo's offset is read every time.
_REMEMBER_SECONDS = 5.0
_SAID_AGAIN = timedelta(minutes=5)
"""A demo's clock goes on after it was moved: the same moment said again, so soon, moves nothing and is no step back."""
_real_until = threading.local()
NOISE = timedelta(seconds=1)
"""What an answer's way over the net may look like."""
_apart = timedelta()


def _real_now() -> datetime:
    return datetime.now(UTC) + _apart


def apart() -> timedelta:
    """How far the database's clock was ahead of this machine's when they were last compared; zero within a second."""
    return _apart


def _compare(theirs: datetime | None) -> None:
    """Remember how far off this machine is."""
    global _apart  # noqa: PLW0603  one machine has one clock
    if theirs is None:
        return
    found = theirs - datetime.now(UTC)
    if abs(found - _apart) > NOISE:
        _apart = found if abs(found) > NOISE else timedelta()
        log.warning("clock: this machine is %.0f s off the database's, which counts", -found.total_seconds())


_INSTANCE = "SELECT i.demo, i.clock_offset, {} FROM trust_instance i WHERE i.id = %s"


def _theirs() -> str:
    """The database's own clock; a file has that of its machine."""
    return "clock_timestamp()" if on_postgresql() else "NULL"


def now() -> datetime:
    """The present moment, UTC."""
    if getattr(_real_until, "value", 0.0) > time.monotonic():
        return _real_now()
    for demo, offset, theirs in quick.rows(_INSTANCE.format(_theirs()), [1]):
        _compare(theirs)
        if demo:
            return _real_now() + timedelta(microseconds=offset)
    _real_until.value = time.monotonic() + _REMEMBER_SECONDS
    return _real_now()


def real_now() -> datetime:
    """The moment on the wall, also in a demo whose story was moved on: what sessions, codes and phones live by."""
    return _real_now()


def forget() -> None:
    """Read the instance again next time (after it was marked, and between tests)."""
    _real_until.value = 0.0


def is_demo() -> bool:
    return Instance.objects.filter(id=1, demo=True).exists()


def mark_demo() -> None:
    Instance.objects.filter(id=1).update(demo=True)
    forget()


def move_to(at: datetime) -> datetime:
    """Set the demo's clock to `at`, forward only; said again soon after, it stays. Returns the present moment."""
    if not is_demo():
        raise Forbidden("not_demo", "只有演示库可以拨动时钟；正式库的时间就是真实时间。")
    present = now()
    if at <= present <= at + _SAID_AGAIN:
        return present
    if at < present:
        raise Conflict(
            "clock_backwards",
            f"时钟只能向前：现在是 {present.astimezone():%Y-%m-%d %H:%M}，不能拨回 {at.astimezone():%Y-%m-%d %H:%M}。",
        )
    offset = int((at - _real_now()) / timedelta(microseconds=1))
    Instance.objects.filter(id=1, demo=True).update(clock_offset=offset)
    forget()
    return now()
