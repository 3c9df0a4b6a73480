"""The residents of a generated world, one centre at a time, drawn from the seed: the same ones for whoever asks.

for centre in frame.centres:
    for resident in people.of(frame, centre):
        resident.subject, centre.id, resident.person.traits, resident.since, resident.team.one("nurse")
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from random import Random
from uuid import UUID

from yishe.lab import hours, population
from yishe.lab.population import Person
from yishe.lab.world.frame import Centre, Frame, Place, Team, drawn, timed

KNOWN_AFTER = timedelta(days=40)
"""How old a child is when it is registered."""
MORNING = time(10)
AREA = "1199"
"""Four digits that no place has; the centre's number makes six of them."""
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Resident:
    """`key` is the subject's own, not wrapped: the people are invented. `since` is when the centre came to know her."""

    number: int
    id: UUID
    subject: UUID
    key: bytes
    person: Person
    team: Team
    place: Place
    since: datetime


def of(frame: Frame, centre: Centre) -> Iterator[Resident]:
    """In the order of registration numbers; a household lies together."""
    where = {place.name: (team, place) for team in centre.teams for place in team.places}
    region = population.Region(tuple(where), f"{AREA}{centre.number + 1:02d}")
    rng = frame.rng(centre, "people")
    lives = population.people(rng, centre.residents, frame.today, region, centre.first)
    marks = frame.rng(centre, "ids")
    for number, person in enumerate(lives, centre.first):
        yield _known(frame, number, person, where[person.neighbourhood], marks)


def _known(frame: Frame, number: int, person: Person, where: tuple[Team, Place], marks: Random) -> Resident:
    since = max(frame.opening, hours.local(person.birth_date + KNOWN_AFTER, MORNING))
    return Resident(
        number, timed(marks, since), drawn(marks), marks.randbytes(KEY_BYTES), person, *where, since
    )
