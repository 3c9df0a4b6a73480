"""What a contract's year lacks, added: services that package and rules ask for and the year does not hold yet.

A year is written when it is signed (`signing`). It lacks something when the contract came from elsewhere, when a rule begins to
fit (a birthday, a new trait) or when a pack is switched on. A service the year holds already is left as it is.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from yishe.care.contract_rows import promised, state_of, written
from yishe.care.contract_stream import advance, commit_
from yishe.care.contracts import sheet_now
from yishe.care.models import Contract, Owed
from yishe.people import facts, packs
from yishe.people.actors import SYSTEM
from yishe.people.facts import Known
from yishe.people.particulars import ZONE
from yishe.policy import contract_year
from yishe.policy.contract_state import ADDED
from yishe.policy.contract_year import Claim
from yishe.trust.commit import Bundle

WHY = "what package and rules owe is worked out from age and traits"
"""Why everybody's facts are read."""


Facts = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Asked:
    """What a year depends on: contracts of which all of this is alike lack the same."""

    package: str
    facts: Facts
    since: date
    until: date


def complete(contract: UUID, at: datetime) -> int:
    """Add what one contract's year lacks on that day; returns how many promises. Nothing when it is not in force.

    Conflict when somebody wrote to the contract at the same moment."""
    row = Contract.objects.get(id=contract)
    today = at.astimezone(ZONE).date()
    if not in_force(row, today):
        return 0
    known = facts.of([row.subject]).get(row.subject)
    asked = asked_of(row, known, today)
    if asked is None:
        return 0
    bundle, held = Bundle(), frozenset(row.owed.values_list("service", flat=True))
    count = add(bundle, row, lacking(asked, held, today), at)
    commit_(bundle)
    return count


def in_force(row: Contract, today: date) -> bool:
    """Signed, and running or yet to begin."""
    return state_of(row).stage(today) in ("active", "waiting")


def asked_of(row: Contract, known: Known | None, today: date) -> Asked | None:
    """None where no year can be laid: she is gone, has no birth date, or the package is not approved any more."""
    age = None if known is None or known.gone else known.age(today)
    sheet = packs.in_force().contracts
    package = sheet.packages.get(row.package) if sheet else None
    if known is None or age is None or row.since is None or row.until is None:
        return None
    if package is None or package.status != "approved":
        return None
    said = (("age", age), ("renewed", row.renews is not None), ("traits", known.traits))
    return Asked(row.package, said, row.since, row.until)


def lacking(asked: Asked, held: Collection[str], today: date) -> tuple[contract_year.Owed, ...]:
    """The promises of the services that are asked for and not held, as far as they can still be done in time."""
    pack = packs.in_force()
    claims = _claims(pack.sha256, asked.package, asked.facts, max(today, asked.since))
    laid = _laid(pack.sha256, claims, asked.since, asked.until)
    return tuple(one for one in laid if one.service not in held and one.due >= today)


@lru_cache(maxsize=16_384)
def _claims(pack: str, package: str, facts: Facts, on: date) -> tuple[Claim, ...]:
    """Conditions are asked once for each set of facts; `pack` is the hash of what is in force."""
    return packs.in_force().owing(package, dict(facts), on)


@lru_cache(maxsize=16_384)
def _laid(pack: str, claims: tuple[Claim, ...], since: date, until: date) -> tuple[contract_year.Owed, ...]:
    return contract_year.year(sheet_now(), claims, since, until)


def add(bundle: Bundle, row: Contract, owed: tuple[contract_year.Owed, ...], at: datetime) -> int:
    """One more entry of the contract with these promises, and their rows; nothing for none."""
    if not owed:
        return 0
    items = written(owed)
    advance(bundle, row, ADDED, SYSTEM, at, {"year": items})
    for item in items:
        bundle.insert(Owed, **promised(item, row.id, row.home, row.subject))
    return len(items)
