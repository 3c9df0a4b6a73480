"""The database itself refuses to change what was written: tried in every way there is, and once behind its back."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from tests.rooms.trust.conftest import Write, entry
from yishe.policy.refusals import Unavailable
from yishe.trust import access_log, guards, ids, ledger, verification
from yishe.trust.models import AccessLine, Entry

ON_POSTGRESQL = connection.vendor == "postgresql"
TABLE = Entry._meta.db_table


def attempted(sql: str, *params: object) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, params)


@contextmanager
def behind_the_guards() -> Iterator[None]:
    """As someone with the database's own keys would do it."""
    with connection.cursor() as cursor:
        if ON_POSTGRESQL:
            cursor.execute("SET LOCAL session_replication_role = replica")
            yield
            cursor.execute("SET LOCAL session_replication_role = origin")
        else:
            cursor.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [TABLE]
            )
            triggers = cursor.fetchall()
            for name, _ in triggers:
                cursor.execute(f'DROP TRIGGER "{name}"')
            yield
            for _, sql in triggers:
                cursor.execute(sql)


def forced(sql: str, *params: object) -> None:
    with behind_the_guards(), connection.cursor() as cursor:
        cursor.execute(sql, params)


def row_of(stream: UUID, seq: int) -> dict[str, object]:
    return Entry.objects.filter(stream=stream, seq=seq).values().get()


def test_an_update_is_refused_raw_and_by_the_orm(write: Write) -> None:
    stream = write()
    before = row_of(stream, 2)
    with pytest.raises(DatabaseError, match="insert-only"):
        attempted(f"UPDATE {TABLE} SET kind = 'forged' WHERE seq = 2")
    with pytest.raises(DatabaseError, match="insert-only"), transaction.atomic():
        Entry.objects.filter(stream=stream, seq=2).update(kind="forged")
    changed = entry(stream, 2)
    changed.kind = "forged"
    with pytest.raises(DatabaseError, match="insert-only"), transaction.atomic():
        changed.save(force_update=True)
    with pytest.raises(DatabaseError, match="insert-only"), transaction.atomic():
        Entry.objects.bulk_update([changed], ["kind"])
    assert row_of(stream, 2) == before


def test_a_delete_is_refused_raw_and_by_the_orm(write: Write) -> None:
    stream = write()
    with pytest.raises(DatabaseError, match="insert-only"):
        attempted(f"DELETE FROM {TABLE} WHERE seq = 3")
    with pytest.raises(DatabaseError, match="insert-only"), transaction.atomic():
        Entry.objects.filter(stream=stream).delete()
    with pytest.raises(DatabaseError, match="insert-only"), transaction.atomic():
        entry(stream, 3).delete()
    assert Entry.objects.filter(stream=stream).count() == 3


def test_emptying_the_table_is_refused(write: Write) -> None:
    stream = write()
    with pytest.raises(DatabaseError, match="insert-only"):
        attempted(f"TRUNCATE {TABLE}" if ON_POSTGRESQL else f"DELETE FROM {TABLE}")
    assert Entry.objects.filter(stream=stream).count() == 3


def test_putting_another_row_in_its_place_is_refused(write: Write) -> None:
    stream = write()
    before = row_of(stream, 2)
    columns = ", ".join(f'"{f.column}"' for f in Entry._meta.concrete_fields)
    others = columns.replace('"kind"', "'forged'")
    copied = f"({columns}) SELECT {others} FROM {TABLE} WHERE seq = 2"
    upsert = f"INSERT INTO {TABLE} {copied} ON CONFLICT (home, stream, seq) DO UPDATE SET kind = 'forged'"
    if not ON_POSTGRESQL:
        upsert = upsert.replace(" ON CONFLICT", " AND true ON CONFLICT")
        for verb in ("INSERT OR REPLACE", "REPLACE"):
            with pytest.raises(DatabaseError, match="insert-only"):
                attempted(f"{verb} INTO {TABLE} {copied}")
    with pytest.raises(DatabaseError, match="insert-only"):
        attempted(upsert)
    assert row_of(stream, 2) == before


def test_a_second_entry_under_a_used_command_cannot_replace_the_first(write: Write, home: UUID) -> None:
    stream = write()
    columns = ", ".join(f'"{f.column}"' for f in Entry._meta.concrete_fields)
    others = columns.replace('"seq"', "99")
    verb = "INSERT" if ON_POSTGRESQL else "INSERT OR REPLACE"
    with pytest.raises(IntegrityError):
        attempted(f"{verb} INTO {TABLE} ({columns}) SELECT {others} FROM {TABLE} WHERE seq = 2")
    assert entry(stream, 2).seq == 2


