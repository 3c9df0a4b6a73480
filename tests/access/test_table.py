"""Every address × every duty × (owner, colleague, stranger, expired) answers as docs/access-table.md says by hand.

A new page, operation, export or stream needs its row there; a row needs what it is asked with in tests/access/asking.py.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.db import transaction
from django.test import override_settings

from tests.access import table, walk
from tests.access.asking import Answer, address, ask, marks, yes
from tests.access.table import Row
from tests.access.town import GONE, Person, Town, build
from yishe.loops import kinds
from yishe.loops.models import Loop
from yishe.people import directory, packs
from yishe.trust.models import Entry

pytestmark = pytest.mark.django_db
ROWS = table.rows()
HINT = (
    "docs/access-table.md is the hand-written judge of access: add a row for it (who may, in each standing) and, if it "
    "takes a body, what it is asked with in tests/access/asking.py"
)


@pytest.fixture(scope="module")
def town(
    django_db_setup: None, django_db_blocker: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    """One town for all rows, gone when they are done."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        with transaction.atomic():
            kinds.forget()
            directory.forget()
            _heard.clear()
            with override_settings(PASSWORD_HASHERS=["yishe.lab.founding.QuickHasher"]):
                yield build(datetime.now(UTC), tmp_path_factory.mktemp("town"))
            transaction.set_rollback(True)
        kinds.forget()
        directory.forget()


_heard: dict[tuple[str, str], Answer] = {}


def asked(row: Row, town: Town, person: Person | None) -> Answer:
    """One question, undone afterwards; two rows that ask the same of the same person hear one answer."""
    key = (row.ask, str(person))
    if key not in _heard:
        _heard[key] = _undone(row, town, person)
    return _heard[key]


def _undone(row: Row, town: Town, person: Person | None) -> Answer:
    with transaction.atomic():
        try:
            return ask(row, town, person)
        finally:
            transaction.set_rollback(True)
            directory.forget()


def test_every_address_stands_in_the_table(town: Town) -> None:
    told = {walk.route(address(row, town)) for row in ROWS}
    assert not walk.addresses() - told, HINT


def test_every_operation_stands_in_the_table(town: Town) -> None:
    told = {(row.method, walk.route(address(row, town))) for row in ROWS if row.section == "API"}
    wanted = {(method, path.replace("{", "<").replace("}", ">")) for method, path in walk.operations()}
    assert not wanted - told, HINT


def test_the_table_names_nothing_that_is_not_there(town: Town) -> None:
    assert [str(row) for row in ROWS if walk.route(address(row, town)) is None] == []


def test_the_table_knows_every_duty_of_the_packs() -> None:
    assert set(table.duties().values()) == set(packs.in_force().duties) | table.OUTSIDE, HINT


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.line}: {row}")
def test_a_row_holds_for_everybody(town: Town, row: Row) -> None:
    people = town.everyone() if row.judged != table.PUBLIC else (town.person("nurse", "stranger"), None)
    wrong = [fault for person in people for fault in _faults(town, row, person)]
    assert not wrong, "\n".join([str(row), *wrong])


PAGES = {row.ask: row for row in ROWS if row.section == "Pages" and row.method == "GET"}
POSTED = {walk.bare(row.address) for row in ROWS if row.method == "POST"}


@pytest.mark.parametrize(
    "row", [row for ask, row in PAGES.items() if walk.bare(row.address) not in POSTED], ids=str
)
def test_another_method_opens_nothing_more(town: Town, row: Row) -> None:
    """A page without a POST row is no way in or around by POST, and nothing at all takes PUT, PATCH or DELETE."""
    before = (Entry.objects.count(), Loop.objects.count())
    for person in (town.person("family_doctor", "owner"), town.person("family_doctor", "stranger"), None):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = asked(replace(row, ask=f"{method} {row.address}"), town, person)
            assert answer.status == 405 or (
                method == "POST" and answer.given <= asked(row, town, person).given
            )
    assert (Entry.objects.count(), Loop.objects.count()) == before


def _faults(town: Town, row: Row, person: Person | None) -> Iterator[str]:
    """Where the answer to this person is not what the table says; signed out and gone people get nothing."""
    answer = asked(row, town, person)
    known = person is not None and person.standing != GONE
    expected = row.judged == table.PUBLIC or (known and person.duty in row.may[person.standing])
    if answer.status >= 500:
        yield f"{person}: failed ({answer.status})"
    if row.judged != table.PUBLIC and yes(row, town, answer) is not expected:
        yield f"{person}: {'refused' if expected else 'given'} ({answer.status})"
    if not expected and (leaks := [mark for mark in marks(row, town) if mark in answer.text]):
        yield f"{person}: sees {leaks} ({answer.status})"
    if not known and row.judged != table.PUBLIC and answer.given:
        yield f"{person}: got in ({answer.status})"
