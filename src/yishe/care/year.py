"""The year a contract promises: each promise becomes a loop on the day its window opens, and a contact keeps it.

A contact counts for the window its day lies in; when that one is kept already, for the earliest that was missed. What is late
stays doable until the contract's last day and is counted late.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from functools import partial
from uuid import UUID

from django.db.models import Q, QuerySet

from yishe.care import agreements, contacts, entries, seeking
from yishe.care.contacts import Contact
from yishe.care.contract_stream import advance
from yishe.care.models import Contract, Owed
from yishe.loops import fulfilling, promises
from yishe.loops.models import Loop
from yishe.loops.promises import Wanted
from yishe.loops.recording import Said
from yishe.people import directory, packs, placements
from yishe.people.actors import SYSTEM, Actor
from yishe.people.particulars import ZONE
from yishe.people.placements import Placement
from yishe.policy.contract_rules import ContractSheet
from yishe.policy.contract_state import KEPT, OPENED
from yishe.policy.contract_year import fitting
from yishe.policy.refusals import Conflict, Invalid
from yishe.trust import batch, commit, quick
from yishe.trust.commit import Bundle

TRIES = 3
BLOCK = 10_000
LAST_MINUTE = time(23, 59)


def open_due(at: datetime, *, contract: UUID | None = None) -> int:
    """Make loops of the promises whose window has begun, many to a commit; returns how many. Doing it again, or twice at once,
    changes nothing; what nobody can take now is tried again the next time."""
    today = at.astimezone(ZONE).date()
    waiting = Owed.objects.filter(
        loop=None,
        kept_on=None,
        withdrawn_on=None,
        starts__lte=today,
        ends__gte=today,
        contract__ended_at=None,
    )
    if contract is not None:
        waiting = waiting.filter(contract=contract)
    acts = partial(_openings, at=at)
    return sum(batch.together(part, acts) for block in _blocks(waiting) for part in batch.apart(block))


def _blocks(waiting: QuerySet[Owed]) -> Iterator[list[tuple[UUID, UUID]]]:
    """Each with its contract, the longest waiting first. Those that cannot be opened still wait when the next block is read."""
    after = Q()
    while block := list(
        waiting.filter(after).order_by("starts", "id").values_list("id", "contract", "starts")[:BLOCK]
    ):
        yield [(one, contract) for one, contract, _ in block]
        last, _, starts = block[-1]
        after = Q(starts__gt=starts) | Q(starts=starts, id__gt=last)


def _openings(ids: Sequence[UUID], at: datetime) -> Iterator[batch.Act]:
    """What opens each of these that still waits."""
    owed = list(Owed.objects.filter(id__in=ids, loop=None, kept_on=None, withdrawn_on=None))
    rows = {row.id: row for row in quick.where_in(Contract, "id", list({one.contract_id for one in owed}))}
    stands = placements.of_subjects([one.subject for one in owed])
    with directory.one_picture():
        for one in owed:
            where = stands.get(one.subject)
            yield partial(_begin, owed=one, row=rows[one.contract_id], where=where, at=at)


def _opened(owed: Owed, at: datetime) -> bool:
    """One of them alone. False when somebody else was first, or nobody is left to promise it to."""
    bundle, row = Bundle(), Contract.objects.get(id=owed.contract_id)
    where = placements.placement_of_subject(owed.subject)
    try:
        if not _begin(bundle, owed, row, where, at):
            return False
        bundle.commit()
    except (commit.Stale, commit.Duplicate):
        return False
    return True


def _begin(bundle: Bundle, owed: Owed, row: Contract, where: Placement | None, at: datetime) -> bool:
    """The loop of one promise, with the contract's entry that says so."""
    if where is None or where.gone or row.ended_at is not None:
        return False
    found = directory.current().performer(owed.duty, where, at)
    until = max(datetime.combine(owed.due, LAST_MINUTE, ZONE), at)
    wanted = Wanted(
        owed.kind, _reason(owed), dates=(("accept", until), ("finish", until)), to=found.member.id,
        duty=owed.duty, sender=row.signed_by, matter={"owed": str(owed.id)},
    )  # fmt: skip
    said = Said(SYSTEM.staff_id, at, f"owed:{owed.id}")
    loop = promises.into(bundle, SYSTEM, where, wanted, said).state.id
    advance(bundle, row, OPENED, SYSTEM, at, {"items": [{"id": str(owed.id), "loop": str(loop)}]})
    bundle.update(Owed, where={"id": owed.id}, values={"loop": loop})
    return True


