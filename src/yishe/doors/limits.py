"""How often one person, or one address, may ask. The pack says how often; each process counts for itself.

Counted over a window that slides, by the machine's steady clock, so that a clock set back or forward changes nothing.
A person at work meets none of these; a program gone wild, a guesser of passwords and a thief of records do.
"""

import logging
import math
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from yishe.people import packs
from yishe.policy.refusals import TooMany

ZONE = ZoneInfo("Asia/Shanghai")
MOST_KEPT = 50_000
WORDS = {
    "person": "您的操作太频繁",
    "search": "查找太频繁",
    "export": "导出太频繁",
    "sign_in": "这个网络地址的登录尝试太频繁",
    "anonymous": "这个网络地址的请求太频繁",
}
log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Counter:
    """What one person or address did in this window and in the one before it."""

    window: int
    now: int = 0
    before: int = 0
    said: int = -1

    def move(self, window: int) -> None:
        if window != self.window:
            self.before = self.now if window == self.window + 1 else 0
            self.window, self.now = window, 0

    def wait(self, count: int, length: float, gone: float) -> float:
        """Seconds until one more is allowed; 0 or less when it is now."""
        room = count - 1 - self.now
        if room < 0:
            return length - gone + length * (1 - (count - 1) / self.now)
        return length * (1 - room / self.before) - gone if self.before else 0.0


_kept: dict[tuple[str, object], _Counter] = {}
_lock = threading.Lock()


def take(kind: str, who: object, at: datetime) -> None:
    """Count one. TooMany, with the seconds to wait, when this is more than the pack in force at `at` allows; what
    was refused is not counted, so that waiting always helps."""
    limit = getattr(packs.in_force().settings(at.astimezone(ZONE).date()).limits, kind)
    length = limit.within.exact().total_seconds()
    window, gone = divmod(time.monotonic(), length)
    with _lock:
        counter = _kept.get((kind, who)) or _fresh(kind, who, int(window))
        counter.move(int(window))
        wait = counter.wait(limit.count, length, gone)
        if wait <= 0:
            counter.now += 1
            return
        first, counter.said = counter.said != counter.window, counter.window
    if first:
        log.warning("limit of %s reached by %s", kind, who)
    seconds = math.ceil(wait)
    raise TooMany(
        "too_many_requests", f"{WORDS[kind]}：请等 {seconds} 秒再试。", limit=kind, retry_after=seconds
    )


def _fresh(kind: str, who: object, window: int) -> _Counter:
    if len(_kept) >= MOST_KEPT:
        for key in list(_kept)[: MOST_KEPT // 2]:
            del _kept[key]
    found = _kept[kind, who] = _Counter(window)
    return found


def forget() -> None:
    """Start counting anew (tests)."""
    with _lock:
        _kept.clear()
