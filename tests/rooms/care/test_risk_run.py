"""Risk over everybody: what the batch says of each is what her page says, in statements that do not grow with how many there are."""

from collections import Counter
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.rooms.care.world import World

from yishe.care import conditions, entries, observations, risk_run, risks
from yishe.people import cards, merges, residents
from yishe.people.actors import SYSTEM
from yishe.people.placements import Placement
from yishe.trust import ids
from yishe.trust.models import AccessLine, Entry

MEASURED: tuple[tuple[str, dict[str, str]], ...] = (
    ("bp", {"sbp": "168", "dbp": "92"}), ("weight", {"weight": "80"}), ("height", {"height": "170"}),
)  # fmt: skip


def grown(world: World, name: str, now: datetime, sex: str = "1") -> Placement:
    where = world.another(name, now - timedelta(days=2))
    said = {"birth_date": date(now.year - 60, 1, 5), "sex": sex}
    residents.amend(world.doctor, where.resident, said, now - timedelta(days=1))
    return where


def measure(world: World, who: UUID, kind: str, values: dict[str, str], at: datetime) -> None:
    observations.record(
        world.nurse, who, kind=kind, values=values, at=at, command_id=f"{who}{kind}{at}"[:120], repeated=True
    )


def on_her_page(
    where: Placement, at: datetime, traits: tuple[str, ...] = ()
) -> dict[str, tuple[object, ...]]:
    card = cards.cards([where.subject])[where.subject]
    rows = observations.latest(entries.keyed(where))
    said = risks.results(risks.known(card, traits, rows, at))
    return {one.code: (one.state, one.grade.title.zh if one.grade else "", one.missing) for one in said}


def counted(pages: list[dict[str, tuple[object, ...]]]) -> dict[str, tuple[Counter[object], ...]]:
    return {
        code: (
            Counter(one[code][0] for one in pages),
            Counter(one[code][1] for one in pages if one[code][1]),
            Counter(name for one in pages for name in one[code][2]),  # type: ignore[attr-defined]
        )
        for code in pages[0]
    }


def told(found: risk_run.Reckoned) -> dict[str, tuple[Counter[object], ...]]:
    def titles(one: risk_run.Told) -> Counter[object]:
        grades = one.model.grading.grades if one.model.grading else ()
        return Counter({grades[number].title.zh: count for number, count in one.grades.items()})

    return {
        code: (Counter(one.states), titles(one), Counter(one.missing)) for code, one in found.models.items()
    }


def test_what_is_counted_of_everybody_is_what_each_page_says(world: World, now: datetime) -> None:
    people = [world.resident, *(grown(world, name, now) for name in ("孙海", "吴桂芳", "周建国"))]
    for who, at in ((people[1], now), (people[2], now - timedelta(hours=2))):
        for kind, values in MEASURED:
            measure(world, who.resident, kind, values, at)
    measure(world, people[2].resident, "bp", {"sbp": "128", "dbp": "78"}, now - timedelta(hours=1))
    told_of = list[tuple[str, int, int]]()
    found = risk_run.run(now, progress=lambda *said: told_of.append(said))
    assert (found.residents, found.measured) == (4, 2)
    assert told(found) == counted([on_her_page(one, now) for one in people])
    assert told(found)["blood_pressure"][1] == {"达到 2 级高血压界值": 1, "正常高值": 1}, "the newest counts"
    assert told_of == [("风险", 4, 4)]


def test_a_recorded_disease_speaks_against_a_model_and_who_has_gone_is_left_out(
    world: World, now: datetime
) -> None:
    ill, dead = grown(world, "孙海", now), grown(world, "吴桂芳", now)
    conditions.record(
        world.doctor, ill.resident, kind="disease", code="", title="脑卒中", at=now, command_id="c1"
    )
    residents.die(SYSTEM, dead.resident, now, now)
    found = risk_run.run(now)
    assert found.residents == 2
    assert told(found) == counted([on_her_page(world.resident, now), on_her_page(ill, now, ("stroke",))])


def test_a_merged_record_is_one_person_with_the_newest_of_both(world: World, now: datetime) -> None:
    kept, double = grown(world, "孙海", now), grown(world, "孙海", now)
    measure(world, double.resident, "bp", {"sbp": "185", "dbp": "112"}, now - timedelta(minutes=5))
    measure(world, kept.resident, "bp", {"sbp": "125", "dbp": "70"}, now - timedelta(minutes=9))
    merges.merge(world.director, kept.resident, double.resident, now)
    found = risk_run.run(now)
    assert (found.residents, found.measured) == (2, 1)
    assert told(found)["blood_pressure"][1] == {"达到 3 级高血压界值": 1}


def test_a_value_that_is_no_number_is_counted_and_hinders_nobody(world: World, now: datetime) -> None:
    measure(world, grown(world, "孙海", now).resident, *MEASURED[0], now)
    row = observations.record(
        world.nurse,
        world.resident.resident,
        kind="bp",
        values={"sbp": 150, "dbp": 92},
        at=now,
        command_id="first",
    )
    row.pk, row.command_id, row.values = ids.new(), "spoilt", {"sbp": "?", "dbp": "92"}
    row.occurred_at += timedelta(minutes=1)
    row.save(force_insert=True)
    found = risk_run.run(now)
    assert (found.residents, found.unreadable) == (2, 1)
    assert told(found)["blood_pressure"][0] == {"done": 1}


def test_nothing_is_written_and_statements_do_not_grow_with_people(world: World, now: datetime) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as statements:
            risk_run.run(now)
        return len(statements)

    for kind, values in MEASURED:
        measure(world, grown(world, "孙海", now).resident, kind, values, now)
    before = Entry.objects.count(), AccessLine.objects.count()
    alone = asked()
    assert alone <= 6
    assert (Entry.objects.count(), AccessLine.objects.count()) == before
    for name in ("吴桂芳", "周建国", "郑秀英"):
        measure(world, grown(world, name, now).resident, *MEASURED[0], now)
    assert asked() == alone


def test_a_part_after_another_comes_to_the_same(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("孙海", "吴桂芳", "周建国"):
        measure(world, grown(world, name, now).resident, *MEASURED[0], now)
    whole = told(risk_run.run(now))
    monkeypatch.setattr(risk_run, "SIZE", 2)
    assert told(risk_run.run(now)) == whole
