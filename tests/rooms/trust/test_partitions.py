"""A table divided by the centre of its rows holds the same rows, under the same keys and the same refusals."""

from datetime import datetime
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from tests.rooms.trust.conftest import Write, entry
from yishe.policy.refusals import Conflict, Invalid
from yishe.trust import guards, partitions, storage, verification
from yishe.trust.commit import Bundle, Duplicate
from yishe.trust.models import Entry

ON_POSTGRESQL = connection.vendor == "postgresql"


def test_the_ledger_goes_on_divided_by_the_centre_it_belongs_to(write: Write, now: datetime) -> None:
    streams = [write() for _ in range(3)]
    before = list(Entry.objects.order_by("home", "stream", "seq").values())
    if not ON_POSTGRESQL:
        with pytest.raises(Invalid, match="SQLite"):
            partitions.divide("trust_entry", 4)
        assert (partitions.divided(), storage.missing()) == ([], [])
        return
    assert partitions.divide("trust_entry", 4) == len(before)
    assert partitions.divided() == ["trust_entry"]
    assert list(Entry.objects.order_by("home", "stream", "seq").values()) == before
    streams.append(write())
    assert verification.verify().broken is None
    assert guards.missing() == []
    for sql in ("UPDATE trust_entry SET kind = 'forged'", "DELETE FROM trust_entry", "TRUNCATE trust_entry",
                "DELETE FROM parts.trust_entry_0", "TRUNCATE parts.trust_entry_0"):  # fmt: skip
        with (
            pytest.raises(DatabaseError, match="insert-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(sql if "_0" not in sql else sql.replace("_0", f"_{_filled()}"))
    one, bundle = entry(streams[0], 1), Bundle()
    same = {f.attname: getattr(one, f.attname) for f in one._meta.concrete_fields}
    bundle.insert(Entry, **same | {"stream": uuid4()})
    with pytest.raises(Duplicate):  # the same command of the same person
        bundle.commit()
    with pytest.raises(Conflict):
        partitions.divide("trust_entry", 4)
    with connection.cursor() as cursor:
        cursor.execute(
            "EXPLAIN SELECT * FROM trust_entry WHERE home = %s AND stream = %s", [one.home, one.stream]
        )
        assert "".join(row[0] for row in cursor.fetchall()).count("Scan") <= 2


def _filled() -> int:
    """A part in which there is something."""
    with connection.cursor() as cursor:
        counts = []
        for n in range(4):
            cursor.execute(f"SELECT count(*) FROM parts.trust_entry_{n}")
            counts.append(cursor.fetchone()[0])
    return counts.index(max(counts))


def test_what_grows_is_kept_as_was_said_and_another_value_of_the_operator_stays(db: None) -> None:
    asked = storage.missing()
    assert storage.install() == len(asked)
    assert storage.missing() == []
    if ON_POSTGRESQL:
        assert any("loops_loop" in one for one in asked)
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE loops_loop SET (autovacuum_vacuum_scale_factor = 0.5)")
        assert storage.install() == 0


def test_a_table_that_belongs_to_no_centre_is_not_divided(db: None) -> None:
    with pytest.raises(Invalid):
        partitions.divide("trust_digest", 4)
