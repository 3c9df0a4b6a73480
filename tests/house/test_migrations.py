"""A migration after the last release holds no table for long, and the release before goes on beside it."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.state import ModelState, ProjectState
from tests.house import online as rules

from yishe.trust import online

RELEASED: dict[str, str] = yaml.safe_load(
    (Path(__file__).parent / "released.yaml").read_text(encoding="utf-8")
)


def test_what_comes_after_the_release_may_run_beside_it() -> None:
    loader = MigrationLoader(None)
    newer = [key for key in loader.disk_migrations if key[0] in RELEASED and key[1] > RELEASED[key[0]]]
    found = [
        fault
        for key in sorted(newer)
        for fault in rules.faults(
            loader.disk_migrations[key], loader.project_state(key, at_end=False), RELEASED
        )
    ]
    assert found == []


def test_every_room_with_tables_is_held_to_it() -> None:
    loader = MigrationLoader(None)
    ours = {
        app for app, _ in loader.disk_migrations if (Path(__file__).parents[2] / "src/yishe" / app).is_dir()
    }
    assert set(RELEASED) == ours
    assert set(RELEASED.items()) <= set(loader.disk_migrations)


def state() -> ProjectState:
    found = ProjectState()
    fields = [
        ("id", models.BigAutoField(primary_key=True)),
        ("said", models.CharField(max_length=20, null=True)),
    ]
    found.add_model(ModelState("room", "Thing", fields))
    return found


def judged(*operations: Any, **said: Any) -> list[str]:
    kind = type("Migration", (Migration,), {"operations": list(operations), **said})
    return list(rules.faults(kind("0002_next", "room"), state(), {"room": "0001_initial"}))


INDEX = models.Index(fields=["said"], name="thing_said")
CHECK = models.CheckConstraint(condition=~models.Q(said=""), name="thing_says")
FIELDS: list[tuple[Any, bool]] = [
    (models.CharField(max_length=5, null=True), True),
    (models.CharField(max_length=5, db_default=""), True),
    (models.CharField(max_length=5, default=""), False),
    (models.DateTimeField(default=list), False),
    (models.CharField(max_length=5, null=True, db_index=True), False),
    (models.ForeignKey("room.Thing", models.PROTECT, null=True, db_index=False), False),
]


@pytest.mark.parametrize(("field", "allowed"), FIELDS)
def test_a_new_column_is_one_that_older_code_may_leave_out(field: Any, allowed: bool) -> None:
    assert (judged(migrations.AddField("thing", "more", field)) == []) is allowed


@pytest.mark.parametrize(
    ("field", "allowed"),
    [
        (models.CharField(max_length=40, null=True), True),
        (models.TextField(null=True), True),
        (models.CharField(max_length=10, null=True), False),
        (models.IntegerField(null=True), False),
        (models.CharField(max_length=20), False),
        (models.CharField(max_length=20, null=True, unique=True), False),
    ],
)
def test_a_column_may_grow_wider_and_nothing_else(field: Any, allowed: bool) -> None:
    assert (judged(migrations.AlterField("thing", "said", field)) == []) is allowed


def test_indexes_are_built_beside_those_who_write() -> None:
    assert judged(migrations.AddIndex("thing", INDEX))
    assert not judged(migrations.AddIndex("thing", INDEX), small=("Thing",))
    assert not judged(online.AddIndex("thing", INDEX), atomic=False)
    assert judged(online.AddIndex("thing", INDEX), online.AddIndex("thing", INDEX))
    fresh = migrations.CreateModel("Other", [("id", models.BigAutoField(primary_key=True))])
    assert not judged(fresh, migrations.AddIndex("other", models.Index(fields=["id"], name="other_id")))


def test_checks_come_in_two_steps_and_what_is_gone_too() -> None:
    assert judged(migrations.AddConstraint("thing", CHECK))
    assert not judged(online.AddCheck("thing", CHECK))
    gone = migrations.RemoveField("thing", "said")
    assert judged(gone)
    assert judged(gone, after="0002_next")
    assert not judged(gone, after="0001_initial")
    assert not judged(migrations.SeparateDatabaseAndState(state_operations=[gone]))
    assert judged(migrations.RenameField("thing", "said", "told"))
    assert judged(migrations.DeleteModel("Thing"))


def test_rows_are_changed_in_small_steps_and_sql_is_looked_at() -> None:
    def work(*_: object) -> None:
        """Nothing."""

    assert judged(migrations.RunPython(work))
    assert not judged(migrations.RunPython(work), atomic=False)
    assert judged(migrations.RunSQL("ALTER TABLE room_thing SET (fillfactor = 80)"))
    assert not judged(migrations.RunSQL("ALTER TABLE room_thing SET (fillfactor = 80)"), reviewed="a moment")