def test_who_looked_cannot_be_taken_back(home: UUID, now: datetime) -> None:
    access_log.line(None, home=home, actor=ids.new(), action="resident.read", subjects=[ids.new()], at=now)
    lines = AccessLine._meta.db_table
    columns = ", ".join(f'"{f.column}"' for f in AccessLine._meta.concrete_fields)
    forged = columns.replace('"action"', "'nothing'")
    copied = f"({columns}) SELECT {forged} FROM {lines} WHERE true"
    attempts = [
        f"UPDATE {lines} SET action = 'nothing'",
        f"UPDATE {lines} SET at = '2020-01-01 00:00:00+00:00', outcome = 'x'",
        f"DELETE FROM {lines}",
        f"TRUNCATE {lines}" if ON_POSTGRESQL else f"REPLACE INTO {lines} {copied}",
        f"INSERT INTO {lines} {copied} ON CONFLICT (home, at, id) DO UPDATE SET action = 'nothing'",
    ]
    for sql in attempts:
        with pytest.raises(DatabaseError, match="insert-only"):
            attempted(sql)
    with pytest.raises(DatabaseError, match="insert-only"), transaction.atomic():
        AccessLine.objects.update(action="nothing")
    with pytest.raises(DatabaseError, match="insert-only"), transaction.atomic():
        AccessLine.objects.all().delete()
    assert AccessLine.objects.get().action == "resident.read"


def test_an_edit_forced_behind_the_triggers_is_found_where_it_is(write: Write, home: UUID) -> None:
    write()
    stream = write()
    forced(f'UPDATE {TABLE} SET data = \'{{"set":{{"n":9}}}}\' WHERE stream = %s AND seq = 2', _id(stream))
    broken = verification.verify().broken
    assert broken is not None
    assert (broken.home, broken.stream, broken.seq) == (home, stream, 2)
    assert broken.reason == "content does not match its hash"


@pytest.mark.parametrize("column", ["kind", "actor", "recorded_at", "occurred_at", "pack", "command_id"])
def test_every_column_of_an_entry_is_under_its_hash(write: Write, column: str) -> None:
    stream = write()
    value: object = "2020-01-01 00:00:00+00:00" if column.endswith("_at") else "forged"
    value = _id(ids.new()) if column == "actor" else value
    forced(f"UPDATE {TABLE} SET {column} = %s WHERE stream = %s AND seq = 3", value, _id(stream))
    broken = verification.verify().broken
    assert broken is not None
    assert (broken.stream, broken.seq) == (stream, 3)


def test_an_entry_taken_out_of_the_middle_is_found(write: Write) -> None:
    stream = write()
    forced(f"DELETE FROM {TABLE} WHERE stream = %s AND seq = 2", _id(stream))
    broken = verification.verify().broken
    assert broken is not None
    assert (broken.seq, broken.reason) == (3, "entry 2 is missing")


def test_entries_put_in_another_order_are_found(write: Write) -> None:
    stream = write()
    for old, new in ((2, 90), (3, 2), (90, 3)):
        forced(f"UPDATE {TABLE} SET seq = {new} WHERE stream = %s AND seq = {old}", _id(stream))
    broken = verification.verify().broken
    assert broken is not None
    assert (broken.stream, broken.seq) == (stream, 2)


def test_a_stream_cut_at_its_end_is_whole_in_itself_and_found_by_who_remembers_it(
    write: Write, home: UUID
) -> None:
    stream = write()
    heads = [(home, stream, 3, bytes(entry(stream, 3).hash))]
    assert verification.verify(sealed=heads).broken is None
    forced(f"DELETE FROM {TABLE} WHERE stream = %s AND seq = 3", _id(stream))
    assert verification.verify().broken is None
    broken = verification.verify(sealed=heads).broken
    assert broken is not None
    assert (broken.stream, broken.seq) == (stream, 3)


def test_an_edit_with_its_own_hash_made_anew_breaks_the_entry_after_it(write: Write) -> None:
    stream = write()
    changed = entry(stream, 2)
    changed.kind = "forged"
    forced(
        f"UPDATE {TABLE} SET kind = 'forged', hash = %s WHERE stream = %s AND seq = 2",
        ledger.digest(changed),
        _id(stream),
    )
    broken = verification.verify().broken
    assert broken is not None
    assert (broken.seq, broken.reason) == (3, "does not follow the entry before it")


def test_serving_is_refused_without_every_trigger(db: None) -> None:
    guards.require()
    with connection.cursor() as cursor:
        if ON_POSTGRESQL:
            cursor.execute(f'DROP TRIGGER "{TABLE}_no_truncate" ON "{TABLE}"')
        else:
            cursor.execute(f'DROP TRIGGER "{TABLE}_no_delete"')
    with pytest.raises(Unavailable, match="触发器") as refused:
        guards.require()
    assert refused.value.code == "guards_missing"
    guards.install()
    guards.require()


def test_a_trigger_that_is_there_and_would_not_fire_counts_as_missing(db: None) -> None:
    name = f"{TABLE}_insert_only" if ON_POSTGRESQL else f"{TABLE}_no_update"
    disarmed = (
        [f'ALTER TABLE "{TABLE}" {how} TRIGGER "{name}"' for how in ("DISABLE", "ENABLE REPLICA")]
        if ON_POSTGRESQL
        else [
            f'DROP TRIGGER "{name}"',
            f'CREATE TRIGGER "{name}" BEFORE UPDATE ON "{TABLE}" BEGIN SELECT 1; END',
        ]
    )
    with connection.cursor() as cursor:
        for sql in disarmed:
            cursor.execute(sql)
            assert guards.missing() == [name]
    if ON_POSTGRESQL:
        attempted(f'ALTER TABLE "{TABLE}" ENABLE TRIGGER "{name}"')
    guards.install()
    assert guards.missing() == []


def _id(value: UUID) -> object:
    return value if ON_POSTGRESQL else value.hex
