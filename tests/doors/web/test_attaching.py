"""发起转介 with records: the sender picks, the receiver reads by his own rights, nobody brings what is not hers."""

import re
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from tests.doors.web.conftest import D2S, Office
from yishe.care import encounters, observations
from yishe.loops.models import Loop
from yishe.trust import ledger
from yishe.trust.models import Entry

pytestmark = pytest.mark.django_db


@pytest.fixture
def visit(office: Office) -> UUID:
    return encounters.record(
        office.world.doctor, office.world.resident.resident, kind="1", summary="血压两次偏高", diagnoses=[],
        at=datetime.now(UTC), command_id=uuid4().hex,
    ).id  # fmt: skip


@pytest.fixture
def pressure(office: Office) -> UUID:
    return observations.record(
        office.world.nurse, office.world.resident.resident, kind="bp", values={"sbp": "152", "dbp": "86"},
        at=datetime.now(UTC), command_id=uuid4().hex,
    ).id  # fmt: skip


def test_the_form_offers_the_record_and_the_loop_keeps_what_was_picked(
    office: Office, visit: UUID, pressure: UUID
) -> None:
    path = f"{office.resident}/refer/{D2S}/D12"
    assert "血压两次偏高" in office.doctor.text(path)
    answer = office.doctor.send(
        path, note="请看看", evidence=[f"encounter:{visit}", f"observation:{pressure}"]
    )
    assert answer.status_code == 302
    kept = ledger.facts_of(Entry.objects.get(stream=Loop.objects.get().id, seq=1))["evidence"]
    assert [one["type"] for one in kept] == ["encounter", "observation"]
    assert all(re.fullmatch("[0-9a-f]{64}", one["hash"]) for one in kept)


def test_the_receiver_reads_it_by_her_own_rights(office: Office, visit: UUID, pressure: UUID) -> None:
    path = f"{office.resident}/refer/{D2S}/D12"
    values = [f"encounter:{visit}", f"observation:{pressure}"]
    loop = office.doctor.send(path, note="请看看", evidence=values).headers["Location"]
    hers = office.social_worker.text(loop)
    assert "收缩压 152" in hers
    assert "血压两次偏高" not in hers
    assert "经过由医护查看" in hers
    assert "血压两次偏高" in office.doctor.text(loop)
    assert office.stranger.open(loop).status_code == 403


def test_what_was_not_offered_is_not_taken(office: Office, visit: UUID) -> None:
    path = f"{office.resident}/refer/{D2S}/D12"
    for value in (f"encounter:{uuid4()}", f"service_note:{visit}", "encounter:x", "x"):
        assert office.doctor.send(path, note="请看看", evidence=[value]).status_code == 422
    assert Loop.objects.count() == 0


def test_what_the_reason_asks_for_stands_first_else_the_newest(
    office: Office, visit: UUID, pressure: UUID
) -> None:
    for reason, first in (("D18", "observation"), ("D12", "encounter")):
        form = office.doctor.open(f"{office.resident}/refer/{D2S}/{reason}").context["form"]
        value, _ = form.fields["evidence"].choices[0]
        assert value.partition(":")[0] == first, reason


def test_a_result_brings_its_note_with_a_hash(office: Office) -> None:
    loop = office.refer()
    office.social_worker.send(f"/loops/{loop}/accept", seq=1)
    office.social_worker.send(f"/loops/{loop}/start", seq=2)
    written = {"outcome": "O2", "note": "入户一次", "evidence": ["service_note:new"]}
    office.social_worker.send(f"/loops/{loop}/complete", seq=3, **written)
    (kept,) = ledger.facts_of(Entry.objects.get(stream=loop, kind="completed"))["evidence"]
    assert len(kept["hash"]) == 64
    assert office.doctor.text(f"/loops/{loop}").count("入户一次") == 2
