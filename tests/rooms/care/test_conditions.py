"""Diseases, allergies and circumstances stand until somebody says otherwise."""

from datetime import datetime, timedelta

import pytest
from tests.rooms.care.world import World

from yishe.care import conditions, entries
from yishe.care.models import Condition
from yishe.policy.refusals import Forbidden, Invalid

pytestmark = pytest.mark.django_db


def note(world: World, now: datetime, kind: str, title: str, **more: object) -> Condition:
    said = {"command_id": title, **more}
    return conditions.record(world.doctor, world.resident.resident, kind=kind, title=title, at=now, **said)


def standing(world: World) -> list[tuple[str, str]]:
    return [(one.kind, one.title) for one in conditions.standing(entries.keyed(world.resident))]


def test_allergies_come_first(world: World, now: datetime) -> None:
    note(world, now, "disease", "高血压", code="I10")
    note(world, now, "social", "独居")
    note(world, now, "allergy", "青霉素")
    assert standing(world) == [("allergy", "青霉素"), ("disease", "高血压"), ("social", "独居")]


def test_a_resolved_condition_no_longer_stands(world: World, now: datetime) -> None:
    row = note(world, now, "disease", "肺炎")
    note(
        world,
        now + timedelta(days=9),
        "disease",
        "肺炎",
        state="resolved",
        supersedes=row.id,
        command_id="later",
    )
    assert standing(world) == []


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"kind": "feeling", "title": "x"}, "condition_kind_unknown"),
        ({"kind": "disease", "title": "x", "state": "maybe"}, "condition_kind_unknown"),
        ({"kind": "disease", "title": " "}, "title_needed"),
    ],
)
def test_what_cannot_be_is_refused(world: World, now: datetime, said: dict[str, str], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        note(world, now, command_id="c", **said)
    assert refused.value.code == code


def test_social_worker_may_and_stranger_may_not(world: World, now: datetime) -> None:
    conditions.record(
        world.social_worker, world.resident.resident, kind="social", title="独居", at=now, command_id="c"
    )
    with pytest.raises(Forbidden):
        conditions.record(
            world.stranger, world.resident.resident, kind="social", title="独居", at=now, command_id="c"
        )