def _reason(owed: Owed) -> str:
    sheet = packs.in_force().contracts
    return owed.service if sheet and owed.service in sheet.services else ""


def keep(
    actor: Actor, resident: UUID, *, services: Sequence[str], how: str, summary: str, at: datetime, command_id: str,
    occurred_at: datetime | None = None, digest: bytes | None = None,
) -> list[Owed]:  # fmt: skip
    """Record one contact and tick off every promise it keeps; returns them. The same command again answers the same.

    Invalid for an unknown service, a way that does not count for it or services that are written down apart; Forbidden for what
    only another duty keeps; Conflict when nothing is owed now, saying from when on; otherwise as `contacts.record`."""
    for _ in range(TRIES):
        try:
            return _kept(actor, resident, services, how, summary, at, command_id, occurred_at, digest)
        except (commit.Stale, commit.Duplicate):  # somebody wrote to the same year first: look again
            directory.forget()
    raise Conflict("busy", "同时有人在记这份签约，请再点一次。")


def _kept(
    actor: Actor, resident: UUID, services: Sequence[str], how: str, summary: str, at: datetime, command_id: str,
    occurred_at: datetime | None, digest: bytes | None,
) -> list[Owed]:  # fmt: skip
    where, bundle = entries.whose(resident), Bundle()
    contacts.require_share(actor, where, services, at)
    contact = contacts.record(
        actor, where.resident, note=contacts.written_as_note(services), how=how, summary=summary, at=at,
        command_id=command_id, occurred_at=occurred_at, digest=digest, bundle=bundle,
    )  # fmt: skip
    before = list(Owed.objects.filter(evidence=contact.id).order_by("due", "service"))
    if before or not bundle:
        return before
    day = contact.occurred_at.astimezone(ZONE).date()
    row = in_force(where, day)
    targets = _targets(row, services, how, day)
    seeking.reached(bundle, actor, where, contacts.proof(contact), at)
    _all_ticked(bundle, actor, row, targets, contact, at)
    bundle.commit()
    return targets


def keep_by(
    bundle: Bundle, actor: Actor, where: Placement, contact: Contact, how: str, services: Sequence[str], at: datetime
) -> list[Owed]:  # fmt: skip
    """Tick off, in the caller's bundle, what of these services a contact keeps; nothing when nothing of it is owed that
    day or its way does not count. What the same contact has kept already it does not keep a second time."""
    day, sheet = contact.occurred_at.astimezone(ZONE).date(), packs.in_force().contracts
    seeking.reached(bundle, actor, where, contacts.proof(contact), at)
    row = _in_force(where, day)
    if row is None or sheet is None:
        return []
    known = tuple(one for one in services if one in sheet.services)
    mine = list(row.owed.filter(kept_on=None, withdrawn_on=None).order_by("due", "nth"))
    already = set(row.owed.filter(evidence=contact.id).values_list("service", flat=True))
    found = [_fit(mine, one, day) for one in fitting(sheet, known, how) if one not in already]
    targets = [one for one in found if one is not None]
    if targets:
        _all_ticked(bundle, actor, row, targets, contact, at)
    return targets


def _all_ticked(
    bundle: Bundle, actor: Actor, row: Contract, targets: Sequence[Owed], contact: Contact, at: datetime
) -> None:
    for one in targets:
        if one.loop is None:
            _opened(one, at)
            one.refresh_from_db()
            row.refresh_from_db()
    _ticked(bundle, actor, row, targets, contact, contact.occurred_at.astimezone(ZONE).date(), at)


def in_force(where: Placement, day: date) -> Contract:
    """The contract that counts on that day. Conflict when there is none."""
    row = _in_force(where, day)
    if row is None:
        raise Conflict("no_contract", f"{day:%Y-%m-%d} 没有生效的签约：请先签约，或改为普通接诊记录。")
    return row


def _in_force(where: Placement, day: date) -> Contract | None:
    subjects = placements.subjects_of(where.resident)
    rows = Contract.objects.filter(subject__in=subjects, since__lte=day, until__gt=day)
    return rows.filter(ended_at=None).order_by("-since").first()


