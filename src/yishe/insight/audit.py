"""审计: the access lines as the privacy officer and the director read them, each in plain words.

Shown is what is filed under one's centres. Someone who works there is shown wherever he looked; a resident of the centre
whoever looked at her.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from yishe.insight import exports, workbooks
from yishe.insight.audit_words import NAMED, Told, told
from yishe.insight.exports import Wanted
from yishe.loops import sets
from yishe.people import access, directory, packs
from yishe.people.actors import Actor
from yishe.people.members import Member
from yishe.people.placements import placed, subjects_of
from yishe.policy import cursors
from yishe.policy.refusals import Forbidden, Invalid, NotFound
from yishe.trust import access_log, ids
from yishe.trust.models import AccessLine, Export

ACTION = "audit.read"
KIND = "audit"
KEYS = ("person", "resident", "action", "relation", "outcome", "purpose", "since", "until")
NONE = "none"
REFUSED = "refused"


@dataclass(frozen=True)
class Page:
    items: tuple[Told, ...]
    next: str | None


def reach(actor: Actor, at: datetime) -> frozenset[UUID]:
    """The centres whose lines this person may read. Forbidden when there are none."""
    scope = access.scope(actor, ACTION, at)
    found = (
        frozenset(unit.id for unit in directory.current().units("centre"))
        if scope.everyone
        else scope.centres
    )
    if not found:
        raise Forbidden("no_relation", packs.in_force().access.actions[ACTION].refused.zh, action=ACTION)
    return found


def may(actor: Actor, at: datetime) -> bool:
    """Whether there is anything to read for this person."""
    return bool(access.scope(actor, ACTION, at).centres) or actor.is_system


def page(actor: Actor, asked: Mapping[str, str], at: datetime, limit: int, cursor: str | None = None) -> Page:
    """The newest lines that `asked` names, a page of them. Whoever shows it leaves a line of his own.

    ``person`` ``resident`` ids · ``action`` a code or its first word · ``relation`` a code or ``none`` · ``outcome``
    ``refused`` · ``purpose`` a part of it · ``since`` ``until`` local days. Raises Invalid for what can't be read,
    Forbidden outside of one's centres."""
    rows = _wanted(actor, asked, at)
    if cursor:
        moment, last = cursors.read(cursor)
        rows = rows.filter(Q(at__lt=moment) | Q(at=moment, id__lt=last), at__lte=moment)
    found = list(rows.order_by("-at", "-id")[: limit + 1])
    following = cursors.write(found[limit - 1].at, found[limit - 1].id) if len(found) > limit else None
    return Page(told(found[:limit]), following)


def audit_xlsx(actor: Actor, asked: Mapping[str, str], at: datetime, *, purpose: str) -> bytes:
    """The same lines as a workbook. Raises what ``page`` and ``exports.take_out`` raise."""
    rows = _wanted(actor, asked, at).order_by("-at", "-id")
    most = exports.room(actor, KIND, at)
    found = list(rows if most is None else rows[: most + 1])
    lines = told(found)
    scope = "；".join(f"{key}={asked[key]}" for key in KEYS if asked.get(key)) or "全部"
    seen = tuple(dict.fromkeys(UUID(one) for row in found for one in row.subjects))
    wanted = Wanted(KIND, purpose, len(found), scope, seen)
    return exports.take_out(
        actor, wanted, at, lambda mark: workbooks.written("访问留痕", mark, COLUMNS, map(_cells, lines))
    )


COLUMNS = (("时间", 17), ("谁", 10), ("职责", 16), ("做了什么", 20), ("对谁", 28), ("结果", 20), ("关系", 14),
           ("用途", 28), ("来处", 34), ("请求号", 38), ("留痕编号", 38))  # fmt: skip


def _cells(line: Told) -> list[object]:
    return [
        line.at, line.who, line.duty, line.what, line.people, line.refused or "完成", line.relation, line.purpose,
        line.where, str(line.request or ""), str(line.id),
    ]  # fmt: skip


