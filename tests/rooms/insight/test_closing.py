"""The measures of design §4 against ledgers written by hand, case by case."""

from collections.abc import Callable
from datetime import date, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.rooms.care.world import World
from tests.rooms.insight.ledger import DAY, closed, promised, served

from yishe.insight import measures, scopes
from yishe.insight.measures import Row
from yishe.loops import reading
from yishe.people.actors import Actor
from yishe.policy.refusals import Forbidden

pytestmark = pytest.mark.django_db
SPAN = (date(2025, 12, 1), date(2026, 3, 31))
Case = Callable[[World, datetime], object]


def total(world: World, at: datetime, actor: Actor | None = None) -> Row:
    scope = scopes.scope_of(actor or world.director, at, small=10)
    return measures.closing(scope, *SPAN, at).total


def counted(row: Row) -> dict[str, tuple[int, int]]:
    return {name: (one.numerator.count, one.denominator.count) for name, one in row.measures.items()}


# Each case is one loop promised 60 days ago whose promise date (day 10) has passed. What it adds to each number:
CASES: list[tuple[str, Case, dict[str, int]]] = [
    ("served in time and confirmed", lambda w, t: served(w, t, 8),
     {"accepted": 1, "accepted_in_time": 1, "served": 1, "confirmed": 1, "closed_in_time": 1, "due": 1}),
    ("completed on the very deadline", lambda w, t: served(w, t, 10),
     {"accepted": 1, "accepted_in_time": 1, "served": 1, "confirmed": 1, "closed_in_time": 1, "due": 1}),
    ("completed in time, confirmed after the date", lambda w, t: served(w, t, 10, closed_at=t + 30 * DAY),
     {"accepted": 1, "accepted_in_time": 1, "served": 1, "confirmed": 1, "closed_in_time": 1, "due": 1}),
    ("served late", lambda w, t: served(w, t, 11),
     {"accepted": 1, "accepted_in_time": 1, "served": 1, "confirmed": 1, "due": 1}),
    ("auto-confirmed", lambda w, t: served(w, t, 8, by="auto"),
     {"accepted": 1, "accepted_in_time": 1, "served": 1, "due": 1}),
    ("acknowledged, no confirmation asked", lambda w, t: served(w, t, 8, by="not_needed"),
     {"accepted": 1, "accepted_in_time": 1, "served": 1, "confirmed": 1, "closed_in_time": 1, "due": 1}),
    ("completed, not yet confirmed",
     lambda w, t: promised(w, t, accepted_at=t + DAY, started_at=t + DAY, completed_at=t + DAY, status="completed"),
     {"accepted": 1, "accepted_in_time": 1, "served": 1, "due": 1}),
    ("accepted too late", lambda w, t: served(w, t, 8, accepted_at=t + 3 * DAY),
     {"accepted": 1, "served": 1, "confirmed": 1, "closed_in_time": 1, "due": 1}),
    ("never accepted", promised, {"due": 1}),
    ("declined and confirmed not served",
     lambda w, t: closed(w, t, "rejected", t + 3 * DAY, confirmed_by="", close_reason="C8"), {"due": 1}),
    ("declined, back with the sender", lambda w, t: promised(w, t, status="rejected"), {"due": 1}),
    ("failed", lambda w, t: closed(w, t, "failed", t + 9 * DAY, accepted_at=t + DAY, close_reason="C5"),
     {"accepted": 1, "accepted_in_time": 1, "due": 1}),
    ("cancelled by the sender", lambda w, t: closed(w, t, "cancelled", t + DAY, close_reason="withdrawn"), {"due": 1}),
    ("died meanwhile", lambda w, t: closed(w, t, "cancelled", t + 5 * DAY, close_reason="dead", gone="dead"),
     {"taken_out": 1}),
    ("moved away meanwhile", lambda w, t: closed(w, t, "cancelled", t + 5 * DAY, close_reason="moved", gone="moved"),
     {"taken_out": 1}),
    ("failed because of death, said by a person",
     lambda w, t: closed(w, t, "failed", t + 5 * DAY, accepted_at=t + DAY, close_reason="C7"),
     {"accepted": 1, "accepted_in_time": 1, "taken_out": 1}),
    ("not yet due", lambda w, t: promised(w, t, promised_by=t + 90 * DAY), {}),
    ("served, but its date has not passed", lambda w, t: served(w, t, 8, promised_by=t + 90 * DAY),
     {"accepted": 1, "accepted_in_time": 1, "served": 1, "confirmed": 1}),
    ("helped", lambda w, t: served(w, t, 8, heard="partly"),
     {"accepted": 1, "accepted_in_time": 1, "served": 1, "confirmed": 1, "closed_in_time": 1, "due": 1, "heard": 1, "helped": 1}),
    ("heard, not helped", lambda w, t: served(w, t, 8, heard="no"),
     {"accepted": 1, "accepted_in_time": 1, "served": 1, "confirmed": 1, "closed_in_time": 1, "due": 1, "heard": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("case", "adds"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_fate_counts_where_the_table_says(
    world: World, now: datetime, case: Case, adds: dict[str, int]
) -> None:
    case(world, now - 60 * DAY)
    row, got = total(world, now), counted(total(world, now))
    say = {name: adds.get(name, 0) for name in ("due", "heard", "taken_out", *got)}
    assert row.sent.count == 1
    assert row.taken_out.count == say["taken_out"]
    for name in ("accepted", "accepted_in_time", "served", "confirmed", "heard"):
        assert got[name] == (say[name], 1), name
    assert got["helped"] == (say["helped"], say["heard"])
    assert got["closed_in_time"] == (say["closed_in_time"], say["due"])


def test_what_was_entered_in_error_counts_nowhere(world: World, now: datetime) -> None:
    closed(world, now - 60 * DAY, "entered-in-error", now - 50 * DAY, closed_as="void")
    row = total(world, now)
    assert row.sent.count == row.taken_out.count == 0
    assert row.headline.share is None


def test_all_fates_together(world: World, now: datetime) -> None:
    for _, case, _ in CASES:
        case(world, now - 60 * DAY)
    row = total(world, now)
    assert row.sent.count == len(CASES)
    for name in ("accepted", "served", "confirmed", "heard"):
        assert row.measures[name].numerator.count == sum(adds.get(name, 0) for *_, adds in CASES), name
    headline = row.headline
    assert headline.denominator.count == sum(adds.get("due", 0) for *_, adds in CASES)
    assert headline.share == headline.numerator.count / headline.denominator.count


def test_every_number_opens_exactly_its_list(world: World, now: datetime) -> None:
    for days, (_, case, _) in enumerate(CASES, start=40):
        case(world, now - days * DAY)
    scope = scopes.scope_of(world.director, now, small=10)
    found = measures.closing(scope, *SPAN, now)
    rows = [
        found.total,
        *found.months,
        *measures.by_team(scope, *SPAN, now),
        *measures.by_reason(scope, *SPAN, now),
    ]
    for row in rows:
        numbers = [row.sent, row.taken_out]
        numbers += [side for one in row.measures.values() for side in (one.numerator, one.denominator)]
        for number in numbers:
            assert reading.how_many(world.director, number.filter, now) == number.count, number


def test_a_month_is_the_local_month_of_the_promise(world: World, now: datetime) -> None:
    promised(world, datetime.fromisoformat("2026-02-01T00:10:00+08:00"))
    promised(world, datetime.fromisoformat("2026-01-31T23:50:00+08:00"))
    found = measures.closing(scopes.scope_of(world.director, now, small=10), *SPAN, now)
    assert [(row.key, row.sent.count) for row in found.months] == [("2026-01", 1), ("2026-02", 1)]


def test_the_days_asked_for_are_both_included(world: World, now: datetime) -> None:
    for moment in ("2026-01-01T00:00:00+08:00", "2026-01-31T23:59:59+08:00", "2026-02-01T00:00:00+08:00"):
        promised(world, datetime.fromisoformat(moment))
    scope = scopes.scope_of(world.director, now, small=10)
    assert measures.closing(scope, date(2026, 1, 1), date(2026, 1, 31), now).total.sent.count == 2


def test_small_numbers_are_marked(world: World, now: datetime) -> None:
    for _ in range(3):
        served(world, now - 60 * DAY, 8)
    for small, marked in ((3, False), (4, True)):
        scope = scopes.scope_of(world.director, now, small=small)
        assert measures.closing(scope, *SPAN, now).total.headline.small is marked


def test_teams_are_told_apart_and_a_loop_without_one_is_shown(world: World, now: datetime) -> None:
    served(world, now - 60 * DAY, 8)
    promised(world, now - 60 * DAY, team=None)
    scope = scopes.scope_of(world.director, now, small=10)
    rows = {row.key: row for row in measures.by_team(scope, *SPAN, now)}
    assert rows[str(world.team.id)].headline.share == 1
    assert rows["none"].headline.share == 0


def test_sensitive_reasons_are_counted_together_and_named_nowhere(world: World, now: datetime) -> None:
    promised(world, now - 60 * DAY, reason="D01", sensitive=True)
    promised(world, now - 60 * DAY, reason="D02", sensitive=True)
    promised(world, now - 60 * DAY)
    scope = scopes.scope_of(world.director, now, small=10)
    assert {row.key: row.sent.count for row in measures.by_reason(scope, *SPAN, now)} == {
        "sensitive": 2,
        "D12": 1,
    }
    assert reading.how_many(world.director, {"reason": "D01"}, now) == 0


def test_team_centre_district_and_stranger_see_their_own(world: World, now: datetime) -> None:
    promised(world, now - 60 * DAY)
    promised(world, now - 60 * DAY, team=None)
    far = world.other_team
    promised(world, now - 60 * DAY, team=far.id, centre=far.parent_id, home=far.parent_id)
    seen = {
        person.name: total(world, now, person).sent.count
        for person in (world.nurse, world.director, world.administrator, world.stranger)
    }
    assert seen == {"赵护士": 1, "周主任": 2, "郑管理员": 3, "钱医生": 1}


def test_another_centres_board_is_refused(world: World, now: datetime) -> None:
    for actor in (world.director, world.nurse):
        with pytest.raises(Forbidden):
            scopes.scope_of(actor, now, small=10, centre=world.other_team.parent_id)
        with pytest.raises(Forbidden):
            scopes.scope_of(actor, now, small=10, team=world.other_team.id)
    narrower = scopes.scope_of(world.director, now, small=10, team=world.team.id)
    assert narrower.title == "德胜一队"


def test_the_whole_board_costs_a_fixed_number_of_statements(world: World, now: datetime) -> None:
    scope = scopes.scope_of(world.director, now, small=10)
    for _ in range(5):
        served(world, now - 60 * DAY, 8)
    with CaptureQueriesContext(connection) as queries:
        measures.closing(scope, *SPAN, now)
    assert len(queries) == 2
