"""Small worlds for tests: the invented district with a handful of residents and no history, in a moment.

`build()` writes the same rows as the demo does, by the same verbs, and hands out people by the part they play.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from yishe.lab import founding, hours, population
from yishe.people.actors import Actor, actor_of


@dataclass(frozen=True)
class World:
    """A founded district at a moment. `people` are resident ids in the order they were registered."""

    at: datetime
    made: founding.District

    @property
    def people(self) -> list[UUID]:
        return list(self.made.people)

    def contracted(self, team: str = "wanghu-1") -> list[UUID]:
        """Residents with a contract with this team (a code of `town.offices`)."""
        return [
            resident
            for resident, person in self.made.people.items()
            if person.contracted and self.made.teams[person.neighbourhood] == team
        ]

    def one(self, duty: str, office: str = "wanghu-1", number: int = 0) -> Actor:
        """Who holds a duty at a team or centre: `one("social_worker")` is the first team's."""
        return actor_of(self.made.holders(office, duty)[number])

    def named(self, username: str) -> Actor:
        return actor_of(self.made.staff[username])


def build(residents: int = 20, seed: int = 1, *, at: datetime, roster_days: int = 14) -> World:
    """The district, `residents` people, and a roster from yesterday on. Signs in with `founding.PASSWORD`."""
    opening = at - timedelta(days=30)
    today = at.astimezone(hours.ZONE).date()
    made = founding.district(opening)
    founding.settle(made, population.residents(residents, seed, today), opening, lambda done: None)
    since = today - timedelta(days=1)
    founding.rosters_between(made, since, since + timedelta(days=roster_days), opening)
    return World(at, made)
