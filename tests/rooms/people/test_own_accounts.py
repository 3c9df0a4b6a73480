"""Residents and relatives come in as themselves: 李秀兰 by the phone on file, her daughter by her own; 赵邻居 shares the
phone. 孙护士 is of the team and prints a slip, 薄医生 is a colleague of another team, 魏医生 a stranger."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings

from tests.rooms.people.conftest import LI, World
from tests.rooms.people.test_consents import DAUGHTER, yes
from yishe.loops import promises
from yishe.people import (
    access,
    actors,
    consent_checks,
    consents,
    erasing,
    merges,
    own_accounts,
    packs,
    residents,
    slips,
)
from yishe.people.actors import SYSTEM
from yishe.people.models import Consent, OwnAccount
from yishe.policy.refusals import Conflict, Forbidden, Unauthenticated
from yishe.talk import codes as carrying
from yishe.talk import delivery
from yishe.talk.models import Outbox
from yishe.trust import access_log, accounts, codes, commit, sessions
from yishe.trust.commit import Bundle
from yishe.trust.guessing import Try
from yishe.trust.models import Account, OneTimeCode, Session

Said = list[tuple[str, str]]
BORN = date(1947, 3, 5)


FULL_WIDTH = {ord("0") + digit: "０１２３４５６７８９"[digit] for digit in range(10)}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Said:
    """What the gateway was given: number and text."""
    given: Said = []
    monkeypatch.setattr(carrying, "port", lambda: lambda phone, text: given.append((phone, text)))
    return given


def tried(at: datetime) -> Try:
    return Try("", "10.0.0.9", at, packs.in_force().sign_in(at.date()).guessing)


def asked(world: World, phone: str, relative: UUID | None = None) -> UUID:
    made = carrying.send(phone, relative, world.now, world.now)
    delivery.deliver(world.now, "w")
    return made


def code_in(sent: Said) -> str:
    return sent[-1][1].split("登录码 ")[1][:6]


def prove(world: World, code: UUID, typed: str) -> None:
    codes.prove(code, typed, tried(world.now), carrying.rule(world.now))


def test_a_code_goes_to_the_phone_on_file_and_proves_once(world: World, sent: Said) -> None:
    made = world.resident()
    code = asked(world, LI["phone"])
    assert [phone for phone, _ in sent] == [LI["phone"]]
    row = OneTimeCode.objects.get(id=code)
    assert code_in(sent).encode() not in bytes(row.digest or b"") + bytes(row.phone_sealed or b"")

    prove(world, code, f" {code_in(sent).translate(FULL_WIDTH)} ")

    assert [card.resident for card in own_accounts.with_phone(LI["phone"], world.now)] == [made.resident]
    codes.use(code, world.now)
    for again in (lambda: prove(world, code, code_in(sent)), lambda: codes.use(code, world.now)):
        with pytest.raises(Unauthenticated, match="重新要一个"):
            again()


def test_an_unknown_number_is_asked_for_like_a_known_one_and_is_sent_nothing(
    world: World, sent: Said
) -> None:
    world.resident()
    known, unknown = (
        carrying.send(phone, None, world.now, world.now) for phone in (LI["phone"], "13911112222")
    )
    shapes = [
        (row.data, row.subject, row.loop, row.channel)
        for row in Outbox.objects.filter(person__in=[known, unknown])
    ]
    assert shapes[0] == shapes[1]
    delivery.deliver(world.now, "w")
    assert [phone for phone, _ in sent] == [LI["phone"]]
    wrong = "000000" if code_in(sent) != "000000" else "000001"
    said = set()
    for code in (known, unknown):
        with pytest.raises(Unauthenticated) as refused:
            prove(world, code, wrong)
        said.add((refused.value.code, refused.value.title))
    assert len(said) == 1


def test_typing_is_limited_and_time_is_short(world: World, sent: Said) -> None:
    world.resident()
    code, rule = asked(world, LI["phone"]), carrying.rule(world.now)
    wrong = "000000" if code_in(sent) != "000000" else "000001"
    for _ in range(rule.tries):
        with pytest.raises(Unauthenticated, match="不对"):
            prove(world, code, wrong)
    with pytest.raises(Unauthenticated, match="输错太多次"):
        prove(world, code, code_in(sent))
    late = asked(world, LI["phone"])
    world.now += rule.life.exact()
    with pytest.raises(Unauthenticated, match="过期"):
        prove(world, late, code_in(sent))


def test_one_number_asks_a_few_times_whoever_it_belongs_to(world: World, sent: Said) -> None:
    world.resident()
    rule = carrying.rule(world.now)
    for phone in (LI["phone"], "13911112222"):
        for _ in range(rule.asked):
            carrying.send(phone, None, world.now, world.now)
        with pytest.raises(Conflict, match="15 分钟后再试"):
            carrying.send(phone, None, world.now, world.now)
        later = world.now + rule.within.exact()
        assert carrying.send(phone, None, later, later)


def test_where_nothing_can_carry_a_code_the_desk_is_named(world: World) -> None:
    with pytest.raises(Conflict, match="服务台"):
        carrying.send(LI["phone"], None, world.now, world.now)


def test_a_gateway_that_is_away_is_tried_again_and_a_code_too_late_is_not_sent(
    world: World, monkeypatch: pytest.MonkeyPatch, sent: Said
) -> None:
    world.resident()

    def away(phone: str, text: str) -> None:
        raise OSError("no line")

    given = carrying.port()
    monkeypatch.setattr(carrying, "port", lambda: away)
    code = asked(world, LI["phone"])
    row = Outbox.objects.get(person=code)
    assert row.attempts == 1
    assert row.delivered_at is None
    assert LI["phone"] not in row.last_error
    monkeypatch.setattr(carrying, "port", lambda: given)
    delivery.deliver(row.due_at, "w")
    assert len(sent) == 1
    asked_late = carrying.send(LI["phone"], None, world.now, world.now)
    delivery.deliver(world.now + timedelta(hours=1), "w")
    assert len(sent) == 1
    assert Outbox.objects.get(person=asked_late).delivered_at


def test_a_command_of_the_place_carries_codes(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world.resident()
    monkeypatch.setattr(settings, "CODE_COMMAND", f"tee {tmp_path / 'sent.json'}")
    asked(world, str(LI["phone"]))
    assert json.loads((tmp_path / "sent.json").read_text())["phone"] == LI["phone"]


def test_who_shares_a_phone_is_told_apart_by_the_birth_date_and_never_listed(
    world: World, sent: Said
) -> None:
    made = world.resident()
    other = world.resident(name="赵邻居", id_number=None, birth_date=date(1950, 1, 2))
    found = own_accounts.with_phone(LI["phone"], world.now)
    assert len(found) == 2
    assert own_accounts.told_apart(found, BORN).resident == made.resident
    assert own_accounts.told_apart(found, date(1950, 1, 2)).resident == other.resident
    code, rule = asked(world, LI["phone"]), carrying.rule(world.now)
    prove(world, code, code_in(sent))
    for _ in range(rule.tries - 1):
        codes.second_fact(code, world.now, rule.tries)
    with pytest.raises(Unauthenticated, match="输错太多次"):
        codes.second_fact(code, world.now, rule.tries)
    with pytest.raises(Unauthenticated, match="对不上"):
        own_accounts.told_apart(found, date(1951, 1, 1))
    world.resident(name="赵双胞", id_number=None, birth_date=date(1950, 1, 2))
    with pytest.raises(Unauthenticated, match="服务台"):
        own_accounts.told_apart(own_accounts.with_phone(LI["phone"], world.now), date(1950, 1, 2))


def test_nobody_comes_in_for_who_has_died_or_has_another_number_now(world: World) -> None:
    made = world.resident()
    residents.amend(SYSTEM, made.resident, {"phone": "13700001111"}, world.now)
    assert own_accounts.with_phone(LI["phone"], world.now) == []
    account = own_accounts.of_resident(made.resident, world.now)
    residents.die(SYSTEM, made.resident, world.now)
    assert own_accounts.with_phone("13700001111", world.now) == []
    with pytest.raises(Forbidden, match="已注销"):
        own_accounts.whose(account.pk)


def test_a_protected_person_does_not_come_in_by_her_phone(world: World) -> None:
    made = world.resident()
    assert own_accounts.with_phone(LI["phone"], world.now)
    residents.amend(SYSTEM, made.resident, {"traits": (*LI["traits"], "protected")}, world.now)
    assert own_accounts.with_phone(LI["phone"], world.now) == []
    assert slips.hand_out(world.actor("sun"), made.resident, world.now, world.now)


def test_who_holds_the_phone_of_before_is_out_once_it_is_corrected(world: World) -> None:
    made = world.resident()
    account = own_accounts.of_resident(made.resident, world.now)
    session = Session.objects.create(
        digest=b"s" * 32, account=account, began_at=world.now, seen_at=world.now, proved_at=world.now,
        ends_at=world.now + timedelta(hours=12),
    )  # fmt: skip
    residents.amend(SYSTEM, made.resident, {"address": "春风路 2 号"}, world.now)
    assert sessions.living(account.pk, world.now) == [session]
    residents.amend(SYSTEM, made.resident, {"phone": "13700001111"}, world.now)
    assert sessions.living(account.pk, world.now) == []


def test_a_slip_is_printed_by_the_team_opens_once_and_the_next_one_voids_it(world: World) -> None:
    made = world.resident()
    for name in ("bo", "wei", "he", "dao"):
        with pytest.raises(Forbidden):
            slips.hand_out(world.actor(name), made.resident, world.now, world.now)
    first = slips.hand_out(world.actor("sun"), made.resident, world.now, world.now)
    second = slips.hand_out(world.actor("sun"), made.resident, world.now, world.now)
    assert len(second) == slips.rule(world.now).digits
    with pytest.raises(Unauthenticated):
        codes.prove_slip(first, tried(world.now))
    code = codes.prove_slip(f"{second[:4]} {second[4:]}", tried(world.now))
    assert codes.second_fact(code, world.now, slips.rule(world.now).tries).person == made.subject
    codes.use(code, world.now)
    with pytest.raises(Unauthenticated):
        codes.prove_slip(second, tried(world.now))
    lines = [one for one in access_log.of_subjects([made.subject]) if one.action == "resident.slip"]
    assert {one.actor for one in lines} == {world.staff["sun"]}
    assert not [one for one in lines if first in one.purpose or second in one.purpose]


def test_a_relative_comes_in_by_her_own_phone_while_a_consent_holds(world: World, sent: Said) -> None:
    made = world.resident()
    her = consent_checks.relative_id(yes(world, "relative", **DAUGHTER))
    phone = DAUGHTER["relative_phone"]
    asked(world, phone, her)
    assert sent == []
    given = consents.give(world.actor("lin"), made.resident, yes(world, "relative", **DAUGHTER), world.now)
    asked(world, phone, her)
    assert [to for to, _ in sent] == [phone]
    account = own_accounts.of_relative(her, world.now)
    own = own_accounts.required(account.pk)
    assert (own.person, own.where) == (her, None)
    for action in ("resident.read", "resident.consent", "resident.rights", "loop.promise"):
        assert not access.may(own.actor, action, made, world.now).allowed
    consents.withdraw(world.actor("lin"), made.resident, given, "family", world.now)
    asked(world, phone, her)
    assert len(sent) == 1


def test_accounts_of_one_side_are_none_of_the_other(world: World) -> None:
    made = world.resident()
    own = own_accounts.of_resident(made.resident, world.now)
    assert own_accounts.of_resident(made.resident, world.now).pk == own.pk
    with pytest.raises(Forbidden, match="没有对应的工作人员"):
        actors.serving(own.pk, world.now)
    staff = accounts.create_account("sun", "", world.now, hashed="!")
    assert own_accounts.whose(staff.pk) is None
    with pytest.raises(Forbidden, match="工作人员请用"):
        own_accounts.required(staff.pk)


def test_the_resident_herself_may_say_yes_and_take_it_back_and_nobody_else_so(world: World) -> None:
    made, other = world.resident(), world.resident(name="赵邻居", id_number=None)
    own = own_accounts.required(own_accounts.of_resident(made.resident, world.now).pk).actor
    online = yes(world, "relative", how="online", **DAUGHTER)
    consent = consents.give(own, made.resident, online, world.now, own=True)
    assert Consent.objects.get(id=consent).recorded_by == made.subject
    consents.withdraw(own, made.resident, consent, "unsaid", world.now)
    for action in ("resident.read", "resident.amend", "resident.slip", "record.note", "loop.export"):
        assert not access.may(own, action, made, world.now).allowed
    with pytest.raises(Forbidden):
        consents.give(own, other.resident, online, world.now, own=True)
    with pytest.raises(Forbidden, match="由工作人员发起"):
        promises.promise(
            own, kind="referral.doctor_to_social_worker", resident=made.resident, reason="D12", at=world.now,
            command_id="c",
        )  # fmt: skip


def test_after_a_merge_the_account_leads_to_the_record_that_stayed(world: World) -> None:
    made, twice = world.resident(), world.resident(id_number=None, name="李秀兰", phone="13700009999")
    account = own_accounts.of_resident(twice.resident, world.now)
    merges.merge(SYSTEM, keep=made.resident, drop=twice.resident, at=world.now)
    own = own_accounts.required(account.pk)
    assert own.where is not None
    assert (own.where.resident, own.person) == (made.resident, made.subject)


def test_erasing_a_person_erases_the_way_in_and_relatives_who_have_nobody_else(
    world: World, sent: Said
) -> None:
    made, aunt = world.resident(), world.resident(name="李姨", id_number=None, phone=None)
    brother = {**DAUGHTER, "relative_name": "李大海", "relative_phone": "13700137001"}
    for who, said in ((made, DAUGHTER), (made, brother), (aunt, brother)):
        consents.give(world.actor("lin"), who.resident, yes(world, "relative", **said), world.now)
    hers, daughters, brothers = (
        own_accounts.of_resident(made.resident, world.now),
        *(own_accounts.of_relative(consent_checks.relative_id(yes(world, "relative", **one)), world.now)
          for one in (DAUGHTER, brother)),
    )  # fmt: skip
    asked(world, LI["phone"])
    slips.hand_out(world.actor("sun"), made.resident, world.now, world.now)
    assert OneTimeCode.objects.count() == 2
    bundle = Bundle()
    with commit.atomically():
        erasing.forget(bundle, made.resident, world.now)
        bundle.commit()
    assert set(Account.objects.filter(id__in=[hers.pk, daughters.pk, brothers.pk])) == {brothers}
    assert {row.account_id for row in OwnAccount.objects.all()} == {brothers.pk}
    assert OneTimeCode.objects.count() == 0
