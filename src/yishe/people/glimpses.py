"""What somebody outside the service sees of a resident: what she agreed to, for as long as she does, and nothing else.

A relative, a volunteer and the staff of a partner have no other way to a resident: no action of the pack is theirs. One
question answers for pages, API and lists alike:

    seen = glimpses.of(person, resident, at)        # `person` a relative's id (`consent_checks.relative_id`) or a staff id
    seen = glimpses.require(person, resident, at)   # the same, Forbidden when nothing is open
    if seen.opens("medicines"): ...                 # a scope of the pack's consents.yaml
    access_log.line(..., **seen.line("medicines"))  # by which relation, what for

Ask at every request and at every event of a live channel: a consent taken back, replaced or run out opens nothing from that
moment on (`talk.consents` tells open screens). What is shown of a scope is cut once more by `seen.sight`, as field groups of
the pack hold for everybody.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from yishe.people import directory, packs, protections, standing
from yishe.people.consent_rows import state_of
from yishe.people.models import Consent, Subject
from yishe.people.sight import Sight
from yishe.policy.refusals import Forbidden

NOBODYS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What is open to one person of one resident. `scopes` maps each relation (relative, volunteer, partner) to the codes
    agreed to; `until` is when the first of these consents ends by itself, None when none does."""

    scopes: Mapping[str, frozenset[str]]
    until: datetime | None = None

    def __bool__(self) -> bool:
        return any(self.scopes.values())

    @property
    def everything(self) -> frozenset[str]:
        """Every code that is open, by whichever relation."""
        return NOBODYS.union(*self.scopes.values())

    def opens(self, code: str) -> bool:
        return code in self.everything

    def only(self, relations: Iterable[str]) -> "Glimpse":
        """As much of it as comes by these relations."""
        kept = {one: codes for one, codes in self.scopes.items() if one in relations}
        return replace(self, scopes=kept)

    def line(self, code: str = "") -> dict[str, str]:
        """What an access line keeps: the relation by which this code (or anything) is open, and what it is for."""
        relation = next((one for one, codes in self.scopes.items() if not code or code in codes), "")
        known = packs.in_force().access.relations.get(relation)
        return {"relation": relation, "purpose": next(iter(known.purposes), "") if known else ""}

    @property
    def sight(self) -> Sight:
        """Which field groups the pack shows by these relations; none that names duties, as nobody here holds one."""
        return Sight(packs.in_force().access, dict.fromkeys(self.scopes, standing.NO_DUTY), dict)


def of(person: UUID, resident: UUID, at: datetime) -> Glimpse:
    """What consents in force open to `person` of this resident; empty (False) when none do. One statement, and one more
    when something is open: of a protected person nothing shows where she lives or is reached, whatever was agreed to.

    A volunteer must still be one, and who serves a partner sees what that organisation was named for."""
    found = _held(person, at).filter(subject__in=Subject.objects.filter(resident=resident).values("subject"))
    return _open(_glimpse(person, found, at), resident)


def require(person: UUID, resident: UUID, at: datetime) -> Glimpse:
    """Like `of`, but Forbidden when nothing is open."""
    seen = of(person, resident, at)
    if not seen:
        raise Forbidden(
            "no_consent", "这位居民现在没有同意您查看，或同意已经到期、撤回：需要时请居民重新同意。"
        )
    return seen


def residents(person: UUID, at: datetime) -> dict[UUID, Glimpse]:
    """Everybody of whom something is open to `person`, by resident. Two statements, and one for each of them."""
    rows = list(_held(person, at))
    whose = dict(
        Subject.objects.filter(subject__in={row.subject for row in rows}).values_list("subject", "resident")
    )
    by_resident: dict[UUID, list[Consent]] = {}
    for row in rows:
        if row.subject in whose:
            by_resident.setdefault(whose[row.subject], []).append(row)
    seen = {resident: _open(_glimpse(person, found, at), resident) for resident, found in by_resident.items()}
    return {resident: one for resident, one in seen.items() if one}


def _held(person: UUID, at: datetime) -> QuerySet[Consent]:
    member = directory.current().people.get(person)
    served = standing.partners(member, at) if member else []
    return Consent.objects.filter(grantee__in=[person, *served], withdrawn_at=None, replaced_at=None)


def _glimpse(person: UUID, rows: Iterable[Consent], at: datetime) -> Glimpse:
    scopes: dict[str, frozenset[str]] = {}
    ends: list[datetime] = []
    for row in rows:
        relation = _relation(person, row, at)
        if relation and state_of(row).holds(at):
            scopes[relation] = scopes.get(relation, NOBODYS) | frozenset(row.scope)
            ends += [row.until] if row.until else []
    return Glimpse(scopes, min(ends, default=None))


def _open(seen: Glimpse, resident: UUID) -> Glimpse:
    closed = protections.closed(resident) if seen else NOBODYS
    return (
        replace(seen, scopes={one: codes - closed for one, codes in seen.scopes.items()}) if closed else seen
    )


def _relation(person: UUID, row: Consent, at: datetime) -> str:
    """How the one named stands to the resident; nothing for a volunteer who is none any more."""
    kind = packs.in_force().consents.consents.get(row.basis)
    if kind is None:
        return ""
    if kind.about == "volunteer":
        member = directory.current().people.get(person)
        return kind.relation if member and "volunteer" in member.duties(at) else ""
    return kind.relation
