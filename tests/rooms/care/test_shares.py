"""What a social worker keeps of a year: 李敏 hers, 王医生 and 赵护士 theirs, 钱医生 nothing."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from tests.rooms.care.test_contracts import her, signed
from tests.rooms.care.test_year import keep
from tests.rooms.care.world import World

from yishe.care import contacts, contracts, rebuild, timeline
from yishe.care.models import Encounter, Owed, ServiceNote
from yishe.insight import fulfilment, panel, workload
from yishe.insight.panel import Wanted
from yishe.loops import reading, worker
from yishe.loops.models import Loop
from yishe.people.actors import Actor
from yishe.policy.refusals import Conflict, Forbidden, Invalid

__all__ = ["her"]
pytestmark = pytest.mark.django_db
WEEK = timedelta(days=7)


@pytest.fixture
def year(world: World, her: UUID, now: datetime) -> UUID:
    """王秀兰 has the package with psychological support."""
    signed(world, her, now, package="support")
    return her


def read(actor: Actor, whom: UUID, at: datetime) -> list[str]:
    return [one.text for one in timeline.page(actor, whom, at=at, source="test", kinds=("note",)).items]


def test_the_social_worker_keeps_hers_by_a_note_in_her_own_record(
    world: World, year: UUID, now: datetime
) -> None:
    at = now + WEEK
    kept = keep(world.social_worker, year, ["social_assessment"], at, how="2")

    assert {(one.service, one.kept_by) for one in kept} == {
        (code, world.social_worker.staff_id) for code in ("social_assessment", "social_support", "contact")
    }
    note = ServiceNote.objects.get(id=kept[0].evidence)
    assert (note.method, note.stage, Encounter.objects.count()) == ("home", "intake", 0)
    assert {one.evidence for one in kept} == {note.id}
    assert {one.closed_as for one in Loop.objects.filter(id__in=[one.loop for one in kept])} == {"served"}
    assert read(world.social_worker, year, at) == ["血压 136/82"]
    assert set(keep(world.social_worker, year, ["social_assessment"], at, how="2")) == set(kept)
    assert ServiceNote.objects.count() == 1
    assert rebuild.differences() == []


def test_nobody_else_keeps_it_and_the_refusal_says_who_can(world: World, year: UUID, now: datetime) -> None:
    for colleague in (world.doctor, world.nurse):
        with pytest.raises(Forbidden, match=r"“社工会谈与支持”由医务社工做.*请告诉李敏"):
            keep(colleague, year, ["social_support"], now + WEEK)
    with pytest.raises(Forbidden) as refused:
        keep(world.stranger, year, ["social_support"], now + WEEK)
    assert "李敏" not in refused.value.title
    with pytest.raises(Forbidden, match="医生、护士或公卫医师"):
        keep(world.social_worker, year, ["review"], now + WEEK)
    assert not Owed.objects.exclude(kept_on=None).exists()


def test_two_records_are_two_contacts_and_nothing_is_written_of_either(
    world: World, year: UUID, now: datetime
) -> None:
    with pytest.raises(Invalid, match="要单独记一次"):
        keep(world.social_worker, year, ["social_support", "review"], now + WEEK)
    with pytest.raises(Invalid, match="门诊、上门"):
        keep(world.social_worker, year, ["social_assessment"], now + WEEK, how="3")
    assert not ServiceNote.objects.exists()
    assert [one.service for one in keep(world.nurse, year, ["contact"], now + WEEK, how="3")] == ["contact"]


def test_after_the_end_of_the_contract_hers_is_owed_no_more(world: World, year: UUID, now: datetime) -> None:
    contract = Owed.objects.values_list("contract", flat=True)[0]
    contracts.end(world.doctor, contract, reason="asked", at=now + WEEK)
    with pytest.raises(Conflict, match="没有生效的签约"):
        keep(world.social_worker, year, ["social_support"], now + WEEK)
    assert not ServiceNote.objects.exists()


def test_what_is_hers_stays_hers_when_its_clocks_run(world: World, year: UUID, now: datetime) -> None:
    hers = Loop.objects.filter(kind="contract.item", performer=world.social_worker.staff_id)
    before = set(hers.values_list("id", "duty"))
    worker.sweep_all(now + timedelta(days=200))
    assert {duty for _, duty in before} == {"social_worker"}
    assert set(hers.values_list("id", "duty")) == before


def test_her_share_is_what_she_may_keep(world: World, year: UUID, now: datetime) -> None:
    stands = world.resident
    assert contacts.share(world.social_worker, stands, now) == {"social_support", "social_assessment"}
    hers = {"review", "contact", "htn_followup", "home_visit"}
    assert hers <= contacts.share(world.doctor, stands, now) == contacts.share(world.nurse, stands, now)
    assert "social_support" not in contacts.share(world.nurse, stands, now)
    assert contacts.share(world.stranger, stands, now) == set()


def test_list_rate_panel_and_forecast_tell_her_share_apart(world: World, year: UUID, now: datetime) -> None:
    mine = reading.worklist(world.social_worker, now, 50).items
    assert sorted(one.reason for one in mine if one.kind == "contract.item") == [
        "social_assessment",
        "social_support",
    ]

    late = now + timedelta(days=45)
    keep(world.social_worker, year, ["social_support"], now + WEEK, how="3")
    told = {
        duty: fulfilment.rate(world.doctor, late, small=1, duty=duty) for duty in ("", *fulfilment.duties())
    }
    assert {duty: (one.counts["due"], one.counts["in_time"]) for duty, one in told.items()} == {
        "": (1, 1), "family_doctor": (0, 0), "nurse": (0, 0), "social_worker": (1, 1),
    }  # fmt: skip
    hers = fulfilment.lines(world.social_worker, "open", late, small=1, duty="social_worker")
    assert {one.service for one in hers} == {"social_support", "social_assessment"}

    (row,) = panel.page(world.social_worker, Wanted(duty="social_worker"), late, 50).rows
    assert (row.next.service, row.next.nth) == ("social_support", 2)
    assert (
        panel.page(world.social_worker, Wanted(duty="nurse"), late, 50).rows[0].next.service == "htn_followup"
    )
    assert panel.page(world.stranger, Wanted(duty="social_worker"), late, 50).rows == []

    asked = workload.of_scope(world.director, now, small=1).present
    assert sum(n for (_, duty), n in asked.contacts.items() if duty == "social_worker") == 12
