"""The one decision about who may do what with a resident's record. Deny by default.

A pack says which relation allows which action (`access/`); this module knows how to tell which relations someone
stands in. Pages, API, exports and live streams all ask here; lists ask for a `Scope`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from yishe.people import directory, packs
from yishe.people.actors import Actor
from yishe.people.members import Member
from yishe.people.models import AccessFact, Empanelment, Resident, Subject
from yishe.people.placements import Placement
from yishe.policy.refusals import Forbidden
from yishe.trust.commit import Bundle

CONTRACT_TEAM = "contract_team"
PARTICIPANT = "participant"
ON_DUTY = "on_duty"
CENTRE_LEAD = "centre_lead"
SAME_CENTRE = "same_centre"
SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Permission:
    """`relation` is the code that allowed it, empty when refused; `words` tell the person why, in Chinese."""

    allowed: bool
    relation: str
    words: str


# Writers


def facts(
    bundle: Bundle,
    *,
    home: UUID,
    person: UUID,
    subject: UUID,
    relation: str,
    source: str,
    since: datetime,
    until: datetime | None = None,
) -> None:
    """Say that `person` stands in `relation` to `subject` because of `source` (e.g. "loop:<id>"). Saying it twice
    changes nothing."""
    bundle.insert_if_absent(
        AccessFact,
        home=home,
        person=person,
        subject=subject,
        relation=relation,
        source=source,
        since=since,
        until=until,
    )


def end_facts(bundle: Bundle, *, source: str, until: datetime) -> None:
    """All relations that came from `source` end at `until`."""
    bundle.update(AccessFact, where={"source": source}, values={"until": until}, guard=False)


def reopen_facts(bundle: Bundle, *, source: str) -> None:
    """Relations that came from `source` hold again: what they came from was reopened."""
    bundle.update(AccessFact, where={"source": source}, values={"until": None}, guard=False)


# The decision


def may(
    actor: Actor, action: str, placement: Placement, at: datetime, purpose: str | None = None
) -> Permission:
    """Whether `actor` may do `action` with this resident now, by which relation and in which words.

    Relations the directory knows are tried first; recorded ones cost a statement only when those do not suffice.
    """
    if actor.is_system:
        return Permission(True, SYSTEM, "系统按规则执行")
    sheet, duties = packs.in_force().access, actor.member.duties(at)
    relation = sheet.granting(action, known_relations(actor.member, placement, at), duties)
    if relation is None:
        relation = sheet.granting(action, recorded_relations(actor.staff_id, placement.resident, at), duties)
    if relation is not None:
        return Permission(True, relation, sheet.relations[relation].words.zh)
    rule = sheet.actions.get(action)
    return Permission(False, "", rule.refused.zh if rule else f"没有规定谁可以做“{action}”，所以不能做。")


def require(
    actor: Actor, action: str, placement: Placement, at: datetime, purpose: str | None = None
) -> Permission:
    """Like `may`, but Forbidden when refused."""
    permission = may(actor, action, placement, at, purpose)
    if not permission.allowed:
        raise Forbidden("no_relation", permission.words, action=action).concerning(placement.subject)
    return permission


def require_in_organisation(actor: Actor, action: str, organisation: UUID, at: datetime) -> Permission:
    """For acts on an organisation and not on one resident (registering, rosters, imports). Forbidden if not."""
    if actor.is_system:
        return Permission(True, SYSTEM, "系统按规则执行")
    sheet = packs.in_force().access
    known = organisation_relations(actor.member, organisation, at)
    relation = sheet.granting(action, known, actor.member.duties(at))
    if relation is None:
        rule = sheet.actions.get(action)
        words = rule.refused.zh if rule else f"没有规定谁可以做“{action}”，所以不能做。"
        raise Forbidden("no_relation", words, action=action)
    return Permission(True, relation, sheet.relations[relation].words.zh)


def sees(
    actor: Actor, group: str, placement: Placement, at: datetime, also: frozenset[str] = frozenset()
) -> bool:
    """Whether the detail of a field group is shown; `also` are relations the caller knows (author)."""
    sheet, duties = packs.in_force().access, actor.member.duties(at)
    known = known_relations(actor.member, placement, at) | also
    if actor.is_system or sheet.sees(group, known, duties):
        return True
    return sheet.sees(group, recorded_relations(actor.staff_id, placement.resident, at), duties)


# Relations


def known_relations(member: Member, placement: Placement, at: datetime) -> frozenset[str]:
    """The relations that directory and empanelment tell."""
    found = set(centre_relations(member, placement.centre, at))
    named = member.id in (placement.doctor, placement.social_worker) and bool(member.held(at))
    answering = placement.team or placement.neighbourhood_team
    if named or (answering is not None and answering in member.teams(at)):
        found.add(CONTRACT_TEAM)
    return frozenset(found)


def centre_relations(member: Member, centre: UUID, at: datetime) -> frozenset[str]:
    """What someone is to a centre: works there, is on duty there now, leads it."""
    found = set()
    if centre in member.centres(at):
        found.add(SAME_CENTRE)
    if centre in leading(member, at):
        found.add(CENTRE_LEAD)
    if centre in on_duty_at(member, at):
        found.add(ON_DUTY)
    return frozenset(found)


def organisation_relations(member: Member, organisation: UUID, at: datetime) -> frozenset[str]:
    """What someone is to an organisation: of its centre, leading it, or working in it or above it."""
    book = directory.current()
    centre = book.centre_of(organisation)
    found = set(centre_relations(member, centre, at)) if centre else set()
    above = {unit.id for unit in book.above(organisation)}
    if any(post.organisation in above for post in member.held(at)):
        found.add(SAME_CENTRE)
    return frozenset(found)


def leading(member: Member, at: datetime) -> frozenset[UUID]:
    """The centres someone answers for: his own as director or lead, all below as head of a district or city."""
    book = directory.current()
    heading = [post for post in member.held(at) if post.lead or post.duty == "centre_director"]
    found = {post.organisation for post in heading if post.level == "centre"}
    for post in heading:
        if post.level in ("district", "city"):
            found.update(unit.id for unit in book.units("centre", under=post.organisation))
    return frozenset(found)


def on_duty_at(member: Member, at: datetime) -> frozenset[UUID]:
    """The centres where the roster names someone now."""
    book = directory.current()
    if book.away(member.id, at):
        return frozenset()
    centres = (book.centre_of(turn.organisation) for turn in book.turns_of(member.id, at))
    return frozenset(centre for centre in centres if centre)


def recorded_relations(person: UUID, resident: UUID, at: datetime) -> frozenset[str]:
    """The relations higher rooms wrote down, over every subject mapped to the resident."""
    subjects = Subject.objects.filter(resident=resident).values("subject")
    rows = _living(AccessFact.objects.filter(person=person, subject__in=subjects), at)
    return frozenset(rows.values_list("relation", flat=True))


def _living(rows: QuerySet[AccessFact], at: datetime) -> QuerySet[AccessFact]:
    return rows.filter(Q(until=None) | Q(until__gt=at), since__lte=at)


# Lists


@dataclass(frozen=True, slots=True)
class Scope:
    """Whom a list may show to someone, as a filter; someone without any relation gets nobody."""

    person: UUID
    centres: frozenset[UUID]
    teams: frozenset[UUID]
    contract: bool
    recorded: frozenset[str]
    at: datetime
    everyone: bool = False

    def residents(self) -> QuerySet[Resident]:
        if self.everyone:
            return Resident.objects.filter(merged_into=None, erased_at=None)
        return Resident.objects.filter(self._filter(), merged_into=None, erased_at=None)

    def _filter(self) -> Q:
        found = Q(centre__in=self.centres) if self.centres else Q(pk__in=[])
        if self.contract:
            found |= panel(self.person, self.teams)
        if self.recorded:
            rows = _living(AccessFact.objects.filter(person=self.person, relation__in=self.recorded), self.at)
            subjects = Subject.objects.filter(subject__in=rows.values("subject"))
            found |= Q(pk__in=subjects.values("resident"))
        return found


def panel(person: UUID, teams: frozenset[UUID]) -> Q:
    """Residents whose contract names the person or one of the teams; without a contract, by neighbourhood."""
    active = Empanelment.objects.filter(resident=OuterRef("pk"), until=None)
    named = Q(doctor=person) | Q(social_worker=person)
    mine = Q(Exists(active.filter(Q(team__in=teams) | named)))
    return mine | (Q(neighbourhood__team__in=teams) & ~Q(Exists(active)))


def scope(actor: Actor, action: str, at: datetime) -> Scope:
    """The residents with whom `actor` may do `action` now, as a filter for lists and searches."""
    if actor.is_system:
        return Scope(actor.staff_id, frozenset(), frozenset(), False, frozenset(), at, everyone=True)
    sheet, member = packs.in_force().access, actor.member
    duties = member.duties(at)

    def allows(relation: str) -> bool:
        return sheet.granting(action, frozenset({relation}), duties) is not None

    centres: set[UUID] = set()
    if allows(SAME_CENTRE):
        centres |= member.centres(at)
    if allows(CENTRE_LEAD):
        centres |= leading(member, at)
    if allows(ON_DUTY):
        centres |= on_duty_at(member, at)
    recorded = frozenset(
        relation for relation in sheet.relations if relation not in _DIRECTORY_RELATIONS and allows(relation)
    )
    contract = allows(CONTRACT_TEAM)
    teams = member.teams(at) if contract else frozenset()
    return Scope(actor.staff_id, frozenset(centres), teams, contract, recorded, at)


def within(actor: Actor, action: str, subjects: Iterable[UUID], at: datetime) -> list[UUID]:
    """Of these subjects, those with whom `actor` may do `action` now. One statement."""
    wanted = list(subjects)
    if not wanted:
        return []
    reach = scope(actor, action, at).residents().values("id")
    return list(
        Subject.objects.filter(subject__in=wanted, resident__in=reach).values_list("subject", flat=True)
    )


_DIRECTORY_RELATIONS = frozenset({CONTRACT_TEAM, ON_DUTY, CENTRE_LEAD, SAME_CENTRE, SYSTEM})
