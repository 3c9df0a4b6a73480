"""我的名册: 王医生's by what is owed, 赵护士's the same, 钱医生's without any of it."""

from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.rooms.care.test_contracts import signed
from tests.rooms.care.test_followups import WELL, whole
from tests.rooms.care.test_year import keep
from tests.rooms.care.world import World

from yishe.care import classes
from yishe.care.agreements import Signature
from yishe.care.signing import Sides
from yishe.insight import followups_export, fulfilment, fulfilment_export, panel, panel_export
from yishe.insight.panel import Wanted
from yishe.people import directory, residents
from yishe.people.actors import SYSTEM
from yishe.policy.refusals import Forbidden, Invalid
from yishe.trust.models import Export

pytestmark = pytest.mark.django_db
BORN = {"traits": ("hypertension",), "birth_date": date(1947, 1, 5)}


def living(world: World, now: datetime) -> tuple[UUID, UUID]:
    """王秀兰 and 张建国 are both signed; only he was seen since."""
    her = world.resident.resident
    him = world.another("张建国", now).resident
    for one, name in ((her, "王秀兰"), (him, "张建国")):
        residents.amend(SYSTEM, one, BORN, now)
        signed(world, one, now, sides=Sides("resident", Signature(name), Signature("王医生")))
    keep(world.nurse, him, ["htn_followup"], now + timedelta(days=1))
    world.another("李未签", now)
    return her, him


def names(page: panel.Page) -> list[str]:
    return [row.card.name for row in page.rows]


def test_whoever_is_owed_something_late_comes_first_and_whoever_is_owed_nothing_last(
    world: World, now: datetime
) -> None:
    living(world, now)
    later = now + timedelta(days=120)
    found = panel.page(world.doctor, Wanted(), later, 50)
    assert names(found) == ["王秀兰", "张建国", "李未签"]
    assert (found.rows[0].next.state, found.rows[2].next) == ("overdue", None)
    assert found.rows[1].met == now + timedelta(days=1)
    assert found.counts == {"all": 3, "late": 1, "now": 2, "renewal": 0, "unsigned": 1}
    assert names(panel.page(world.nurse, Wanted(), later, 50)) == names(found)


def test_each_number_opens_those_it_counts(world: World, now: datetime) -> None:
    living(world, now)
    end = now + timedelta(days=350)
    for at in (now + timedelta(days=120), end, end + timedelta(days=30)):
        counts = panel.page(world.doctor, Wanted(), at, 50).counts
        for name in panel.SETS:
            assert len(panel.page(world.doctor, Wanted(set=name), at, 50).rows) == counts[name], (name, at)
    assert counts["renewal"] == 2, "a contract that has run out without a next one is still asked for"


def test_a_panel_is_paged_without_losing_or_repeating_anybody(world: World, now: datetime) -> None:
    living(world, now)
    seen, cursor = [], None
    for _ in range(3):
        found = panel.page(world.doctor, Wanted(), now + timedelta(days=120), 1, cursor)
        seen, cursor = [*seen, *names(found)], found.next
    assert (seen, cursor) == (["王秀兰", "张建国", "李未签"], None)
    with pytest.raises(Invalid, match="翻页标记无效"):
        panel.page(world.doctor, Wanted(), now, 1, "forged")


def test_filters_narrow_and_what_is_not_there_to_choose_is_refused(world: World, now: datetime) -> None:
    living(world, now)
    at = now + timedelta(days=120)
    for wanted, expected in (
        (Wanted(service="htn_followup"), ["王秀兰", "张建国"]),
        (Wanted(service="htn_followup", set="late"), ["王秀兰"]),
        (Wanted(package="basic"), ["王秀兰", "张建国"]),
        (Wanted(package="premium"), []),
        (Wanted(trait="hypertension"), ["王秀兰", "张建国"]),
        (Wanted(trait="diabetes"), []),
        (Wanted(aged=(65, None)), ["王秀兰", "张建国"]),
        (Wanted(aged=(None, 65)), []),
        (Wanted(quiet_since=now.date()), ["王秀兰", "李未签"]),
    ):
        assert names(panel.page(world.doctor, wanted, at, 50)) == expected, wanted
    for wrong in (Wanted(trait="smi"), Wanted(set="gone")):
        with pytest.raises(Invalid):
            panel.page(world.doctor, wrong, at, 50)


