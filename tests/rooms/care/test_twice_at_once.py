"""The same command arriving twice at once, and two people correcting the same row."""

from datetime import datetime

import pytest
from tests.rooms.care.world import World

from yishe.care import entries, observations
from yishe.care.models import Observation
from yishe.policy.refusals import Conflict
from yishe.trust.commit import Bundle

pytestmark = pytest.mark.django_db


def draft(world: World, now: datetime, command: str, **more: object) -> entries.Draft[Observation]:
    """A measurement checked, but not yet written."""
    asked = entries.Command(
        world.nurse,
        world.resident.resident,
        observations.ACTION,
        now,
        command,
        **more,  # type: ignore[arg-type]
    )
    return entries.begin(Observation, asked, {"weight": "60"})


def write(found: entries.Draft[Observation]) -> Observation:
    bundle = Bundle()
    row = entries.append(found, bundle, kind="weight", values={"weight": "60"})
    return entries.settle(found, bundle, row, own=True)


def test_both_arrivals_get_the_row_of_the_first(world: World, now: datetime) -> None:
    one, two = draft(world, now, "w"), draft(world, now, "w")
    assert one.earlier is two.earlier is None
    assert write(one).id == write(two).id
    assert Observation.objects.count() == 1


def test_the_second_correction_is_told_that_there_is_a_newer_one(world: World, now: datetime) -> None:
    first = write(draft(world, now, "w"))
    one, two = (draft(world, now, name, supersedes=first.id) for name in ("a", "b"))
    write(one)
    with pytest.raises(Conflict) as refused:
        write(two)
    assert refused.value.code == "already_corrected"
    assert Observation.objects.count() == 2
