"""Residents: registering, correcting, dying, moving. Merging is in `merges`, answering teams in `empanelments`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from yishe.people import access, directory, notes, own_accounts, records, tokens
from yishe.people.actors import Actor
from yishe.people.cards import Card, cards
from yishe.people.empanelments import empanel
from yishe.people.merges import merge, unmerge
from yishe.people.models import Change, Empanelment, Household, Resident, SearchToken
from yishe.people.particulars import ZONE, Particulars, check
from yishe.people.placements import (
    Placement,
    is_protected,
    placed,
    placement,
    placement_of_subject,
    placements,
    residents_of,
    subjects_of,
)
from yishe.policy.refusals import Conflict, Forbidden, Invalid
from yishe.trust import commit, ids, keys, ledger, quick
from yishe.trust.commit import Bundle

__all__ = [
    "Card",
    "Placement",
    "amend",
    "cards",
    "die",
    "empanel",
    "merge",
    "move",
    "placed",
    "placement",
    "placement_of_subject",
    "placements",
    "register",
    "residents_of",
    "revive",
    "subjects_of",
    "unmerge",
]

REGISTER = "resident.register"
AMEND = "resident.amend"
END = "resident.end"


def register(
    actor: Actor,
    fields: Mapping[str, Any],
    at: datetime,
    *,
    centre: UUID | None = None,
    source: str = "",
    bundle: Bundle | None = None,
) -> Placement:
    """A new resident of `centre` (the actor's own when not given), found and answerable at once.

    `fields` are those of `Particulars`. With `bundle` everything is added to it and the caller commits. Raises
    Questioned for a field that does not hold, Conflict when the ID number has a record already.
    """
    centre = _centre(actor, centre, at)
    permission = access.require_in_organisation(actor, REGISTER, centre, at)
    said = check(fields, at.astimezone(ZONE).date())
    target = bundle if bundle is not None else Bundle()
    household = _household(target, centre, said.household)
    record = records.build(
        target, centre, said, at, tokens.fingerprint(centre), household=household, source=source
    )
    _refuse_known(record.resident)
    record.into(target)
    data = {"fields": sorted(said.said()), "source": source}
    notes.note(
        target,
        home=centre,
        subject=record.subject.subject,
        kind=notes.REGISTERED,
        actor=actor,
        at=at,
        data=data,
        head=ledger.Head(),
        relation=permission.relation,
    )
    if bundle is None:
        _commit(target)
    return _placement(record, said)


def amend(actor: Actor, resident_id: UUID, fields: Mapping[str, Any], at: datetime) -> tuple[str, ...]:
    """Correct what is known of a resident; None or "" takes a value away. Returns the names of the fields that
    changed, none when all was so already. Team and named people go through `empanel`."""
    stands = placed(resident_id)
    permission = access.require(actor, AMEND, stands, at)
    _refuse_merged(stands)
    if {"team", "doctor", "social_worker"} & set(fields):
        raise Invalid("use_empanel", "签约团队和责任人请在“签约”里变更。")
    with commit.atomically():
        row = Resident.objects.select_for_update(of=("self",)).select_related("household").get(id=resident_id)
        wrapped = keys.wrapped_key(stands.subject)
        before = records.opened(row, stands.subject, wrapped)
        said = check({**before, **fields}, at.astimezone(ZONE).date())
        changed = tuple(sorted(f for f in fields if getattr(said, f) != getattr(Particulars(**before), f)))
        if changed:
            why = permission.relation
            _rewrite(actor, row, stands.subject, wrapped=wrapped, said=said, changed=changed, at=at, why=why)
        if "phone" in changed:
            own_accounts.shut_out(resident_id, at)
    return changed


def _rewrite(
    actor: Actor,
    row: Resident,
    subject: UUID,
    *,
    wrapped: bytes,
    said: Particulars,
    changed: tuple[str, ...],
    at: datetime,
    why: str,
) -> None:
    bundle = Bundle()
    values = {
        **records.columns(row, subject, wrapped, said),
        "household_id": _household(bundle, row.home, said.household),
        "updated_at": at,
    }
    bundle.update(Resident, where={"id": row.id, "updated_at": row.updated_at}, values=values)
    if {"name", "id_number", "phone"} & set(changed):
        retoken(row.centre_id, row.id, said)
    notes.note(
        bundle,
        home=row.home,
        subject=subject,
        kind=notes.AMENDED,
        actor=actor,
        at=at,
        data={"fields": list(changed)},
        relation=why,
    )
    _commit(bundle)


def retoken(centre: UUID, resident: UUID, said: Particulars) -> None:
    """Replace what a resident is found by; inside a transaction of the caller."""
    SearchToken.objects.filter(resident=resident).delete()
    words = tokens.words(said.name, said.id_number, said.phone)
    found = {tokens.fingerprint(centre)(word) for word in words}
    records.write_tokens([(centre, token, resident) for token in found])


def die(actor: Actor, resident_id: UUID, at: datetime, on: datetime | None = None) -> None:
    """Record a death (`on`, by default now). Open loops are then ended by their rules."""
    stands = placed(resident_id)
    why = access.require(actor, END, stands, at).relation
    _refuse_merged(stands)
    if stands.deceased_at:
        return
    on = on or at
    if on > at:
        raise Invalid("death_future", "死亡时间晚于现在：请核对日期。")
    bundle = Bundle()
    bundle.update(Resident, where={"id": resident_id}, values={"deceased_at": on, "updated_at": at})
    data = {"on": ledger.stamp(on)}
    _told(bundle, stands, kind=Change.Kind.DECEASED, event=notes.DIED, actor=actor, at=at, data=data, why=why)
    _commit(bundle)


def revive(actor: Actor, resident_id: UUID, at: datetime) -> None:
    """Take back a death or a moving away recorded by mistake; what was closed because of it stays closed."""
    stands = placed(resident_id)
    permission = access.require(actor, END, stands, at)
    bundle = Bundle()
    bundle.update(
        Resident, where={"id": resident_id}, values={"deceased_at": None, "moved_at": None, "updated_at": at}
    )
    notes.note(
        bundle,
        home=stands.home,
        subject=stands.subject,
        kind=notes.AMENDED,
        actor=actor,
        at=at,
        data={"fields": ["deceased_at", "moved_at"]},
        relation=permission.relation,
    )
    _commit(bundle)


def move(
    actor: Actor,
    resident_id: UUID,
    at: datetime,
    *,
    centre: UUID | None = None,
    neighbourhood: UUID | None = None,
) -> None:
    """Moved to another centre of ours, or (no centre) away. Either way the old team no longer answers."""
    stands = placed(resident_id)
    why = access.require(actor, END, stands, at).relation
    _refuse_merged(stands)
    if centre is not None and directory.current().organisation(centre).level != "centre":
        raise Invalid("not_a_centre", "只能迁往一个中心：请重新选择。")
    with commit.atomically():
        row = Resident.objects.select_for_update(of=("self",)).select_related("household").get(id=resident_id)
        bundle = Bundle()
        values: dict[str, Any] = {"neighbourhood_id": neighbourhood, "updated_at": at}
        if centre is None:
            values["moved_at"] = at
        else:
            values |= {"centre_id": centre, "moved_at": None, "row_blind": None}
            known = records.opened(row, stands.subject, keys.wrapped_key(stands.subject))
            retoken(centre, row.id, Particulars(**known))
        bundle.update(Resident, where={"id": resident_id}, values=values)
        Empanelment.objects.filter(resident=resident_id, until=None).update(until=at)
        data = {"from": str(stands.centre), "to": str(centre) if centre else None}
        _told(
            bundle, stands, kind=Change.Kind.MOVED, event=notes.MOVED, actor=actor, at=at, data=data, why=why
        )
        _commit(bundle)


def _told(
    bundle: Bundle,
    stands: Placement,
    *,
    kind: str,
    event: str,
    actor: Actor,
    at: datetime,
    data: dict[str, Any],
    why: str,
) -> None:
    home, subject = stands.home, stands.subject
    notes.note(bundle, home=home, subject=subject, kind=event, actor=actor, at=at, data=data, relation=why)
    notes.change(bundle, home=stands.home, kind=kind, about=stands.subject, at=at, data=data)


def _commit(bundle: Bundle) -> None:
    try:
        bundle.commit()
    except commit.Duplicate as taken:
        if "id_blind" in taken.message or "one_record" in taken.message:
            raise _already() from None
        raise Conflict("changed_meanwhile", "另一位同事刚刚改过这份档案：请重新打开后再改。") from None
    except commit.Stale:
        raise Conflict("changed_meanwhile", "另一位同事刚刚改过这份档案：请重新打开后再改。") from None


def _already(**extra: str) -> Conflict:
    return Conflict(
        "already_registered", "这个身份证号已经建过档：请搜索身份证后四位，打开原有档案。", **extra
    )


def _refuse_known(resident: Resident) -> None:
    if resident.id_blind is None:
        return
    taken = "SELECT r.id FROM people_resident r WHERE r.id_blind = %s AND r.merged_into_id IS NULL"
    for (found,) in quick.rows(taken, [resident.id_blind]):
        raise _already(resident=str(quick.known(found)))


def _refuse_merged(stands: Placement) -> None:
    if stands.merged_into:
        raise Conflict(
            "merged", "这份档案已并入另一份：请打开并入后的档案操作。", resident=str(stands.merged_into)
        )


def _centre(actor: Actor, centre: UUID | None, at: datetime) -> UUID:
    found = centre or actor.member.centre(at)
    if found is None:
        raise Forbidden("no_centre", "您不属于任何中心：请先选择要建档的中心。")
    if directory.current().organisation(found).level != "centre":
        raise Invalid("not_a_centre", "只能在中心一级建档：请选择中心。")
    return found


def _household(bundle: Bundle, home: UUID, code: str | None) -> UUID | None:
    if not code:
        return None
    known = quick.rows("SELECT h.id FROM people_household h WHERE h.home = %s AND h.code = %s", [home, code])
    if known:
        return quick.known(known[0][0])
    household = ids.new()
    bundle.insert(Household, id=household, home=home, centre_id=home, code=code)
    return household


def _placement(record: records.Record, said: Particulars) -> Placement:
    place = directory.current().places.get(said.neighbourhood) if said.neighbourhood else None
    return Placement(
        resident=record.resident.id,
        subject=record.subject.subject,
        home=record.resident.home,
        centre=record.resident.centre_id,
        team=said.team,
        doctor=said.doctor,
        social_worker=said.social_worker,
        neighbourhood_team=place.team if place else None,
        workplace=said.workplace,
        traits=said.traits,
        deceased_at=None,
        moved_at=None,
        merged_into=None,
        protected=is_protected(None, said.traits),
    )
