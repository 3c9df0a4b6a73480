"""What a command says: its one result on standard output, everything else on standard error."""

import json
import sys
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from yishe.trust import logs

LOCAL = ZoneInfo("Asia/Shanghai")


def result(data: Any, text: str, *, as_json: bool) -> None:
    """Print the result once: `data` as one JSON value, or `text` for people."""
    print(json.dumps(data, ensure_ascii=False, default=_plain) if as_json else text, flush=True)


def remark(text: str) -> None:
    """Say something beside the result."""
    print(text, file=sys.stderr, flush=True)


def local(at: datetime | None) -> str:
    """A moment as people in the centre read it, or 无."""
    return at.astimezone(LOCAL).strftime("%Y-%m-%d %H:%M") if at else "无"


def said(fault: Exception) -> str:
    """The first line of what went wrong, for a message in brackets; values of people are left out of it."""
    lines = str(fault).strip().splitlines()
    return logs.masked(lines[0]) if lines else type(fault).__name__


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(type(value).__name__)