def taken(actor: Actor, at: datetime, limit: int) -> list[Export]:
    """The newest exports filed under one's centres or made by those who work there."""
    centres = reach(actor, at)
    people = [one.id for one in directory.current().people.values() if one.centres(at) & centres]
    return exports.taken(centres, people, limit)


def staff(actor: Actor, at: datetime) -> list[Member]:
    """Whose lines may be asked for by name: everyone who works or worked in one's centres."""
    centres = reach(actor, at)
    everyone = directory.current().people.values()
    return sorted((one for one in everyone if _of(one, centres)), key=lambda one: one.name)


def _of(member: Member, centres: frozenset[UUID]) -> bool:
    return any(post.centre in centres for post in member.posts)


# What is asked for


def _wanted(actor: Actor, asked: Mapping[str, str], at: datetime) -> QuerySet[AccessLine]:
    rows = _whose(actor, asked, at)
    if asked.get("action"):
        rows = rows.filter(Q(action=asked["action"]) | Q(action__startswith=f"{asked['action']}."))
    if asked.get("relation"):
        rows = rows.filter(relation="" if asked["relation"] == NONE else asked["relation"])
    if asked.get("outcome") == REFUSED:
        rows = rows.exclude(outcome="")
    if asked.get("purpose"):
        rows = rows.filter(_for(asked["purpose"]))
    since, until = asked_day(asked, "since"), asked_day(asked, "until")
    if since:
        rows = rows.filter(at__gte=sets.day(since))
    return rows.filter(at__lt=sets.day(until) + timedelta(days=1)) if until else rows


def _for(said: str) -> Q:
    """A purpose as it was stated, or as the pack calls it."""
    found = Q(purpose__contains=said)
    for code, purpose in packs.in_force().access.purposes.items():
        if said in str(purpose.title):
            found |= Q(purpose=code) | Q(purpose__startswith=f"{code}:")
    return found


def _whose(actor: Actor, asked: Mapping[str, str], at: datetime) -> QuerySet[AccessLine]:
    centres, rows = reach(actor, at), AccessLine.objects.all()
    resident, person = _id(asked, "resident"), _id(asked, "person")
    if resident:
        stands = placed(resident)
        if stands.centre not in centres and stands.home not in centres:
            raise Forbidden("outside_scope", "这位居民不在您负责的中心：请由其中心的隐私保护专员查阅。")
        rows = access_log.among(rows, subjects_of(resident))
    if person:
        return rows.filter(actor=asked_person(asked, {one.id for one in staff(actor, at)}))
    return rows if resident else rows.filter(home__in=sorted(centres))


def asked_person(asked: Mapping[str, str], among: Container[UUID]) -> UUID:
    """The member of staff asked for. Invalid when it is no id, NotFound when he is not `among` those one may ask for."""
    found = _id(asked, "person")
    if found is None or found not in among:
        raise NotFound("no_such_person", "您的中心没有这位工作人员：请从名单里选。")
    return found


def _id(asked: Mapping[str, str], key: str) -> UUID | None:
    if not asked.get(key):
        return None
    found = ids.parse(asked[key])
    if found is None:
        raise Invalid("filter_unreadable", f"筛选条件 {key} 读不懂：请从页面上重新选择。", filter=key)
    return found


def asked_day(asked: Mapping[str, str], key: str) -> date | None:
    """A local day of what is asked for; Invalid when it cannot be read."""
    try:
        return date.fromisoformat(asked[key]) if asked.get(key) else None
    except ValueError:
        raise Invalid("filter_unreadable", "日期读不懂：请写成 2026-03-02 这样。", filter=key) from None


def subjects(lines: Iterable[Told]) -> list[UUID]:
    """Everyone named by these lines: whoever reads the audit has seen them."""
    return list(dict.fromkeys(one for line in lines for one in line.subjects[:NAMED]))
