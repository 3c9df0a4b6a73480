"""Attempts to reach a resident under contract: recorded one by one, counted over all her contracts since she was last reached.

When the calls were enough the visit is promised (`care.seeking`); a contract ends for lost contact only after both.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Max

from yishe.care import entries, seeking, year
from yishe.care.contract_rows import attempted
from yishe.care.contract_stream import UNNAMED, Once, advance
from yishe.care.models import Attempt, Contract, Encounter, ServiceNote
from yishe.loops.promises import gone_words
from yishe.loops.recording import Said
from yishe.loops.repeats import entry_before
from yishe.people import access, directory, packs, placements
from yishe.people.actors import Actor
from yishe.people.particulars import ZONE
from yishe.people.placements import Placement
from yishe.policy import unreachable
from yishe.policy.contract_state import ATTEMPTED
from yishe.policy.refusals import Conflict, Invalid
from yishe.policy.unreachable import Standing, Tried, Unreachable
from yishe.trust import access_log, commit, ids, keys, ledger
from yishe.trust.commit import Bundle
from yishe.trust.models import Entry

ACTION = "contract.attempt"
TRIES = 3


@dataclass(frozen=True)
class Told:
    """One attempt as it is told: `way` and `outcome` are codes, `note` what is worth knowing, `tried_at` when it was if not now,
    `again_at` when she asked to be called."""

    way: str
    outcome: str
    note: str = ""
    tried_at: datetime | None = None
    again_at: datetime | None = None


def record(actor: Actor, resident: UUID, told: Told, at: datetime, once: Once = UNNAMED) -> Attempt:
    """Record one attempt. Somebody who answers ends the series; the last call that is wanted promises the visit.

    Conflict for somebody gone or without a contract that day; Invalid for an unknown way or outcome, a moment to come, or one to
    call again that is missing or before this. The same command again answers the same."""
    for _ in range(TRIES):
        try:
            return _recorded(actor, resident, told, at, once)
        except (commit.Stale, commit.Duplicate):  # somebody wrote to the same contract first: look again
            directory.forget()
    raise Conflict("busy", "同时有人在记这份签约，请再点一次。")


def _recorded(actor: Actor, resident: UUID, told: Told, at: datetime, once: Once) -> Attempt:
    before = entry_before(actor, Said(actor.staff_id, at, once.command_id, once.digest))
    if before is not None:
        return Attempt.objects.get(id=ledger.facts_of(before)["id"])
    where, rule = entries.whose(resident), required()
    permission = access.require(actor, ACTION, where, at)
    if where.gone:
        raise Conflict("resident_gone", gone_words(where))
    _checked(rule, told, at)
    tried_at = told.tried_at or at
    contract = year.in_force(where, tried_at.astimezone(ZONE).date())
    bundle, reached = Bundle(), rule.outcomes[told.outcome].reached
    said: dict[str, Any] = {
        "id": str(ids.new()), "way": told.way, "outcome": told.outcome, "reached": reached, "tried_at": ledger.stamp(tried_at),
    }  # fmt: skip
    said |= {"again_at": ledger.stamp(told.again_at)} if told.again_at else {}
    visit = _visit(bundle, actor, where, contract, rule, said, tried_at, at)
    said |= {"visit": str(visit)} if visit else {}
    note = entries.text(told.note, "说明", 1000)
    advance(bundle, contract, ATTEMPTED, actor, at, said, {"note": note} if note else None, once)
    row = attempted(said, contract.id, contract.home, contract.subject, actor.staff_id, at)
    bundle.insert(Attempt, **row)
    access_log.line(bundle, home=where.home, actor=actor.staff_id, action=ACTION, subjects=[where.subject],
                    **permission.line, at=at)  # fmt: skip
    bundle.commit()
    return Attempt(**row)


def _visit(
    bundle: Bundle, actor: Actor, where: Placement, contract: Contract, rule: Unreachable, said: dict[str, Any],
    tried_at: datetime, at: datetime,
) -> UUID | None:  # fmt: skip
    """What this attempt does to the visit: kept by who was reached or called on, promised by the last call that is wanted."""
    proof = {"type": "attempt", "id": said["id"]}
    if said["reached"]:
        seeking.reached(bundle, actor, where, proof, at)
        return None
    if said["way"] in rule.visit.ways:
        seeking.keep(bundle, actor, where, rule.visit.missed, proof, at)
        return None
    rows = series(where)
    if any(one.visit for one in rows):
        return None
    tried = [*_tried(rows), Tried(tried_at.astimezone(ZONE), said["way"])]
    enough = unreachable.standing(rule, tried)
    return seeking.promise(bundle, actor, where, contract, at) if enough.called else None


def _checked(rule: Unreachable, told: Told, at: datetime) -> None:
    book = packs.in_force().codes["encounter_kind"]
    if told.way not in rule.ways:
        known = "、".join(str(book[one]) for one in rule.ways)
        raise Invalid("way", f"请选怎么联系的：{known}。", field="way", possible=list(rule.ways))
    if told.outcome not in rule.outcomes:
        known = "、".join(str(one.title) for one in rule.outcomes.values())
        raise Invalid("outcome", f"请选结果：{known}。", field="outcome", possible=list(rule.outcomes))
    if told.tried_at and told.tried_at > at:
        raise Invalid("in_the_future", "联系的时间在将来：请改成实际联系的时间。", field="tried_at")
    again = rule.outcomes[told.outcome]
    if again.again and (told.again_at is None or told.again_at <= (told.tried_at or at)):
        raise Invalid("again_at", f"“{again.title}”请写什么时候再打：要晚于这次联系。", field="again_at")
    if told.again_at and not again.again:
        raise Invalid(
            "again_at", f"结果是“{again.title}”，不用写什么时候再打：请清空，或改选结果。", field="again_at"
        )


def require_tried(where: Placement, reason: str) -> None:
    """Conflict, saying what is missing, where a contract is to end for lost contact and she was not tried as the pack wants."""
    rule = seeking.rule()
    if rule is None or rule.status != "approved" or reason != rule.end:
        return
    lacks = standing(where, rule).lacks(rule)
    if lacks:
        raise Conflict(
            "not_tried_enough", f"还不能以失联结束：{'；'.join(lacks)}。请先在“签约”里记下联系的经过，或改选别的原因。",
            lacks=lacks,
        )  # fmt: skip


def required() -> Unreachable:
    """The rule. Invalid without one."""
    rule = seeking.rule()
    if rule is None:
        raise Invalid("no_contracts", "政策包没有签约的规定：请管理员补上 contracts.yaml。")
    return rule


# Readers


def of_resident(where: Placement) -> list[Attempt]:
    """Every attempt, newest first. The caller has asked access."""
    subjects = placements.subjects_of(where.resident)
    return list(Attempt.objects.filter(subject__in=subjects).order_by("-tried_at", "-id"))


def series(where: Placement) -> list[Attempt]:
    """Attempts since she was last reached or met, oldest first."""
    return since_reached(of_resident(where), met(placements.subjects_of(where.resident)))


def since_reached(rows: Iterable[Attempt], met_at: datetime | None) -> list[Attempt]:
    """Of one resident's attempts those after the last that reached her and after anybody met her, oldest first."""
    ordered = sorted(rows, key=lambda one: (one.tried_at, one.id))
    last = max((one.tried_at for one in ordered if one.reached), default=met_at)
    last = max(last, met_at) if last and met_at else last
    return [one for one in ordered if last is None or one.tried_at > last]


