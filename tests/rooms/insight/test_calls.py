"""Whom to phone today. 赵护士 is promised the contacts, 王医生 leads her team, 钱医生 is a stranger."""

from datetime import date, datetime, timedelta
from io import BytesIO
from uuid import UUID, uuid4

import openpyxl
import pytest
from tests.rooms.care.test_contracts import signed
from tests.rooms.care.world import World, build

from yishe.care import attempts, calls, year
from yishe.care.agreements import Signature
from yishe.care.attempts import Told
from yishe.care.contract_stream import Once
from yishe.care.models import Attempt, Encounter, Owed
from yishe.care.signing import Sides
from yishe.insight import calls as listed
from yishe.insight import calls_export
from yishe.insight.calls import MINE, TEAM
from yishe.loops.models import Loop
from yishe.people import residents
from yishe.people.actors import SYSTEM, Actor
from yishe.people.models import Subject
from yishe.policy.refusals import Forbidden, Invalid
from yishe.trust.models import Export

MORNING = timedelta(hours=1)


@pytest.fixture
def world(db: None, now: datetime) -> World:
    return build(now)


def lonely(world: World, now: datetime, name: str = "") -> UUID:
    """Alone at 79: four contacts a year, each of which a call may keep."""
    who = (world.another(name, now) if name else world.resident).resident
    said = {"birth_date": date(1947, 1, 5), "traits": ("living_alone",), "phone": "13800001234"}
    residents.amend(SYSTEM, who, said, now)
    signed(world, who, now, sides=Sides("resident", Signature(name or "王秀兰"), Signature("王医生")))
    return who


def names(actor: Actor, at: datetime, whose: str = MINE) -> tuple[list[str], list[str]]:
    found = listed.page(actor, whose, at)
    return [one.card.name for one in found.now], [one.card.name for one in found.later]


def called(actor: Actor, who: UUID, at: datetime, outcome: str = "no_answer", **more: object) -> None:
    attempts.record(actor, who, Told("3", outcome, **more), at, Once(uuid4().hex))  # type: ignore[arg-type]


def near_due(now: datetime) -> datetime:
    """Ten days before the first quarter ends, nine in the morning."""
    return now + timedelta(days=80)


def test_what_a_call_can_keep_is_listed_a_fortnight_before_its_day_and_late_first(
    world: World, now: datetime
) -> None:
    lonely(world, now)
    assert names(world.nurse, now) == ([], [])
    at = near_due(now)
    assert names(world.nurse, at) == (["王秀兰"], [])
    later = lonely(world, now + timedelta(days=40), "李晚")
    both = now + timedelta(days=125)
    assert names(world.nurse, both) == (["王秀兰", "李晚"], [])
    (first, _) = listed.page(world.nurse, MINE, both).now
    assert [one.service for one in first.owes] == ["contact"]
    assert names(world.doctor, both, MINE) == ([], [])
    assert names(world.doctor, both, TEAM) == (["王秀兰", "李晚"], [])
    assert names(world.stranger, both, TEAM) == ([], [])
    residents.die(world.doctor, later, both)
    assert names(world.nurse, both) == (["王秀兰"], [])


def test_ones_own_calls_are_not_crowded_out_by_late_ones_of_the_team(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listed, "SCANNED", 1)
    lonely(world, now)
    later = lonely(world, now + timedelta(days=40), "李晚")
    at = now + timedelta(days=125)
    year.open_due(at)
    subject = Subject.objects.get(resident=later).subject
    Loop.objects.filter(subject=subject, closed_at=None).update(performer=world.doctor.staff_id)
    assert names(world.doctor, at) == (["李晚"], [])
    assert names(world.nurse, at) == (["王秀兰"], [])


