"""What was before the system: 周主任 takes in lists about 王秀兰; 赵护士 may not, 钱医生 is of another centre."""

from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
import xlsxwriter
from tests.rooms.care.test_followups import HIGH, came_to, whole
from tests.rooms.care.world import World
from tests.rooms.people.conftest import number

from yishe.care import (
    assessment_reading,
    conditions,
    encounters,
    entries,
    followup_corrections,
    followups,
    owing,
    past_import,
    rebuild,
    replanning,
    year,
)
from yishe.care.models import Condition, Contract, Encounter, Observation, Owed
from yishe.loops.models import Loop
from yishe.people import packs, placements, residents
from yishe.people.actors import SYSTEM
from yishe.people.import_report import Report
from yishe.people.particulars import ZONE
from yishe.policy.refusals import Conflict, Forbidden, Invalid
from yishe.trust.models import Entry
from yishe.trust.scoping import everybody

pytestmark = pytest.mark.django_db
ID = number("11010219470105002")
CONTRACTS = ("姓名", "身份证号", "服务包", "签约日期", "协议到期", "团队", "家庭医生")
DISEASES = ("姓名", "身份证号", "病种", "确诊日期", "管理状态")
FOLLOWUPS = ("姓名", "身份证号", "随访日期", "随访类型", "随访方式", "血压", "空腹血糖", "随访医生")


@pytest.fixture
def her(world: World, now: datetime) -> World:
    residents.amend(SYSTEM, world.resident.resident, {"id_number": ID}, now)
    return world


def sheet(header: tuple[str, ...], *rows: tuple[Any, ...]) -> bytes:
    file = BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        page = book.add_worksheet("2025 年")
        for at, row in enumerate((header, *rows)):
            for column, cell in enumerate(row):
                page.write(at, column, cell)
    return file.getvalue()


def take(world: World, kind: str, content: bytes, now: datetime, **more: Any) -> Report:
    return past_import.run(world.director, kind, content, at=now, file_name="补录.xlsx", **more)


def told(report: Report) -> list[str]:
    return [
        "；".join(filter(None, (one.outcome, one.column, one.reason, *one.hints)))
        for one in report.in_order()
    ]


def contract(**said: Any) -> tuple[Any, ...]:
    row = {
        "name": "王秀兰",
        "id": ID,
        "package": "基础包",
        "on": "2025-09-10",
        "until": "",
        "team": "德胜一队",
        "doctor": "",
    }
    return tuple({**row, **said}.values())


def followup(day: Any = "2025-10-20", **said: Any) -> tuple[Any, ...]:
    row = {
        "name": "王秀兰",
        "id": ID,
        "day": day,
        "kind": "高血压",
        "way": "门诊",
        "bp": "136/82",
        "sugar": "",
        "by": "张医生",
    }
    return tuple({**row, **said}.values())


@pytest.mark.parametrize("said", [{"until": "9999-12-31"}, {"until": "0001-01-01"}, {"on": "9999-12-31"}])
def test_a_day_at_the_end_of_time_is_a_question_and_the_rows_after_it_come_in(
    her: World, now: datetime, said: dict[str, str]
) -> None:
    report = take(her, "contracts", sheet(CONTRACTS, contract(**said), contract()), now)
    assert (report.counts["rejected"], report.counts["created"]) == (1, 1), told(report)


def test_no_agreement_began_before_she_was_born(her: World, now: datetime) -> None:
    report = take(her, "contracts", sheet((*CONTRACTS, "协议开始"), (*contract(), "1947-01-04")), now)
    assert "早于出生日期" in told(report)[0]
    assert not Contract.objects.exists()


def test_a_paper_contract_stands_with_its_year_and_no_clock_begins_in_the_past(
    her: World, now: datetime
) -> None:
    residents.amend(SYSTEM, her.resident.resident, {"traits": ("hypertension",)}, now)
    report = take(her, "contracts", sheet(CONTRACTS, contract()), now)
    assert report.counts["created"] == 1, told(report)
    row = Contract.objects.get()
    assert (row.since, row.until, row.paper_on, row.team) == (
        date(2025, 9, 10), date(2026, 9, 10), date(2025, 9, 10), her.team.id,
    )  # fmt: skip
    assert not replanning.replan(SYSTEM, her.resident.resident, now), (
        "it stands as any signing would have left it"
    )
    year.open_due(now)
    opened = Owed.objects.exclude(loop=None)
    assert opened.exists()
    assert not opened.filter(due__lt=now.date()).exists(), "a window that has passed hurries nobody"
    assert Loop.objects.filter(subject=row.subject, promised_by__lt=now).count() == 0
    found = owing.of_contract(row, now.date())
    assert {one.state for one in found.lines if one.due < now.date()} == {"missed"}
    assert rebuild.differences() == []


