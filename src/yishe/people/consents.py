"""What a resident allowed, and took back. Each consent is a stream of its own in the ledger; the row is its fold.

A consent that names somebody is also why that one may see: the access facts begin and end with it, in the same
commit. A term that runs out ends both by itself.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from yishe.people import access, consent_checks, packs, placements
from yishe.people.actors import Actor
from yishe.people.consent_checks import Yes
from yishe.people.consent_rows import columns, state_of
from yishe.people.models import Consent, Resident, Subject
from yishe.people.particulars import ZONE
from yishe.people.placements import Placement
from yishe.policy.consent_rules import Shown
from yishe.policy.consent_state import GIVEN, REPLACED, WITHDRAWN, ConsentState
from yishe.policy.refusals import Conflict, Invalid, NotFound
from yishe.trust import access_log, commit, ids, keys, ledger
from yishe.trust.commit import Bundle

RECORD = "resident.consent"
DAY = 86_400


def give(
    actor: Actor,
    resident_id: UUID,
    yes: Yes,
    at: datetime,
    *,
    own: bool = False,
    bundle: Bundle | None = None,
) -> UUID:
    """Record a consent; returns its id. The same said again is the same consent; another scope, term or text takes the
    place of the one before. `own`: the resident says it herself, signed in. With `bundle` the caller commits it, by
    `commit_`.

    Refused: dead, moved or merged residents, a text that changed meanwhile (409), who may not agree, unknown scope.
    """
    stands = placements.placed(resident_id)
    permission = access.require(actor, RECORD, stands, at)
    _refuse_gone(stands)
    born = Resident.objects.values_list("birth_date", flat=True).get(id=resident_id)
    around = replace(consent_checks.setting(actor, stands, born, at), own=own)
    state = consent_checks.decided(yes, around)
    before = _standing(resident_id, state)
    if before is not None and _same(state_of(before), state, at):
        return before.id
    target, consent = bundle if bundle is not None else Bundle(), ids.new()
    if before is not None:
        _end(target, before, REPLACED, actor, at, data={"by": str(consent)})
    _begin(target, consent, stands, state, yes.words, at)
    access_log.line(target, home=stands.home, actor=actor.staff_id, action="consent.give", subjects=[stands.subject],
                    relation=permission.relation, purpose=state.basis, at=at)  # fmt: skip
    if bundle is None:
        commit_(target)
    return consent


def withdraw(
    actor: Actor, resident_id: UUID, consent_id: UUID, reason: str, at: datetime, *, by: str = "resident",
    bundle: Bundle | None = None,
) -> UUID | None:  # fmt: skip
    """Record that a consent is taken back: from now on it allows nothing, and what it opened is closed.

    Never refused for who the resident has become: taking back is as easy as giving. Conflict when it does not hold
    any more, Invalid for an unknown reason. Returns whom it named.
    """
    stands = placements.placed(resident_id)
    permission = access.require(actor, RECORD, stands, at)
    sheet = packs.in_force().consents
    if reason not in sheet.withdrawals or by not in sheet.givers:
        raise Invalid(
            "reason", "请选择撤回的原因和由谁撤回；不愿说明也可以。", possible=list(sheet.withdrawals)
        )
    row = _found(resident_id, consent_id)
    if not state_of(row).holds(at):
        raise Conflict("not_in_force", f"这项同意{ended_words(state_of(row), at)}，不需要再撤回。")
    target = bundle if bundle is not None else Bundle()
    _end(target, row, WITHDRAWN, actor, at, data={"by": by, "reason": reason})
    access_log.line(target, home=stands.home, actor=actor.staff_id, action="consent.withdraw",
                    subjects=[stands.subject], relation=permission.relation, purpose=row.basis, at=at)  # fmt: skip
    if bundle is None:
        commit_(target)
    return row.grantee


def _refuse_gone(stands: Placement) -> None:
    if stands.gone:
        what = "去世" if stands.deceased_at else "迁出" if stands.moved_at else "并入另一份档案"
        raise Conflict("resident_gone", f"这位居民已登记{what}，不能再登记新的同意；已有的可以撤回。")


def _standing(resident_id: UUID, state: ConsentState) -> Consent | None:
    """The consent of the same matter about the same one that was neither taken back nor replaced."""
    subjects = placements.subjects_of(resident_id)
    rows = Consent.objects.filter(subject__in=subjects, basis=state.basis, grantee=state.grantee)
    return rows.filter(withdrawn_at=None, replaced_at=None).order_by("-given_at").first()


def _same(before: ConsentState, now: ConsentState, at: datetime) -> bool:
    """Whether nothing would change. A term of "as long as possible" said again within a day is the same term."""
    asked = (now.text_sha256, now.purpose, now.scope, now.kinship)
    stood = (before.text_sha256, before.purpose, before.scope, before.kinship)
    if not before.holds(at) or asked != stood or (now.until is None) != (before.until is None):
        return False
    return now.until is None or before.until is None or abs((now.until - before.until).total_seconds()) < DAY


def _begin(
    bundle: Bundle, consent: UUID, stands: Placement, state: ConsentState, words: dict[str, str], at: datetime
) -> None:
    head = ledger.append(
        bundle, ledger.Head(), home=stands.home, stream=consent, kind=GIVEN, actor=state.recorded_by, at=at,
        pack=packs.in_force().sha256, data=state.codes, subject=stands.subject, words=words,
        subject_key=keys.wrapped_key(stands.subject) if words else None,
    )  # fmt: skip
    bundle.insert(Consent, id=consent, **columns(state, stands.home, stands.subject, head))
    relation = packs.in_force().consents.kind(state.basis).relation
    if relation and state.grantee is not None:
        access.facts(
            bundle, home=stands.home, person=state.grantee, subject=stands.subject, relation=relation,
            source=source_of(consent), since=at, until=state.until,
        )  # fmt: skip


def _end(
    bundle: Bundle, row: Consent, kind: str, actor: Actor, at: datetime, *, data: dict[str, str]
) -> None:
    """Taken back or replaced: one more entry, the row, and what it opened."""
    head = ledger.append(
        bundle, ledger.Head(row.seq, bytes(row.head)), home=row.home, stream=row.id, kind=kind,
        actor=actor.staff_id, at=at, pack=packs.in_force().sha256, data=data, subject=row.subject,
    )  # fmt: skip
    before = state_of(row)
    if kind == WITHDRAWN:
        state = replace(
            before, withdrawn_at=at, withdrawn_by=data["by"], withdrawn_reason=data["reason"],
            withdrawal_recorded_by=actor.staff_id,
        )  # fmt: skip
    else:
        state = replace(before, replaced_at=at, replaced_by=UUID(data["by"]))
    bundle.update(
        Consent, where={"id": row.id, "seq": row.seq}, values=columns(state, row.home, row.subject, head)
    )
    if before.grantee is not None and before.holds(at):
        access.end_facts(bundle, source=source_of(row.id), until=at)


def source_of(consent: UUID) -> str:
    return f"consent:{consent}"


def commit_(bundle: Bundle) -> None:
    """Write it; Conflict when a colleague was first."""
    try:
        bundle.commit()
    except (commit.Stale, commit.Duplicate):
        raise Conflict("consent_changed", "另一位同事刚刚改过这项同意：请刷新。") from None


def _found(resident_id: UUID, consent_id: UUID) -> Consent:
    subjects = placements.subjects_of(resident_id)
    row = Consent.objects.filter(id=consent_id, subject__in=subjects).first()
    if row is None:
        raise NotFound("no_consent", "这位居民没有这项同意：请刷新后再看。")
    return row


# Readers


@dataclass(frozen=True)
class Given:
    """One consent on record. `words` are the names that were said with it, opened."""

    id: UUID
    subject: UUID
    state: ConsentState
    words: Mapping[str, str]


def given(resident_id: UUID) -> list[Given]:
    """Every consent on record, the newest first; those that ended say when. The caller has asked access."""
    subjects = placements.subjects_of(resident_id)
    rows = list(Consent.objects.filter(subject__in=subjects).order_by("-given_at", "-id"))
    opened = {one: keys.wrapped_key(one) for one in {row.subject for row in rows}}
    said = {
        entry.stream: ledger.words(entry, opened[row.subject])
        for row in rows
        for entry in ledger.entries(row.id, upto=1)
    }
    return [Given(row.id, row.subject, state_of(row), said.get(row.id, {})) for row in rows]


def ended_words(state: ConsentState, at: datetime) -> str:
    """How a consent that does not hold came to its end."""
    if state.withdrawn_at:
        return "已经撤回"
    return "已由新的同意代替" if state.replaced_at else "已经到期"


def text(basis: str, at: datetime) -> Shown:
    """What is agreed to, as it stands on that day. Raises Invalid when no text is approved."""
    return packs.in_force().consents.kind(basis).text_on(at.astimezone(ZONE).date())


def missing(subjects: Collection[UUID], basis: str, at: datetime) -> set[UUID]:
    """Of these subjects, those without a consent on `basis` in force (待补同意)."""
    whose = placements.residents_of(list(subjects))
    theirs = dict(Subject.objects.filter(resident__in=whose.values()).values_list("subject", "resident"))
    rows = Consent.objects.filter(subject__in=theirs, basis=basis, withdrawn_at=None, replaced_at=None)
    agreed = {theirs[row.subject] for row in rows if state_of(row).holds(at)}
    return {subject for subject in subjects if whose.get(subject) not in agreed}


def agreeing(basis: str, purpose: str, at: datetime) -> set[UUID]:
    """Residents whose consent on `basis` is in force, for that purpose when one is named."""
    rows = list(Consent.objects.filter(basis=basis, withdrawn_at=None, replaced_at=None))
    holding = {row.subject for row in rows if state_of(row).holds(at) and purpose in ("", row.purpose)}
    return set(Subject.objects.filter(subject__in=holding).values_list("resident", flat=True))


def scope(person: UUID, subjects: Iterable[UUID], at: datetime) -> frozenset[str]:
    """What consents in force let `person` (or the organisation of that id) see of these subjects."""
    rows = Consent.objects.filter(
        grantee=person, subject__in=list(subjects), withdrawn_at=None, replaced_at=None
    )
    return frozenset(code for row in rows if state_of(row).holds(at) for code in row.scope)
