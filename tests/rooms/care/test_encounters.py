"""A clinician met the resident."""

from datetime import datetime, timedelta

import pytest
from tests.rooms.care.world import World

from yishe.care import encounters
from yishe.care.models import Encounter
from yishe.policy.refusals import Forbidden, Invalid

CLINIC = "1"
"""门诊, by the national code of ways to meet."""

pytestmark = pytest.mark.django_db


def meet(world: World, now: datetime, **more: object) -> Encounter:
    said = {
        "kind": CLINIC,
        "summary": "头晕三天",
        "diagnoses": [("I10", "高血压")],
        "command_id": "e1",
        **more,
    }
    return encounters.record(world.doctor, world.resident.resident, at=now, **said)


def test_a_meeting_is_kept_with_the_number_of_its_diagnoses(world: World, now: datetime) -> None:
    row = Encounter.objects.get(id=meet(world, now, occurred_at=now - timedelta(hours=2)).id)
    assert (row.kind, row.diagnoses) == (CLINIC, 1)
    assert row.occurred_at == now - timedelta(hours=2)
    assert row.recorded_at == now


def test_a_repeat_is_answered_with_the_first(world: World, now: datetime) -> None:
    assert meet(world, now).id == meet(world, now).id


@pytest.mark.parametrize(
    ("said", "code"), [({"kind": "dream"}, "code_unknown"), ({"summary": ""}, "summary_needed")]
)
def test_what_cannot_be_is_refused(world: World, now: datetime, said: dict[str, str], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        meet(world, now, **said)
    assert refused.value.code == code


def test_social_worker_and_stranger_write_no_encounters(world: World, now: datetime) -> None:
    for person in (world.social_worker, world.stranger):
        with pytest.raises(Forbidden):
            encounters.record(
                person, world.resident.resident, kind=CLINIC, summary="x", at=now, command_id="e"
            )
