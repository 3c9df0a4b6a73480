"""What leaves for counting is what the indicators need and no more; what is gone, corrected or late is so after the next export."""

import threading
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from pyarrow import parquet
from tests.rooms.care.world import World, build

from yishe.care import encounters, observations
from yishe.insight import lake
from yishe.people import erasing, residents
from yishe.people.actors import SYSTEM
from yishe.policy.indicators import SCHEMAS
from yishe.policy.refusals import Conflict
from yishe.trust import commit, ids
from yishe.trust.commit import Bundle
from yishe.trust.models import AccessLine


@pytest.fixture(autouse=True)
def home(settings: Any, tmp_path: Path) -> Path:
    settings.HOME = tmp_path
    return tmp_path / "analytics"


def rows(table: str) -> list[dict[str, Any]]:
    return [row for file in lake.files(table) for row in parquet.read_table(file).to_pylist()]


def measured(world: World, at: datetime, sbp: int, **more: Any) -> Any:
    values = {"sbp": sbp, "dbp": 80}
    return observations.record(
        world.doctor,
        world.resident.resident,
        kind="bp",
        values=values,
        at=at,
        command_id=str(ids.new()),
        **more,
    )


def visited(world: World, at: datetime) -> Any:
    return encounters.record(
        world.doctor,
        world.resident.resident,
        kind="1",
        summary="头晕，调整用药",
        at=at,
        command_id=str(ids.new()),
    )


def test_codes_days_and_random_ids_leave_and_neither_words_nor_names(
    world: World, now: datetime, home: Path
) -> None:
    told = {
        "name": "欧阳慕雪", "phone": "13912345678", "address": "德胜里一号",
        "birth_date": date(1960, 3, 7), "sex": "2", "traits": ["hypertension", "living_alone"], "team": world.team.id,
    }  # fmt: skip
    someone = residents.register(SYSTEM, told, now, centre=world.centre.id)
    measured(world, now, 142)
    visited(world, now)
    lake.export(now)
    (one,) = [row for row in rows("residents") if row["person"] == someone.subject.hex]
    assert one["born"] == date(1960, 3, 1)
    assert (one["traits"], one["sex"], one["team"]) == ("|hypertension|living_alone|", "2", world.team.id.hex)
    (reading,) = rows("observations")
    assert (reading["sbp"], reading["day"], reading["person"]) == (
        142.0,
        date(2026, 3, 2),
        world.resident.subject.hex,
    )
    assert [(row["way"], row["person"]) for row in rows("visits")] == [("1", world.resident.subject.hex)]
    everything = str({table: rows(table) for table in SCHEMAS})
    secret = [
        "欧阳慕雪",
        "11010119600307002X",
        "13912345678",
        "德胜里",
        "1960-03-07",
        "头晕",
        str(someone.resident),
    ]
    staff = [one.hex for one in (world.doctor.staff_id, world.social_worker.staff_id)]
    assert not [words for words in (*secret, someone.resident.hex, *staff) if words in everything]


def test_nothing_new_changes_no_file_and_leaves_a_line_each_time(
    world: World, now: datetime, home: Path
) -> None:
    measured(world, now, 142)
    first = lake.export(now)
    there = {path: path.stat().st_mtime_ns for path in home.rglob("*.parquet")}
    again = lake.export(now + timedelta(days=1))
    assert (first.rows, first.written) == (again.rows, len(there))
    assert (again.written, again.dropped) == (0, 0)
    assert {path.name for path in home.rglob("*.parquet")} == {path.name for path in there}
    assert AccessLine.objects.filter(action=lake.ACTION, home=world.centre.id).count() == 2
    assert oct(home.stat().st_mode)[-3:] == "700"


def test_a_correction_takes_the_place_of_what_it_corrects(world: World, now: datetime) -> None:
    wrong = measured(world, now, 192)
    lake.export(now)
    measured(world, now + timedelta(minutes=5), 129, supersedes=wrong.id)
    lake.export(now)
    assert [row["sbp"] for row in rows("observations")] == [129.0]


def test_whoever_is_erased_is_in_no_table_after_the_next_export(world: World, now: datetime) -> None:
    measured(world, now, 142)
    visited(world, now)
    neighbour = world.another("孙桂芬", now)
    lake.export(now)
    gone = world.resident.subject.hex
    assert gone in str({table: rows(table) for table in SCHEMAS})
    with commit.atomically():
        bundle = Bundle()
        erasing.forget(bundle, world.resident.resident, now)
        bundle.commit()
    lake.export(now + timedelta(hours=1))
    assert gone not in str({table: rows(table) for table in SCHEMAS})
    assert [row["person"] for row in rows("residents")] == [neighbour.subject.hex]


def test_what_a_killed_run_left_behind_holds_nothing_and_is_swept(
    world: World, now: datetime, home: Path
) -> None:
    measured(world, now, 142)
    lake.export(now)
    (good,) = lake.files("observations")
    half, whole = good.parent / "writing.tmp", good.parent / f"{'0' * 32}.parquet"
    half.write_bytes(b"PAR1")
    whole.write_bytes(good.read_bytes())
    (good.parents[1] / "list.tmp").write_text("{", encoding="utf-8")
    assert lake.files("observations") == [good]
    lake.export(now)
    assert lake.files("observations") == [good]
    assert [path.name for path in good.parent.iterdir()] == [good.name]


def test_a_list_of_other_columns_is_not_trusted(world: World, now: datetime, home: Path) -> None:
    measured(world, now, 142)
    lake.export(now)
    for place in home.glob("observations/home=*/list.json"):
        place.write_text(place.read_text(encoding="utf-8").replace('"sbp"', '"spb"'), encoding="utf-8")
    assert lake.files("observations") == []
    lake.export(now)
    assert [row["sbp"] for row in rows("observations")] == [142.0]


def test_a_second_run_at_the_same_time_is_refused(world: World, now: datetime) -> None:
    with lake._alone(), pytest.raises(Conflict, match="不会重复"):
        lake.export(now)


@pytest.mark.django_db(transaction=True)
def test_what_is_committed_after_an_export_with_an_earlier_time_is_in_the_next(now: datetime) -> None:
    """On PostgreSQL it was begun before the export as well, and unchanged months are not read again."""
    with commit.atomically():
        world = build(now)
    measured(world, now, 142)
    written, exported = threading.Event(), threading.Event()

    def late() -> None:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                measured(world, now - timedelta(hours=3), 151, occurred_at=now - timedelta(days=40))
            written.set()
            exported.wait(60)
            if connection.vendor != "postgresql":  # whoever writes there holds the only pen
                measured(world, now - timedelta(hours=3), 151, occurred_at=now - timedelta(days=40))
        connection.close()

    writer = threading.Thread(target=late)
    writer.start()
    assert written.wait(60)
    if connection.vendor == "postgresql":
        lake.export(now)
    exported.set()
    writer.join()
    again = lake.export(now + timedelta(minutes=1))
    assert sorted(row["sbp"] for row in rows("observations")) == [142.0, 151.0]
    third = lake.export(now + timedelta(minutes=2))
    assert (third.written, third.rows) == (0, again.rows)
    assert third.read < third.rows or connection.vendor != "postgresql"
