"""What comes in from outside: how much, what it really is, and that nothing of it lies about in the clear."""

import io
import threading
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from openpyxl import Workbook, load_workbook
from pytest_django.fixtures import Settings as SettingsWrapper

from tests.doors.web.conftest import Office, Screen
from tests.spellings import found
from yishe.doors import doorstep
from yishe.doors.api import entrance
from yishe.policy.refusals import Unavailable
from yishe.trust import sealed_files

NAME, PHONE = "欧阳秋月白", "13986271504"
XLSX = "roster.xlsx"


@pytest.fixture(autouse=True)
def own_folder(settings: SettingsWrapper, tmp_path: Path) -> None:
    settings.HOME = tmp_path


def workbook() -> bytes:
    book, file = Workbook(), io.BytesIO()
    assert book.active is not None
    book.active.append(["姓名", "手机号"])
    book.active.append([NAME, PHONE])
    book.active.append(["=HYPERLINK(1)", "无"])
    book.active["A3"].data_type = "s"  # typed as text, not as a formula
    book.save(file)
    return file.getvalue()


def bring(screen: Screen, name: str, content: bytes, kind: str = "roster") -> HttpResponse:
    """Upload, and wait until it has been read."""
    answer = screen.send("/import/upload", roster=SimpleUploadedFile(name, content), kind=kind)
    for thread in threading.enumerate():
        if thread.name.startswith("import "):
            thread.join()
    return answer


def words_of(screen: Screen, answer: HttpResponse) -> str:
    assert answer.status_code == 302, answer.content.decode()
    return screen.text(answer.headers["Location"])


@pytest.mark.django_db(transaction=True)
def test_a_roster_and_its_result_lie_sealed_until_they_go(office: Office, tmp_path: Path) -> None:
    place = bring(office.director, f"{NAME}.xlsx", workbook()).headers["Location"]
    kept = [one for one in tmp_path.rglob("*") if one.is_file()]
    assert {one.suffix for one in kept} == {".roster", ".note", ".result"}
    assert not any(found(one.read_bytes(), (NAME, PHONE)) for one in kept)
    assert all(one.stat().st_mode & 0o077 == 0 for one in kept)
    result = office.director.open(f"{place}/result.xlsx")
    assert found(result.content, (NAME,)), "to who brought it, it opens"
    assert office.stranger.open(f"{place}/result.xlsx").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_nothing_typed_by_anybody_becomes_a_formula_in_the_result(office: Office) -> None:
    place = bring(office.director, XLSX, workbook()).headers["Location"]
    result = load_workbook(io.BytesIO(office.director.open(f"{place}/result.xlsx").content))
    cells = [cell for sheet in result for row in sheet.iter_rows() for cell in row]
    assert any(str(cell.value).startswith("=HYPERLINK") for cell in cells)
    assert not any(cell.data_type == "f" for cell in cells)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0", "不是名册"), (b"PK\x03\x04 half", "已损坏"),
        (b"%PDF-1.7\0\0\xff\xff\x81", "不是名册"), (b"MZ\x90\0\x03\0\0\0", "不是名册"),
    ],
)  # fmt: skip
def test_a_file_is_taken_by_what_it_is_and_not_by_its_name(
    office: Office, content: bytes, words: str
) -> None:
    assert words in words_of(office.director, bring(office.director, XLSX, content))


@pytest.mark.django_db
def test_another_kind_and_no_file_are_refused(office: Office) -> None:
    assert bring(office.director, "a.exe", b"x").status_code == 422
    assert office.director.send("/import/upload").status_code == 422


@pytest.mark.django_db
def test_a_sealed_file_that_was_changed_or_moved_does_not_open(tmp_path: Path) -> None:
    sealed_files.write(tmp_path / "a", b"content")
    assert sealed_files.read(tmp_path / "a") == b"content"
    (tmp_path / "b").write_bytes((tmp_path / "a").read_bytes())
    raw = bytearray((tmp_path / "a").read_bytes())
    raw[-1] ^= 1
    (tmp_path / "a").write_bytes(raw)
    for name in ("a", "b"):
        with pytest.raises(Unavailable):
            sealed_files.read(tmp_path / name)


class Wire(io.RawIOBase):
    """A body that never ends in memory: counts what is read at once and in all."""

    def __init__(self, size: int) -> None:
        self.left, self.most = size, 0

    def read(self, size: int = -1) -> bytes:
        assert size > 0, "asked for everything at once"
        self.most = max(self.most, size)
        given = min(size, self.left)
        self.left -= given
        return b"[" * given


@pytest.mark.parametrize(
    ("path", "media"), [("/api/v1/loops", "application/json"), ("/residents", "text/plain")]
)
def test_a_hundred_megabytes_are_refused_and_never_held(db: None, path: str, media: str) -> None:
    wire = Wire(100 * 1024 * 1024)
    environment = {"wsgi.input": wire, "CONTENT_LENGTH": str(wire.left), "CONTENT_TYPE": media}
    answer = Client().generic("POST", path, **environment)
    assert answer.status_code == 413
    assert "内容太大" in answer.content.decode()
    assert wire.left == 0, "read off the wire, so that the sender hears why"
    assert wire.most <= 1024 * 1024
    assert max(entrance.LARGEST, doorstep.LARGEST) <= 2 * 1024 * 1024


@pytest.mark.django_db
def test_a_form_too_large_or_of_too_many_fields_is_refused_in_words(office: Office) -> None:
    large = office.doctor.send("/notices/read", note="长" * 1024 * 1024)
    assert (large.status_code, "内容太大" in large.content.decode()) == (413, True)
    many = office.doctor.send("/sign-in", **{f"f{n}": "1" for n in range(1200)})
    assert many.status_code == 400
    assert "请求读不懂" in many.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_list_of_before_is_previewed_and_each_row_ends_somewhere(office: Office) -> None:
    book, file = Workbook(), io.BytesIO()
    assert book.active is not None
    book.active.append(["姓名", "身份证号", "病种", "确诊日期", "管理状态"])
    book.active.append([NAME, "11010219470105002X", "高血压", "2024/13/45", "在管"])
    book.save(file)
    shown = words_of(office.director, bring(office.director, "慢病.xlsx", file.getvalue(), "conditions"))
    assert ("读了 1 行" in shown, "请" in shown) == (True, True)
    assert "慢病登记" in office.director.text("/import")
    assert bring(office.director, XLSX, workbook(), "visits").status_code == 422
    assert bring(office.nurse, XLSX, workbook(), "conditions").status_code == 403
