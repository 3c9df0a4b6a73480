"""Who may look at one resident, reckoned apart from the product: a plain list of reasons, each with its beginning and end.

Nothing here asks the product who may; what a reason is stands as text below, copied by hand from what is meant
(docs/access-table.md), not read from the pack.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

TEAM = {"family_doctor", "nurse", "public_health", "social_worker", "community_worker", "team_lead"}
PART = {*TEAM, "specialist", "centre_director"}
DUTY = {
    "family_doctor",
    "nurse",
    "public_health",
    "social_worker",
    "specialist",
    "team_lead",
    "centre_director",
}
LEAD = {"centre_director", "team_lead"}
GLASS = {"family_doctor", "nurse", "public_health", "social_worker", "specialist", "team_lead"}


@dataclass
class Span:
    """From `since` on, and before `until`."""

    since: datetime
    until: datetime | None = None

    def holds(self, at: datetime) -> bool:
        return self.since <= at and (self.until is None or at < self.until)


@dataclass
class Held(Span):
    """A post. `centre` is None outside of centres."""

    person: UUID = None  # type: ignore[assignment]
    place: UUID = None  # type: ignore[assignment]
    centre: UUID | None = None
    duty: str = ""
    lead: bool = False


@dataclass
class Turn(Span):
    person: UUID = None  # type: ignore[assignment]
    duty: str = ""


@dataclass
class Given(Span):
    """A consent, a broken glass, or a guest's part in a loop: whom it opens the resident to."""

    to: UUID = None  # type: ignore[assignment]
    of: UUID | None = None


@dataclass
class Reasons:
    """Everything that is so about one resident of one centre."""

    centre: UUID
    district: UUID
    posts: list[Held] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    leaves: list[Turn] = field(default_factory=list)
    guests: list[Given] = field(default_factory=list)
    glasses: list[Given] = field(default_factory=list)
    consents: list[Given] = field(default_factory=list)
    team: UUID | None = None
    named: set[UUID] = field(default_factory=set)
    sides: set[UUID] = field(default_factory=set)
    """Sender, performer and owner of every open loop of the resident."""

    def held(self, person: UUID, at: datetime) -> list[Held]:
        return [one for one in self.posts if one.person == person and one.holds(at)]

    def duties(self, person: UUID, at: datetime) -> set[str]:
        return {one.duty for one in self.held(person, at)}

    def why(self, person: UUID, at: datetime) -> list[str]:
        """Every reason this person has to look now; none is none."""
        held, duties = self.held(person, at), self.duties(person, at)
        here = {one.duty for one in held if one.centre == self.centre}
        found = {
            "team": bool({one.duty for one in held if one.place == self.team} & TEAM),
            "named": person in self.named and bool(here & TEAM),
            "loop": person in self.sides and bool(duties & PART),
            "guest": any(one.to == person and one.holds(at) for one in self.guests) and bool(duties & PART),
            "duty": self._on_duty(person, at, duties),
            "lead": bool({one.duty for one in held if self._leads(one)} & LEAD),
            "glass": any(one.to == person and one.holds(at) for one in self.glasses) and bool(duties & GLASS),
        }
        return [name for name, so in found.items() if so]

    def _on_duty(self, person: UUID, at: datetime, duties: set[str]) -> bool:
        away = any(one.person == person and one.holds(at) for one in self.leaves)
        mine = {one.duty for one in self.turns if one.person == person and one.holds(at)}
        return not away and bool(mine & duties & DUTY)

    def _leads(self, post: Held) -> bool:
        return post.place in (self.centre, self.district) and (post.lead or post.duty == "centre_director")

    def glimpsed(self, person: UUID, at: datetime) -> bool:
        """Whether a consent in force opens something to this person: a volunteer who is one, or staff of the partner named."""
        places = {one.place for one in self.held(person, at)}
        to_me = [one for one in self.consents if one.to == person and one.holds(at)]
        to_mine = [one for one in self.consents if one.to in places and one.holds(at)]
        return bool(to_mine) or (bool(to_me) and "volunteer" in self.duties(person, at))