def test_past_follow_ups_count_in_the_year_they_were_done_in(her: World, now: datetime) -> None:
    residents.amend(SYSTEM, her.resident.resident, {"traits": ("hypertension",)}, now)
    take(her, "contracts", sheet(CONTRACTS, contract()), now)
    year.open_due(now)
    loops = Loop.objects.count()
    days = ("2025-10-20", "2026-01-15", now.date().isoformat(), "2024-05-06")
    report = take(her, "followups", sheet(FOLLOWUPS, *(followup(one) for one in days)), now)
    assert report.counts["created"] == 4, told(report)
    assert [bool(one.hints) for one in report.in_order()] == [False, False, True, True]
    kept = Owed.objects.filter(service="htn_followup").exclude(kept_on=None)
    assert [one.kept_on <= one.due for one in kept] == [True] * 2
    assert Observation.objects.count() == 4
    assert Loop.objects.count() == loops, "nothing is promised for what is over"
    assert rebuild.differences() == []


def test_a_chronic_disease_is_a_condition_since_its_day_and_known_to_the_rules(
    her: World, now: datetime
) -> None:
    rows = (("王秀兰", ID, "高血压", "2019年3月5日", "在管"), ("王秀兰", ID, "糖尿病", 43831, "已治愈"))
    report = take(her, "conditions", sheet(DISEASES, *rows), now)
    assert report.counts["created"] == 2, told(report)
    where = placements.placed(her.resident.resident)
    (one,) = conditions.standing(entries.keyed(where), ("disease",))
    assert (one.title, one.since.date(), where.traits) == ("高血压", date(2019, 3, 5), ("hypertension",))
    assert max(one.occurred_at for one in everybody(Condition, "of a test")).astimezone(ZONE).date() == date(
        2020, 1, 1
    ), "a spreadsheet's own day"
    assert not Loop.objects.exists()


@pytest.mark.parametrize("kind", ["contracts", "conditions", "followups"])
def test_the_same_file_twice_is_nothing_new_and_a_preview_writes_nothing(
    her: World, now: datetime, kind: str
) -> None:
    content = {
        "contracts": sheet(CONTRACTS, contract(), contract()),
        "conditions": sheet(DISEASES, *[("王秀兰", ID, "高血压", "2019-03-05", "在管")] * 2),
        "followups": sheet(FOLLOWUPS, followup(), followup()),
    }[kind]
    entries_ = Entry.objects.count()
    preview = take(her, kind, content, now, dry_run=True)
    assert (preview.counts["created"], preview.counts["unchanged"], Entry.objects.count()) == (1, 1, entries_)
    assert take(her, kind, content, now).counts == preview.counts
    held = (Contract.objects.count(), Condition.objects.count(), Encounter.objects.count())
    again = take(her, kind, content, now + timedelta(hours=1))
    assert (again.counts["unchanged"], again.rows) == (2, 2), told(again)
    assert (Contract.objects.count(), Condition.objects.count(), Encounter.objects.count()) == held


def test_what_cannot_be_read_is_asked_about_in_words_and_the_other_rows_go_in(
    her: World, now: datetime
) -> None:
    wrong = {
        followup("2024/13/45"): "不是真实的日期", followup("2025-10"): "只有年月",
        followup("2027-01-01"): "在将来", followup("1940-01-01"): "早于出生日期",
        followup(bp="18/11"): "超出可能的范围", followup(bp="18.1/11.2 kPa"): "kPa",
        followup(bp="136"): "只有一半", followup(bp="82/136"): "相差不到",
        followup(sugar="126 mg/dL"): "mg/dL", followup(kind="体检"): "没有看懂", followup(way=""): "没有填",
        followup(name="赵无名", id=number("11010219500101003")): "名册里没有这个人",
        followup(name="王秀蓝"): "姓名不同",
        followup(id=""): "只有姓名",
    }  # fmt: skip
    report = take(her, "followups", sheet(FOLLOWUPS, *wrong, followup()), now)
    for said, words in zip(told(report)[:-1], wrong.values(), strict=True):
        assert words in said
        assert "请" in said
    assert (report.counts["created"], report.rows) == (1, len(wrong) + 1)
    assert Encounter.objects.count() == 1


def test_terms_that_are_none_and_contracts_that_overlap_are_asked_about(her: World, now: datetime) -> None:
    take(her, "contracts", sheet(CONTRACTS, contract()), now)
    rows = (
        contract(on="2025-12-01"), contract(on="2023-01-01", until="2026-01-01"), contract(package="钻石包"),
        contract(on="2024-09-10", until="2025-09-09"),
    )  # fmt: skip
    said = told(take(her, "contracts", sheet(CONTRACTS, *rows), now))
    for words, expected in zip(said, ("日期重叠", "几年的请一年一行", "没有看懂", "created"), strict=True):
        assert expected in words
    assert Contract.objects.count() == 2


