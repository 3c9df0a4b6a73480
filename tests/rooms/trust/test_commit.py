"""A bundle is written whole or not at all, and a refusal leaves everything as it was."""

from datetime import datetime
from uuid import UUID

import pytest
from django.db import connection, transaction

from tests.rooms.trust.conftest import Write
from yishe.people.models import DirectoryVersion, Household, Organisation
from yishe.trust import commit, ids, ledger, verification
from yishe.trust.commit import Bundle, Duplicate, Stale
from yishe.trust.models import CentreKey, Entry


@pytest.fixture
def version(db: None) -> DirectoryVersion:
    return DirectoryVersion.objects.create(id=1, version=7)


def organisation(code: str) -> dict[str, object]:
    return {"id": ids.new(), "level": "city", "code": code, "name": code}


def present() -> int:
    return DirectoryVersion.objects.get(id=1).version


def test_a_bundle_writes_everything_it_collected(version: DirectoryVersion) -> None:
    bundle = Bundle()
    bundle.insert(Organisation, **organisation("a"))
    bundle.insert(Organisation, **organisation("b"))
    bundle.update(DirectoryVersion, where={"id": 1, "version": 7}, values={"version": 8})
    bundle.commit()
    assert (Organisation.objects.count(), present()) == (2, 8)


def test_a_guard_that_does_not_hold_writes_nothing(version: DirectoryVersion) -> None:
    bundle = Bundle()
    bundle.insert(Organisation, **organisation("a"))
    bundle.update(DirectoryVersion, where={"id": 1, "version": 6}, values={"version": 8})
    with pytest.raises(Stale):
        bundle.commit()
    assert (Organisation.objects.count(), present()) == (0, 7)


def test_of_two_guards_one_that_does_not_hold_undoes_the_other(version: DirectoryVersion, home: UUID) -> None:
    for first, second in ((7, 99), (99, 7)):
        bundle = Bundle()
        bundle.insert(Organisation, **organisation("a"))
        bundle.update(DirectoryVersion, where={"id": 1, "version": first}, values={"version": first})
        bundle.update(DirectoryVersion, where={"id": 1, "version": second}, values={"version": 8})
        with pytest.raises(Stale):
            bundle.commit()
    assert (Organisation.objects.count(), present()) == (0, 7)


def test_a_required_row_that_is_not_so_writes_nothing(version: DirectoryVersion) -> None:
    bundle = Bundle()
    bundle.insert(Organisation, **organisation("a"))
    bundle.require(DirectoryVersion, {"id": 1, "version": 6})
    with pytest.raises(Stale):
        bundle.commit()
    bundle = Bundle()
    bundle.insert(Organisation, **organisation("b"))
    bundle.require(DirectoryVersion, {"id": 1, "version": 7})
    bundle.commit()
    assert list(Organisation.objects.values_list("code", flat=True)) == ["b"]


def test_an_unguarded_update_beside_a_lost_guard_is_not_written(
    version: DirectoryVersion, home: UUID
) -> None:
    bundle = Bundle()
    bundle.update(CentreKey, where={"home": home}, values={"wrapped": b"gone"}, guard=False)
    bundle.update(DirectoryVersion, where={"id": 1, "version": 6}, values={"version": 8})
    with pytest.raises(Stale):
        bundle.commit()
    assert bytes(CentreKey.objects.get(home=home).wrapped) != b"gone"


def test_a_taken_key_writes_nothing(version: DirectoryVersion) -> None:
    Organisation.objects.create(**organisation("taken"))
    bundle = Bundle()
    bundle.insert(Organisation, **organisation("free"))
    bundle.insert(Organisation, **organisation("taken"))
    bundle.update(DirectoryVersion, where={"id": 1, "version": 7}, values={"version": 8})
    with pytest.raises(Duplicate):
        bundle.commit()
    assert (Organisation.objects.count(), present()) == (1, 7)


