"""What a resident does about her contract by herself, online, and what may not be signed. 王秀兰 is at home with her phone;
王医生 and 赵护士 are of her team, 李敏 its social worker, 钱医生 a stranger."""

import hashlib
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from tests.rooms.care.world import World

from yishe.care import contracts, owing, rebuild, renewals, signing
from yishe.care.agreements import Signature
from yishe.care.contracts import Team
from yishe.care.models import Contract
from yishe.care.signing import Sides
from yishe.loops import acts, worker
from yishe.loops.models import Loop
from yishe.people import actors, organisations, own_accounts, packs, placements, residents
from yishe.people.actors import Actor
from yishe.policy.refusals import Conflict, Forbidden, Invalid
from yishe.talk.models import Outbox
from yishe.trust import ledger
from yishe.trust.models import AccessLine, Entry

DRAWN = "M10 10 L200 120 L80 90 "
OURS = Sides("resident", None, Signature("王医生"))
BOTH = Sides("resident", Signature("王秀兰", DRAWN), Signature("王医生"))


@pytest.fixture
def her(world: World, now: datetime) -> UUID:
    residents.amend(world.doctor, world.resident.resident, {"birth_date": date(1947, 1, 5)}, now)
    return world.resident.resident


def herself(who: UUID, at: datetime) -> Actor:
    return own_accounts.required(own_accounts.of_resident(who, at).pk).actor


def reviewed(world: World, who: UUID, at: datetime, package: str = "basic") -> UUID:
    contract = contracts.apply(world.doctor, who, package=package, way="centre", at=at)
    contracts.review(world.doctor, contract, findings="可以签", at=at)
    return contract


def version(at: datetime) -> str:
    return contracts.sheet_now().agreement(at.date())[0]


def test_at_home_she_applies_signs_first_and_takes_the_copy(world: World, her: UUID, now: datetime) -> None:
    she, later = herself(her, now), now + timedelta(days=1)
    contract = contracts.apply(she, her, package="basic", way="home", at=now)
    with pytest.raises(Conflict, match="还没有做健康审核"):
        signing.agree(she, contract, Signature("王秀兰"), now, version=version(now))
    contracts.review(world.doctor, contract, findings="可以签", at=now)
    signing.agree(she, contract, Signature("王秀兰", DRAWN), now, version=version(now))
    with pytest.raises(Conflict, match="已经签过字"):
        signing.agree(she, contract, Signature("王秀兰"), now, version=version(now))
    asked = Loop.objects.get(kind="contract.countersignature")
    assert (asked.performer, asked.sender, asked.closed_at) == (world.doctor.staff_id, she.staff_id, None)
    assert asked.promised_by == now + timedelta(days=3)
    assert not Outbox.objects.filter(topic="contract.agreed").exists(), "who is asked is not told besides"

    signing.sign(world.doctor, contract, OURS, later)

    asked.refresh_from_db()
    assert (asked.closed_as, asked.outcome) == ("served", "signed")

    row = Contract.objects.get(id=contract)
    assert (row.way, row.agreed_at, row.agreed_by, row.signer) == ("online", now, she.staff_id, "resident")
    said = ledger.facts_of(Entry.objects.get(stream=contract, kind="contract.signed"))
    assert said["agreement_sha256"] == hashlib.sha256(signing.copy(she, contract, later)).hexdigest()
    assert contracts.words_of(row)["resident_drawn"] == DRAWN
    assert {one.relation for one in AccessLine.objects.filter(action="contract.agree")} == {"own"}
    assert rebuild.differences() == []


def test_she_does_not_review_end_or_sign_for_the_team_and_nobody_signs_online_for_her(
    world: World, her: UUID, now: datetime
) -> None:
    she, another = herself(her, now), world.another("孙邻居", now).resident
    contract = reviewed(world, her, now)
    for act in (
        lambda: contracts.review(she, contract, findings="我很好", at=now),
        lambda: contracts.end(she, contract, reason="asked", at=now),
        lambda: signing.sign(she, contract, BOTH, now),
        lambda: contracts.change_team(she, contract, Team(world.team.id), now),
    ):
        with pytest.raises(Forbidden):
            act()
    for actor in (world.nurse, world.social_worker, world.stranger, herself(another, now)):
        with pytest.raises(Forbidden):
            signing.agree(actor, contract, Signature("王秀兰"), now, version=version(now))
        if actor is not world.nurse:
            with pytest.raises(Forbidden):
                signing.copy(actor, contract, now)
    with pytest.raises(Invalid, match="居民一方还没有签字"):
        signing.sign(world.doctor, contract, OURS, now)