def test_the_same_contact_recorded_here_already_is_not_counted_twice(her: World, now: datetime) -> None:
    day = now - timedelta(days=3)
    encounters.record(
        her.doctor, her.resident.resident, kind="1", summary="复诊", at=now, command_id="x", occurred_at=day
    )
    report = take(her, "followups", sheet(FOLLOWUPS, followup(day.date().isoformat())), now)
    assert "是不是同一次" in told(report)[0]


def test_who_may_not_take_in_lists_takes_in_none(her: World, now: datetime) -> None:
    content = sheet(FOLLOWUPS, followup())
    for who in (her.nurse, her.doctor):
        with pytest.raises(Forbidden):
            past_import.run(who, "followups", content, at=now)
    with pytest.raises(Forbidden):
        past_import.run(her.stranger, "followups", content, at=now)
    with pytest.raises(Invalid, match="既往随访"):
        take(her, "visits", content, now)
    assert not Encounter.objects.exists()


def test_every_column_of_a_past_workbook_has_a_word() -> None:
    roster = packs.in_force().imports
    for kind in roster.past:
        assert all(one.title.zh for one in roster.of_past(kind).columns.values())


HEALTHY = (*FOLLOWUPS, "随访结果")


def test_a_past_follow_up_stands_with_those_filled_here_and_alarms_nobody(her: World, now: datetime) -> None:
    who = her.resident.resident
    residents.amend(SYSTEM, who, {"traits": ("hypertension", "diabetes")}, now)
    take(her, "contracts", sheet(CONTRACTS, contract()), now)
    opened = set(Loop.objects.values_list("id", flat=True))
    rows = (
        (*followup("2025-10-20", bp="192/118"), "控制不满意"), (*followup("2026-01-15"), ""),
        (*followup("2026-01-20", kind="糖尿病", sugar="8.1"), "2"), (*followup("2026-02-01", way="线上"), "1"),
    )  # fmt: skip
    report = take(her, "followups", sheet(HEALTHY, *rows), now)
    assert report.counts["created"] == 4, told(report)
    assert "没有这种随访方式" in told(report)[3]
    seen = assessment_reading.overview(her.doctor, who, now, followups=True)
    found = [
        (
            one.row.occurred_at.date().isoformat(),
            one.scale.code,
            followups.concluded(one.told).code,
            one.flags,
        )
        for one in seen.done
        if one.told
    ]
    assert found == [
        ("2026-01-20", "dm", "unsatisfied", ()), ("2026-01-15", "htn", "", ()), ("2025-10-20", "htn", "unsatisfied", ()),
    ]  # fmt: skip
    sugar, _, first = (one.told for one in seen.done)
    assert sugar
    assert first
    assert (sugar.answers["glucose"], sugar.answers["sample"], first.answers["sbp"]) == (
        "8.1",
        "fasting",
        "192",
    )
    assert first.source == "补录.xlsx，2025 年 第 2 行"
    assert set(Loop.objects.values_list("id", flat=True)) == opened, "what is over calls nobody"

    take(her, "followups", sheet(HEALTHY, *rows), now + timedelta(hours=1))
    again = assessment_reading.overview(her.doctor, who, now, followups=True)
    assert len(again.done) == 3


def test_the_next_follow_up_knows_the_past_one_and_the_same_day_is_asked_about(
    her: World, now: datetime
) -> None:
    who = her.resident.resident
    day = (now - timedelta(days=10)).date().isoformat()
    take(her, "followups", sheet(HEALTHY, (*followup(day, bp="166/96"), "控制不满意")), now)
    saved = whole(her.nurse, who, HIGH, now)
    assert came_to(her.nurse, who, saved, now).code == "unsatisfied_again"
    held = take(her, "followups", sheet(HEALTHY, (*followup(now.date().isoformat(), way="上门"), "")), now)
    assert "已有一份同样的随访" in told(held)[0]


def test_what_a_list_told_is_corrected_in_the_list_and_stands_when_another_is_corrected(
    her: World, now: datetime
) -> None:
    who, first = her.resident.resident, now - timedelta(days=30)
    saved = whole(her.nurse, who, HIGH, first)
    day = (now - timedelta(days=10)).date().isoformat()
    take(her, "followups", sheet(HEALTHY, (*followup(day, bp="166/96"), "控制不满意")), now)

    def amend(response: Any, given: dict[str, str]) -> None:
        followup_corrections.amend(
            her.nurse, who, response, given, reason="抄错了", at=now, command_id=str(response)
        )

    amend(saved.row.response, {"sbp": "132", "dbp": "84"})
    listed, own = assessment_reading.overview(her.nurse, who, now, followups=True).done
    assert listed.told
    assert own.told
    assert [followups.concluded(one.told).code for one in (listed, own)] == ["unsatisfied", "satisfied"]
    with pytest.raises(Conflict, match="补录"):
        amend(listed.row.response, {"sbp": "150"})