def test_a_row_that_is_there_already_is_left_as_it_is(home: UUID) -> None:
    before = bytes(CentreKey.objects.get(home=home).wrapped)
    bundle = Bundle()
    bundle.insert_if_absent(CentreKey, home=home, wrapped=b"other", created_at=datetime.now().astimezone())
    bundle.insert(Organisation, **organisation("a"))
    bundle.commit()
    assert bytes(CentreKey.objects.get(home=home).wrapped) == before
    assert Organisation.objects.count() == 1


def test_a_refusal_inside_a_transaction_leaves_the_transaction_usable(version: DirectoryVersion) -> None:
    Organisation.objects.create(**organisation("taken"))
    with transaction.atomic():
        Organisation.objects.create(**organisation("before"))
        for spoil in ("taken", "stale"):
            bundle = Bundle()
            bundle.insert(Organisation, **organisation("inside"))
            if spoil == "taken":
                bundle.insert(Organisation, **organisation("taken"))
            bundle.update(
                DirectoryVersion,
                where={"id": 1, "version": 7 if spoil == "taken" else 1},
                values={"version": 8},
            )
            with pytest.raises((Stale, Duplicate)):
                bundle.commit()
        Organisation.objects.create(**organisation("after"))
    assert set(Organisation.objects.values_list("code", flat=True)) == {"taken", "before", "after"}
    assert present() == 7


def test_several_bundles_in_one_transaction_end_together(version: DirectoryVersion) -> None:
    def attempt() -> None:
        with commit.atomically():
            bundle = Bundle()
            bundle.insert(Organisation, **organisation("a"))
            bundle.commit()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt()
    assert Organisation.objects.count() == 0


def test_two_entries_after_the_same_head_only_one_stays(write: Write, home: UUID, now: datetime) -> None:
    stream = write(2)
    head = ledger.head(home, stream)
    for number in range(2):
        bundle = Bundle()
        ledger.append(
            bundle,
            head,
            home=home,
            stream=stream,
            kind=f"noted{number}",
            actor=ids.SYSTEM,
            at=now,
            pack="",
            data={},
        )
        if number == 0:
            bundle.commit()
        else:
            with pytest.raises(Duplicate):
                bundle.commit()
    assert [e.kind for e in ledger.entries(stream)] == ["noted", "noted", "noted0"]
    assert verification.verify().broken is None


def test_a_command_is_one_entry_however_often_it_is_tried(home: UUID, now: datetime) -> None:
    actor = ids.new()
    for number in range(3):
        bundle = Bundle()
        ledger.append(
            bundle,
            ledger.Head(),
            home=home,
            stream=ids.new(),
            kind="k",
            actor=actor,
            at=now,
            pack="",
            data={},
            command_id="c",
        )
        if number:
            with pytest.raises(Duplicate):
                bundle.commit()
        else:
            bundle.commit()
    assert Entry.objects.filter(actor=actor).count() == 1
    bundle = Bundle()
    ledger.append(
        bundle,
        ledger.Head(),
        home=home,
        stream=ids.new(),
        kind="k",
        actor=ids.new(),
        at=now,
        pack="",
        data={},
        command_id="c",
    )
    bundle.commit()


def test_a_column_that_does_not_exist_is_a_mistake_of_the_programmer(db: None) -> None:
    bundle = Bundle()
    with pytest.raises(TypeError, match="colour"):
        bundle.insert(Household, id=ids.new(), home=ids.new(), code="x", colour="red")


def test_on_postgresql_a_guarded_bundle_is_one_statement_on_sqlite_one_short_transaction(
    version: DirectoryVersion, django_assert_max_num_queries: object
) -> None:
    bundle = Bundle()
    bundle.insert(Organisation, **organisation("a"))
    bundle.update(DirectoryVersion, where={"id": 1, "version": 7}, values={"version": 8})
    allowed = (
        3 if connection.vendor == "postgresql" else 4
    )  # the test itself runs in a transaction: one savepoint more
    with django_assert_max_num_queries(allowed):  # type: ignore[operator]
        bundle.commit()
