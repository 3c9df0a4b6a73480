"""Steps, ages and the whole report as one JSON object."""

import json
from datetime import date, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.rooms.care.world import World
from tests.rooms.insight.ledger import DAY, promised, served

from yishe.insight import ages, report, scopes, steps
from yishe.loops import reading
from yishe.policy.refusals import Forbidden, Invalid

pytestmark = pytest.mark.django_db
SPAN = (date(2025, 12, 1), date(2026, 3, 31))
SECONDS = 86_400


def test_the_time_of_each_step_is_a_median(world: World, now: datetime) -> None:
    for days in (4, 8, 40):
        served(world, now - 60 * DAY, days)
    scope = scopes.scope_of(world.director, now, small=10)
    found = {step.name: (step.median, step.count) for step in steps.medians(scope, *SPAN)}
    assert found["accept"] == (SECONDS, 3)
    assert found["first_contact"] == (SECONDS, 3)
    assert found["finish"] == (6 * SECONDS, 3)
    assert found["confirm"] == (SECONDS, 3)
    assert found["whole"] == (9 * SECONDS, 3)


def test_an_automatic_confirmation_says_nothing_about_how_long_people_take(
    world: World, now: datetime
) -> None:
    served(world, now - 60 * DAY, 8, by="auto")
    scope = scopes.scope_of(world.director, now, small=10)
    found = {step.name: step for step in steps.medians(scope, *SPAN)}
    assert (found["confirm"].median, found["confirm"].count) == (None, 0)
    assert found["finish"].count == 1


def test_each_step_opens_the_list_it_was_counted_over(world: World, now: datetime) -> None:
    served(world, now - 60 * DAY, 8)
    served(world, now - 60 * DAY, 8, by="auto")
    served(world, now - 60 * DAY, 8, by="not_needed")
    promised(world, now - 60 * DAY, accepted_at=now)
    promised(world, now - 60 * DAY)
    scope = scopes.scope_of(world.director, now, small=10)
    for step in steps.medians(scope, *SPAN):
        assert reading.how_many(world.director, step.filter, now) == step.count, step


def test_open_promises_by_age(world: World, now: datetime) -> None:
    for days in (0, 1, 2, 5, 45):
        promised(world, now - days * DAY)
    served(world, now - 60 * DAY, 8)
    scope = scopes.scope_of(world.director, now, small=10)
    found = ages.bands(scope, now, (1, 3, 7))
    assert [(band.least, band.most, band.open.count) for band in found] == [
        (0, 1, 1),
        (1, 3, 2),
        (3, 7, 1),
        (7, None, 1),
    ]
    assert [band.overdue.count for band in found] == [0, 1, 1, 1]
    for band in found:
        assert reading.how_many(world.director, band.open.filter, now) == band.open.count
        assert reading.how_many(world.director, band.overdue.filter, now) == band.overdue.count


def test_the_report_is_plain_json_with_numerators_and_denominators(world: World, now: datetime) -> None:
    served(world, now - 30 * DAY, 8)
    promised(world, now - 30 * DAY)
    found = json.loads(json.dumps(report.closing(world.director, at=now), ensure_ascii=False))
    assert found["since"] == "2026-01-01"
    assert found["until"] == "2026-03-02"
    assert found["headline"]["numerator"]["count"] == 1
    assert found["headline"]["denominator"]["count"] == 2
    assert found["headline"]["share"] == 0.5
    assert set(found["total"]["measures"]) >= {"accepted", "served", "confirmed", "helped", "closed_in_time"}


def test_an_empty_time_has_no_share_rather_than_nought(world: World, now: datetime) -> None:
    found = report.closing(world.director, at=now, since=date(2024, 1, 1), until=date(2024, 1, 31))
    assert found["headline"]["share"] is None
    assert found["months"] == []


def test_a_span_backwards_is_refused(world: World, now: datetime) -> None:
    with pytest.raises(Invalid):
        report.closing(world.director, at=now, since=date(2026, 2, 1), until=date(2026, 1, 1))


def test_the_first_and_last_day_of_the_calendar_are_no_crash(world: World, now: datetime) -> None:
    for day in (date.min, date.max):
        with pytest.raises(Invalid):
            report.closing(world.director, at=now, since=day, until=day)


def test_a_team_asks_for_its_own_and_not_for_another(world: World, now: datetime) -> None:
    promised(world, now - 30 * DAY)
    assert report.closing(world.nurse, at=now, team=world.team.id)["total"]["sent"]["count"] == 1
    with pytest.raises(Forbidden):
        report.closing(world.stranger, at=now, team=world.team.id)


def test_the_report_costs_a_fixed_number_of_statements(world: World, now: datetime) -> None:
    for _ in range(5):
        served(world, now - 30 * DAY, 8)
    with CaptureQueriesContext(connection) as queries:
        report.closing(world.director, at=now)
    assert len([one for one in queries if "loops_loop" in one["sql"]]) == 6
