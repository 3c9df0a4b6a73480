"""What packs say follows from a fact: a promise, or telling someone. Called by every writer from loops upward."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from yishe.loops.promises import Wanted, gone_words, into, open_one
from yishe.loops.recording import Said
from yishe.people import directory
from yishe.people.actors import Actor
from yishe.people.packs import in_force
from yishe.people.placements import Placement
from yishe.policy.reactions import Promise, Reaction
from yishe.policy.refusals import Conflict
from yishe.talk import outbox
from yishe.trust.commit import Bundle

SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Fact:
    """Something recorded about a resident. `data` holds the fields the pack declares for this kind of fact.

    `words` is free text for whoever must act (what changed, what to look at); it is sealed with the promise.
    """

    kind: str
    id: uuid.UUID
    data: Mapping[str, Any]
    words: str = ""
    also: Mapping[str, str] = field(default_factory=dict)


def apply(
    fact: Fact, actor: Actor, where: Placement, at: datetime, bundle: Bundle, sender: uuid.UUID | None = None
) -> list[uuid.UUID]:
    """Add to `bundle` whatever approved reactions ask for; returns the loops opened. May only promise or tell. `sender` as in
    `promised`."""
    opened: list[uuid.UUID] = []
    for reaction in in_force().reacting_to(fact.kind, fact.data, at.astimezone(SHANGHAI).date()):
        if reaction.promise is not None:
            loop = _promised(reaction, fact, actor, where, at, bundle, sender)
            opened += [loop] if loop else []
        elif reaction.tell is not None:
            _told(reaction, fact, actor, where, at, bundle)
    return opened


def _promised(
    reaction: Reaction, fact: Fact, actor: Actor, where: Placement, at: datetime, bundle: Bundle,
    sender: uuid.UUID | None,
) -> uuid.UUID | None:  # fmt: skip
    if reaction.promise is None:
        return None
    note = "\n".join(w for w in (reaction.says.zh if reaction.says else "", fact.words) if w)
    return promised(reaction.promise, note, actor, where, at, bundle, sender=sender)


def promised(
    promise: Promise,
    note: str,
    actor: Actor,
    where: Placement,
    at: datetime,
    bundle: Bundle,
    evidence: tuple[dict[str, str], ...] = (),
    sender: uuid.UUID | None = None,
) -> uuid.UUID | None:
    """A promise made by a rule in the recorder's name, waited for by `sender` or else by him; None when one of the same kind
    and reason is open, which answers for it, or when kind or reason is not approved. Conflict for someone who has gone."""
    if where.gone:
        raise Conflict("resident_gone", gone_words(where))
    kind, reason = promise.kind, promise.reason or ""
    declared = {one.code: one for one in in_force().loop_kinds(at.astimezone(SHANGHAI).date())}.get(kind)
    if declared is None or (reason and reason not in declared.reasons):  # a draft never triggers
        return None
    if declared.single and open_one(where, kind, reason):
        return None
    wanted = Wanted(kind, reason, note, sender=sender or actor.staff_id, evidence=evidence)
    return into(bundle, actor, where, wanted, Said(actor.staff_id, at)).state.id


def _told(
    reaction: Reaction, fact: Fact, actor: Actor, where: Placement, at: datetime, bundle: Bundle
) -> None:
    if reaction.tell is None:
        return
    for role in reaction.tell.to:
        person = _person(role, where, at)
        if person is not None and person != actor.staff_id:
            outbox.tell(
                bundle, home=where.home, person=person, topic=f"fact.{fact.kind}", key=f"{fact.id}:{reaction.tell.text}:{person}",
                at=at, subject=where.subject, data={"text": reaction.tell.text, **fact.also},
            )  # fmt: skip


def _person(role: str, where: Placement, at: datetime) -> uuid.UUID | None:
    book = directory.current()
    if role.startswith("performer_of "):
        return book.performer(role.removeprefix("performer_of ").strip(), where, at).member.id
    member = book.role(role, team=where.team or where.neighbourhood_team, centre=where.centre, at=at)
    return member.id if member else None
