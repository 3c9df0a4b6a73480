"""Protected persons: where she lives and how she is reached is kept from all but the pair who answer for her.

Set and lifted by a verb, each an entry of the resident's own stream with its reason and the day of review; the columns of
the row are their fold. A trait of the pack protects as well. It stays in force past its review until somebody lifts it: what
is forgotten must not open by itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from yishe.people import access, notes, packs, standing
from yishe.people.actors import Actor
from yishe.people.cards import Card
from yishe.people.models import Resident, Subject
from yishe.people.particulars import ZONE
from yishe.people.placements import Placement, is_protected, placed
from yishe.policy.protection_rules import GROUP, ProtectionRule
from yishe.policy.refusals import Conflict, Invalid
from yishe.trust import commit, ledger, replay
from yishe.trust.commit import Bundle
from yishe.trust.models import Entry
from yishe.trust.scoping import everybody

PROTECT = "resident.protect"
FIELDS = ("phone", "address", "record_number")
"""What may be asked for in the clear and shows where somebody lives or is reached; a record number begins with the code of
her committee."""


class Where(standing.Answering, Protocol):
    """As much of a resident as decides who sees her whereabouts: a placement or a card."""

    @property
    def subject(self) -> UUID: ...
    @property
    def protected(self) -> bool: ...


# Writers


def protect(actor: Actor, resident_id: UUID, reason: str, review: date, at: datetime) -> None:
    """Protect her, or say anew why and until when; the same said again changes nothing.

    Refused: who may not, records merged away, a reason the pack has not, a review that has passed or is too far."""
    stands = placed(resident_id)
    permission = access.require(actor, PROTECT, stands, at)
    rule = _rule()
    rule.check(reason, review, at.astimezone(ZONE).date())
    if stands.merged_into:
        raise Conflict("merged", "这份档案已并入另一份档案：请在保留的那份档案上操作。")
    row = Resident.objects.get(id=resident_id)
    if row.protected_at and (row.protected_reason, row.protected_review) == (reason, review):
        return
    data = {"reason": reason, "review": review.isoformat()}
    values = {"protected_at": at, "protected_reason": reason, "protected_review": review}
    _write(actor, stands, row, notes.PROTECTED, at, values=values, data=data, relation=permission.relation)


def lift(actor: Actor, resident_id: UUID, at: datetime) -> None:
    """She is protected no longer. Conflict when she was not, or a trait of the roster protects her."""
    stands = placed(resident_id)
    permission = access.require(actor, PROTECT, stands, at)
    row = Resident.objects.get(id=resident_id)
    if row.protected_at is None:
        by_trait = "；名册里的“受保护”特征请在居民资料里更正" if stands.protected else ""
        raise Conflict("not_protected", f"这位居民没有被设为受保护人员，不需要解除{by_trait}。")
    values = {"protected_at": None, "protected_reason": "", "protected_review": None}
    _write(actor, stands, row, notes.UNPROTECTED, at, values=values, data={}, relation=permission.relation)


def carry(bundle: Bundle, actor: Actor, dropped: UUID, kept: Placement, at: datetime) -> None:
    """Who was protected under a record that is merged away is so under the one that stays."""
    before, row = Resident.objects.get(id=dropped), Resident.objects.get(id=kept.resident)
    if before.protected_review is None or row.protected_at is not None:
        return
    data = {"reason": before.protected_reason, "review": before.protected_review.isoformat()}
    values = {
        "protected_at": at,
        "protected_reason": before.protected_reason,
        "protected_review": before.protected_review,
    }
    _add(bundle, actor, kept, row, notes.PROTECTED, at, values=values, data=data)


def _write(
    actor: Actor, stands: Placement, row: Resident, event: str, at: datetime, *, values: dict[str, Any],
    data: dict[str, str], relation: str,
) -> None:  # fmt: skip
    bundle = Bundle()
    _add(bundle, actor, stands, row, event, at, values=values, data=data, relation=relation)
    try:
        bundle.commit()
    except (commit.Stale, commit.Duplicate):
        raise Conflict("resident_changed", "另一位同事刚刚改过这位居民的资料：请刷新后再试。") from None


def _add(
    bundle: Bundle, actor: Actor, stands: Placement, row: Resident, event: str, at: datetime, *, values: dict[str, Any],
    data: dict[str, str], relation: str = "",
) -> None:  # fmt: skip
    """The columns and the entry that says the same."""
    where = {"id": row.id, "updated_at": row.updated_at}
    bundle.update(Resident, where=where, values={**values, "updated_at": at})
    notes.note(
        bundle, home=stands.home, subject=stands.subject, kind=event, actor=actor, at=at, data=data, relation=relation
    )  # fmt: skip


def _rule() -> ProtectionRule:
    rule = packs.in_force().access.protection
    if rule is None or rule.status != "approved":
        raise Invalid("no_protection", "政策包里受保护人员的规则还没有批准：请主管部门先批准。")
    return rule


# Readers


@dataclass(frozen=True, slots=True)
class Protection:
    """Why, since when, and when somebody looks at it again. By a trait alone there is no review."""

    words: str
    since: datetime | None = None
    review: date | None = None

    def due(self, today: date) -> bool:
        return self.review is not None and self.review <= today


def of(resident_id: UUID) -> Protection | None:
    """How she is protected now; None when she is not. The caller has asked access."""
    row, rule = Resident.objects.get(id=resident_id), packs.in_force().access.protection
    if row.protected_at is not None:
        words = rule.reasons.get(row.protected_reason) if rule else None
        return Protection(str(words or row.protected_reason), row.protected_at, row.protected_review)
    return Protection("名册标记") if is_protected(None, row.traits) else None


def hidden(actor: Actor, where: Where, at: datetime) -> bool:
    """Whether her whereabouts are kept from this person; from herself never. No statement."""
    if not where.protected or actor.is_system or actor.staff_id == where.subject:
        return False
    return not packs.in_force().access.sees(GROUP, standing.known(actor.member, where, at))


def showing(actor: Actor, card: Card, at: datetime) -> Card:
    """The card as this person may see it: without her whereabouts when they are kept from him."""
    if not hidden(actor, card, at):
        return card
    return replace(card, neighbourhood=None, phone="", address="", record_number="", household="")


def instead() -> str:
    """What stands where they would."""
    rule = packs.in_force().access.fields.get(GROUP)
    return str(rule.instead) if rule and rule.instead else "受保护"


def closed(resident: UUID) -> frozenset[str]:
    """The scopes of consents that open nothing of her: none when she is not protected. One statement."""
    rule = packs.in_force().access.protection
    row = Resident.objects.filter(id=resident).values_list("protected_at", "traits").first()
    return frozenset(rule.closes) if rule and row and is_protected(*row) else frozenset()


# Replay


def refolded() -> Iterator[tuple[UUID, dict[str, Any]]]:
    """(subject, columns as the entries leave them) for everybody who was ever protected and is not erased."""
    known = Subject.objects.values("subject")
    kinds = (notes.PROTECTED, notes.UNPROTECTED)
    entries = Entry.objects.filter(kind__in=kinds, stream__in=known).order_by("stream", "seq")
    last = {entry.stream: entry for entry in entries.iterator(chunk_size=2000)}
    for stream, entry in last.items():
        said, on = ledger.facts_of(entry), entry.kind == notes.PROTECTED
        yield (
            stream,
            {
                "protected_at": entry.recorded_at if on else None,
                "protected_reason": said.get("reason", ""),
                "protected_review": date.fromisoformat(said["review"]) if on else None,
            },
        )


def differences() -> list[replay.Difference]:
    """Everywhere a row says something else of protection than its ledger; empty when all is well."""
    rows = everybody(Resident, "every row is compared with its ledger").exclude(own_subject=None)
    names = ("protected_at", "protected_reason", "protected_review")
    return replay.differences(
        refolded(),
        lambda stream: rows.filter(own_subject__subject=stream).values(*names).first(),
        rows.exclude(protected_at=None).values_list("own_subject__subject", flat=True),
    )
