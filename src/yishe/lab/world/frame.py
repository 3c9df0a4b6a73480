"""The frame of a generated world: its centres, teams and staff, drawn from the seed alone, without a database.

A centre is the unit of work: everything about its residents is drawn from the seed and the centre's number, so that processes share
nothing and whoever adds a table of his own walks over the same residents (`people.of`) in the same order.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from random import Random
from uuid import UUID

from yishe.lab import hours, words

CENTRE_SIZE, TEAM_SIZE = 32_500, 3_250
"""Residents of a centre and of a team when the world is large; a district of 1.3 million then has 40 centres and 400 doctors."""
FEWEST = 2
"""Centres of the smallest district, and of each step up: two processes have the same to do. Also the fewest teams of a centre."""
MOST_TEAMS = 10
YEARS = timedelta(days=3 * 365)
"""How long the history is, as far as the packs have kinds for it."""
TEAM_DUTIES = ("family_doctor", "nurse", "social_worker")
CENTRE_DUTIES = ("centre_director", "public_health", "specialist", "privacy_officer")
DISTRICT_DUTIES = ("centre_director", "administrator", "research_lead")
PLACES_OF_A_TEAM = 3


@dataclass(frozen=True)
class Employee:
    """`posts` are duties held in `office`; the number tells the user name."""

    id: UUID
    account: UUID
    name: str
    number: str
    username: str
    office: UUID
    posts: tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """A neighbourhood; `team` answers there."""

    id: UUID
    code: str
    name: str


@dataclass(frozen=True)
class Team:
    id: UUID
    code: str
    name: str
    staff: dict[str, Employee]
    places: tuple[Place, ...]

    def one(self, duty: str) -> UUID:
        """Who holds one of `TEAM_DUTIES` here; the family doctor leads."""
        return self.staff[duty].id


@dataclass(frozen=True)
class Centre:
    """`first` is the number of its first resident, `residents` how many it has."""

    number: int
    id: UUID
    code: str
    name: str
    first: int
    residents: int
    staff: dict[str, Employee]
    teams: tuple[Team, ...]

    def one(self, duty: str) -> UUID:
        """Who holds one of `CENTRE_DUTIES` here."""
        return self.staff[duty].id


@dataclass(frozen=True)
class Frame:
    """The whole district at the moment `at`; its history begins at `opening`."""

    seed: int
    residents: int
    at: datetime
    opening: datetime
    district: UUID
    staff: tuple[Employee, ...]
    centres: tuple[Centre, ...] = field(repr=False)

    @cached_property
    def today(self) -> date:
        return self.at.astimezone(hours.ZONE).date()

    def employees(self) -> Iterator[Employee]:
        """Everybody who works here, the district's first."""
        yield from self.staff
        for centre in self.centres:
            yield from centre.staff.values()
            for team in centre.teams:
                yield from team.staff.values()

    def rng(self, centre: Centre, use: str) -> Random:
        """The chance of one use at one centre; another use never moves it."""
        return Random(f"world {self.seed} {centre.number} {use}")


def drawn(rng: Random) -> UUID:
    """An id that says nothing about when or where (version 4)."""
    bits = rng.getrandbits(128)
    return UUID(int=bits & ~(0xF << 76) & ~(0x3 << 62) | (4 << 76) | (2 << 62))


def timed(rng: Random, at: datetime) -> UUID:
    """An id that grows with time (version 7), as rows have theirs."""
    return UUID(int=numbered(rng, int(at.timestamp() * 1000)))


def spelled(number: int) -> str:
    """An id as text, straight from its number."""
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def numbered(rng: Random, millis: int) -> int:
    """The number of an id that grows with time, from milliseconds since 1970."""
    return (millis << 80) | _LATER | rng.getrandbits(74) & _FREE


_LATER = (7 << 76) | (2 << 62)
_FREE = (1 << 76) - 1 & ~(0x3 << 62)


def frame(residents: int, seed: int, at: datetime, opening: datetime) -> Frame:
    """The same residents, seed and moments, the same frame."""
    rng = Random(f"world {seed} frame")
    many = FEWEST * max(1, round(residents / CENTRE_SIZE / FEWEST))
    made = _Hiring(rng, opening.astimezone(UTC))
    district = timed(rng, opening)
    staff = tuple(made.hired((duty,), district) for duty in DISTRICT_DUTIES)
    sizes = [residents // many + (n < residents % many) for n in range(many)]
    centres = tuple(_centre(made, n, sum(sizes[:n]), size) for n, size in enumerate(sizes))
    return Frame(seed, residents, at, opening, district, staff, centres)


@dataclass
class _Hiring:
    rng: Random
    opening: datetime
    hires: int = 0

    def hired(self, posts: tuple[str, ...], office: UUID) -> Employee:
        self.hires += 1
        name = self.rng.choice(words.SURNAMES) + self.rng.choice(
            words.GIVEN[self.rng.choice("12"), 1970].split()
        )
        number = f"W{self.hires:05d}"
        return Employee(self.id(), self.id(), name, number, number.lower(), office, posts)

    def id(self) -> UUID:
        return timed(self.rng, self.opening)


def _centre(made: _Hiring, number: int, first: int, size: int) -> Centre:
    centre, code = made.id(), f"w{number + 1:02d}"
    teams = min(MOST_TEAMS, max(FEWEST, round(size / TEAM_SIZE)))
    return Centre(
        number, centre, code, f"{_named(number)}社区卫生服务中心", first, size,
        {duty: made.hired((duty,), centre) for duty in CENTRE_DUTIES},
        tuple(_team(made, f"{code}-{n + 1}", f"{_named(number)}-{n + 1}队") for n in range(teams)),
    )  # fmt: skip


def _team(made: _Hiring, code: str, name: str) -> Team:
    team = made.id()
    staff = {
        duty: made.hired((duty, "team_lead") if duty == "family_doctor" else (duty,), team)
        for duty in TEAM_DUTIES
    }
    places = tuple(
        Place(made.id(), f"{code}-{n + 1}", f"{name[:-1]}-{n + 1}社区") for n in range(PLACES_OF_A_TEAM)
    )
    return Team(team, code, name, staff, places)


def _named(number: int) -> str:
    """望湖, 柳岸, then with numbers."""
    name = words.CENTRES[number % len(words.CENTRES)]
    return name if number < len(words.CENTRES) else f"{name}{number // len(words.CENTRES) + 1}"
