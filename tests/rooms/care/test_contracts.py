"""A contract from the application to its end. 王医生 and 赵护士 are of the team, 李敏 is its social worker, 钱医生 a stranger."""

import hashlib
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from tests.rooms.care.world import World

from yishe.care import contracts, rebuild, signing
from yishe.care.agreements import Signature
from yishe.care.contracts import Team
from yishe.care.models import Contract, Owed
from yishe.care.signing import Sides
from yishe.loops import worker
from yishe.loops.models import Loop
from yishe.people import actors, placements, residents
from yishe.policy.refusals import Conflict, Forbidden, Invalid
from yishe.trust import ledger, verification
from yishe.trust.models import AccessLine, Entry

BOTH = Sides("resident", Signature("王秀兰", "M10 10 L200 120 L80 90"), Signature("王医生"))


@pytest.fixture
def her(world: World, now: datetime) -> UUID:
    """王秀兰 is 79 and has hypertension."""
    who = world.resident.resident
    said = {"birth_date": date(1947, 1, 5), "traits": ("hypertension",)}
    residents.amend(world.doctor, who, said, now - timedelta(days=1))
    return who


def signed(world: World, who: UUID, at: datetime, package: str = "basic", sides: Sides = BOTH) -> UUID:
    contract = contracts.apply(world.nurse, who, package=package, way="home", at=at)
    contracts.review(world.doctor, contract, findings="血压控制尚可，适合基础包", at=at)
    signing.sign(world.doctor, contract, sides, at)
    return contract


def test_signed_at_home_it_writes_the_year_and_asks_for_the_record(
    world: World, her: UUID, now: datetime
) -> None:
    contract = signed(world, her, now)

    row = Contract.objects.get(id=contract)
    assert (row.since, row.until, row.fee) == (date(2026, 3, 2), date(2027, 3, 2), 0)
    asked = {(one.service, one.nth) for one in Owed.objects.filter(contract=contract)}
    assert asked == {
        ("review", 1), ("contact", 1), ("annual_exam", 1), ("renewal", 1), *(("htn_followup", n) for n in (1, 2, 3, 4)),
    }  # fmt: skip
    begun = Loop.objects.filter(kind="contract.item", closed_at=None)
    assert sorted(begun.values_list("reason", flat=True)) == [
        "annual_exam",
        "contact",
        "htn_followup",
        "review",
    ]
    ready = Loop.objects.get(kind="record.ready")
    assert ready.promised_by.isoformat() == "2026-03-05T01:00:00+00:00"
    review = Loop.objects.get(kind="contract.application")
    assert (review.closed_as, review.outcome) == ("served", "reviewed")
    assert rebuild.differences() == []
    assert verification.verify(rebuild.heads()).broken is None


def test_the_agreement_is_kept_sealed_and_its_hash_stands_in_the_ledger(
    world: World, her: UUID, now: datetime
) -> None:
    contract = signed(world, her, now)
    pdf = signing.copy(world.nurse, contract, now)

    assert pdf.startswith(b"%PDF")
    said = ledger.facts_of(Entry.objects.get(stream=contract, kind="contract.signed"))
    assert said["agreement_sha256"] == hashlib.sha256(pdf).hexdigest()
    assert "王秀兰" not in str(said)
    assert AccessLine.objects.filter(action="contract.copy").count() == 1
    with pytest.raises(Forbidden):
        signing.copy(world.stranger, contract, now)


def test_social_worker_and_stranger_do_not_sign(world: World, her: UUID, now: datetime) -> None:
    for actor in (world.social_worker, world.stranger):
        with pytest.raises(Forbidden):
            contracts.apply(actor, her, package="basic", way="home", at=now)
    contract = contracts.apply(world.nurse, her, package="basic", way="home", at=now)
    for actor in (world.social_worker, world.stranger):
        with pytest.raises(Forbidden):
            contracts.end(actor, contract, reason="asked", at=now)


def test_nothing_is_signed_unreviewed_twice_or_without_both_signatures(
    world: World, her: UUID, now: datetime
) -> None:
    contract = contracts.apply(world.nurse, her, package="basic", way="centre", at=now)
    with pytest.raises(Conflict, match="还没有做健康审核"):
        signing.sign(world.doctor, contract, BOTH, now)
    with pytest.raises(Conflict, match="已有一份签约"):
        contracts.apply(world.doctor, her, package="basic", way="centre", at=now)
    with pytest.raises(Invalid, match="健康审核的结论"):
        contracts.review(world.doctor, contract, findings="  ", at=now)
    contracts.review(world.doctor, contract, findings="可以签", at=now)
    for wrong in (Signature(""), Signature("王秀兰", '"/><script>')):
        with pytest.raises(Invalid):
            signing.sign(world.doctor, contract, Sides("resident", wrong, Signature("王医生")), now)
    signing.sign(world.doctor, contract, BOTH, now)
    with pytest.raises(Conflict, match="正在履约"):
        signing.sign(world.doctor, contract, BOTH, now)
    with pytest.raises(Conflict, match="2027-01-31 起可以续签"):
        contracts.apply(world.doctor, her, package="basic", way="centre", at=now)
    assert Contract.objects.count() == 1


