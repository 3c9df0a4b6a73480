"""What to say when the database could not do what was asked: it is gone, its disk is full, or it was too long in coming.

One place for pages, API and streams; details go to the log and never to the caller.
"""

import select
from dataclasses import dataclass

import psycopg
from django.db import DatabaseError, InterfaceError
from psycopg.errors import DeadlockDetected, LockNotAvailable, QueryCanceled, SerializationFailure

from yishe.trust import columns

AWAY = (DatabaseError, InterfaceError)
RETRY_SECONDS = 5
NO_ROOM = ("disk is full", "no space left", "disk i/o error", "file too large")
BUSY = (QueryCanceled, LockNotAvailable, DeadlockDetected, SerializationFailure)
LOCKED = "database is locked"


@dataclass(frozen=True)
class Trouble:
    """A stable `code` for programs, and for people a heading and what is so."""

    code: str
    heading: str
    says: str


GONE = Trouble(
    "unavailable",
    "现在办不了",
    "数据库暂时不通，这次有没有保存还不能确定。请稍后再按一次：已经保存过的不会再记第二遍；紧急的事请先打电话。",
)
FULL = Trouble(
    "disk_full",
    "磁盘满了",
    "磁盘已满，这次没有保存；已答复的操作都已保存。工作清单还能看；打开居民的资料要留下查看记录，也要等有了空间。请管理员腾出空间后再按一次；紧急的事请先打电话。",
)
WAITED = Trouble(
    "busy",
    "现在太忙",
    "系统正忙，等得太久，这次没有保存。请稍等几秒再按一次；一直这样请告诉管理员。",
)


def trouble(fault: BaseException) -> Trouble:
    """Which of the three it is."""
    words, cause = str(fault).lower(), fault.__cause__
    if any(sign in words for sign in NO_ROOM):
        return FULL
    return WAITED if isinstance(cause, BUSY) or LOCKED in words else GONE


def let_go_of_a_dead_line() -> None:
    """A connection that the server has closed meanwhile is given up before it is used: whoever comes first after a restart is
    served like any other. Nothing is sent: a line at rest on which there is something to read has been told goodbye."""
    here = columns.here()
    line = here.connection
    if isinstance(line, psycopg.Connection) and not here.in_atomic_block and _said_goodbye(line):
        here.close()


def _said_goodbye(line: "psycopg.Connection[object]") -> bool:
    if line.closed:
        return True
    try:
        asked = select.poll()
        asked.register(line.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
        return bool(asked.poll(0))
    except (OSError, ValueError, psycopg.Error):
        return True
