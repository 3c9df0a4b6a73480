"""Files made to do harm are refused in words, quickly, and what reads them stays alive."""

import io
import struct
import zipfile
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from openpyxl import Workbook

from yishe.people import import_workbooks
from yishe.people.import_workbooks import Sheet, read_bytes
from yishe.policy.refusals import Invalid

SPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
XML = '<?xml version="1.0"?>'
PARTS = {
    "[Content_Types].xml": f'{XML}<Types xmlns="{PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{SHEET_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{SHEET_TYPE}.worksheet+xml"/></Types>',
    "_rels/.rels": f'{XML}<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
    f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'{XML}<workbook xmlns="{SPACE}" xmlns:r="{OFFICE}"><sheets>'
    '<sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'{XML}<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
    f'Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}
MEGABYTE = 1 << 20


def cell(place: str, said: str) -> str:
    return f'<row r="{place.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")}"><c r="{place}" t="inlineStr"><is><t>{said}</t></is></c></row>'


def book(cells: str, before: str = "", **more: bytes) -> bytes:
    """A workbook of one sheet, as an attacker writes it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in PARTS.items():
            archive.writestr(name, content)
        sheet = f'{XML}{before}<worksheet xmlns="{SPACE}"><sheetData>{cells}</sheetData></worksheet>'
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
        for name, part in more.items():
            archive.writestr(name, part)
    return file.getvalue()


LAUGHS = "<!DOCTYPE s [<!ENTITY a 'ha'>" + "".join(
    f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(9)
) + "]>"  # fmt: skip
OUTSIDE = "<!DOCTYPE s [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"


def lying() -> bytes:
    """A part that says it is small and is not."""
    said = cell("A1", "x") + " " * (60 * MEGABYTE)
    content = book(said)
    size = len(f'{XML}<worksheet xmlns="{SPACE}"><sheetData>{said}</sheetData></worksheet>')
    return content.replace(struct.pack("<I", size), struct.pack("<I", 1000))


BOMBS = {
    "a sheet that claims its last corner": (
        lambda: book(cell("A1", "姓名") + cell("XFD1048576", "x")),
        "file_bomb",
    ),
    "a billion laughs": (lambda: book(cell("A1", "&j;"), LAUGHS), "file_broken"),
    "a file of the server": (lambda: book(cell("A1", "&x;"), OUTSIDE), "file_broken"),
    "a part that lies about its size": (lying, "file_broken"),
    "too many parts": (lambda: book("", **{f"x/{n}": b"" for n in range(6000)}), "file_bomb"),
    "packed a thousandfold": (lambda: book(" " * (30 * MEGABYTE)), "file_bomb"),
    "too many columns": (("," * 400).encode, "sheet_large"),
    "one endless cell": (lambda: b"a" * (2 * MEGABYTE), "file_broken"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_file_made_to_do_harm_is_refused_in_chinese(name: str) -> None:
    make, code = BOMBS[name]
    with pytest.raises(Invalid) as refused:
        read_bytes(make())
    assert refused.value.code == code
    assert any("一" <= letter <= "鿿" for letter in refused.value.title)
    assert "passwd" not in refused.value.title


def test_an_archive_within_is_never_opened() -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("0", bytes(100 * MEGABYTE))
    assert read_bytes(book(cell("A1", "姓名"), **{"xl/embeddings/a.zip": inner.getvalue()})) == [
        Sheet("S", [["姓名"]])
    ]


def test_what_a_workbook_runs_in_knows_none_of_our_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    run = import_workbooks.subprocess.run
    monkeypatch.setattr(
        "yishe.people.import_workbooks.subprocess.run",
        lambda *a, **k: (seen.append(k["env"]), run(*a, **k))[1],
    )
    read_bytes(book(cell("A1", "姓名")))
    assert [set(one) for one in seen] == [{"PYTHONPATH"}]


def test_every_kind_of_cell_comes_back_as_it_was(tmp_path: Path) -> None:
    moment = datetime.fromisoformat("2026-03-02T09:30:00")
    said = ["王秀兰", 1.5, True, date(1947, 3, 5), moment, timedelta(hours=30)]
    made = Workbook()
    assert made.active is not None
    made.active.append(said)
    made.save(tmp_path / "kinds.xlsx")
    (sheet,) = import_workbooks.read(tmp_path / "kinds.xlsx")
    assert sheet.rows == [said]
