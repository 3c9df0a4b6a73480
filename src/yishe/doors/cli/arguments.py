"""Kinds of argument. A wrong one is a usage error: one line, exit code 2."""

import argparse
from datetime import UTC, date, datetime, time
from pathlib import Path
from uuid import UUID

from yishe.doors.cli.printing import LOCAL


def moment(text: str) -> datetime:
    """An ISO date and time; without an offset it is Asia/Shanghai. A bare date is its first moment."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"看不懂的时间：{text}（例：2026-03-02T09:00）") from None
    try:
        return (found if found.tzinfo else found.replace(tzinfo=LOCAL)).astimezone(UTC)
    except OverflowError:
        raise argparse.ArgumentTypeError(f"时间超出范围：{text}") from None


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"看不懂的日期：{text}（例：2026-03-02）") from None


def local_day(text: str) -> date:
    """A date, or the local day of an ISO date and time."""
    return moment(text).astimezone(LOCAL).date() if "T" in text or " " in text else day(text)


def day_or_moment(text: str) -> datetime:
    """A date (its first moment, Asia/Shanghai) or an ISO date and time."""
    try:
        return datetime.combine(date.fromisoformat(text), time.min, LOCAL).astimezone(UTC)
    except ValueError:
        return moment(text)


def existing_file(text: str) -> Path:
    path = Path(text).expanduser()
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"找不到文件：{text}")
    return path


def identifier(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"不是编号：{text}（应为 UUID）") from None


def count(text: str) -> int:
    """A whole number from 1 up."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"应为正整数：{text}")
    return int(text)


def share(text: str) -> float:
    """A share of all: 1% or 0.01; more than nothing, at most all."""
    try:
        found = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        raise argparse.ArgumentTypeError(f"应为比例：{text}（例：1%）") from None
    if not 0 < found <= 1:
        raise argparse.ArgumentTypeError(f"比例应大于 0，不超过 100%：{text}")
    return found


def port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"端口应在 1 到 65535 之间：{text}")
    return int(text)


def seconds(text: str) -> float:
    """A length of time in seconds, up to an hour."""
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 3600:
        raise argparse.ArgumentTypeError(f"应为 0 到 3600 之间的秒数：{text}")
    return found
