"""Records brought as evidence: chosen by who may see them, kept as type, id and hash, shown by the reader's rights."""

from datetime import datetime, timedelta

import pytest
from tests.rooms.care.world import World

from yishe.care import encounters, evidence, notes, observations
from yishe.care.models import Encounter, Observation
from yishe.policy.refusals import Forbidden, Invalid

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def visit(world: World, now: datetime) -> Encounter:
    return encounters.record(
        world.doctor, world.resident.resident, kind="1", summary="近一月少出门",
        diagnoses=[("I10", "高血压")], at=now, command_id="visit",
    )  # fmt: skip


@pytest.fixture
def pressure(world: World, now: datetime) -> Observation:
    return observations.record(
        world.nurse, world.resident.resident, kind="bp", values={"sbp": "152", "dbp": "86"},
        occurred_at=now - HOUR, at=now, command_id="pressure",
    )  # fmt: skip


def test_the_newest_records_are_offered_to_who_may_see_them(
    world: World, now: datetime, visit: Encounter, pressure: Observation
) -> None:
    offered = evidence.recent(world.doctor, world.resident, now)
    assert [one.reference for one in offered] == [("encounter", visit.id), ("observation", pressure.id)]
    assert evidence.recent(world.stranger, world.resident, now) == []


def test_a_reference_is_type_id_and_hash_of_what_is_stored(
    world: World, now: datetime, visit: Encounter
) -> None:
    (kept,) = evidence.references(world.doctor, world.resident, [("encounter", visit.id)] * 2, now)
    assert (kept["type"], kept["id"]) == ("encounter", str(visit.id))
    assert kept["hash"] == evidence.digest(Encounter.objects.get(id=visit.id))
    assert len(kept["hash"]) == 64


def test_the_hash_tells_when_the_row_is_another(world: World, now: datetime, visit: Encounter) -> None:
    kept = evidence.references(world.doctor, world.resident, [("encounter", visit.id)], now)
    whole = evidence.opened(world.doctor, world.resident, kept, now)["encounter", visit.id]
    assert not whole.changed
    assert whole.item is not None
    forged = [{**kept[0], "hash": "0" * 64}]
    assert evidence.opened(world.doctor, world.resident, forged, now)["encounter", visit.id].changed


def test_each_reader_sees_by_his_own_rights(world: World, now: datetime, visit: Encounter) -> None:
    kept = evidence.references(world.doctor, world.resident, [("encounter", visit.id)], now)
    seen = {
        name: evidence.opened(actor, world.resident, kept, now)["encounter", visit.id].item
        for name, actor in (("doctor", world.doctor), ("worker", world.social_worker), ("stranger", world.stranger))
    }  # fmt: skip
    assert seen["doctor"] is not None
    assert seen["doctor"].text == "近一月少出门"
    assert seen["worker"] is not None
    assert seen["worker"].text == ""
    assert seen["worker"].hidden
    assert seen["stranger"] is None


def test_a_corrected_record_says_so_and_is_brought_no_more(
    world: World, now: datetime, visit: Encounter
) -> None:
    kept = evidence.references(world.doctor, world.resident, [("encounter", visit.id)], now)
    encounters.record(
        world.doctor, world.resident.resident, kind="1", summary="近两月少出门", diagnoses=[], at=now + HOUR,
        command_id="again", supersedes=visit.id,
    )  # fmt: skip
    assert evidence.opened(world.doctor, world.resident, kept, now + HOUR)["encounter", visit.id].corrected
    with pytest.raises(Invalid, match="已被更正"):
        evidence.references(world.doctor, world.resident, [("encounter", visit.id)], now + HOUR)


def test_what_is_somebody_elses_cannot_be_brought(world: World, now: datetime, visit: Encounter) -> None:
    other = world.another("赵建国", now)
    with pytest.raises(Invalid, match="不在这位居民的档案里"):
        evidence.references(world.doctor, other, [("encounter", visit.id)], now)
    with pytest.raises(Forbidden):
        evidence.references(world.stranger, world.resident, [("encounter", visit.id)], now)


def test_words_point_to_no_record(world: World, now: datetime) -> None:
    brought = [{"type": "statement"}, {"type": "encounter", "id": "no id"}, {"type": "call", "id": "17"}]
    assert evidence.opened(world.doctor, world.resident, brought, now) == {}


def test_a_service_note_may_be_proof_under_the_kinds_own_name(world: World, now: datetime) -> None:
    row = notes.record(
        world.social_worker, world.resident.resident, stage="intake", text="愿意试助餐", at=now, command_id="n",
    )  # fmt: skip
    assert evidence.referring({"type": "service_note", "id": str(row.id)}) == ("service_note", row.id)
    assert evidence.referring({"type": "medication_plan", "id": str(row.id)}) == ("medication_change", row.id)
