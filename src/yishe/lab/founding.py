"""Founding the invented district in an empty database, with the verbs an administrator would use."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.contrib.auth.hashers import Argon2PasswordHasher

from yishe.lab import hours, town, words
from yishe.lab.population import Person
from yishe.people import organisations, packs, residents, rosters
from yishe.people.actors import SYSTEM

PASSWORD = "yishe-demo-2026"  # noqa: S105  the sign-in of invented people, in databases marked demo only
DAY_SHIFT, NIGHT_SHIFT = time(8, 0), time(20, 0)
EMERGENCY = ({"name": "医疗急救", "phone": "120"}, {"name": "报警", "phone": "110"})
Tick = Callable[[int], None]


@dataclass
class District:
    """The ids of what was founded. `staff` by user name, `teams` by neighbourhood; `coming` are born later, in that order."""

    offices: dict[str, UUID] = field(default_factory=dict)
    staff: dict[str, UUID] = field(default_factory=dict)
    places: dict[str, UUID] = field(default_factory=dict)
    teams: dict[str, str] = field(default_factory=dict)
    centres: dict[str, str] = field(default_factory=dict)
    subjects: dict[UUID, UUID] = field(default_factory=dict)
    people: dict[UUID, Person] = field(default_factory=dict)
    placed: dict[UUID, residents.Placement] = field(default_factory=dict)
    coming: list[Person] = field(default_factory=list)

    def holders(self, office: str, duty: str) -> list[UUID]:
        """Staff of an office who hold a duty, in the order of hiring."""
        return [self.staff[e.username] for e in town.employees() if e.place == office and duty in e.posts]

    def everyone(self, centre: str, duty: str) -> list[UUID]:
        """The same for a centre and all its teams."""
        places = [o.code for o in town.offices() if centre in (o.code, o.parent)]
        return [person for place in places for person in self.holders(place, duty)]


class QuickHasher(Argon2PasswordHasher):
    """The house's hasher at its least cost: the demo's password is printed on the screen anyway."""

    time_cost, memory_cost, parallelism = 1, 1024, 1


def district(at: datetime) -> District:
    """Organisations, neighbourhoods, staff with accounts. Residents and rosters come after."""
    made = District()
    shape = next(iter(packs.in_force().team_shapes), "")
    for office in town.offices():
        made.offices[office.code] = organisations.found(
            SYSTEM,
            level=office.level,
            code=office.code,
            name=office.name,
            at=at,
            parent=made.offices.get(office.parent or ""),
            shape=shape if office.level == "team" else "",
            emergency=EMERGENCY if office.level == "centre" else (),
        )
    _neighbourhoods(made, at)
    _staff(made, at)
    return made


def _neighbourhoods(made: District, at: datetime) -> None:
    for centre in words.CENTRES:
        for number, place in enumerate(words.NEIGHBOURHOODS[centre]):
            team = town.team_code(centre, words.TEAMS[number % len(words.TEAMS)])
            code = town.centre_code(centre)
            made.teams[place], made.centres[place] = team, code
            made.places[place] = organisations.mark_out(
                SYSTEM,
                code=f"{code}-{town.slug(place)}",
                name=f"{place}社区",
                centre=made.offices[code],
                at=at,
                team=made.offices[team],
            )


def _staff(made: District, at: datetime) -> None:
    hasher = QuickHasher()
    for number, employee in enumerate(town.employees(), 1001):
        made.staff[employee.username] = organisations.hire(
            SYSTEM,
            name=employee.name,
            organisation=made.offices[employee.place],
            duties=employee.posts,
            at=at,
            lead="team_lead" in employee.posts or "centre_director" in employee.posts,
            number=f"YX{number}",
            title=employee.title,
            phone=f"80{number % 100:02d}",
            username=employee.username,
            hashed=hasher.encode(PASSWORD, hasher.salt()),
        )


def settle(made: District, people: Sequence[Person], at: datetime, tick: Tick) -> None:
    """Register everybody, with a contract team where there is one."""
    for number, person in enumerate(people):
        register(made, person, number, at)
        tick(1)


def register(made: District, person: Person, number: int, at: datetime) -> UUID:
    """One more resident; `number` spreads the work over the team's doctors."""
    centre = made.offices[made.centres[person.neighbourhood]]
    placed = residents.register(SYSTEM, said(made, person, number), at, centre=centre, source="demo")
    made.subjects[placed.subject] = placed.resident
    made.people[placed.resident] = person
    made.placed[placed.resident] = placed
    return placed.resident


def said(made: District, person: Person, number: int) -> dict[str, object]:
    team = made.teams[person.neighbourhood]
    doctors, social = made.holders(team, "family_doctor"), made.holders(team, "social_worker")
    contract = {
        "team": made.offices[team],
        "doctor": doctors[number % len(doctors)],
        "social_worker": social[0],
    }
    return {
        "name": person.name,
        "id_number": person.id_number,
        "record_number": person.record_number,
        "phone": person.phone,
        "address": person.address,
        "household": person.household,
        "neighbourhood": made.places[person.neighbourhood],
        "traits": person.traits,
        "allergies": person.allergies,
        **(contract if person.contracted else {}),
    }


def rosters_between(made: District, since: date, until: date, at: datetime) -> None:
    """Someone on duty at each centre, day and night, for every duty that needs it."""
    planned = [
        shift for centre in words.CENTRES for shift in _turns(made, town.centre_code(centre), since, until)
    ]
    rosters.put_shifts(SYSTEM, planned, at)


def _turns(made: District, centre: str, since: date, until: date) -> Iterator[rosters.Planned]:
    """People take turns: one by day, the next one by night."""
    for duty in town.ROSTERED:
        holders = made.everyone(centre, duty)
        for number in range((until - since).days):
            day = since + timedelta(days=number)
            dawn, dusk = hours.local(day, DAY_SHIFT), hours.local(day, NIGHT_SHIFT)
            by_day, by_night = holders[number % len(holders)], holders[(number + 2) % len(holders)]
            yield rosters.Planned(made.offices[centre], duty, by_day, dawn, dusk)
            yield rosters.Planned(made.offices[centre], duty, by_night, dusk, dawn + timedelta(days=1))
