"""Opening a workbook as centres send it, or saying in Chinese why it cannot be opened."""

import csv
import io
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from yishe.people import import_reader as reader
from yishe.policy.refusals import Invalid

LARGEST = 40 * 1024 * 1024
"""Bytes of the file itself."""
LARGEST_OPENED = 600 * 1024 * 1024
"""Bytes of a workbook's parts when unpacked: more is a mistake or an attack."""
MOST_PARTS = 5_000
MOST_RATIO, UNSUSPICIOUS = 200, 20 * 1024 * 1024
"""Tables of people pack about thirtyfold; what packs better, and is not small, was made to."""
MOST_SECONDS = reader.MOST_SECONDS + 30

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_CODINGS = ("utf-8-sig", "gb18030")
_HEADED = re.compile(r"姓\s*名|\bname\b", re.IGNORECASE)
"""What a text read in its right coding shows."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Cells as calamine reads them (str, float, int, bool, date, datetime …). `rows[0]` is row 1 of the sheet.
    Cells covered by a merged one repeat its value when the merge lies within one column."""

    name: str
    rows: list[list[Any]]


def read(path: Path) -> list[Sheet]:
    """The sheets that hold anything. Refused: missing, empty, too large, locked by a password, not a table."""
    if not path.is_file():
        raise Invalid("file_missing", f"找不到文件 {path.name}：请核对路径。")
    size = path.stat().st_size
    if size > LARGEST:
        raise Invalid(
            "file_large", f"文件有 {size // 2**20} MB，超过 {LARGEST // 2**20} MB：请拆成几份再导入。"
        )
    return read_bytes(path.read_bytes())


def read_bytes(content: bytes) -> list[Sheet]:
    """Like `read`, for an upload."""
    if not content.strip():
        raise Invalid("file_empty", "文件是空的：请选择有内容的名册。")
    if len(content) > LARGEST:
        raise Invalid("file_large", f"文件超过 {LARGEST // 2**20} MB：请拆成几份再导入。")
    if content.startswith(_ZIP):
        _refuse_bomb(content)
    elif content.startswith(_OLE):
        if _ENCRYPTED in content:
            raise _refusals("file_locked")
    else:
        return _text(content)
    sheets = _workbook(content)
    if not any(sheet.rows for sheet in sheets):
        raise Invalid("file_empty", "工作簿里没有任何内容：请选择有内容的名册。")
    return sheets


def _refuse_bomb(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError):
        raise _broken() from None
    opened = sum(part.file_size for part in parts)
    if (
        len(parts) > MOST_PARTS
        or opened > LARGEST_OPENED
        or opened > max(UNSUSPICIOUS, MOST_RATIO * len(content))
    ):
        raise _bomb()
    names = {part.filename for part in parts}
    if not names & {"xl/workbook.xml", "xl/workbook.bin", "content.xml"}:
        raise Invalid(
            "file_type", "这不是 Excel 工作簿（可能是压缩包或 Word）：请另存为 .xlsx 或 .csv 再导入。"
        )


def _broken() -> Invalid:
    return Invalid("file_broken", "工作簿已损坏或没有传完：请重新导出或另存为 .xlsx 后再导入。")


def _workbook(content: bytes) -> list[Sheet]:
    """Read in a process of its own that knows none of our settings, so that no workbook can take this one down."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", reader.__name__], env={"PYTHONPATH": os.pathsep.join(sys.path)},
            input=content, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=MOST_SECONDS, check=True,
        )  # fmt: skip
        said = orjson.loads(done.stdout)
    except (subprocess.SubprocessError, orjson.JSONDecodeError):
        raise _refusals("file_bomb") from None
    if "fault" in said:
        raise _refusals(said["fault"], said.get("words", ""))
    return [Sheet(name, [[reader.cell(one) for one in row] for row in rows]) for name, rows in said["sheets"]]


def _refusals(code: str, words: str = "") -> Invalid:
    if code == "file_locked":
        return Invalid(code, "工作簿设了打开密码：请在 Excel 里取消密码，另存后再导入。")
    if code == "sheet_large":
        most = f"{reader.MOST_ROWS} 行、{reader.MOST_COLUMNS} 列或 {reader.MOST_CELLS} 格"
        return Invalid(code, f"{words}，超过 {most}：请删去多余的空行空列，或拆成几份。")
    return _bomb() if code == "file_bomb" else _broken()


def _bomb() -> Invalid:
    return Invalid(
        "file_bomb", "工作簿解开后过大，不予读取：请核对文件来源，删去多余的空行空列，或拆成几份再导入。"
    )


# Plain text


def _text(content: bytes) -> list[Sheet]:
    text = _decoded(content)
    if "\0" in text:
        raise Invalid("file_type", "这不是名册（既不是 Excel，也不是文本）：请另存为 .xlsx 或 .csv 再导入。")
    if text.lstrip()[:15].lower().startswith(("<!doctype", "<html", "<?xml", "{")):
        raise Invalid("file_type", "这是网页或程序文件，不是名册：请在 Excel 中打开后另存为 .xlsx 再导入。")
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    try:
        rows: list[list[Any]] = list(lines)
    except csv.Error:
        where = f"第 {lines.line_num} 行读不出（少了引号，或一格里字太多）"
        raise Invalid("file_broken", f"{where}：请在 Excel 中打开核对，另存为 .xlsx 再导入。") from None
    widest = max(map(len, rows), default=0)
    if len(rows) > reader.MOST_ROWS or widest > reader.MOST_COLUMNS:
        raise _refusals("sheet_large", f"文件有 {len(rows)} 行 {widest} 列")
    return [Sheet("", rows)]


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    if content.count(0) > len(content) // 20:
        texts = [content.decode(code, errors="replace") for code in ("utf-16-le", "utf-16-be")]
        return next((text for text in texts if _HEADED.search(text)), "\0")
    return _of_bytes(content)


def _of_bytes(content: bytes) -> str:
    """UTF-8, else the national coding. A few spoilt bytes spoil their own rows, not the file: whichever reading shows
    a header is taken, and the rows say what in them is unreadable (import_cells.refuse_unreadable)."""
    whole = [text for code in _CODINGS if "\ufffd" not in (text := content.decode(code, errors="replace"))]
    partly = [content.decode(code, errors="replace") for code in _CODINGS]
    found = next((text for text in (*whole, *partly) if _HEADED.search(text)), None) or next(
        iter(whole), None
    )
    if found is not None:
        return found
    raise Invalid("file_type", "文件的文字编码认不出：请在 Excel 中另存为 .xlsx，或 CSV UTF-8 后再导入。")


def _delimiter(text: str) -> str:
    head = "\n".join(text.splitlines()[:30])
    return max((",", "\t", ";", "，", "|"), key=head.count)
