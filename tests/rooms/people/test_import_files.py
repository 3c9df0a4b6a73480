"""What is no roster is refused as a whole, in words; a crash leaves whole batches and the next run finishes."""

import io
import zipfile
from pathlib import Path

import pytest
from django.db import connection

from tests.fixtures.rosters import messy
from tests.rooms.people.conftest import World
from yishe.people import import_, import_cells, import_workbooks
from yishe.people.models import Resident, SearchToken, Subject
from yishe.people.particulars import Questioned
from yishe.policy.refusals import Refused
from yishe.trust.models import SubjectKey


def zipped(**parts: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml"), content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (b"  \n ", "file_empty"),
        (b"PK\x03\x04 half a workbook", "file_broken"),
        (zipped(word__document_xml=b"<w/>"), "file_type"),
        (zipped(xl__workbook_xml=b"<broken"), "file_broken"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "file_locked"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 nothing more", "file_broken"),
        (b"%PDF-1.7\0\0\xff\xff\x81", "file_type"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "file_type"),
        ("<html><table>姓名</table></html>".encode(), "file_type"),
        ("今天天气很好\n没有表头".encode(), "no_header"),
        ("姓名\n张三".encode(), "no_header"),
    ],
)
def test_what_is_no_roster_is_refused_in_chinese(world: World, content: bytes, code: str) -> None:
    with pytest.raises(Refused) as refused:
        import_.run(world.actor("gong"), content, at=world.now)

    assert refused.value.code == code
    assert any("\u4e00" <= c <= "\u9fff" for c in refused.value.title)


def test_a_workbook_that_unpacks_to_too_much_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_workbooks, "LARGEST_OPENED", 1_000_000)

    with pytest.raises(Refused, match="过大"):
        import_workbooks.read_bytes(zipped(xl__workbook_xml=bytes(2_000_000)))


def test_too_large_and_missing_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_workbooks, "LARGEST", 10)
    (tmp_path / "r.csv").write_text("姓名,电话\n张三,13800138000\n")

    with pytest.raises(Refused, match="超过"):
        import_workbooks.read(tmp_path / "r.csv")
    with pytest.raises(Refused, match="找不到"):
        import_workbooks.read(tmp_path / "none.csv")


@pytest.mark.parametrize("delimiter", ["\t", ";"])
def test_other_delimiters_and_utf16_are_read(world: World, delimiter: str) -> None:
    text = f"姓名{delimiter}手机号\n张三{delimiter}13800138000\n"

    report = import_.run(world.actor("gong"), text.encode("utf-16"), at=world.now)

    assert report.created == 1


@pytest.mark.parametrize(
    "written",
    ["1947-3-5", "1947/03/05", "1947.3.5", "19470305", "1947年3月5日", "1947-03-05 00:00:00", 17231, 17231.0,
     19470305, "１９４７－０３－０５", " 1947 03 05 ", "'1947-03-05", '="1947-03-05"', "17231"],
)  # fmt: skip
def test_a_date_is_read_however_it_is_written(written: object) -> None:
    found = import_cells.day(written, "birth_date", "出生日期")

    assert str(found) == "1947-03-05"


@pytest.mark.parametrize(
    "written", ["05/03/1947", "47-3-5", "1947", "三月五日", "1947-13-01", "19471301", 1e9]
)
def test_a_date_that_may_mean_two_things_is_questioned(written: object) -> None:
    with pytest.raises(Questioned):
        import_cells.day(written, "birth_date", "出生日期")


@pytest.mark.django_db(transaction=True)
def test_a_crash_between_batches_leaves_whole_ones_and_the_next_run_finishes(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_, "BATCH", 10)
    path = messy.write_many(tmp_path / "r.xlsx", 35)

    def dies(done: int, total: int) -> None:
        if done >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_.run(world.actor("gong"), path, at=world.now, progress=dies)
    assert Resident.objects.count() == Subject.objects.count() == SubjectKey.objects.count() == 20

    report = import_.run(world.actor("gong"), path, at=world.now)

    assert (report.unchanged, report.created) == (20, 15)
    assert Resident.objects.count() == 35


@pytest.mark.django_db(transaction=True)
def test_a_crash_within_a_batch_leaves_nothing_of_it(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = messy.write_many(tmp_path / "r.xlsx", 5)
    before = SubjectKey.objects.count()

    def dies(execute: object, sql: str, params: object, many: bool, context: object) -> object:
        if "people_searchtoken" in sql and "INSERT" in sql:
            raise KeyboardInterrupt
        return execute(sql, params, many, context)  # type: ignore[operator]

    with connection.execute_wrapper(dies), pytest.raises(KeyboardInterrupt):
        import_.run(world.actor("gong"), path, at=world.now)

    assert (Resident.objects.count(), SearchToken.objects.count(), SubjectKey.objects.count()) == (
        0,
        0,
        before,
    )


def test_a_thousand_rows_cost_a_bounded_number_of_statements(
    world: World, tmp_path: Path, django_assert_max_num_queries: object
) -> None:
    path = messy.write_many(tmp_path / "r.xlsx", 1000)

    with django_assert_max_num_queries(160):  # type: ignore[operator]
        report = import_.run(world.actor("gong"), path, at=world.now)

    assert report.created == 1000
