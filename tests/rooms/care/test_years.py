"""A year that lacks something is completed, and what is added is opened, kept and counted like the rest."""

from datetime import date, datetime, timedelta

from tests.rooms.care.test_contracts import signed
from tests.rooms.care.world import World

from yishe.care import population, rebuild, year
from yishe.care.models import Owed
from yishe.people import residents


def test_a_birthday_brings_what_the_new_age_is_owed(world: World, now: datetime) -> None:
    """周建国 turns 65 on the third of March."""
    who = world.another("周建国", now - timedelta(days=2)).resident
    residents.amend(world.doctor, who, {"birth_date": date(1961, 3, 3)}, now - timedelta(days=1))
    contract = signed(world, who, now)
    assert population.run(now + timedelta(minutes=1)).completed == 0
    assert population.run(now + timedelta(hours=1)).looked == 0
    found = population.run(now + timedelta(days=1))
    assert (found.completed, dict(found.services)) == (1, {"annual_exam": 1})
    assert year.open_due(now + timedelta(days=1)) == 1
    assert Owed.objects.get(contract=contract, service="annual_exam").loop is not None
    assert rebuild.differences() == []