@pytest.mark.parametrize("package", ["basic", "personal", "premium"])
def test_every_approved_package_can_be_signed(world: World, her: UUID, now: datetime, package: str) -> None:
    contract = signed(world, her, now, package=package)
    assert signing.copy(world.nurse, contract, now).startswith(b"%PDF")
    assert Owed.objects.filter(contract=contract).count() >= 8


@pytest.mark.parametrize(
    ("package", "way", "words"), [("gold", "home", "没有批准的服务包"), ("basic", "fax", "签约方式")]
)
def test_unknown_packages_and_ways_say_what_there_is(
    world: World, her: UUID, now: datetime, package: str, way: str, words: str
) -> None:
    with pytest.raises(Invalid, match=words):
        contracts.apply(world.nurse, her, package=package, way=way, at=now)
    assert not Contract.objects.exists()


def test_without_a_birth_date_nothing_is_guessed_and_a_child_signs_through_a_guardian(
    world: World, now: datetime
) -> None:
    unknown = world.another("孙不详", now).resident
    with pytest.raises(Invalid, match="没有出生日期"):
        signed(world, unknown, now)
    child = world.another("周小宝", now).resident
    residents.amend(world.doctor, child, {"birth_date": date(2020, 5, 1)}, now)
    with pytest.raises(Invalid, match="监护人"):
        signed(world, child, now)
    contract = Contract.objects.get(subject=placements.placed(child).subject).id
    signing.sign(world.doctor, contract, Sides("guardian", Signature("周大宝"), Signature("王医生")), now)
    assert Contract.objects.get(id=contract).signer == "guardian"


def test_ended_by_the_resident_what_is_still_open_falls_with_it(
    world: World, her: UUID, now: datetime
) -> None:
    contract = signed(world, her, now)
    later = now + timedelta(days=10)
    with pytest.raises(Invalid, match="本人主动解约"):
        contracts.end(world.doctor, contract, reason="bored", at=later)

    contracts.end(world.doctor, contract, reason="asked", at=later, words="搬去和女儿住")

    items = Loop.objects.filter(kind="contract.item")
    assert {(one.closed_as, one.close_reason) for one in items} == {("not_served", "C4")}
    assert Contract.objects.get(id=contract).end_reason == "asked"
    with pytest.raises(Conflict, match="已结束"):
        contracts.end(world.doctor, contract, reason="asked", at=later)
    assert rebuild.differences() == []
    again = contracts.apply(world.doctor, her, package="personal", way="centre", at=later)
    contracts.end(world.doctor, again, reason="asked", at=later)
    assert Loop.objects.filter(kind="contract.application", closed_at=None).count() == 0


def test_whoever_died_has_no_contract_any_more(world: World, her: UUID, now: datetime) -> None:
    contract = signed(world, her, now)
    later = now + timedelta(days=3)
    residents.die(world.doctor, her, later)
    worker.sweep_all(later)

    assert contracts.end_of_the_gone(later) == 1
    assert contracts.end_of_the_gone(later) == 0
    assert Contract.objects.get(id=contract).end_reason == "death"
    assert not Loop.objects.filter(closed_at=None).exists()
    assert rebuild.differences() == []


def test_the_next_year_is_offered_thirty_days_before_and_renewing_keeps_the_offer(
    world: World, her: UUID, now: datetime
) -> None:
    contract = signed(world, her, now)
    offered = now + timedelta(days=340)

    renewed = signed(world, her, offered, package="personal")

    row = Contract.objects.get(id=renewed)
    assert (row.renews, row.since, row.until) == (contract, date(2027, 3, 2), date(2028, 3, 2))
    offer = Owed.objects.get(contract=contract, service="renewal")
    assert (offer.kept_on, offer.evidence) == (offered.date(), renewed)
    assert Loop.objects.get(id=offer.loop).outcome == "kept"
    assert Loop.objects.filter(kind="record.ready").count() == 1
    assert rebuild.differences() == []


def test_another_team_takes_the_open_promises_over(world: World, her: UUID, now: datetime) -> None:
    contract = signed(world, her, now)
    with pytest.raises(Forbidden):
        contracts.change_team(world.nurse, contract, Team(world.team.id), now)
    with pytest.raises(Invalid, match="不是本中心的团队"):
        contracts.change_team(world.director, contract, Team(world.other_team.id), now)
    assert Contract.objects.get(id=contract).team == world.team.id


def test_signing_empanels_who_had_no_team(world: World, now: datetime) -> None:
    born = {"name": "郑无队", "birth_date": date(1980, 1, 1)}
    who = residents.register(actors.SYSTEM, born, now, centre=world.centre.id).resident
    contract = contracts.apply(world.doctor, who, package="basic", way="centre", at=now)
    contracts.review(world.doctor, contract, findings="健康", at=now)
    sides = Sides("resident", Signature("郑无队"), Signature("王医生"))
    with pytest.raises(Invalid, match="请选择签约团队"):
        signing.sign(world.doctor, contract, sides, now)

    signing.sign(world.doctor, contract, sides, now, team=Team(world.team.id, world.doctor.staff_id))

    where = placements.placed(who)
    assert (where.team, where.doctor) == (world.team.id, world.doctor.staff_id)
