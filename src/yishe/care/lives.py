"""What the calculations of a life ask of a resident's card."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from yishe.people.cards import Card
from yishe.people.facts import Known

ZONE = ZoneInfo("Asia/Shanghai")
SEXES = {"1": "male", "2": "female"}
"""GB/T 2261.1."""
NOON = time(12)


def sex(card: Card | Known) -> str | None:
    """As the packs say it; None when it is not known."""
    return SEXES.get(card.sex)


def gone(card: Card) -> date | None:
    """The day on which she died or moved away; None while she is here."""
    moment = card.deceased_at or card.moved_at
    return day(moment) if moment else None


def day(at: datetime) -> date:
    """The local day."""
    return at.astimezone(ZONE).date()


def begins(local: date) -> datetime:
    """The first moment of a local day."""
    return datetime.combine(local, time.min, ZONE)


def noon(local: date) -> datetime:
    return datetime.combine(local, NOON, ZONE)


def earlier(local: date, at: datetime) -> datetime | None:
    """When something happened that is told with its day: at noon of another day; None for today, which is now."""
    return None if local == day(at) else noon(local)


def moment(local: date, at: datetime) -> datetime:
    """When something happened of which only the day is known: at noon, or now when noon is to come."""
    return min(noon(local), at)
