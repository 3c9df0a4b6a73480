"""Time and people said as one says them at the desk: 还剩 3 小时, 逾期 2 天, 今天 17:30 前.

Pure functions of aware UTC instants; words are decided in Asia/Shanghai, as the clocks are.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
WEEKDAYS = "一二三四五六日"
SEXES = {"1": "男", "2": "女", "0": "性别未知", "9": "性别未说明"}


def local(at: datetime) -> datetime:
    return at.astimezone(SHANGHAI)


def span(length: timedelta) -> str:
    """A length of time in its two largest useful units, never more exact than a person would say."""
    minutes = int(abs(length).total_seconds() // 60)
    hours = minutes // 60
    if minutes < 1:
        return "不到 1 分钟"
    if hours < 1:
        return f"{minutes} 分钟"
    if hours < 4 and minutes % 60:
        return f"{hours} 小时 {minutes % 60} 分"
    return f"{hours} 小时" if hours < 48 else f"{hours // 24} 天"


def counted(number: int, most: int) -> str:
    """`312`, or `10000+` where no further than `most` was counted."""
    return f"{most}+" if number > most else str(number)


def remaining(due: datetime, now: datetime, step: str = "") -> str:
    """`还剩 3 小时`, or `接单逾期 2 天` once it has passed."""
    return f"还剩 {span(due - now)}" if due > now else f"{step}逾期 {span(now - due)}"


def left(due: date, today: date) -> str:
    """`逾期 12 天`, `今天到期`, `还剩 5 天`."""
    days = (due - today).days
    return f"逾期 {-days} 天" if days < 0 else f"还剩 {days} 天" if days else "今天到期"


def before(due: datetime, now: datetime) -> str:
    """A deadline ahead of us: in hours when near, else by its day (`今天 17:30 前`, `周三 14:00 前`)."""
    if due - now < timedelta(hours=8):
        return remaining(due, now)
    return f"{day(due, now)} {local(due):%H:%M} 前"


def day(at: datetime, now: datetime) -> str:
    """`今天`, `明天`, `昨天`, `周三` within this week, else `12 月 16 日` (with the year when not this one)."""
    there, here = local(at).date(), local(now).date()
    names = {0: "今天", 1: "明天", -1: "昨天"}
    if (there - here).days in names:
        return names[(there - here).days]
    if there.isocalendar()[:2] == here.isocalendar()[:2]:
        return f"周{WEEKDAYS[there.weekday()]}"
    return calendar_day(there, here)


def calendar_day(there: date, here: date) -> str:
    year = f"{there.year} 年 " if there.year != here.year else ""
    return f"{year}{there.month} 月 {there.day} 日"


def exact(at: datetime) -> str:
    """The instant in full, for hover, focus and paper: `2026-11-23（周一）09:12`."""
    there = local(at)
    return f"{there:%Y-%m-%d}（周{WEEKDAYS[there.weekday()]}）{there:%H:%M}"


def stamp(at: datetime, now: datetime) -> str:
    """A past moment beside a story line: `09:12` today, else `11-18 09:12`, else with its year."""
    there, here = local(at), local(now)
    if there.date() == here.date():
        return f"今天 {there:%H:%M}"
    return f"{there:%m-%d %H:%M}" if there.year == here.year else f"{there:%Y-%m-%d %H:%M}"


def today_line(now: datetime) -> str:
    there = local(now)
    return f"{there.month} 月 {there.day} 日 星期{WEEKDAYS[there.weekday()]}"


def age(born: date | None, now: datetime) -> str:
    """Whole years; months for the first two."""
    if born is None:
        return ""
    here = local(now).date()
    months = (here.year - born.year) * 12 + here.month - born.month - (here.day < born.day)
    return f"{months} 个月" if months < 24 else f"{months // 12} 岁"


def sex(code: str) -> str:
    return SEXES.get(code, "")