def test_class_and_tiers_choose_by_what_counts_today(world: World, now: datetime) -> None:
    her, him = living(world, now)
    for one in (her, him):
        classes.look(one, now)
    said = {"reason": "temporary", "until": now.date() + timedelta(days=10), "at": now}
    classes.correct(world.doctor, him, {"class": "healthy"}, **said)
    for wanted, at, expected in (
        (Wanted(resident_class="key"), now, ["王秀兰"]),
        (Wanted(resident_class="healthy"), now, ["张建国"]),
        (Wanted(resident_class="healthy"), now + timedelta(days=10), []),
        (Wanted(resident_class="key"), now + timedelta(days=10), ["王秀兰", "张建国"]),
        (Wanted(medical="medium", social="low"), now, ["王秀兰", "张建国"]),
        (Wanted(medical="high"), now, []),
    ):
        assert sorted(names(panel.page(world.doctor, wanted, at, 50))) == sorted(expected), wanted
    with pytest.raises(Invalid, match="没有这个分类或分级"):
        panel.page(world.doctor, Wanted(resident_class="best"), now, 50)


def test_a_stranger_has_a_panel_of_his_own_without_her(world: World, now: datetime) -> None:
    living(world, now)
    found = panel.page(world.stranger, Wanted(), now, 50)
    assert (found.rows, found.counts["all"]) == ([], 0)
    assert len(panel.page(world.director, Wanted(), now, 50).rows) == 3


def test_where_a_protected_person_lives_is_shown_to_those_only_who_may_know(
    world: World, now: datetime
) -> None:
    her, _ = living(world, now)
    residents.amend(SYSTEM, her, {"traits": ("hypertension", "protected"), "phone": "13800001234"}, now)
    told = {
        who.name: next(
            row.card.phone for row in panel.page(who, Wanted(), now, 50).rows if row.card.resident == her
        )
        for who in (world.doctor, world.director)
    }
    assert told == {"王医生": "13800001234", "周主任": ""}


def test_the_workbook_holds_the_rows_and_is_for_few(world: World, now: datetime) -> None:
    living(world, now)
    assert panel_export.panel_xlsx(world.doctor, Wanted(), now, purpose="随访排班")[:2] == b"PK"
    for who in (world.nurse, world.social_worker):
        with pytest.raises(Forbidden):
            panel_export.panel_xlsx(who, Wanted(), now, purpose="随访排班")
    with pytest.raises(Invalid):
        panel_export.panel_xlsx(world.doctor, Wanted(), now, purpose="")


def rows_of(content: bytes) -> list[list[Any]]:
    """The rows under the heading."""
    sheet = openpyxl.load_workbook(BytesIO(content)).active
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    return rows[next(n for n, row in enumerate(rows) if row[0] == "居民") + 1 :]


def test_the_year_of_each_resident_is_a_workbook_with_both_numbers(world: World, now: datetime) -> None:
    living(world, now)
    later = now + timedelta(days=120)
    found = rows_of(fulfilment_export.fulfilment_xlsx(world.doctor, later, purpose="质控"))
    title, shares = fulfilment.by_resident(world.doctor, later, small=5)
    assert [row[0] for row in found] == ["王＊兰", "张＊国"], "who was missed most often first"
    assert [row[5:7] for row in found] == [[1, 0], [1, 1]]
    whole = fulfilment.rate(world.doctor, later, small=5)
    for name in fulfilment.SETS:
        assert sum(one.counts[name] for one in shares) == whole.counts[name], name
    assert title == whole.title
    assert rows_of(fulfilment_export.fulfilment_xlsx(world.stranger, later, purpose="质控")) == []
    with pytest.raises(Forbidden):
        fulfilment_export.fulfilment_xlsx(world.nurse, later, purpose="质控")
    taken = Export.objects.filter(kind="fulfilment").order_by("at", "id")
    assert [(one.rows, one.purpose) for one in taken] == [(2, "质控"), (0, "质控")]


def test_follow_ups_are_a_workbook_with_what_each_came_to(world: World, now: datetime) -> None:
    her, him = living(world, now)
    saved = whole(world.nurse, her, WELL, now)
    with CaptureQueriesContext(connection) as asked, directory.one_picture():
        found = rows_of(followups_export.followups_xlsx(world.doctor, Wanted(), now, purpose="随访质控"))
    assert [(row[0], row[3], row[5], row[8]) for row in found] == [
        ("王＊兰", "高血压患者随访", "门诊", "赵护士")
    ]
    assert saved.row.status == "completed"
    whole(world.nurse, him, WELL, now + timedelta(days=2))
    with CaptureQueriesContext(connection) as asked_of_two, directory.one_picture():
        both = followups_export.followups_xlsx(
            world.doctor, Wanted(), now + timedelta(days=2), purpose="随访质控"
        )
    assert (len(rows_of(both)), len(asked_of_two)) == (2, len(asked)), "however many there are"
    assert rows_of(followups_export.followups_xlsx(world.stranger, Wanted(), now, purpose="随访质控")) == []
    later = now + timedelta(days=400)
    assert rows_of(followups_export.followups_xlsx(world.doctor, Wanted(), later, purpose="随访质控")) == []
    with pytest.raises(Invalid):
        followups_export.followups_xlsx(world.doctor, Wanted(), now, purpose=" ")