def _targets(row: Contract, services: Sequence[str], how: str, day: date) -> list[Owed]:
    sheet = _sheet()
    unknown = [one for one in services if one not in sheet.services]
    if unknown or not services:
        known = "、".join(agreements.title(one) for one in sheet.services)
        raise Invalid(
            "services", f"请勾选这次做了哪些：{known}。", field="services", possible=list(sheet.services)
        )
    contacts.unmixed(services)
    wrong = [one for one in services if how not in sheet.services[one].how]
    if wrong:
        raise Invalid(
            "how", _wrong_way(sheet, wrong[0]), field="how", possible=list(sheet.services[wrong[0]].how)
        )
    mine = list(row.owed.filter(kept_on=None, withdrawn_on=None).order_by("due", "nth"))
    found = {one: _fit(mine, one, day) for one in fitting(sheet, tuple(services), how)}
    for service in services:
        if found[service] is None:
            raise Conflict("not_owed", _not_owed(row, service, day), service=service)
    return [one for one in found.values() if one is not None]


def _fit(mine: Iterable[Owed], service: str, day: date) -> Owed | None:
    """The window the day lies in, else the earliest that was missed."""
    begun = [one for one in mine if one.service == service and one.starts <= day <= one.ends]
    current = [one for one in begun if day <= one.due]
    return next(iter(current or begun), None)


def _not_owed(row: Contract, service: str, day: date) -> str:
    title = agreements.title(service)
    owed = row.owed.filter(service=service, withdrawn_on=None)
    coming = owed.filter(kept_on=None, starts__gt=day).order_by("starts").first()
    if coming is not None:
        return f"“{title}”这一期已经做过：下一次从 {coming.starts:%Y-%m-%d} 起算；这次可记为普通接诊。"
    if owed.exists():
        return f"“{title}”本年的次数已经做满：这次可记为普通接诊。"
    return f"这份签约没有“{title}”：请勾选别的项目，或记为普通接诊。"


def _wrong_way(sheet: ContractSheet, service: str) -> str:
    book = packs.in_force().codes["encounter_kind"]
    known = "、".join(str(book[one]) for one in sheet.services[service].how)
    return f"“{agreements.title(service)}”要以这些方式做才算数：{known}。"


def _ticked(
    bundle: Bundle, actor: Actor, row: Contract, targets: Sequence[Owed], contact: Contact, day: date, at: datetime
) -> None:  # fmt: skip
    proof = contacts.proof(contact)
    items = []
    for one in targets:
        if one.loop is None:
            raise commit.Stale
        fulfilling.fulfil(bundle, actor, one.loop, outcome="kept", proof=proof, said=Said(actor.staff_id, at))
        items.append({"id": str(one.id), "on": day.isoformat(), "evidence": str(contact.id)})
        one.kept_on, one.kept_by, one.evidence = day, actor.staff_id, contact.id
        values = {"kept_on": day, "kept_by": actor.staff_id, "evidence": contact.id}
        bundle.update(Owed, where={"id": one.id}, values=values)
    advance(bundle, row, KEPT, actor, at, {"items": items})


def kept_by_contract(
    bundle: Bundle, actor: Actor, contract: UUID, service: str, by: UUID, at: datetime
) -> None:
    """What another contract keeps: the offer to renew, by the renewal. Nothing when it was not open any more."""
    owed = Owed.objects.filter(contract=contract, service=service, kept_on=None).exclude(loop=None).first()
    if owed is None or owed.loop is None or not _open(owed.loop):
        return
    row, day = Contract.objects.get(id=contract), at.astimezone(ZONE).date()
    proof = {"type": "contact", "id": str(by)}
    fulfilling.fulfil(bundle, actor, owed.loop, outcome="kept", proof=proof, said=Said(actor.staff_id, at))
    item = {"id": str(owed.id), "on": day.isoformat(), "evidence": str(by)}
    advance(bundle, row, KEPT, actor, at, {"items": [item]})
    values = {"kept_on": day, "kept_by": actor.staff_id, "evidence": by}
    bundle.update(Owed, where={"id": owed.id}, values=values)


def _open(loop: UUID) -> bool:
    return Loop.objects.filter(id=loop, closed_at=None, turn="performer").exists()


def _sheet() -> ContractSheet:
    sheet = packs.in_force().contracts
    if sheet is None:
        raise Invalid("no_contracts", "政策包没有签约的规定：请管理员补上 contracts.yaml。")
    return sheet
