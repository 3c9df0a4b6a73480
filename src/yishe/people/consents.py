"""What a resident allowed, and took back. Each consent is a stream of its own in the ledger; the row is its fold."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from yishe.people import access, packs, placements
from yishe.people.actors import Actor
from yishe.people.models import Consent
from yishe.policy.refusals import Conflict, Invalid
from yishe.trust import commit, ids, ledger
from yishe.trust.commit import Bundle

AMEND = "resident.amend"
RESIDENT, PROXY = "resident", "proxy"
GIVEN, WITHDRAWN = "consent.given", "consent.withdrawn"


def give(actor: Actor, resident_id: UUID, basis: str, at: datetime, *, given_by: str = RESIDENT) -> UUID:
    """Record that the resident, or a proxy, consents on `basis`. Said again it is the same consent."""
    if given_by not in (RESIDENT, PROXY):
        raise Invalid("given_by", "同意只能由居民本人或其代理人作出：请重新选择。")
    stands = placements.placed(resident_id)
    access.require(actor, AMEND, stands, at)
    known = _active(resident_id, basis)
    if known is not None:
        return known.id
    bundle, consent = Bundle(), ids.new()
    head = ledger.append(
        bundle,
        ledger.Head(),
        home=stands.home,
        stream=consent,
        kind=GIVEN,
        actor=actor.staff_id,
        at=at,
        pack=packs.in_force().sha256,
        data={"basis": basis, "given_by": given_by},
        subject=stands.subject,
    )
    bundle.insert(
        Consent,
        id=consent,
        home=stands.home,
        subject=stands.subject,
        basis=basis,
        given_at=at,
        given_by=given_by,
        recorded_by=actor.staff_id,
        seq=head.seq,
        head=head.hash,
    )
    try:
        bundle.commit()
    except commit.Duplicate:
        raise Conflict("consent_given", "另一位同事刚刚登记了这项同意：请刷新。") from None
    return consent


def withdraw(actor: Actor, resident_id: UUID, basis: str, at: datetime) -> None:
    """Record that the consent is taken back; it counts no more from now on, and stays on record."""
    stands = placements.placed(resident_id)
    access.require(actor, AMEND, stands, at)
    known = _active(resident_id, basis)
    if known is None:
        raise Conflict("no_consent", "没有生效中的这项同意，不需要撤回。")
    bundle = Bundle()
    head = ledger.append(
        bundle,
        ledger.Head(known.seq, bytes(known.head)),
        home=known.home,
        stream=known.id,
        kind=WITHDRAWN,
        actor=actor.staff_id,
        at=at,
        pack=packs.in_force().sha256,
        data={"basis": basis},
        subject=known.subject,
    )
    values = {"withdrawn_at": at, "seq": head.seq, "head": head.hash}
    bundle.update(Consent, where={"id": known.id, "seq": known.seq}, values=values)
    try:
        bundle.commit()
    except (commit.Stale, commit.Duplicate):
        raise Conflict("consent_changed", "另一位同事刚刚改过这项同意：请刷新。") from None


def _active(resident_id: UUID, basis: str) -> Consent | None:
    subjects = placements.subjects_of(resident_id)
    return Consent.objects.filter(subject__in=subjects, basis=basis, withdrawn_at=None).first()


def given(resident_id: UUID) -> list[Consent]:
    """Every consent on record, the newest first; those taken back say when."""
    subjects = placements.subjects_of(resident_id)
    return list(Consent.objects.filter(subject__in=subjects).order_by("-given_at"))


def missing(subjects: Iterable[UUID], basis: str) -> set[UUID]:
    """Of these subjects, those without a consent on `basis` in force (待补同意)."""
    wanted = set(subjects)
    rows = Consent.objects.filter(subject__in=wanted, basis=basis, withdrawn_at=None)
    return wanted - set(rows.values_list("subject", flat=True))