def test_who_was_not_reached_comes_back_another_day_at_another_hour(world: World, now: datetime) -> None:
    her, at = lonely(world, now), near_due(now)
    called(world.nurse, her, at)
    assert names(world.nurse, at + MORNING) == ([], ["王秀兰"])
    (line,) = listed.page(world.nurse, MINE, at + MORNING).later
    assert (line.tried, "明天再打" in line.why) == (1, True)
    tomorrow = at + timedelta(days=1)
    (line,) = listed.page(world.nurse, MINE, tomorrow).later
    assert "换到下午、晚上打" in line.why
    assert names(world.nurse, tomorrow + timedelta(hours=4)) == (["王秀兰"], [])
    called(world.nurse, her, tomorrow + timedelta(hours=4))
    called(world.nurse, her, tomorrow + timedelta(days=1))
    (line,) = listed.page(world.nurse, MINE, tomorrow + timedelta(days=2)).later
    assert "已派上门" in line.why


def test_who_asked_to_be_called_stands_first_from_that_hour_on(world: World, now: datetime) -> None:
    lonely(world, now)
    her, at = lonely(world, now, "周请稍后"), near_due(now)
    called(world.nurse, her, at, "call_back", again_at=at + timedelta(hours=3))
    assert names(world.nurse, at + MORNING) == (["王秀兰"], ["周请稍后"])
    assert names(world.nurse, at + timedelta(hours=3)) == (["周请稍后", "王秀兰"], [])
    year.keep(
        world.nurse,
        her,
        services=["contact"],
        how="3",
        summary="在家",
        at=at + timedelta(hours=4),
        command_id="k",
    )
    assert names(world.nurse, at + timedelta(hours=5)) == (["王秀兰"], [])


def test_a_call_that_reached_her_keeps_what_it_can_once_and_one_in_vain_is_an_attempt(
    world: World, now: datetime
) -> None:
    her, at = lonely(world, now), near_due(now)
    for _ in range(2):
        assert calls.record(world.nurse, her, Told("", "no_answer"), ["contact"], at, "a") == []
    assert (Attempt.objects.count(), Encounter.objects.count()) == (1, 0)
    kept = [
        calls.record(world.nurse, her, Told("", "answered", "都好"), ["contact"], at + MORNING, "b")
        for _ in range(2)
    ]
    assert kept[0] == kept[1]
    assert (
        Encounter.objects.get(subject=world.resident.subject).kind,
        Owed.objects.exclude(kept_on=None).count(),
    ) == ("3", 1)
    assert names(world.nurse, at + 2 * MORNING) == ([], [])
    calls.record(world.nurse, her, Told("", "answered"), [], at + timedelta(days=1), "c")
    assert Attempt.objects.filter(reached=True).count() == 1


def test_a_loop_that_is_pursued_by_phone_leads_to_its_form_for_who_fills_it(
    world: World, now: datetime
) -> None:
    lonely(world, now)
    Loop.objects.filter(reason="contact").update(kind="followup.again", reason="htn")
    at = near_due(now)
    owes = listed.page(world.nurse, TEAM, at).now[0].owes
    assert {one.form for one in owes if not one.service} == {"htn"}
    assert "" in {one.form for one in listed.page(world.social_worker, TEAM, at).now[0].owes}


def test_the_calls_of_the_day_are_a_workbook_without_names_and_numbers_in_full(
    world: World, now: datetime
) -> None:
    lonely(world, now)
    at = near_due(now)
    content = calls_export.calls_xlsx(world.nurse, MINE, at, purpose="外出随访")
    sheet = openpyxl.load_workbook(BytesIO(content)).active
    cells = [str(cell) for row in sheet.iter_rows(values_only=True) for cell in row if cell is not None]
    assert [word in cells for word in ("王＊兰", "1234", "主动联系", "外出随访")] == [True] * 4
    assert not any(word in "".join(cells) for word in ("王秀兰", "13800001234"))
    assert Export.objects.get(kind="calls").rows == 1
    calls_export.calls_xlsx(world.stranger, TEAM, at, purpose="外出随访")
    assert Export.objects.filter(kind="calls").order_by("-at", "-id")[0].rows == 0
    with pytest.raises(Invalid):
        calls_export.calls_xlsx(world.nurse, MINE, at, purpose="")
    with pytest.raises(Forbidden):
        calls_export.calls_xlsx(world.administrator, MINE, at, purpose="外出随访")
