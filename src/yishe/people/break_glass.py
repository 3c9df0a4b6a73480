"""紧急查看: looking at a resident without a relation, because it cannot wait. Nobody's favour opens it, so it is short, told
to those who answer for the resident, and reviewed by somebody else (`loops.glass`).

It ends by itself: the fact it wrote holds until its time. What was said stands in the resident's ledger stream.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from yishe.people import access, directory, packs, placements
from yishe.people.actors import Actor
from yishe.people.models import AccessFact, Resident
from yishe.people.placements import Placement
from yishe.policy.access_rules import GlassRule
from yishe.policy.id_number import check
from yishe.policy.refusals import Conflict, Forbidden, Unavailable
from yishe.trust import access_log, ids, keys, ledger
from yishe.trust.commit import Bundle

BROKEN, ENDED = "break_glass", "break_glass.ended"
"""Kinds of entries and actions of access lines alike."""
READ = "resident.read"


@dataclass(frozen=True)
class Command:
    """By whom and why the glass is broken; `id` and `digest` tell a repeat from a second time."""

    actor: Actor
    reason: str
    words: str
    at: datetime
    id: str | None = None
    digest: bytes | None = None


@dataclass(frozen=True)
class Broken:
    """A glass that was broken: by whom, whose record, why, until when; `review` is the kind of loop that asks about it."""

    id: UUID
    person: UUID
    stands: Placement
    reason: str
    words: str
    until: datetime
    review: str


# Writers


def break_(bundle: Bundle, command: Command, resident_id: UUID) -> Broken:
    """Add to `bundle` that the actor may look at this resident for as long as the pack says; the caller commits, with the
    review and the telling.

    Refused: a duty that may not, a relation that suffices already, a record merged away or of the dead, an unknown reason
    or one that wants words.
    """
    stands, actor, at = placements.placed(resident_id), command.actor, command.at
    rule = require(actor, stands, at)
    _refuse_gone(stands)
    words = command.words.strip()
    rule.reason(command.reason, words)
    key = keys.wrapped_key(stands.subject)
    until = at + rule.lasts.exact()
    found = Broken(ids.new(), actor.staff_id, stands, command.reason, words, until, rule.review)
    said = {"grant": str(found.id), "reason": found.reason, "until": ledger.stamp(found.until)}
    ledger.append(
        bundle, ledger.head(stands.home, stands.subject), home=stands.home, stream=stands.subject, kind=BROKEN,
        actor=actor.staff_id, at=at, pack=packs.in_force().sha256, data=said, subject=stands.subject, subject_key=key,
        words={"why": words} if words else None, command_id=command.id, command_digest=command.digest,
    )  # fmt: skip
    access.facts(
        bundle, home=stands.home, person=actor.staff_id, subject=stands.subject, relation=access.BREAK_GLASS,
        source=f"{access.BREAK_GLASS}:{found.id}:{found.reason}", since=at, until=found.until,
    )  # fmt: skip
    _line(bundle, actor, stands, BROKEN, f"emergency:{found.id}", at)
    return found


def end(
    bundle: Bundle, actor: Actor, resident_id: UUID, at: datetime, command_id: str | None = None,
    digest: bytes | None = None,
) -> Placement:  # fmt: skip
    """Add to `bundle` that the actor needs the record no more. Conflict when no glass of his stands open."""
    stands = placements.placed(resident_id)
    open_ = standing_open(actor, stands, at)
    if not open_:
        raise Conflict("not_open", "您对这位居民没有进行中的紧急查看：可能已到时自动结束，不需要再办。")
    grants = [row.source.split(":")[1] for row in open_]
    ledger.append(
        bundle, ledger.head(stands.home, stands.subject), home=stands.home, stream=stands.subject, kind=ENDED,
        actor=actor.staff_id, at=at, pack=packs.in_force().sha256, data={"grants": grants}, subject=stands.subject,
        command_id=command_id, command_digest=digest,
    )  # fmt: skip
    for row in open_:
        access.end_facts(bundle, source=row.source, until=at, person=actor.staff_id)
    _line(bundle, actor, stands, ENDED, f"emergency:{grants[0]}", at)
    return stands


def _line(bundle: Bundle, actor: Actor, stands: Placement, action: str, purpose: str, at: datetime) -> None:
    access_log.line(
        bundle, home=stands.home, actor=actor.staff_id, action=action, subjects=[stands.subject],
        relation=access.BREAK_GLASS, purpose=purpose, at=at,
    )  # fmt: skip


def _refuse_gone(stands: Placement) -> None:
    if stands.merged_into:
        raise Conflict(
            "resident_merged",
            "这份档案已并入另一份档案：请打开保留的那份。",
            survivor=str(stands.merged_into),
        )
    if stands.deceased_at:
        raise Conflict("resident_gone", "这位居民已登记去世，不能紧急查看；如登记有误，请联系中心更正。")


# Readers


def rule_for(actor: Actor, at: datetime) -> GlassRule:
    """The rule by which this person may break a glass at all. Forbidden for other duties, Unavailable without a rule."""
    rule = packs.in_force().access.break_glass
    if rule is None or rule.status != "approved":
        raise Unavailable("no_rule", "本地政策包还没有批准紧急查看：请联系居民的签约团队或中心主任。")
    if actor.is_system or not actor.member.duties(at) & set(rule.duties):
        titles = "、".join(str(packs.in_force().duties[one].title) for one in rule.duties)
        raise Forbidden(
            "wrong_duty", f"紧急查看只开放给{titles}；请让他们来办，或拨打 120、110。", action=BROKEN
        )
    return rule


def may_at_all(actor: Actor, at: datetime) -> bool:
    """The same as yes or no."""
    rule = packs.in_force().access.break_glass
    return rule is not None and rule.status == "approved" and bool(actor.member.duties(at) & set(rule.duties))


def require(actor: Actor, stands: Placement, at: datetime) -> GlassRule:
    """The rule by which the actor may break the glass of this resident now. Raises what `rule_for` raises, and Conflict
    when he may look without."""
    rule = rule_for(actor, at)
    allowed = access.may(actor, READ, stands, at)
    if allowed.allowed:
        raise Conflict("relation_suffices", f"您已经可以查看这位居民（{allowed.words}），不需要紧急查看。")
    return rule


def offered(actor: Actor, stands: Placement, at: datetime) -> bool:
    """Whether somebody refused may break the glass instead."""
    if stands.merged_into or stands.deceased_at:
        return False
    return may_at_all(actor, at) and not access.may(actor, READ, stands, at).allowed


def find(id_number: str) -> Placement | None:
    """The record of exactly this ID number, wherever it is kept; None when there is none. Invalid for what is no number."""
    whole = check(id_number).number18
    row = Resident.objects.filter(
        id_blind=keys.blind_everywhere("id", whole), merged_into=None, erased_at=None
    )
    found = row.values_list("id", flat=True).first()
    return placements.placement(found) if found else None


def standing_open(actor: Actor, stands: Placement, at: datetime) -> list[AccessFact]:
    """The glasses of this person and this resident that stand open now."""
    mine = AccessFact.objects.filter(
        person=actor.staff_id, relation=access.BREAK_GLASS, since__lte=at, until__gt=at
    )
    return list(mine.filter(subject__in=placements.subjects_of(stands.resident)))


def told(stands: Placement, at: datetime) -> list[UUID]:
    """Who hears of it at once: the people of the resident that the pack names; without any, who leads the centre."""
    rule, book = packs.in_force().access.break_glass, directory.current()
    team = stands.team or stands.neighbourhood_team
    named: dict[str, Any] = {"doctor": stands.doctor, "social_worker": stands.social_worker}
    for role in ("team_lead", "centre_director"):
        member = book.role(role, team=team, centre=stands.centre, at=at)
        named[role] = member.id if member else None
    found = [named[role] for role in (rule.tells if rule else ()) if named[role]]
    return list(dict.fromkeys(found or filter(None, [named["centre_director"]])))
