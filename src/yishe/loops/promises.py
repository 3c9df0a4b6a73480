"""Opening a loop: the first promise, the children of a dual track, and a referral passed on."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from yishe.loops import kinds, knowing
from yishe.loops.models import Loop, Tracking
from yishe.loops.projection import Track, found
from yishe.loops.recording import Said, born, seen
from yishe.loops.repeats import answered_before
from yishe.people import access, directory
from yishe.people.actors import Actor
from yishe.people.members import Found
from yishe.people.models import DirectoryVersion
from yishe.people.packs import in_force as packs_in_force
from yishe.people.placements import Keyed, Placement, placed, placed_with_key
from yishe.policy import loop_words
from yishe.policy.loop_decisions import opening
from yishe.policy.loop_kinds import LoopKind
from yishe.policy.loop_state import LoopState, applied
from yishe.policy.refusals import Conflict, Forbidden, Invalid, Refused
from yishe.trust import ids, keys
from yishe.trust.commit import Bundle, Duplicate, Stale

PROMISE = "loop.promise"
MATTER = "loop.matter"


@dataclass(frozen=True)
class Wanted:
    """What is asked for: the kind, why, in which words, and what it hangs on. `matter` are the codes of something that is
    about no resident; `besides` are those who may not perform it; `duty` is whose it is where that is not the kind's first, so that
    it stays with that duty when its performer is away."""

    kind: str
    reason: str = ""
    note: str = ""
    dates: tuple[tuple[str, datetime], ...] = ()
    parent: uuid.UUID | None = None
    follows: uuid.UUID | None = None
    declines: int = 0
    to: uuid.UUID | None = None
    sender: uuid.UUID | None = None
    evidence: tuple[dict[str, str], ...] = ()
    matter: Mapping[str, Any] = field(default_factory=dict)
    besides: tuple[uuid.UUID, ...] = ()
    duty: str = ""


@dataclass(frozen=True)
class Preview:
    """What sending would do, shown before it is sent."""

    kind: LoopKind
    urgency: str
    receiver: uuid.UUID
    via: str
    accept_by: datetime | None
    promised_by: datetime
    existing: uuid.UUID | None


def promise(
    actor: Actor, *, kind: str, resident: uuid.UUID, reason: str = "", note: str = "", at: datetime,
    command_id: str, digest: bytes | None = None, dates: tuple[tuple[str, datetime], ...] = (), source: str = "",
    evidence: Sequence[dict[str, str]] = (),
) -> uuid.UUID:  # fmt: skip
    """Promise `resident` something; returns the loop's id. `source` as in `acts.act`. `evidence` is what goes along,
    as type, id and hash.

    Refused: no relation to the resident, a duty the pack does not let ask, an unknown reason, a resident who is
    dead, moved or merged. Conflict `already_open` names the open loop of the same kind and reason to track.
    """
    wanted = Wanted(kind, reason, note, dates, evidence=tuple(evidence))
    return opened(actor, resident, wanted, Said(actor.staff_id, at, command_id, digest, source=source)).loop


@dataclass(frozen=True)
class Opened:
    """What a promise led to, for whom. `track` is the loop as this very act opened it, None when it was there before."""

    loop: uuid.UUID
    resident: uuid.UUID
    track: Track | None = None


def opened(
    actor: Actor, resident: uuid.UUID, wanted: Wanted, said: Said, found: Keyed | None = None
) -> Opened:
    """The same, with the loop as it was opened. `found` is where the resident was just seen to stand."""
    where, key = found or placed_with_key(resident)
    for last_try in (False, True):
        bundle = Bundle()
        new = _decided(bundle, actor, where, wanted, said, key)
        if isinstance(new, uuid.UUID):
            seen(None, where.home, where.subject, "promise", said)
            return Opened(new, where.resident)
        seen(bundle, where.home, where.subject, "promise", said)
        try:
            bundle.commit()
        except Stale:
            if last_try:
                raise Conflict("busy", "排班正在变更，请再点一次。") from None
            directory.forget()
        except Duplicate:
            before = answered_before(actor, said) or _refuse_second(where, wanted.kind, wanted.reason)
            seen(None, where.home, where.subject, "promise", said)
            return Opened(before, where.resident)
        else:
            return Opened(new.state.id, where.resident, new)
    raise AssertionError("unreachable")


def _decided(
    bundle: Bundle, actor: Actor, where: Placement, wanted: Wanted, said: Said, key: bytes | None
) -> Track | uuid.UUID:
    """The new loop, or the one this command made before: a retry is answered even if it would be refused by now."""
    try:
        return into(bundle, actor, where, wanted, said, key)
    except Refused:
        before = answered_before(actor, said)
        if before is None:
            raise
        return before


def into(
    bundle: Bundle, actor: Actor, where: Placement, wanted: Wanted, said: Said, key: bytes | None = None
) -> Track:
    """Add a new loop to `bundle`, with its children; the caller commits. May I, decide, append, project, tell."""
    declared = kinds.in_force(wanted.kind, said.at)
    _may(actor, where, declared, wanted, said.at)
    opened, shift = _opening_state(actor, where, declared, wanted, said.at)
    full = beginning(opened, declared, dict(wanted.dates), shift)
    if wanted.note and key is None:
        key = keys.wrapped_key(where.subject)
    words = {"note": loop_words.clean(wanted.note)} if wanted.note else {}
    if not kinds.is_kept(declared.sha256):
        kinds.keep(bundle, declared, said.at)
    matter = {"matter": dict(wanted.matter)} if wanted.matter else {}
    track = born(bundle, full, said, key, words, {**loop_words.attached(wanted.evidence), **matter})
    if wanted.parent is None:
        pin_directory(bundle)
    for child in declared.children:
        below = Wanted(
            child.kind,
            parent=track.state.id,
            sender=track.state.performer,
            besides=(*wanted.besides, track.state.performer),
        )
        into(bundle, actor, where, below, Said(said.actor, said.at))
    return track


def beginning(
    opened: LoopState, kind: LoopKind, dates: dict[str, datetime], shift: datetime | None
) -> dict[str, Any]:
    """What the first entry of a loop that stands like this sets, with its clocks running from its promise."""
    clocks = opening(opened, kind, packs_in_force().calendar, dates, shift)
    return {**_fields(opened), **clocks, "owner": opened.performer, "last_at": opened.promised_at}


def pin_directory(bundle: Bundle) -> None:
    """Who performs was decided on this picture of staff and rosters; if it changed meanwhile, decide again."""
    version = directory.current().version
    if version:
        bundle.require(DirectoryVersion, {"id": 1, "version": version})


def preview(actor: Actor, kind: str, resident: uuid.UUID, reason: str, at: datetime) -> Preview:
    """Receiver, urgency and clocks of a promise not yet made. Refuses whatever `promise` would refuse."""
    where = placed(resident)
    declared, wanted = kinds.in_force(kind, at), Wanted(kind, reason)
    _may(actor, where, declared, wanted, at)
    found = directory.current().performer(declared.answered_by[0], where, at)
    opened, shift = _opening_state(actor, where, declared, wanted, at)
    clocks = opening(opened, declared, packs_in_force().calendar, {}, shift)
    accept = clocks["clocks"].get("accept")
    existing = open_one(where, kind, reason) if declared.single else None
    return Preview(
        declared, opened.urgency, opened.performer, found.via,
        datetime.fromisoformat(accept["due"]) if accept else None, clocks["promised_by"], existing,
    )  # fmt: skip


def track(actor: Actor, loop_id: uuid.UUID, at: datetime) -> None:
    """Follow a loop someone else promised already. Forbidden for whoever may not know of it: following is no way in, and
    it opens nothing but the loop itself."""
    knowing.relation(actor, found(loop_id), at)
    bundle = Bundle()
    bundle.insert_if_absent(Tracking, id=ids.new(), loop=loop_id, person=actor.staff_id, since=at)
    bundle.commit()


def _may(actor: Actor, where: Placement, kind: LoopKind, wanted: Wanted, at: datetime) -> None:
    if where.gone:
        raise Conflict(
            "resident_gone", gone_words(where), survivor=str(where.merged_into) if where.merged_into else None
        )
    if wanted.parent is None and kind.about == "matter":
        access.require_in_organisation(actor, MATTER, where.centre, at)
    elif wanted.parent is None and wanted.follows is None:  # whose turn it is may always refer on
        access.require(actor, PROMISE, where, at)
    if actor.is_system or wanted.sender is not None:
        return
    if actor.staff_id == where.subject:
        if not kind.by_resident:
            raise Forbidden("not_by_resident", f"“{kind.title}”由工作人员发起：请告诉您的签约团队。")
        return
    if not set(kind.asked_by) & actor.member.duties(at):
        titles = "、".join(packs_in_force().duties[d].title.zh for d in kind.asked_by)
        raise Forbidden("wrong_duty", f"“{kind.title}”由{titles}发起；您的职责不在其中，可请他们代为发起。",
                        asked_by=list(kind.asked_by))  # fmt: skip


def gone_words(where: Placement) -> str:
    if where.merged_into:
        return "这份档案已并入另一份档案：请在保留的那份档案上操作。"
    what = "去世" if where.deceased_at else "迁出"
    return f"这位居民已登记{what}，不再新开事项；如登记有误，请先更正档案。"


def _opening_state(
    actor: Actor, where: Placement, kind: LoopKind, wanted: Wanted, at: datetime
) -> tuple[LoopState, datetime | None]:
    """The state before its clocks start, with the performer found; and the end of his shift if on duty."""
    reason = _reason(kind, wanted.reason)
    performer, until = wanted.to, None
    if performer is None:
        found = _performer(kind, where, wanted, at)
        performer, until = found.member.id, found.until
    sensitive = kind.reasons[reason].sensitive if reason else False
    fields = {
        "id": ids.new(), "home": where.home, "centre": where.centre, "team": where.team or where.neighbourhood_team,
        "kind": kind.code, "kind_version": kind.version, "pack": kind.sha256, "reason": reason,
        "urgency": kind.urgency_of(reason or None), "sensitive": sensitive, "subject": where.subject,
        "sender": wanted.sender or actor.staff_id, "performer": performer, "owner": performer,
        "duty": _duty(kind, wanted), "promised_at": at, "promised_by": at, "parent": wanted.parent,
        "follows": wanted.follows, "declines": wanted.declines, "single": kind.single and wanted.parent is None,
    }  # fmt: skip
    return applied(None, 0, fields), until


def _performer(kind: LoopKind, where: Placement, wanted: Wanted, at: datetime) -> Found:
    book, duty = directory.current(), _duty(kind, wanted)
    if kind.about == "matter":
        return book.holder(duty, where.centre, at, wanted.besides)
    return book.performer(duty, where, at)


def _duty(kind: LoopKind, wanted: Wanted) -> str:
    return wanted.duty or kind.answered_by[0]


def _reason(kind: LoopKind, given: str) -> str:
    if not kind.reasons:
        if given:
            kind.reason(given)
        return ""
    if not given:
        raise Invalid(
            "reason", f"发起“{kind.title}”要先选原因。", field="reason", possible=list(kind.reasons)
        )
    return kind.reason(given).code


def _fields(state: LoopState) -> dict[str, Any]:
    """The opening state as the first entry records it: everything that is set."""
    values = {name: getattr(state, name) for name in state.__dataclass_fields__ if name != "seq"}
    return {
        name: value
        for name, value in values.items()
        if value not in (None, "", {}) or name in ("reason", "team")
    }


def open_one(where: Placement, kind: str, reason: str) -> uuid.UUID | None:
    found = Loop.objects.filter(subject=where.subject, kind=kind, reason=reason, closed_at=None, single=True)
    return found.values_list("id", flat=True).first()


def _refuse_second(where: Placement, kind: str, reason: str) -> uuid.UUID:
    existing = open_one(where, kind, reason)
    raise Conflict(
        "already_open", "同一居民、同一原因已有一件在办：不必再发，可以跟踪它的进展。",
        existing=str(existing) if existing else None,
    )  # fmt: skip
