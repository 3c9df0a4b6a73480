"""预计工作量 over real contracts: the director's numbers, another centre's nothing, and the command before a pack is switched on."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.rooms.care.test_contracts import signed
from tests.rooms.care.world import World

from yishe.care import classes, conditions, pregnancies
from yishe.care.agreements import Signature
from yishe.care.models import Contract
from yishe.care.signing import Sides
from yishe.doors.cli import main
from yishe.insight import workload
from yishe.people import packs, residents
from yishe.people.models import Subject
from yishe.policy import packs as policy_packs

BASE = Path(__file__).resolve().parents[3] / "packs" / "base"
DEMO = BASE.parent / "demo"


@pytest.fixture
def two(world: World, now: datetime) -> World:
    """王秀兰, 79 with hypertension, and a neighbour who is just as old and has nothing."""
    her, day = world.resident.resident, now - timedelta(days=1)
    residents.amend(world.doctor, her, {"birth_date": date(1947, 1, 5), "traits": ("hypertension",)}, day)
    other = world.another("周建国", day).resident
    residents.amend(world.doctor, other, {"birth_date": date(1947, 2, 6)}, day)
    signed(world, her, now)
    signed(world, other, now, sides=Sides("resident", Signature("周建国"), Signature("王医生")))
    return world


def test_the_director_sees_each_month_and_what_is_behind_it(two: World, now: datetime) -> None:
    found = workload.of_scope(two.director, now, small=1)

    assert found.present is found.wanted
    assert (found.title, found.since, found.months[-1]) == ("德胜中心", date(2026, 4, 1), "2027-03")
    assert found.present.residents == Contract.objects.count() == 2
    nurse = {m: n for (m, duty), n in found.present.contacts.items() if duty == "nurse"}
    assert sum(nurse.values()) == 4, "her follow-ups keep her yearly contact, the doctor's examination his"
    words = dict(found.behind("2027-03", "family_doctor"))
    assert words["65 岁及以上老年人每年 1 次健康管理（含体检）"] == 2
    drafts = workload.of_scope(two.director, now, small=1, drafts=True)
    assert drafts.wanted.contacts == found.present.contacts, "no draft fits either of them"


def test_it_counts_by_the_class_that_stands_by_recorded_diseases_and_pregnancies_and_what_a_life_is_owed(
    two: World, now: datetime, django_assert_num_queries: Any
) -> None:
    who, other = (
        Subject.objects.get(subject=one.subject).resident_id for one in Contract.objects.order_by("id")
    )
    before = workload.of_everybody(packs.in_force(), now)
    day = now + timedelta(days=1)
    conditions.record(two.doctor, who, kind="disease", title="糖尿病", at=day, command_id="dm")
    classes.correct(
        two.doctor,
        who,
        {"class": "key", "medical": "high"},
        reason="temporary",
        until=date(2026, 8, 1),
        at=day,
    )
    residents.amend(two.doctor, other, {"sex": "2", "birth_date": date(1996, 2, 6)}, day)
    once = pregnancies.Once("p")
    pregnancies.begin(two.doctor, other, last_period=date(2026, 2, 2), at=day, once=once)

    with django_assert_num_queries(6):
        found = workload.of_everybody(packs.in_force(), day)
    behind = found.present.behind
    assert sum(n for (_, _, by), n in behind.items() if by == "dm_followup") in (3, 4), (
        "recorded, not in the roster"
    )
    assert sum(n for (_, _, by), n in behind.items() if by == "key_group_contact") == 12, "as the doctor said"
    assert found.classes["key"] >= 1
    assert not before.classes
    due = {month: n for (month, code), n in found.visits.items() if code == "pregnancy"}
    assert due == {"2026-05": 1, "2026-06": 1, "2026-07": 1, "2026-10": 1, "2026-11": 1}
    assert not before.visits


def test_a_stranger_counts_only_his_own(two: World, now: datetime) -> None:
    assert workload.of_scope(two.stranger, now, small=1).present.residents == 0
    assert workload.of_scope(two.nurse, now, small=1).present.residents == 2


def test_another_pack_is_told_beside_the_one_in_force(two: World, now: datetime) -> None:
    found = workload.of_everybody(policy_packs.load([BASE]), now)
    assert (found.wanted.residents, found.wanted.total) == (2, found.present.total), (
        "what base asks of them is approved"
    )
    Contract.objects.update(package="gold")
    assert workload.of_everybody(policy_packs.load([BASE]), now).wanted.unknown == 2


@pytest.mark.django_db(transaction=True)
def test_switching_a_pack_on_shows_the_load_and_wants_a_yes(
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("YISHE_PACKS", raising=False)
    settings.HOME, settings.PACKS_FILE = tmp_path, tmp_path / "packs"
    words = ["pack", "switch-on", str(BASE), str(DEMO)]

    assert main.main(words) == 1
    assert "份签约，" in (told := capsys.readouterr().err)
    assert "--yes" in told
    assert not settings.PACKS_FILE.exists()
    assert main.main([*words, "--yes", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["switched_on"], said["contracts"]) == (True, 0)
    assert settings.PACKS_FILE.read_text().splitlines() == [str(BASE), str(DEMO)]
    assert packs.in_force().id == "base+demo"
