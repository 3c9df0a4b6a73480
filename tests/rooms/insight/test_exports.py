"""The one way out: limits of the pack, a stated purpose, the mark in the file, and what is written down."""

import hashlib
from datetime import datetime
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import openpyxl
import pytest
from django.db import DatabaseError, transaction
from pytest_django import Settings
from tests.rooms.care.world import World
from tests.rooms.insight.ledger import DAY, promised, served

from yishe.insight import board_export, exports, ledger_export
from yishe.insight.exports import Wanted
from yishe.policy.refusals import Conflict, Forbidden, Invalid
from yishe.trust import digests
from yishe.trust.models import AccessLine, Entry, Export

pytestmark = pytest.mark.django_db
SMALL = """exports:
  ledger:
    limits:
      - {duties: [centre_director], rows: 2, per_day: 3}
"""


@pytest.fixture
def narrow(tmp_path: Path, settings: Settings) -> None:
    """A district where a director takes out two rows at once and three a day, and a team lead nothing."""
    pack = tmp_path / "narrow"
    pack.mkdir()
    (pack / "pack.yaml").write_text(
        "id: narrow\ntitle: 严的区\nversion: '1'\noverlays: demo\n", encoding="utf-8"
    )
    (pack / "exports.yaml").write_text(SMALL, encoding="utf-8")
    settings.PACKS = [*settings.PACKS, pack]


def taken_out(world: World, now: datetime) -> bytes:
    return ledger_export.ledger_xlsx(world.director, {}, now, purpose="质控")


def test_an_export_is_written_down_with_the_hash_of_its_file(world: World, now: datetime) -> None:
    promised(world, now - DAY)
    content = taken_out(world, now)
    row = Export.objects.get()
    assert (row.actor, row.kind, row.purpose, row.rows) == (world.director.staff_id, "ledger", "质控", 1)
    assert row.sha256 == hashlib.sha256(content).hexdigest()
    assert row.size == len(content)
    entry = Entry.objects.get(stream=row.id)
    assert (entry.kind, entry.actor) == (exports.TAKEN, world.director.staff_id)
    assert row.sha256 in entry.data
    line = AccessLine.objects.get(action="loop.export")
    assert (line.purpose, line.subjects) == ("质控", [str(world.resident.subject)])


def test_what_was_taken_out_cannot_be_struck_off_the_list(world: World, now: datetime) -> None:
    taken_out(world, now)
    with pytest.raises(DatabaseError, match="insert-only"), transaction.atomic():
        Export.objects.all().delete()
    with pytest.raises(DatabaseError, match="insert-only"), transaction.atomic():
        Export.objects.update(rows=0)
    digests.seal(now)
    assert digests.prove().whole


def test_the_mark_is_on_top_and_at_the_foot_of_every_page(world: World, now: datetime) -> None:
    content = taken_out(world, now)
    sheet = openpyxl.load_workbook(BytesIO(content)).active
    assert sheet is not None
    top = {row[0].value: row[1].value for row in sheet.iter_rows(max_row=7)}
    number = str(Export.objects.get().id)
    assert (top["导出人"], top["用途"], top["导出编号"]) == ("周主任", "质控", number)
    foot = ZipFile(BytesIO(content)).read("xl/worksheets/sheet1.xml").decode()
    assert "周主任 2026-03-02 09:00 用途：质控" in foot


@pytest.mark.usefixtures("narrow")
def test_more_rows_than_the_pack_gives_are_refused_in_one_file_and_in_a_day(
    world: World, now: datetime
) -> None:
    for days in (1, 2):
        promised(world, now - days * DAY)
    assert taken_out(world, now)
    with pytest.raises(Conflict) as refused:
        taken_out(world, now)
    assert refused.value.code == "export_day_full"
    assert taken_out(world, now + DAY), "a new day, new rows"
    promised(world, now - 3 * DAY)
    with pytest.raises(Invalid) as many:
        taken_out(world, now + 2 * DAY)
    assert (many.value.code, many.value.extra["most"]) == ("too_many_rows", 2)
    assert Export.objects.count() == 2


def test_a_duty_the_pack_does_not_name_takes_nothing_out(world: World, now: datetime) -> None:
    for person in (world.nurse, world.social_worker, world.stranger):
        with pytest.raises(Forbidden) as refused:
            exports.take_out(person, Wanted("ledger", "质控", 1), now, lambda mark: b"")
        assert refused.value.code == "export_not_yours"
    with pytest.raises(Invalid):
        exports.take_out(world.director, Wanted("dreams", "质控", 1), now, lambda mark: b"")
    assert not Export.objects.exists()


@pytest.mark.parametrize("purpose", ["", "  ", "x", "\t\n"])
def test_a_purpose_must_be_stated(world: World, now: datetime, purpose: str) -> None:
    with pytest.raises(Invalid) as refused:
        exports.take_out(world.director, Wanted("ledger", purpose, 1), now, lambda mark: b"")
    assert refused.value.code == "purpose_needed"


def test_the_board_leaves_as_numbers_beside_what_they_are_shares_of(world: World, now: datetime) -> None:
    served(world, now - 30 * DAY, 8)
    promised(world, now - 20 * DAY)
    sheet = openpyxl.load_workbook(BytesIO(board_export.board_xlsx(world.nurse, now, purpose="周会"))).active
    assert sheet is not None
    cells = [[cell.value for cell in row] for row in sheet.iter_rows()]
    titles = next(row for row in cells if row[0] == "分组")
    total = cells[cells.index(titles) + 1]
    assert total[:3] == ["合计", "全部", 2]
    assert total[titles.index("已服务") : titles.index("已服务") + 2] == [1, 2]
    assert Export.objects.get().kind == "board"
    assert AccessLine.objects.get(action="report.export").subjects == []
