"""A quarter is counted once, kept with its definitions, read by one's own scope, and opened down to residents one may read."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from pyarrow import parquet
from tests.rooms.care.world import World

from yishe.care import observations
from yishe.insight import indicator_reading, indicators_export, lake, snapshots
from yishe.insight.models import IndicatorSnapshot, IndicatorValue
from yishe.people import actors, erasing, residents
from yishe.policy.indicator_rules import Quarter
from yishe.policy.refusals import Conflict, Forbidden, Invalid
from yishe.trust import commit, ids
from yishe.trust.commit import Bundle
from yishe.trust.models import AccessLine, Export

Q = Quarter(2026, 1)
AFTER = timedelta(days=40)  # 11 April: the quarter of `now` is over


@pytest.fixture(autouse=True)
def home(settings: Any, tmp_path: Path) -> None:
    settings.HOME = tmp_path


@pytest.fixture
def counted(world: World, now: datetime) -> World:
    """王秀兰 has no birth date; 孙桂芬 of the same team is 65, with a reading; 远山's resident is of the other centre."""
    told = {
        "name": "孙桂芬",
        "birth_date": date(1961, 3, 1),
        "traits": ["hypertension"],
        "team": world.team.id,
    }
    sun = residents.register(
        actors.SYSTEM, {**told, "doctor": world.doctor.staff_id}, now - AFTER, centre=world.centre.id
    )
    far = {"name": "远山人", "team": world.other_team.id}
    residents.register(actors.SYSTEM, far, now, centre=world.other_team.parent_id)
    observations.record(
        world.doctor,
        sun.resident,
        kind="bp",
        values={"sbp": 130, "dbp": 80},
        at=now,
        command_id=str(ids.new()),
    )
    lake.export(now + AFTER)
    snapshots.take(now + AFTER, Q)
    return replace(world, resident=sun)


def of(found: indicator_reading.Counted, code: str) -> tuple[int, int]:
    return next(one.now for one in found.rows if one.code == code)


def test_each_reads_the_numbers_of_the_own_scope(counted: World, now: datetime) -> None:
    at = now + AFTER
    for reader in (counted.doctor, counted.director):
        found = indicator_reading.standing(reader, at)
        assert (found.quarter, of(found, "coverage"), of(found, "coverage_key")) == (Q, (0, 2), (0, 1))
    assert of(indicator_reading.standing(counted.stranger, at), "coverage") == (0, 1)
    with pytest.raises(Forbidden):
        indicator_reading.standing(counted.stranger, at, team=counted.team.id)


def test_a_number_opens_the_list_that_was_counted_for_whoever_may_read_them(
    counted: World, now: datetime
) -> None:
    asked: dict[str, Any] = {"quarter": "2026Q1", "side": "rest"}
    _, shown, people = indicator_reading.behind(counted.doctor, now + AFTER, "coverage_key", **asked)
    assert ([one.name for one in shown], people) == (["孙桂芬"], 1)
    _, shown, people = indicator_reading.behind(counted.stranger, now + AFTER, "coverage_key", **asked)
    assert (list(shown), people) == ([], 0)
    _, shown, _ = indicator_reading.behind(
        counted.doctor, now + AFTER, "coverage_key", quarter="", side="numerator"
    )
    assert list(shown) == []


def test_what_was_never_counted_is_refused_in_words(counted: World, now: datetime) -> None:
    wrong: list[tuple[str, dict[str, str], type[Exception]]] = [
        ("coverage", {"side": "all"}, Invalid), ("nothing", {}, Invalid), ("../coverage", {}, Invalid),
        ("coverage", {"quarter": "x"}, Invalid),
    ]  # fmt: skip
    for code, asked, refused in wrong:
        with pytest.raises(refused):
            indicator_reading.behind(
                counted.doctor, now + AFTER, code, **{"quarter": "", "side": "rest", **asked}
            )


def test_a_value_keeps_its_definition_and_the_table_takes_no_change(counted: World, now: datetime) -> None:
    (kept,) = IndicatorSnapshot.objects.all()
    assert (kept.quarter, len(kept.pack)) == ("2026Q1", 64)
    one = IndicatorValue.objects.filter(code="coverage").first()
    assert one is not None
    assert one.version == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        IndicatorValue.objects.filter(id=one.id).update(numerator=99)
    assert AccessLine.objects.filter(action=snapshots.ACTION, home=counted.centre.id).count() == 1


def test_counted_again_both_stay_and_the_newest_stands(counted: World, now: datetime) -> None:
    later = now + AFTER + timedelta(days=1)
    residents.register(
        actors.SYSTEM, {"name": "补登人", "team": counted.team.id}, now, centre=counted.centre.id
    )
    lake.export(later)
    snapshots.take(later, Q)
    assert IndicatorSnapshot.objects.count() == 2
    assert of(indicator_reading.standing(counted.doctor, later), "coverage") == (0, 3)


def test_a_change_is_shown_against_the_quarter_before_by_the_same_definition(
    counted: World, now: datetime
) -> None:
    before = IndicatorSnapshot.objects.create(
        id=ids.new(), quarter="2025Q4", pack="0" * 64, exported_at=now, taken_at=now
    )
    for code, version in (("coverage", 1), ("coverage_key", 7)):
        IndicatorValue.objects.create(
            snapshot=before,
            code=code,
            version=version,
            centre=counted.centre.id,
            team=counted.team.id,
            numerator=1,
            denominator=4,
        )
    found = indicator_reading.standing(counted.doctor, now + AFTER)
    assert found.quarters == [Q, Quarter(2025, 4)]
    stood = {one.code: one for one in found.rows}
    coverage = stood["coverage"]
    assert (coverage.before, coverage.change, coverage.small, coverage.small_before) == (
        (1, 4),
        None,
        True,
        True,
    )
    assert replace(coverage, small=False, small_before=False).change == -25
    assert (stood["coverage_key"].before, stood["coverage_key"].change) == (None, None)


def test_whoever_is_erased_leaves_the_lists_and_the_number_stays(counted: World, now: datetime) -> None:
    with commit.atomically():
        bundle = Bundle()
        erasing.forget(bundle, counted.resident.resident, now + AFTER)
        bundle.commit()
    lake.export(now + AFTER + timedelta(hours=1))
    assert snapshots.forget_gone() > 0
    gone = counted.resident.subject.hex
    assert not [
        file
        for file in indicator_reading.members_root().rglob("*.parquet")
        if gone in str(parquet.read_table(file).to_pylist())
    ]
    assert of(indicator_reading.standing(counted.doctor, now + AFTER), "coverage_key") == (0, 1)
    assert snapshots.forget_gone() == 0


def test_a_quarter_that_runs_or_that_nothing_was_exported_of_is_not_counted(
    counted: World, now: datetime
) -> None:
    with pytest.raises(Conflict, match="还没有过完"):
        snapshots.take(now + AFTER, Quarter(2026, 2))
    with pytest.raises(Conflict, match="yishe analytics export"):
        snapshots.take(now + AFTER + timedelta(days=100), Quarter(2026, 2))


def test_the_workbook_is_taken_out_for_a_purpose_by_whoever_reads_the_numbers(
    counted: World, now: datetime
) -> None:
    at = now + AFTER
    assert indicators_export.indicators_xlsx(counted.doctor, at, purpose="季度质控会")[:2] == b"PK"
    assert Export.objects.get(kind="indicators").purpose == "季度质控会"
    with pytest.raises(Invalid):
        indicators_export.indicators_xlsx(counted.doctor, at, purpose="")
