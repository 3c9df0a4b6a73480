"""Planning the rest of a running year anew when facts change: what is owed now comes, what is not falls with its reason."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from yishe.care import class_stream
from yishe.care.contract_rows import changed, laid
from yishe.care.contract_stream import advance
from yishe.care.models import Contract, Owed
from yishe.loops import fulfilling
from yishe.loops.recording import Said
from yishe.people import packs
from yishe.people.actors import Actor
from yishe.people.cards import cards
from yishe.people.particulars import ZONE
from yishe.people.placements import Placement
from yishe.policy import contract_year
from yishe.policy.contract_rules import RENEWAL
from yishe.policy.contract_state import REPLANNED
from yishe.policy.contract_year import Changes, Standing
from yishe.trust.commit import Bundle


def running(subjects: Sequence[UUID], today: date) -> list[Contract]:
    """The signed contracts of these subjects that are not over on that day; one that begins later is among them."""
    rows = Contract.objects.filter(subject__in=subjects, ended_at=None, until__gt=today)
    return list(rows.order_by("since", "id"))


def decided(row: Contract, standing: Sequence[Owed], facts: Mapping[str, Any], at: datetime) -> Changes:
    """What facts as they are now make of the rest of the year of one contract. ``facts`` are those of ``contract_signed``,
    ``standing`` every promise of the contract. The package counts as it was signed, whatever a later pack makes of it."""
    pack, today = packs.in_force(), at.astimezone(ZONE).date()
    if row.since is None or row.until is None or pack.contracts is None:
        return Changes()
    if row.package not in pack.contracts.packages and not row.items:
        return Changes()
    signed = tuple(row.items.items())
    claims = _claims(pack.sha256, row.package, signed, tuple(facts.items()), max(today, row.since))
    mine = [
        Standing(one.id, one.service, one.nth, one.times, tuple(one.covers), one.kept_on)
        for one in standing
        if one.withdrawn_on is None and one.service != RENEWAL
    ]
    if not mine:
        return _from_nothing(pack.sha256, claims, row.since, row.until, today)
    return contract_year.replanned(pack.contracts, claims, row.since, row.until, today, mine)


@lru_cache(maxsize=16_384)
def _from_nothing(
    pack: str, claims: tuple[contract_year.Claim, ...], since: date, until: date, today: date
) -> Changes:
    """A year that promises nothing yet; many at once are alike."""
    sheet = packs.in_force().contracts
    return contract_year.replanned(sheet, claims, since, until, today, ()) if sheet else Changes()


def follow(
    bundle: Bundle,
    actor: Actor,
    where: Placement,
    subjects: Sequence[UUID],
    traits: Iterable[str],
    at: datetime,
) -> None:
    """Let the running year of a resident answer to what is known of him now, in the caller's bundle. ``traits`` are the
    roster's and those that conditions mean. Nothing for who is gone, has no contract, or is of unknown age."""
    today = at.astimezone(ZONE).date()
    rows = [] if where.gone else running(subjects, today)
    card = cards([where.subject]).get(where.subject) if rows else None
    classed = class_stream.standing([where.resident], today) if rows else {}
    for row in rows:
        born = card.birth_date if card else None
        facts = facts_of(row, born, traits, today, classed.get(where.resident))
        if facts is not None:
            standing = list(row.owed.all())
            into(bundle, actor, row, standing, decided(row, standing, facts, at), at)


def facts_of(
    row: Contract,
    born: date | None,
    traits: Iterable[str],
    today: date,
    classed: Mapping[str, str] | None = None,
) -> dict[str, Any] | None:
    """What rules of the year look at; None without a birth date. ``classed`` are class and tiers that stand
    (`class_stream.standing`); without them they are what the rules make of age and traits."""
    if born is None or row.since is None:
        return None
    on = max(today, row.since)
    age = on.year - born.year - ((on.month, on.day) < (born.month, born.day))
    said = {"age": age, "traits": tuple(sorted(traits)), "renewed": row.renews is not None}
    return {**said, **(classed or {})}


@lru_cache(maxsize=16_384)
def _claims(
    pack: str, package: str, items: tuple[tuple[str, int], ...], facts: tuple[tuple[str, Any], ...], on: date
) -> tuple[contract_year.Claim, ...]:
    """Of everybody who is alike the same is asked; `pack` is there to be forgotten with its pack."""
    return packs.in_force().owing(package, dict(facts), on, signed=True, items=dict(items))


def into(
    bundle: Bundle, actor: Actor, row: Contract, standing: Sequence[Owed], changes: Changes, at: datetime
) -> None:
    """Add the changes to the caller's bundle: the entry, its rows, and the end of loops that were begun and fall."""
    sheet, on = packs.in_force().contracts, at.astimezone(ZONE).date()
    if sheet is None or not changes:
        return
    year, rows = laid(changes.added, row)
    data = {
        "on": on.isoformat(), "year": year,
        "withdrawn": [{"id": str(one), "why": why} for one, why in changes.withdrawn],
        "covers": [{"id": str(one), "covers": list(covers)} for one, covers in changes.covers],
    }  # fmt: skip
    advance(bundle, row, REPLANNED, actor, at, data)
    bundle.insert_all(Owed, rows)
    for which, values in changed(data, on).items():
        bundle.update(Owed, where={"id": UUID(which)}, values=values)
    begun = {one.id: one.loop for one in standing}
    for fallen, why in changes.withdrawn:
        if (loop := begun[fallen]) is not None:
            fulfilling.withdraw(bundle, loop, sheet.replanning.why(why).closes, Said(actor.staff_id, at))
