"""How a member of staff stands to a resident: by contract, at the centre, on duty, leading, and by what higher rooms wrote
down. Each relation comes with the duties held where it comes from: a nurse of one team is nobody's nurse in another.

Who holds no post stands in no relation to anybody.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from django.db.models import Q, QuerySet

from yishe.people import directory
from yishe.people.members import Member
from yishe.people.models import AccessFact
from yishe.policy.access_rules import Standing
from yishe.trust import quick

CONTRACT_TEAM = "contract_team"
PARTICIPANT = "participant"
ON_DUTY = "on_duty"
CENTRE_LEAD = "centre_lead"
RESPONSIBLE = "responsible"
SAME_CENTRE = "same_centre"
PARTNER = "partner"
BREAK_GLASS = "break_glass"
OWN = "own"
RELATIVE, LINK = "relative", "link"
SYSTEM = "system"
DIRECTORY = frozenset({CONTRACT_TEAM, RESPONSIBLE, ON_DUTY, CENTRE_LEAD, SAME_CENTRE, SYSTEM, OWN})
"""Relations that the directory, the contract or the sign-in tells; all others are recorded as facts."""
OUTSIDE = frozenset({RELATIVE, LINK})
"""Relations of those who hold no post: a relative by consent, who was sent a questionnaire."""

NO_DUTY: frozenset[str] = frozenset()
Places = dict[UUID, frozenset[str]]
"""Organisation → the duties held there."""


# From the directory and the contract


class Answering(Protocol):
    """Who answers for a resident: of a placement, or of a card (which knows no neighbourhood's team)."""

    @property
    def centre(self) -> UUID: ...
    @property
    def team(self) -> UUID | None: ...
    @property
    def doctor(self) -> UUID | None: ...
    @property
    def social_worker(self) -> UUID | None: ...
    @property
    def neighbourhood_team(self) -> UUID | None: ...


def known(member: Member, placement: Answering, at: datetime) -> Standing:
    """The relations that directory and contract tell; no statement."""
    found = of_centre(member, placement.centre, at)
    answering = placement.team or placement.neighbourhood_team
    duties = teams(member, at).get(answering, NO_DUTY) if answering else NO_DUTY
    if member.id in (placement.doctor, placement.social_worker):
        duties |= found.get(SAME_CENTRE, NO_DUTY)
        found |= {RESPONSIBLE: duties} if duties else {}
    if duties:
        found[CONTRACT_TEAM] = duties
    return found


def of_centre(member: Member, centre: UUID, at: datetime) -> dict[str, frozenset[str]]:
    """What someone is to a centre: works there, is on duty there now, leads it."""
    places = {
        SAME_CENTRE: centres(member, at),
        CENTRE_LEAD: leading(member, at),
        ON_DUTY: on_duty(member, at),
    }
    return {relation: there[centre] for relation, there in places.items() if centre in there}


def of_organisation(member: Member, organisation: UUID, at: datetime) -> Standing:
    """What someone is to an organisation: of its centre, leading it, or working in it or above it."""
    book = directory.current()
    centre = book.centre_of(organisation)
    found = of_centre(member, centre, at) if centre else {}
    above = {unit.id for unit in book.above(organisation)}
    within = frozenset(post.duty for post in member.held(at) if post.organisation in above)
    if within:
        found[SAME_CENTRE] = found.get(SAME_CENTRE, frozenset()) | within
    return found


def teams(member: Member, at: datetime) -> Places:
    """The teams someone works in."""
    return _places((post.organisation, post.duty) for post in member.held(at) if post.level == "team")


def centres(member: Member, at: datetime) -> Places:
    """The centres someone works in, also in one of their teams."""
    return _places((post.centre, post.duty) for post in member.held(at) if post.centre)


def leading(member: Member, at: datetime) -> Places:
    """The centres someone answers for: his own as director or lead, all below as head of a district or city."""
    book = directory.current()
    found: list[tuple[UUID, str]] = []
    for post in member.held(at):
        if not (post.lead or post.duty == "centre_director"):
            continue
        if post.level == "centre":
            found.append((post.organisation, post.duty))
        elif post.level in ("district", "city"):
            found += [(unit.id, post.duty) for unit in book.units("centre", under=post.organisation)]
    return _places(found)


def on_duty(member: Member, at: datetime) -> Places:
    """The centres where the roster names someone now, for a duty he still holds."""
    book, held = directory.current(), member.duties(at)
    if not held or book.away(member.id, at):
        return {}
    turns = ((book.centre_of(turn.organisation), turn.duty) for turn in book.turns_of(member.id, at))
    return _places((centre, duty) for centre, duty in turns if centre and duty in held)


def _places(found: Iterable[tuple[UUID, str]]) -> Places:
    there: dict[UUID, set[str]] = defaultdict(set)
    for organisation, duty in found:
        there[organisation].add(duty)
    return {organisation: frozenset(duties) for organisation, duties in there.items()}


# From facts


@dataclass(frozen=True, slots=True)
class Recorded:
    """The relations that facts tell, where each comes from (`loop:<id>`, `consent:<id>`, `break_glass:<id>:<reason>`), and
    until when the broken glass stands open."""

    standing: Standing
    sources: dict[str, str]
    until: datetime | None = None


NONE = Recorded({}, {})


def recorded(member: Member, resident: UUID, at: datetime) -> Recorded:
    """The relations higher rooms wrote down, over every subject mapped to the resident. One statement, and
    one for each partner organisation served in."""
    duties = member.duties(at)
    if not duties:
        return NONE
    told = _told(member.id, resident, at)
    for organisation in partners(member, at):
        told += [one for one in _told(organisation, resident, at) if one[0] == PARTNER]
    sources = {relation: source for relation, source, _ in told}
    open_ = [quick.moment(until) for relation, _, until in told if relation == BREAK_GLASS and until]
    return Recorded(dict.fromkeys(sources, duties), sources, max(open_, default=None))


_TOLD = """
    SELECT f.relation, f.source, f.until FROM people_accessfact f JOIN people_subject s ON s.subject = f.subject
    WHERE s.resident_id = %s AND f.person = %s AND f.since <= %s AND (f.until IS NULL OR f.until > %s)"""


def _told(person: UUID, resident: UUID, at: datetime) -> list[tuple[str, str, datetime | None]]:
    """By a fixed statement: every look that the directory does not explain walks here."""
    return quick.rows(_TOLD, [resident, person, at, at])


def partners(member: Member, at: datetime) -> list[UUID]:
    """The partner organisations someone serves in."""
    return [post.organisation for post in member.held(at) if post.level == "partner"]


def recorded_of(person: UUID, resident: UUID, at: datetime) -> frozenset[str]:
    """The relations written down for somebody who need not work here: a relative by consent."""
    return frozenset(relation for relation, _, _ in _told(person, resident, at))


def facts(person: UUID, serving: Iterable[UUID], at: datetime) -> QuerySet[AccessFact]:
    """The facts that hold for someone: his own, and those of the partner organisations he serves in."""
    his = Q(person=person) | Q(person__in=serving, relation=PARTNER)
    return AccessFact.objects.filter(his, Q(until=None) | Q(until__gt=at), since__lte=at)
