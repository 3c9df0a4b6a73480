"""A running year follows what is known: owed once, withdrawn with its reason, what was kept stays. 钱医生 is a stranger."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from tests.rooms.care.test_contracts import her, signed
from tests.rooms.care.test_year import keep
from tests.rooms.care.world import World

from yishe.care import conditions, contracts, owing, rebuild, replanning, year
from yishe.care.models import Contract, Owed
from yishe.loops import acts
from yishe.loops.models import Loop
from yishe.people import packs, residents
from yishe.policy.contract_rules import ContractSheet
from yishe.policy.refusals import Conflict, Forbidden
from yishe.trust import ledger
from yishe.trust.models import Entry

__all__ = ["her"]


def found(world: World, who: UUID, title: str, at: datetime, **more: object) -> UUID:
    said = {"kind": "disease", "title": title, "at": at, "command_id": f"{title}{at}{more}", **more}
    return conditions.record(world.doctor, who, **said).id  # type: ignore[arg-type]


def owed(service: str) -> list[tuple[int, int, bool]]:
    """(nth, times, whether it still stands)."""
    rows = Owed.objects.filter(service=service).order_by("withdrawn_on", "times", "nth")
    return [(one.nth, one.times, one.withdrawn_on is None) for one in rows]


def test_a_disease_found_in_the_second_quarter_owes_the_rest_of_the_year_once(
    world: World, her: UUID, now: datetime
) -> None:
    signed(world, her, now)
    at = now + timedelta(days=100)
    found(world, her, "2型糖尿病", at)

    rows = list(Owed.objects.filter(service="dm_followup").order_by("nth"))
    assert [one.nth for one in rows] == [2, 3, 4]
    assert (rows[0].starts, rows[0].due) == (date(2026, 6, 10), date(2026, 8, 30))
    assert owed("annual_exam") == [(1, 1, True)]
    assert "dm_exam" in Owed.objects.get(service="annual_exam").covers
    assert not replanning.replan(world.doctor, her, at)
    assert rebuild.differences() == []

    assert year.open_due(at) > 0
    (first, *_) = keep(world.nurse, her, ["dm_followup"], at)
    assert first.nth == 2
    with pytest.raises(Forbidden):
        conditions.record(world.stranger, her, kind="disease", title="糖尿病", at=at, command_id="x")


def test_what_nothing_asks_for_any_more_falls_with_its_reason_and_what_was_kept_stays(
    world: World, her: UUID, now: datetime
) -> None:
    contract = signed(world, her, now)
    known = found(world, her, "糖尿病", now + timedelta(days=1))
    keep(world.nurse, her, ["dm_followup"], now + timedelta(days=2))
    at = now + timedelta(days=200)
    year.open_due(at)
    begun = list(Owed.objects.filter(service="dm_followup", nth__in=(2, 3)).values_list("loop", flat=True))
    found(world, her, "糖尿病", at, state="resolved", supersedes=known)

    assert sorted(owed("dm_followup")) == [(1, 4, True), (2, 4, False), (3, 4, False), (4, 4, False)]
    loops = Loop.objects.filter(id__in=begun, closed_at__isnull=False)
    assert [one.close_reason for one in loops] == ["C8", "C8"]
    lines = owing.of_contract(Contract.objects.get(id=contract), at.date()).lines
    said = {(one.nth, one.state, one.why) for one in lines if one.service == "dm_followup"}
    assert said == {
        (1, "kept", ""), *((n, "withdrawn", "情况变了，不再需要") for n in (2, 3, 4)),
    }  # fmt: skip
    with pytest.raises(Conflict, match="做满"):
        keep(world.nurse, her, ["dm_followup"], at)
    assert rebuild.differences() == []


def test_what_fell_before_its_day_leaves_the_count_and_what_was_missed_before_stays_in_it(
    world: World, her: UUID, now: datetime
) -> None:
    contract = signed(world, her, now)
    known = found(world, her, "糖尿病", now + timedelta(days=1))
    at = now + timedelta(days=130)
    found(world, her, "糖尿病", at, state="resolved", supersedes=known)
    counted = owing.of_contract(Contract.objects.get(id=contract), at.date())

    assert counted.services == 4 + 1 + 1 + 1
    # the first quarter of both diseases, and the months in which two diseases made the tier high
    assert (counted.due, counted.in_time) == (2 + 4, 0)
    end = owing.of_contract(Contract.objects.get(id=contract), date(2027, 3, 1))
    assert end.due == 3 + 1 + 4


def test_another_interval_replaces_what_is_open_and_a_contact_made_this_month_is_not_asked_for_again(
    world: World, her: UUID, now: datetime
) -> None:
    residents.amend(world.doctor, her, {"birth_date": date(1980, 1, 5)}, now - timedelta(hours=1))
    signed(world, her, now)
    keep(world.nurse, her, ["contact"], now + timedelta(days=3), how="3")
    at = now + timedelta(days=5)
    conditions.record(world.social_worker, her, kind="social", title="失能", at=at, command_id="d")

    standing = Owed.objects.filter(service="contact", withdrawn_on=None)
    assert sorted((one.nth, one.times) for one in standing) == [(1, 4), *((n, 12) for n in range(2, 13))]
    residents.amend(world.doctor, her, {"birth_date": date(1946, 1, 5)}, at)
    assert replanning.everybody(at) == 1
    assert replanning.everybody(at) == 0
    assert rebuild.differences() == []


def test_a_pack_that_changes_the_package_leaves_what_was_signed_and_the_renewal_takes_it(
    world: World, her: UUID, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = signed(world, her, now, package="personal")
    assert Contract.objects.get(id=contract).items == {"review": 2, "contact": 4, "medication_review": 2}
    standing = {one: owed(one) for one in ("review", "medication_review")}
    sheet = contracts.sheet_now()
    fewer = sheet.packages["personal"].model_copy(update={"items": {"review": 1, "contact": 2}})
    stricter = sheet.rules["htn_followup"].model_copy(update={"times": 6})
    rules = {**sheet.rules, "htn_followup": stricter}
    for packages in ({**sheet.packages, "personal": fewer}, {"basic": sheet.packages["basic"]}):
        _switched(monkeypatch, sheet.model_copy(update={"packages": packages, "rules": rules}))
        replanning.everybody(now + timedelta(days=1))
        assert {one: owed(one) for one in standing} == standing
        rows = Owed.objects.filter(contract=contract, service="htn_followup", withdrawn_on=None)
        assert {one.times for one in rows} == {6}, "a national rule is not the agreement's"

    _switched(monkeypatch, sheet.model_copy(update={"packages": {**sheet.packages, "personal": fewer}}))
    following = signed(world, her, now + timedelta(days=340), package="personal")
    assert Contract.objects.get(id=following).items == {"review": 1, "contact": 2}
    assert Owed.objects.filter(contract=following, service="review").count() == 1
    assert not Owed.objects.filter(contract=following, service="medication_review").exists()
    assert rebuild.differences() == []


def _switched(monkeypatch: pytest.MonkeyPatch, sheet: ContractSheet) -> None:
    """The packs as somebody switches them on."""
    changed = replace(packs.in_force(), contracts=sheet, sha256=uuid4().hex * 2)
    monkeypatch.setattr(packs, "in_force", lambda: changed)


def test_a_birthday_in_the_year_brings_what_the_age_is_owed(world: World, her: UUID, now: datetime) -> None:
    residents.amend(
        world.doctor, her, {"birth_date": date(1961, 5, 1), "traits": ()}, now - timedelta(hours=1)
    )
    signed(world, her, now)
    assert replanning.everybody(now + timedelta(days=59)) == 0
    assert replanning.everybody(now + timedelta(days=60)) == 1

    assert replanning.everybody(now + timedelta(days=61)) == 0
    (*_, last) = Entry.objects.filter(kind=replanning.FOLLOWED).order_by("recorded_at")
    assert ledger.facts_of(last) == {"looked": 0, "planned": 0}, (
        "whom nothing happened to is not looked at again"
    )

    exam = Owed.objects.get(service="annual_exam")
    assert (exam.starts, exam.due, exam.covers) == (date(2026, 5, 1), date(2027, 3, 1), ["elder_exam"])
    entry = Entry.objects.get(kind="contract.year_replanned")
    assert year.open_due(now + timedelta(days=60)) == 1  # by the round that planned it
    assert entry.subject == world.resident.subject


def test_whoever_died_is_owed_nothing_more_and_nothing_is_planned(
    world: World, her: UUID, now: datetime
) -> None:
    signed(world, her, now)
    residents.amend(world.doctor, her, {"traits": ("hypertension", "diabetes")}, now)
    residents.die(world.director, her, now + timedelta(days=1))
    assert not replanning.replan(world.doctor, her, now + timedelta(days=1))
    assert replanning.everybody(now + timedelta(days=1)) == 0
    assert owed("dm_followup") == []


def test_in_hospital_it_waits_and_counts_late_when_it_is_made_good(
    world: World, her: UUID, now: datetime
) -> None:
    signed(world, her, now)
    promise = Owed.objects.get(service="htn_followup", nth=1)
    row = Loop.objects.get(id=promise.loop)
    at, later = now + timedelta(days=80), now + timedelta(days=95)
    acts.act(world.nurse, "accept", row.id, seq=row.seq, at=at, command_id="a")
    seq = Loop.objects.get(id=row.id).seq
    until = later + timedelta(days=3)
    said = {"seq": seq, "at": at, "command_id": "h", "reason": "in_hospital", "until": until, "note": "住院"}
    acts.act(world.nurse, "hold", row.id, **said)
    keep(world.nurse, her, ["htn_followup"], later, command="second quarter")
    (made_good,) = [
        one for one in keep(world.nurse, her, ["htn_followup"], later, command="late") if one.nth == 1
    ]
    assert made_good.id == promise.id
    assert made_good.kept_on is not None
    assert made_good.kept_on > made_good.due
    assert Loop.objects.get(id=row.id).closed_as == "served"
