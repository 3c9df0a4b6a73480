"""What somebody outside the service sees: the daughter, the volunteer, the kitchen. 陈医生 is of the team, 薄医生 a colleague who
is also the daughter's husband, 魏医生 a stranger."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.rooms.people.conftest import World
from tests.rooms.people.test_consents import DAUGHTER, partner, volunteer, yes
from yishe.people import consent_checks, consents, glimpses, organisations, rosters
from yishe.people.actors import SYSTEM
from yishe.people.models import Post
from yishe.people.placements import Placement
from yishe.policy.refusals import Forbidden

DAY = timedelta(days=1)


@pytest.fixture
def give(world: World) -> Callable[..., UUID]:
    def given(stands: Placement, basis: str, **said: Any) -> UUID:
        return consents.give(world.actor("lin"), stands.resident, yes(world, basis, **said), world.now)

    return given


def daughter(world: World) -> UUID:
    return consent_checks.relative_id(yes(world, "relative", **DAUGHTER))


def test_a_relative_sees_what_was_agreed_to_of_this_resident_until_it_is_taken_back(
    world: World, give: Callable[..., UUID]
) -> None:
    mother, neighbour = world.resident(), world.resident(id_number=None, phone=None, name="赵邻居")
    given, her = give(mother, "relative", **DAUGHTER), daughter(world)

    seen = glimpses.of(her, mother.resident, world.now)

    assert seen.everything == {"loops", "medicines"}
    assert not seen.opens("measurements")
    assert seen.until == world.now + 731 * DAY
    assert seen.line("loops") == {"relation": "relative", "purpose": "relatives_care"}
    assert not seen.sight.sees("diagnosis")
    assert glimpses.residents(her, world.now) == {mother.resident: seen}
    assert not glimpses.of(her, neighbour.resident, world.now)
    assert not glimpses.of(her, mother.resident, world.now + 731 * DAY)
    for other in ("chen", "bo", "wei"):
        assert not glimpses.of(world.staff[other], mother.resident, world.now)
    consents.withdraw(world.actor("lin"), mother.resident, given, "family", world.now + DAY)
    assert not glimpses.residents(her, world.now + DAY)
    with pytest.raises(Forbidden, match="没有同意您查看"):
        glimpses.require(her, mother.resident, world.now + DAY)


def test_another_scope_takes_the_place_of_the_one_before_at_once(
    world: World, give: Callable[..., UUID]
) -> None:
    made = world.resident()
    give(made, "relative", **DAUGHTER)
    give(made, "relative", **{**DAUGHTER, "scope": ("appointments",)})
    assert glimpses.of(daughter(world), made.resident, world.now).everything == {"appointments"}


def test_a_volunteer_sees_only_while_he_is_one(world: World, give: Callable[..., UUID]) -> None:
    made, helper = world.resident(), volunteer(world)
    give(made, "volunteer", grantee=helper, scope=("contact", "errand"))
    assert glimpses.require(helper, made.resident, world.now).everything == {"contact", "errand"}

    rosters.end_post(SYSTEM, Post.objects.get(staff=helper).id, world.now + DAY)

    assert not glimpses.of(helper, made.resident, world.now + DAY)


def test_who_serves_a_partner_sees_what_the_partner_was_named_for(
    world: World, give: Callable[..., UUID]
) -> None:
    made, kitchen = world.resident(), partner(world)
    cook = organisations.hire(
        SYSTEM, name="何厨", organisation=kitchen, duties=["community_worker"], number="cook", at=world.now - DAY
    )  # fmt: skip
    give(made, "partner", grantee=kitchen, scope=("contact", "need"), purpose="meals")

    assert glimpses.of(cook, made.resident, world.now).scopes == {"partner": frozenset({"contact", "need"})}
    assert not glimpses.of(world.staff["bo"], made.resident, world.now)
