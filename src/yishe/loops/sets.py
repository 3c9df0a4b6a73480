"""Named sets of loops. A number on a board and the list it opens are counted by the same filter, written here once.

A set is a ``Q`` over ``Loop``. Void loops (entered in error) belong to none. ``at`` is the moment of asking: lateness is
computed from time, never stored. Local days are those of Asia/Shanghai.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import F, Q

from yishe.people.packs import in_force
from yishe.policy.refusals import Invalid

SENSITIVE = "sensitive"
FIRST_YEAR, LAST_YEAR = 1900, 2999
ZONE = ZoneInfo("Asia/Shanghai")
GONE = ("dead", "moved", "erased")

SENT = ~Q(status="entered-in-error")
OPEN = SENT & Q(closed_at=None)
ACCEPTED = SENT & Q(accepted_at__isnull=False)
SERVED = SENT & Q(status="completed")
CONFIRMED = SERVED & Q(confirmed_by__in=["person", "not_needed"])
"""Confirmed by a person: the sender, or, where the kind asks for no confirmation, the one whose act it was."""
HEARD = SENT & ~Q(heard="")
HELPED = SENT & Q(heard__in=["yes", "partly"])
IN_TIME = CONFIRMED & Q(completed_at__lte=F("promised_by"))

Set = Callable[[datetime], Q]


def _taken_out(at: datetime) -> Q:
    """Out of the headline by the pack's close reasons, or because the person went: nobody could have kept it."""
    left_us = in_force().settings(at.astimezone(ZONE).date()).left_us
    return SENT & (Q(gone__in=GONE) | Q(close_reason__in=left_us))


def _due(at: datetime) -> Q:
    return SENT & Q(promised_by__lt=at) & ~_taken_out(at)


SETS: dict[str, Set] = {
    "sent": lambda at: SENT,
    "open": lambda at: OPEN,
    "closed": lambda at: SENT & Q(closed_at__isnull=False),
    "accepted": lambda at: ACCEPTED,
    "started": lambda at: ACCEPTED & Q(started_at__isnull=False),
    "accepted_in_time": lambda at: ACCEPTED & (Q(accept_by=None) | Q(accepted_at__lte=F("accept_by"))),
    "served": lambda at: SERVED,
    "confirmed": lambda at: CONFIRMED,
    "confirmed_by_sender": lambda at: SERVED & Q(confirmed_by="person"),
    "auto_confirmed": lambda at: SERVED & Q(confirmed_by="auto"),
    "heard": lambda at: HEARD,
    "helped": lambda at: HELPED,
    "due": _due,
    "closed_in_time": lambda at: IN_TIME & _due(at),
    "missed": lambda at: _due(at) & ~IN_TIME,
    "taken_out": _taken_out,
    "overdue": lambda at: OPEN & Q(due_at__lt=at),
}


def day(local: date) -> datetime:
    """The first moment of a local day. Invalid for years nobody was promised anything in."""
    if not FIRST_YEAR <= local.year <= LAST_YEAR:
        raise Invalid(
            "date_out_of_range", f"日期 {local} 不对：请填 {FIRST_YEAR} 到 {LAST_YEAR} 年之间的日期。"
        )
    return datetime.combine(local, time.min, ZONE)


def of_residents() -> Q:
    """Promises to residents; matters of the centre (a review of looks, a request for data) are no part of the account."""
    matters = [
        code for code, line in in_force().kinds.items() if any(k.about == "matter" for k in line.values)
    ]
    return ~Q(kind__in=matters)


def promised(since: date | None, until: date | None) -> Q:
    """Promised on the local days ``since`` to ``until``, both included; None leaves that side open."""
    found = Q()
    if since is not None:
        found &= Q(promised_at__gte=day(since))
    if until is not None:
        found &= Q(promised_at__lt=day(until) + timedelta(days=1))
    return found


def aged(at: datetime, least: int | None, most: int | None) -> Q:
    """Promised at least ``least`` and less than ``most`` days (24 h) before ``at``."""
    found = Q()
    if least is not None:
        found &= Q(promised_at__lte=at - timedelta(days=least))
    if most is not None:
        found &= Q(promised_at__gt=at - timedelta(days=most))
    return found


def wanted(filters: Mapping[str, str], at: datetime) -> Q:
    """The filter that a URL query or a number of a board names; keys it does not know are left to the caller.

    ``set`` one of SETS · ``since`` ``until`` local dates of the promise · ``age_from`` ``age_to`` days · ``centre`` ``team``
    ``owner`` an id, several with commas, or ``none`` · ``kind`` a kind or its first word · ``reason`` ``urgency`` ``status`` codes.
    Matters that are about no resident are named by their ``kind`` alone.
    Raises Invalid naming the key that can't be read."""
    found = SETS[_choice("set", filters.get("set") or "sent", SETS)](at)
    found &= promised(_date(filters, "since"), _date(filters, "until"))
    found &= aged(at, _days(filters, "age_from"), _days(filters, "age_to"))
    for key in ("centre", "team", "owner"):
        if filters.get(key):
            found &= Q(**{key: None}) if filters[key] == "none" else Q(**{f"{key}__in": _ids(filters, key)})
    found &= of_kind(filters["kind"]) if filters.get("kind") else of_residents()
    if filters.get("reason"):
        found &= for_reason(filters["reason"])
    for key in ("urgency", "status"):
        if filters.get(key):
            found &= Q(**{key: filters[key]})
    return found


def for_reason(reason: str) -> Q:
    """Loops of a reason, ``none`` without one. Sensitive reasons are one set: a list must not name them."""
    if reason == SENSITIVE:
        return Q(sensitive=True)
    return Q(reason="" if reason == "none" else reason, sensitive=False)


def of_kind(kind: str) -> Q:
    """One kind, or by its first word a family of them: ``referral`` is both directions."""
    return Q(kind=kind) | Q(kind__startswith=f"{kind}.")


def _choice(key: str, value: str, known: Iterable[str]) -> str:
    if value not in known:
        raise _unreadable(key, value)
    return value


def _date(filters: Mapping[str, str], key: str) -> date | None:
    value = filters.get(key)
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        raise _unreadable(key, value) from None


def _days(filters: Mapping[str, str], key: str) -> int | None:
    value = filters.get(key)
    if not value:
        return None
    if not value.isdigit() or len(value) > 5:
        raise _unreadable(key, value)
    return int(value)


def _ids(filters: Mapping[str, str], key: str) -> list[UUID]:
    try:
        return [UUID(one) for one in filters[key].split(",")]
    except ValueError:
        raise _unreadable(key, filters[key]) from None


def _unreadable(key: str, value: object) -> Invalid:
    return Invalid(
        "filter_unreadable", f"筛选条件 {key}={value} 读不懂：请从看板或台账页面重新选择。", filter=key
    )
