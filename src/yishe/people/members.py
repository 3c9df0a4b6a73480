"""The faces of the directory: organisations, places, people, posts, shifts and leaves as immutable values.

Times are aware datetimes; an interval includes its start and excludes its end.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Protocol
from uuid import UUID


def _during(at: datetime, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or since <= at) and (until is None or at < until)


@dataclass(frozen=True, slots=True)
class Unit:
    """An organisation as the rules see it."""

    id: UUID
    parent: UUID | None
    level: str
    code: str
    name: str
    shape: str = ""
    emergency: tuple[Mapping[str, str], ...] = ()
    active_from: datetime | None = None
    active_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A neighbourhood as the rules see it."""

    id: UUID
    code: str
    name: str
    centre: UUID
    team: UUID | None


@dataclass(frozen=True, slots=True)
class Held:
    """One post: a duty in an organisation for a time. `centre` is the one above it, None from district up."""

    organisation: UUID
    duty: str
    lead: bool
    since: datetime
    until: datetime | None
    level: str
    centre: UUID | None
    post: UUID | None = None

    def at(self, at: datetime) -> bool:
        return _during(at, self.since, self.until)


@dataclass(frozen=True, slots=True)
class Standing:
    """What someone is from one change of his posts to the next."""

    held: tuple[Held, ...]
    duties: frozenset[str]
    teams: frozenset[UUID]
    centres: frozenset[UUID]
    centre: UUID | None


@dataclass(frozen=True)
class Member:
    """Someone who works here, with all posts past and present."""

    id: UUID
    name: str
    account: UUID | None = None
    posts: tuple[Held, ...] = ()
    title: str = ""
    active_from: datetime | None = None
    active_until: datetime | None = None
    phone: str = ""

    @cached_property
    def changes(self) -> list[datetime]:
        """The moments at which something about his posts changes, in order."""
        ends = [self.active_from, self.active_until]
        ends += [end for post in self.posts for end in (post.since, post.until)]
        return sorted({end for end in ends if end is not None})

    @cached_property
    def _standings(self) -> dict[int, Standing]:
        return {}

    def standing(self, at: datetime) -> Standing:
        """What he is at that moment, worked out once for the time between two changes."""
        era = bisect_right(self.changes, at)
        found = self._standings.get(era)
        if found is None:
            found = self._standings[era] = self._stands(at)
        return found

    def _stands(self, at: datetime) -> Standing:
        serves = _during(at, self.active_from, self.active_until)
        held = tuple(post for post in self.posts if post.at(at)) if serves else ()
        inside = [post for post in held if post.centre]
        return Standing(
            held,
            frozenset(post.duty for post in held),
            frozenset(post.organisation for post in held if post.level == "team"),
            frozenset(post.centre for post in inside if post.centre),
            min(inside, key=lambda post: post.since).centre if inside else None,
        )

    def held(self, at: datetime) -> tuple[Held, ...]:
        """The posts held at that moment; none before or after the time of service."""
        return self.standing(at).held

    def duties(self, at: datetime) -> frozenset[str]:
        return self.standing(at).duties

    def teams(self, at: datetime) -> frozenset[UUID]:
        return self.standing(at).teams

    def centres(self, at: datetime) -> frozenset[UUID]:
        return self.standing(at).centres

    def centre(self, at: datetime) -> UUID | None:
        """The centre worked in, by the oldest post; None for people of the district."""
        return self.standing(at).centre

    def home(self, at: datetime) -> UUID:
        """Where access lines of what he does are filed: his centre, else where he works, else under himself."""
        held = self.held(at)
        return self.centre(at) or (held[0].organisation if held else self.id)


@dataclass(frozen=True, slots=True)
class Turn:
    """One shift."""

    organisation: UUID
    duty: str
    staff: UUID
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Absence:
    """One leave."""

    staff: UUID
    starts_at: datetime
    ends_at: datetime
    substitute: UUID | None = None


class Placed(Protocol):
    """What the performer rule reads of a resident's placement."""

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
    @property
    def workplace(self) -> UUID | None: ...


@dataclass(frozen=True, slots=True)
class Found:
    """Who answers, and why he: named | stand_in | team | neighbourhood | workplace | on_duty | centre_lead |
    district_lead. `until` is the end of the shift when found by the duty roster, else None."""

    member: Member
    via: str
    until: datetime | None = None