@pytest.mark.parametrize(
    ("mine", "words"),
    [
        (Signature("王小梅"), "姓名不一致"), (Signature(""), "还没有签名"), (Signature("王秀兰", "M10 10 L10 10 "), "是空的"),
        (Signature("王秀兰", "M10 10 "), "是空的"), (Signature("王秀兰", "<script>"), "读不出来"),
        (Signature("王秀兰", "M1 1 L2 2 " * 3000), "读不出来"),
    ],
)  # fmt: skip
def test_an_empty_a_foreign_and_an_unreadable_signature_are_refused_on_either_way(
    world: World, her: UUID, now: datetime, mine: Signature, words: str
) -> None:
    contract = reviewed(world, her, now)
    with pytest.raises(Invalid, match=words):
        signing.agree(herself(her, now), contract, mine, now, version=version(now))
    with pytest.raises(Invalid, match=words):
        signing.sign(world.doctor, contract, replace(BOTH, resident=mine), now)
    assert Contract.objects.get(id=contract).agreed_at is None


def test_what_changed_between_her_signature_and_the_teams_is_said(
    world: World, her: UUID, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    she, contract = herself(her, now), reviewed(world, her, now, "personal")
    signing.agree(she, contract, Signature("王秀兰"), now, version=version(now))
    sheet = contracts.sheet_now()
    newer = {**sheet.agreements, date(2026, 3, 3): sheet.agreements[date(2025, 1, 1)]}
    tomorrow = now + timedelta(days=1)
    _in_force(monkeypatch, sheet.model_copy(update={"agreements": newer}))
    with pytest.raises(Conflict, match="协议文本更新过"):
        signing.sign(world.doctor, contract, OURS, tomorrow)
    more = sheet.packages["personal"].model_copy(update={"items": {"review": 3}})
    _in_force(monkeypatch, sheet.model_copy(update={"packages": {**sheet.packages, "personal": more}}))
    with pytest.raises(Conflict, match="服务包的项目改过"):
        signing.sign(world.doctor, contract, OURS, now)
    without = {code: one for code, one in sheet.packages.items() if code != "personal"}
    _in_force(monkeypatch, sheet.model_copy(update={"packages": without}))
    with pytest.raises(Invalid, match="没有批准的服务包"):
        signing.sign(world.doctor, contract, OURS, now)

    contracts.review(world.doctor, contract, findings="原来的服务包停了，改签基础包", package="basic", at=now)

    assert Contract.objects.get(id=contract).agreed_at is None
    asked = Loop.objects.get(kind="contract.countersignature")
    assert (asked.closed_as, asked.close_reason) == ("not_served", "other")
    with pytest.raises(Conflict, match="重新看一遍"):
        signing.agree(she, contract, Signature("王秀兰"), now, version="1999-01-01")
    signing.agree(she, contract, Signature("王秀兰"), now, version=version(now))
    signing.sign(world.doctor, contract, OURS, now)
    assert Contract.objects.get(id=contract).package == "basic"
    assert Loop.objects.filter(kind="contract.countersignature", closed_as="served").count() == 1
    assert rebuild.differences() == []


def test_a_signature_that_the_team_owes_climbs_and_falls_with_the_contract(
    world: World, her: UUID, now: datetime
) -> None:
    she, contract = herself(her, now), reviewed(world, her, now)
    signing.agree(she, contract, Signature("王秀兰"), now, version=version(now))
    late = now + timedelta(days=3, minutes=1)
    worker.sweep_all(late)
    told = {one.person for one in Outbox.objects.filter(created_at=late)}
    assert world.doctor.staff_id in told
    contracts.end(world.doctor, contract, reason="withdrawn", at=late)
    asked = Loop.objects.get(kind="contract.countersignature")
    assert (asked.closed_as, asked.close_reason) == ("not_served", "C8")
    assert rebuild.differences() == []


def test_what_asks_for_the_teams_signature_was_sent_back_and_signing_ends_it_all_the_same(
    world: World, her: UUID, now: datetime
) -> None:
    she, contract = herself(her, now), reviewed(world, her, now)
    signing.agree(she, contract, Signature("王秀兰"), now, version=version(now))
    asked = Loop.objects.get(kind="contract.countersignature")
    acts.act(
        world.doctor, "decline", asked.id, seq=asked.seq, at=now, command_id="back", reason="no_capacity"
    )
    signing.sign(
        world.nurse, contract, Sides("resident", None, Signature("赵护士")), now + timedelta(hours=1)
    )
    asked.refresh_from_db()
    assert asked.closed_at is not None
    assert rebuild.differences() == []


def _in_force(monkeypatch: pytest.MonkeyPatch, sheet: object) -> None:
    """The packs as an update leaves them."""
    changed = replace(packs.in_force(), contracts=sheet)  # type: ignore[arg-type]
    monkeypatch.setattr(packs, "in_force", lambda: changed)


def test_whoever_died_or_moved_meanwhile_is_not_signed_with(world: World, her: UUID, now: datetime) -> None:
    contract, gone = reviewed(world, her, now), world.another("钱搬走", now).resident
    residents.amend(world.doctor, gone, {"birth_date": date(1950, 1, 1)}, now)
    other = reviewed(world, gone, now)
    residents.die(world.doctor, her, now)
    residents.move(world.director, gone, now)
    for one in (contract, other):
        with pytest.raises(Conflict):
            signing.sign(world.director, one, BOTH, now)
        with pytest.raises(Conflict):
            contracts.review(world.director, one, findings="可以签", at=now)
    assert contracts.end_of_the_gone(now) == 2


def test_merged_meanwhile_the_application_goes_on_and_a_second_contract_is_not_signed(
    world: World, her: UUID, now: datetime
) -> None:
    twin = residents.register(
        actors.SYSTEM, {"name": "王秀兰", "birth_date": date(1947, 1, 5), "team": world.team.id}, now, centre=world.centre.id
    ).resident  # fmt: skip
    mine, twins = reviewed(world, her, now), reviewed(world, twin, now)
    residents.merge(world.director, her, twin, now)

    signing.sign(world.doctor, twins, BOTH, now)

    assert owing.of_resident(world.doctor, placements.placed(her), now)[0].contract.id in (mine, twins)
    with pytest.raises(Conflict, match="另有一份签约"):
        signing.sign(world.doctor, mine, BOTH, now)
    contracts.end(world.doctor, mine, reason="withdrawn", at=now)
    assert rebuild.differences() == []


def test_who_works_here_and_lives_elsewhere_gets_the_team_of_the_enterprise(
    world: World, now: datetime
) -> None:
    works = organisations.found(
        actors.SYSTEM, level="partner", code="w1", name="永定纺织厂", parent=world.team.id, at=now
    )
    said = {"name": "郑厂工", "birth_date": date(1990, 1, 1), "workplace": works}
    who = residents.register(actors.SYSTEM, said, now, centre=world.centre.id).resident
    contract = reviewed(world, who, now)
    signing.sign(world.doctor, contract, Sides("resident", Signature("郑厂工"), Signature("王医生")), now)
    assert placements.placed(who).team == Contract.objects.get(id=contract).team == world.team.id


def test_those_who_answer_are_reminded_on_the_packs_days_once_each(
    world: World, her: UUID, now: datetime
) -> None:
    contract = reviewed(world, her, now)
    signing.sign(world.doctor, contract, BOTH, now)
    until = Contract.objects.get(id=contract).until
    assert until is not None
    told = []
    for left in (61, 60, 59, 30, 7, 1):
        at = now + (until - now.date()) - timedelta(days=left)
        renewals.remind(at)
        renewals.remind(at)
        told.append(Outbox.objects.filter(topic=renewals.TOPIC).count())
        assert renewals.near(Contract.objects.get(id=contract), at.date()) is (left <= 60)
    assert told == [0, 2, 2, 4, 6, 6]
    people = set(Outbox.objects.filter(topic=renewals.TOPIC).values_list("person", flat=True))
    assert people == {world.doctor.staff_id, world.nurse.staff_id}


def test_nobody_is_reminded_of_what_is_renewed_or_ended(world: World, her: UUID, now: datetime) -> None:
    contract = reviewed(world, her, now)
    signing.sign(world.doctor, contract, BOTH, now)
    near = now + timedelta(days=340)
    contracts.apply(herself(her, now), her, package="basic", way="online", at=near)
    assert renewals.remind(near) == 0
    assert renewals.remind(near + timedelta(days=60)) == 0
