"""The generator and the verbs make the same sort of world: people, contracts, measurements. A broken generator would be seen."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from statistics import quantiles
from typing import Any

import pytest
from django.db import transaction

from yishe.care.models import Contract, Observation
from yishe.lab import crowd, population
from yishe.lab.daily import Days
from yishe.lab.population import Person
from yishe.lab.world import build, making, people
from yishe.lab.world.frame import frame
from yishe.people import directory
from yishe.trust import clock, keys
from yishe.trust.scoping import everybody

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)
MANY = 5000
BANDS = (0, 7, 18, 45, 65, 75)
TOLERATED = {
    "ages": 0.04, "sexes": 0.03, "households": 0.05, "hypertension": 0.08, "diabetes": 0.07, "disabled": 0.08,
    "living_alone": 0.03, "contracted": 0.1, "allergies": 0.03,
}  # fmt: skip
"""How far apart shares of five thousand people may be, or of the few hundred of one band of age; chance leaves about half of it."""
Shares = dict[Hashable, float]


def shares(found: Iterable[Hashable]) -> Shares:
    counted = Counter(found)
    return {one: count / counted.total() for one, count in counted.items()}


def apart(one: Shares, other: Shares) -> float:
    """Half the sum of all differences of shares: 0 alike, 1 nothing in common."""
    return sum(abs(one.get(key, 0) - other.get(key, 0)) for key in {*one, *other}) / 2


def band(person: Person) -> int:
    return max(one for one in BANDS if person.age(TODAY) >= one)


def looks(some: Sequence[Person]) -> dict[str, Shares]:
    """Everything that is compared; of traits and contracts the share of who has them, within each band of age."""
    sizes = Counter((one.neighbourhood, one.household) for one in some)
    within = Counter(band(one) for one in some)

    def having(has: Callable[[Person], bool]) -> Shares:
        count = Counter(band(one) for one in some if has(one))
        return {which: count[which] / within[which] for which in within}

    return {
        "ages": shares(band(one) for one in some), "sexes": shares(one.sex for one in some),
        "households": shares(sizes.values()),
        **{trait: having(lambda one, trait=trait: trait in one.traits) for trait in population.SHARES},
        "living_alone": shares("living_alone" in one.traits for one in some),
        "contracted": having(lambda one: one.contracted), "allergies": shares(bool(one.allergies) for one in some),
    }  # fmt: skip


def unlike(some: Sequence[Person], others: Sequence[Person]) -> set[str]:
    """What of these two crowds is further apart than is tolerated."""
    one, other = looks(some), looks(others)
    far = {
        name: max(abs(one[name][which] - other[name].get(which, 0)) for which in one[name])
        if name in (*population.SHARES, "contracted")
        else apart(one[name], other[name])
        for name in one
    }
    return {name for name, distance in far.items() if distance > TOLERATED[name]}


@pytest.fixture(scope="module")
def lived() -> list[Person]:
    """The people whom the demo registers by verbs."""
    return population.residents(MANY, 11, TODAY)


def generated() -> list[Person]:
    whole = frame(MANY, 12, NOW, NOW - timedelta(days=700))
    return [one.person for centre in whole.centres for one in people.of(whole, centre)]


def test_the_people_of_both_are_alike_in_everything_that_counts(lived: list[Person]) -> None:
    assert unlike(generated(), lived) == set()


def test_a_generator_that_is_wrong_in_one_thing_would_be_seen(lived: list[Person]) -> None:
    whole = generated()
    assert "ages" in unlike([one for one in whole if band(one) != 75 or one.sex == "1"], lived)
    assert unlike([one for one in whole if one.sex == "1" or int(one.phone[-1]) % 5], lived) >= {"sexes"}
    healthy = [p for p in whole if "hypertension" not in p.traits or int(p.phone[-1]) % 2]
    assert "hypertension" in unlike(healthy, lived)
    assert "contracted" in unlike([p for p in whole if p.contracted or int(p.phone[-1]) % 2], lived)
    assert {"households", "living_alone"} <= unlike(
        [p for p in whole if "living_alone" not in p.traits], lived
    )


def contracts() -> list[tuple[str, int, int]]:
    """(package, fee, days since it was signed) of each."""
    rows = everybody(Contract, "a test compares all").prefetch_related("owed")
    return [(one.package, one.fee, (NOW - one.signed_at).days) for one in rows if one.signed_at]


def measured(kind: str, trait: str, has: dict[Any, Any]) -> list[float]:
    rows = everybody(Observation, "a test compares all").filter(kind=kind)
    return [float(row.values["sbp" if kind == "bp" else kind]) for row in rows if trait in has[row.subject]]


@pytest.fixture
def undone() -> Iterable[Callable[[], None]]:
    """Empties the place again, so that the next world can be made in it."""
    point = [transaction.savepoint()]

    def back() -> None:
        transaction.savepoint_rollback(point[0])
        point[0] = transaction.savepoint()
        for cache in (directory, keys, clock):
            cache.forget()

    return back


@pytest.mark.django_db
def test_contracts_and_measurements_of_both_are_alike(undone: Callable[[], None]) -> None:
    made = making.world(130, 4, NOW)
    drawn = {
        one.subject: one.person.traits
        for centre in made.frame.centres
        for one in people.of(made.frame, centre)
    }
    generator = contracts()
    pressures, sugars = measured("bp", "hypertension", drawn), measured("glucose", "diabetes", drawn)
    undone()
    crowd.gather(130, 5, NOW)
    verbs = contracts()
    assert apart(shares(one[:2] for one in generator), shares(one[:2] for one in verbs)) < 0.16
    for of in (generator, verbs):
        assert max(one[2] for one in of) < crowd.DAYS
    middles = [quantiles([one[2] for one in of], n=4) for of in (generator, verbs)]
    assert all(abs(a - b) < 25 for a, b in zip(*middles, strict=True)), middles
    undone()
    world = build(30, at=NOW)
    days = Days(world.made, Random(5), lambda *_: None)
    for minute in range(220):
        days.measure(NOW + timedelta(minutes=minute))
    known = {world.made.placed[one].subject: person.traits for one, person in world.made.people.items()}
    near(pressures, measured("bp", "hypertension", known), 7.0)
    near(sugars, measured("glucose", "diabetes", known), 1.2)


def near(some: Sequence[float], others: Sequence[float], tolerated: float) -> None:
    """The quarters of both lie close to each other."""
    quarters = [quantiles(of, n=4) for of in (some, others)]
    assert all(abs(one - other) < tolerated for one, other in zip(*quarters, strict=True)), quarters