def met(subjects: Sequence[UUID]) -> datetime | None:
    """When anybody of us last met her or spoke to her, as it was written down."""
    found = [
        model.objects.filter(subject__in=subjects, withdrawn=False).aggregate(last=Max("occurred_at"))["last"]
        for model in (Encounter, ServiceNote)
    ]
    return max((one for one in found if one), default=None)


def standing(where: Placement, rule: Unreachable) -> Standing:
    """How far the present series has come."""
    return of_series(series(where), rule)


def of_series(rows: Iterable[Attempt], rule: Unreachable) -> Standing:
    """How far these attempts, none of which reached her, have come."""
    return unreachable.standing(rule, _tried(rows))


def notes(rows: Sequence[Attempt]) -> dict[UUID, str]:
    """What was written to these attempts of one resident. The caller has asked access."""
    found: dict[UUID, str] = {}
    streams = {one.contract_id: one.subject for one in rows}
    opened = {subject: keys.wrapped_key(subject) for subject in set(streams.values())}
    for entry in Entry.objects.filter(stream__in=streams, kind=ATTEMPTED):
        words = ledger.words(entry, opened[streams[entry.stream]])
        found |= {UUID(ledger.facts_of(entry)["id"]): words["note"]} if words else {}
    return found


def _tried(rows: Iterable[Attempt]) -> list[Tried]:
    return [Tried(one.tried_at.astimezone(ZONE), one.way) for one in rows]
