"""登录记录 of 审计: what happened at the door to those who work in one's centres, in the words of codes. Insert-only
below (trust.sign_in_log); whoever leads every centre is also shown tries under names that nobody has."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from yishe.insight import audit
from yishe.loops import sets
from yishe.people import directory
from yishe.people.actors import Actor
from yishe.policy import cursors
from yishe.policy.refusals import Invalid
from yishe.trust.models import Device, SignInEvent

KEYS = ("person", "kind", "since", "until")
KINDS = {
    "in": ("signed_in", "switched", "signed_out"),
    "refused": ("wrong_credentials", "wrong_code", "wrong_password", "wrong_pin", "session_stolen"),
    "locked": ("locked", "pin_over", "unlocked"),
    "factor": (
        "totp_added", "totp_removed", "passkey_added", "passkey_removed", "passkey_suspect", "recovery_renewed",
        "recovery_used", "pin_set", "pin_removed",
    ),
    "reset": ("password_changed", "password_given", "factors_reset"),
    "device": ("session_ended", "sessions_ended", "device_shared", "device_ended"),
}  # fmt: skip
"""What one may ask for → the kinds of line it means."""
OUTSIDE = "居民、家属或停用的账号"
"""Whoever signed in and works nowhere here: the log of the door does not say who."""


@dataclass(frozen=True)
class Told:
    """One line. `who` and `by` are names, empty when there is none; `device` as the machine called itself."""

    id: UUID
    at: datetime
    who: str
    kind: str
    way: str
    device: str
    source: str
    by: str


@dataclass(frozen=True)
class Page:
    items: tuple[Told, ...]
    next: str | None


def page(actor: Actor, asked: Mapping[str, str], at: datetime, limit: int, cursor: str | None = None) -> Page:
    """The newest lines that `asked` names. ``person`` an id · ``kind`` one of KINDS · ``since`` ``until`` local days.
    Raises what ``audit.page`` raises."""
    rows = _wanted(actor, asked, at)
    if cursor:
        moment, last = cursors.read(cursor)
        rows = rows.filter(Q(at__lt=moment) | Q(at=moment, id__lt=last), at__lte=moment)
    found = list(rows.order_by("-at", "-id")[: limit + 1])
    following = cursors.write(found[limit - 1].at, found[limit - 1].id) if len(found) > limit else None
    return Page(_told(found[:limit]), following)


def _wanted(actor: Actor, asked: Mapping[str, str], at: datetime) -> QuerySet[SignInEvent]:
    rows = _whose(actor, asked, at)
    if asked.get("kind"):
        if asked["kind"] not in KINDS:
            raise Invalid("filter_unreadable", "没有这一类登录记录：请从列表里选。", filter="kind")
        rows = rows.filter(kind__in=KINDS[asked["kind"]])
    since, until = audit.asked_day(asked, "since"), audit.asked_day(asked, "until")
    rows = rows.filter(at__gte=sets.day(since)) if since else rows
    return rows.filter(at__lt=sets.day(until) + timedelta(days=1)) if until else rows


def _whose(actor: Actor, asked: Mapping[str, str], at: datetime) -> QuerySet[SignInEvent]:
    rows = SignInEvent.objects.all()
    mine = {one.id: one.account for one in audit.staff(actor, at)}
    if asked.get("person"):
        person = audit.asked_person(asked, mine)
        return rows.filter(account=mine[person]) if mine[person] else rows.none()
    if audit.reach(actor, at) >= {unit.id for unit in directory.current().units("centre")}:
        return rows
    return rows.filter(account__in=[account for account in mine.values() if account])


def _told(rows: list[SignInEvent]) -> tuple[Told, ...]:
    names: dict[UUID | None, str] = {
        one.account: one.name for one in directory.current().people.values() if one.account
    }
    machines = dict(
        Device.objects.filter(id__in={row.device for row in rows if row.device}).values_list("id", "name")
    )
    return tuple(
        Told(
            row.id, row.at, names.get(row.account, OUTSIDE if row.account else ""), row.kind, row.way,
            machines.get(row.device, "") if row.device else "", row.source, names.get(row.by, ""),
        )
        for row in rows
    )  # fmt: skip
