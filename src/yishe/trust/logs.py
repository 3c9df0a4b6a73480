"""What goes to a log: one JSON line, and nothing about a person in it.

A fault is told by its type and where it went through, never by its message: a message quotes the value that was wrong,
and the value may be a name. What our own lines say is in English with ids; Chinese and long numbers in them can only have
come out of data, and are left out. Line breaks cannot be smuggled in: JSON escapes them.
"""

import json
import logging
import re
import traceback
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from django.db import InterfaceError, OperationalError

from yishe.trust import origin

CHINESE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]+")
ESCAPED = re.compile(r"(?:\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}|\\x[0-9a-fA-F]{2}|%(?:[89A-Fa-f])[0-9A-Fa-f])+")
"""The same as a framework may have spelt it before it came here: Django escapes an address that was not found."""
NUMBER = re.compile(r"(?<![0-9A-Za-z-])(?:\d{3,4}-)?\d{7,}[0-9Xx]?(?![0-9A-Za-z-])")
LEFT_OUT = "□"
SOURCE = Path(__file__).resolve().parents[2]
FRAMES = 12


def masked(text: str) -> str:
    """The text without what could be about a person: Chinese, phone and ID numbers."""
    return NUMBER.sub(LEFT_OUT, ESCAPED.sub(LEFT_OUT, CHINESE.sub(LEFT_OUT, text)))


def said(fault: BaseException) -> str:
    """A fault in one line: its type, and its words only when they are about connections, disks and locks."""
    lines = (
        str(fault).strip().splitlines()
        if isinstance(fault, OperationalError | InterfaceError | OSError)
        else ()
    )
    return f"{type(fault).__name__}: {masked(lines[0])}" if lines else type(fault).__name__


def told(fault: BaseException) -> dict[str, Any]:
    """A fault with the way it took through the program, and what it came from."""
    found: dict[str, Any] = {"type": said(fault), "through": _through(fault.__traceback__)}
    cause = fault.__cause__ or (None if fault.__suppress_context__ else fault.__context__)
    return {**found, "from": told(cause)} if cause is not None else found


def _through(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-FRAMES:]
    return [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]


def _short(name: str) -> str:
    path = Path(name)
    return str(path.relative_to(SOURCE)) if path.is_relative_to(SOURCE) else "/".join(path.parts[-3:])


def _beside(record: logging.LogRecord) -> dict[str, Any]:
    """What the caller told besides (`extra={"told": …}`, codes and numbers), and under which number the request runs: its access
    lines carry the same."""
    number = origin.current().request
    told: dict[str, Any] = getattr(record, "told", {})
    return {**told, **({"request": str(number)} if number else {})}


class Line(logging.Formatter):
    """One record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        found: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "where": record.name,
            "what": masked(record.getMessage()),
            **_beside(record),
        }
        if record.exc_info and record.exc_info[1] is not None:
            found["fault"] = told(record.exc_info[1])
        return json.dumps(found, ensure_ascii=False)
