"""One person's record as a PDF: 王医生's as he sees it, 周主任's of her centre; nobody else takes it out."""

import hashlib
from datetime import datetime, timedelta

import pytest
from tests.rooms.care.test_contracts import her, signed
from tests.rooms.care.test_year import keep
from tests.rooms.care.world import World

from yishe.care import notes
from yishe.insight import record_export
from yishe.policy.refusals import Forbidden, Invalid
from yishe.trust.models import AccessLine, Export

__all__ = ["her"]
pytestmark = pytest.mark.django_db


def test_it_holds_what_the_reader_sees_and_is_written_down_with_its_hash(
    world: World, her: object, now: datetime
) -> None:
    who = world.resident.resident
    signed(world, who, now)
    keep(world.nurse, who, ["htn_followup"], now + timedelta(days=1))
    later = now + timedelta(days=2)
    pdf = record_export.record_pdf(world.doctor, who, later, purpose="转诊随带")
    row = Export.objects.get(kind="record")
    assert (pdf[:5], row.sha256, row.purpose) == (b"%PDF-", hashlib.sha256(pdf).hexdigest(), "转诊随带")
    line = AccessLine.objects.filter(action="record.export").get()
    assert (line.subjects, line.relation, line.purpose) == (
        [str(world.resident.subject)], "contract_team", "转诊随带",
    )  # fmt: skip


def test_what_the_reader_does_not_see_is_not_in_it_and_its_numbers_are_masked(
    world: World, now: datetime
) -> None:
    notes.record(
        world.social_worker, world.resident.resident, stage="intake", text="家庭冲突细节", at=now, command_id="n",
        restricted="咨询细节",
    )  # fmt: skip
    by_doctor = str(record_export.seen(world.doctor, world.resident, now))
    assert "咨询细节" not in by_doctor
    assert "咨询细节" not in str(record_export.seen(world.director, world.resident, now))


def test_nobody_else_takes_it_out_nor_without_a_purpose(world: World, now: datetime) -> None:
    for who in (world.nurse, world.social_worker, world.stranger, world.administrator):
        with pytest.raises(Forbidden):
            record_export.record_pdf(who, world.resident.resident, now, purpose="核对")
    with pytest.raises(Invalid, match="用途"):
        record_export.record_pdf(world.doctor, world.resident.resident, now, purpose="")
    assert not Export.objects.exists()
