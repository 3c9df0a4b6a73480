"""Invented residents, household by household, so that ages, kin and living alone fit together.

Pure and deterministic: the same seed, count and day give the same people. About a quarter are 65 or older;
the shares below are rough values of urban communities, meant to look plausible and nothing more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from yishe.lab import words
from yishe.policy.id_number import check_digit


@dataclass(frozen=True)
class Person:
    """`address` names the neighbourhood; `contracted` says whether a team answers by contract."""

    name: str
    sex: str
    birth_date: date
    id_number: str
    record_number: str
    phone: str
    neighbourhood: str
    address: str
    household: str
    traits: tuple[str, ...]
    allergies: tuple[str, ...]
    contracted: bool

    def age(self, on: date) -> int:
        had = (on.month, on.day) >= (self.birth_date.month, self.birth_date.day)
        return on.year - self.birth_date.year - (not had)


@dataclass(frozen=True)
class _Role:
    """One member of a kind of household: how old, which sex (empty: either), whose surname."""

    youngest: int
    oldest: int
    sex: str = ""
    own_name: bool = False


_ELDER_HE, _ELDER_SHE = _Role(64, 86, "1"), _Role(62, 84, "2", own_name=True)
_HE, _SHE = _Role(28, 48, "1"), _Role(27, 46, "2", own_name=True)
_CHILD = _Role(0, 17)
HOUSEHOLDS: tuple[tuple[int, tuple[_Role, ...]], ...] = (
    (6, (_Role(70, 92, "2"),)),
    (3, (_Role(68, 90, "1"),)),
    (16, (_ELDER_HE, _ELDER_SHE)),
    (14, (_Role(24, 44, "1"), _Role(23, 42, "2", own_name=True))),
    (15, (_HE, _SHE, _CHILD)),
    (9, (_HE, _SHE, _CHILD, _CHILD)),
    (8, (_ELDER_SHE, _HE, _SHE, _CHILD)),
    (6, (_ELDER_HE, _ELDER_SHE, _HE, _SHE, _CHILD)),
    (14, (_Role(20, 60),)),
    (9, (_Role(47, 63, "1"), _Role(45, 62, "2", own_name=True))),
)
"""Weight and members of each kind of household."""

SHARES: dict[str, tuple[tuple[int, float], ...]] = {
    "hypertension": ((75, 0.62), (65, 0.52), (45, 0.30), (18, 0.05)),
    "diabetes": ((65, 0.23), (45, 0.13), (18, 0.02)),
    "disabled": ((80, 0.22), (65, 0.09), (18, 0.02), (0, 0.01)),
}
"""Share of people with a trait, from which age on; the first age reached counts."""
CONTRACTED = ((65, 0.88), (45, 0.74), (7, 0.62), (0, 0.85))
ALLERGIC = 0.08
YOUNGEST_DAYS = 100
"""Nobody is younger: the last months of the demo's history need not ask who is born yet."""


@dataclass(frozen=True)
class _Home:
    code: str
    place: str
    address: str
    surname: str
    size: int
    region: "Region"


@dataclass(frozen=True)
class Region:
    """Where people live: names of neighbourhoods, filled household by household in turn, and the six digits of its numbers."""

    places: tuple[str, ...]
    area: str = words.AREA

    def number(self, place: str) -> int:
        return self.places.index(place) + 1


def residents(count: int, seed: int, today: date) -> list[Person]:
    """`count` people who live in the twelve neighbourhoods in turn."""
    places = tuple(place for centre in words.CENTRES for place in words.NEIGHBOURHOODS[centre])
    return list(people(Random(f"residents {seed}"), count, today, Region(places)))


def people(rng: Random, count: int, today: date, region: Region, first: int = 0) -> Iterator[Person]:
    """One after the other; the number of the `first` makes phones differ between regions."""
    taken: set[str] = set()
    index, homes = 0, 0
    while True:
        members = rng.choices([m for _, m in HOUSEHOLDS], [w for w, _ in HOUSEHOLDS])[0]
        home = _home(rng, region, homes, len(members))
        homes += 1
        for role in members:
            if index == count:
                return
            found = _person(rng, role, home, index=index, first=first, today=today, taken=taken)
            taken.add(found.id_number)
            index += 1
            yield found


def _home(rng: Random, region: Region, number: int, size: int) -> _Home:
    place = region.places[number % len(region.places)]
    court, block, stair, floor, flat = (rng.randint(1, most) for most in (30, 12, 6, 18, 4))
    door = f"{court}号院{block}号楼{stair}单元{floor}0{flat}"
    address = f"{words.DISTRICT}{place}{door}"
    return _Home(f"H{number:05d}", place, address, rng.choice(words.SURNAMES), size, region)


def _person(
    rng: Random, role: _Role, home: _Home, *, index: int, first: int, today: date, taken: set[str]
) -> Person:
    age = rng.randint(role.youngest, role.oldest)
    born = today - timedelta(days=age * 365 + age // 4 + rng.randint(YOUNGEST_DAYS, 364))
    sex = role.sex or rng.choice("12")
    surname = rng.choice(words.SURNAMES) if role.own_name else home.surname
    traits = [t for t, shares in SHARES.items() if rng.random() < _share(shares, age)]
    if home.size == 1 and age >= 60:
        traits.append("living_alone")
    return Person(
        name=surname + _given(rng, sex, born.year),
        sex=sex,
        birth_date=born,
        id_number=_id_number(home.region.area, born, sex, index, taken),
        record_number=f"{home.region.area}001{home.region.number(home.place):03d}{index % 100_000:05d}",
        phone=f"{words.PHONES}{(first + index) % 10_000_000:07d}",
        neighbourhood=home.place,
        address=home.address,
        household=home.code,
        traits=tuple(sorted(traits)),
        allergies=(rng.choice(words.ALLERGIES),) if rng.random() < ALLERGIC else (),
        contracted=rng.random() < _share(CONTRACTED, age),
    )


def _id_number(area: str, born: date, sex: str, index: int, taken: set[str]) -> str:
    """A number nobody else has yet; the three digits before the last tell the sex by being odd or even."""
    for order in range(index, index + 500):
        first17 = f"{area}{born:%Y%m%d}{order % 500 * 2 + (sex == '1'):03d}"
        number = first17 + check_digit(first17)
        if number not in taken:
            return number
    raise ValueError(f"more than 500 people of one sex were born on {born}")


def _share(shares: tuple[tuple[int, float], ...], age: int) -> float:
    return next((share for youngest, share in shares if age >= youngest), 0.0)


def _given(rng: Random, sex: str, year: int) -> str:
    era = next(e for e in (2015, 1995, 1970, 1950) if year >= e - 15 or e == 1950)
    return rng.choice(words.GIVEN[sex, era].split())
