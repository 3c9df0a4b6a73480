"""Opening a workbook as centres send it, or saying in Chinese why it cannot be opened."""

import csv
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import python_calamine

from yishe.policy.refusals import Invalid

LARGEST = 40 * 1024 * 1024
"""Bytes of the file itself."""
LARGEST_OPENED = 600 * 1024 * 1024
"""Bytes of a workbook's parts when unpacked: more is a mistake or an attack."""
MOST_ROWS = 200_000
MOST_COLUMNS = 300

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


@dataclass(frozen=True, slots=True)
class Sheet:
    """Cells as calamine reads them (str, float, int, bool, date, datetime …). `rows[0]` is row 1 of the sheet.
    Cells covered by a merged one repeat its value when the merge lies within one column."""

    name: str
    rows: list[list[Any]]


def read(path: Path) -> list[Sheet]:
    """The sheets that hold anything. Refused: missing, empty, too large, locked by a password, not a table."""
    try:
        size = path.stat().st_size
    except OSError:
        raise Invalid("file_missing", f"找不到文件 {path.name}：请核对路径。") from None
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
            raise Invalid("file_locked", "工作簿设了打开密码：请在 Excel 里取消密码，另存后再导入。")
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
    if sum(part.file_size for part in parts) > LARGEST_OPENED:
        raise Invalid("file_bomb", "工作簿解开后过大，不予读取：请核对文件来源，或拆成几份再导入。")
    names = {part.filename for part in parts}
    if not names & {"xl/workbook.xml", "xl/workbook.bin", "content.xml"}:
        raise Invalid(
            "file_type", "这不是 Excel 工作簿（可能是压缩包或 Word）：请另存为 .xlsx 或 .csv 再导入。"
        )


def _broken() -> Invalid:
    return Invalid("file_broken", "工作簿已损坏或没有传完：请重新导出或另存为 .xlsx 后再导入。")


def _workbook(content: bytes) -> list[Sheet]:
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        return [_sheet(book, name) for name in book.sheet_names]
    except python_calamine.PasswordError:
        raise Invalid("file_locked", "工作簿设了打开密码：请在 Excel 里取消密码，另存后再导入。") from None
    except (python_calamine.CalamineError, OSError, ValueError):
        raise _broken() from None


def _sheet(book: Any, name: str) -> Sheet:
    sheet = book.get_sheet_by_name(name)
    if sheet.total_height > MOST_ROWS or sheet.total_width > MOST_COLUMNS:
        raise Invalid(
            "sheet_large",
            f"工作表“{name}”有 {sheet.total_height} 行 {sheet.total_width} 列，超过 {MOST_ROWS} 行或 "
            f"{MOST_COLUMNS} 列：请删去多余的空行空列，或拆成几份。",
        )
    rows = sheet.to_python(skip_empty_area=False)
    for (top, left), (bottom, right) in getattr(sheet, "merged_cell_ranges", None) or ():
        if left == right and bottom < len(rows):
            _fill_down(rows, top, bottom, left)
    return Sheet(name, rows)


def _fill_down(rows: list[list[Any]], top: int, bottom: int, column: int) -> None:
    for row in rows[top + 1 : bottom + 1]:
        if column < len(row) and column < len(rows[top]):
            row[column] = rows[top][column]


# Plain text


def _text(content: bytes) -> list[Sheet]:
    text = _decoded(content)
    if "\0" in text:
        raise Invalid("file_type", "这不是名册（既不是 Excel，也不是文本）：请另存为 .xlsx 或 .csv 再导入。")
    if text.lstrip()[:15].lower().startswith(("<!doctype", "<html", "<?xml", "{")):
        raise Invalid("file_type", "这是网页或程序文件，不是名册：请在 Excel 中打开后另存为 .xlsx 再导入。")
    try:
        rows: list[list[Any]] = list(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)))
    except csv.Error:
        raise _broken() from None
    if len(rows) > MOST_ROWS:
        raise Invalid("sheet_large", f"文件有 {len(rows)} 行，超过 {MOST_ROWS} 行：请拆成几份。")
    return [Sheet("", rows)]


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Invalid("file_type", "文件的文字编码认不出：请在 Excel 中另存为 .xlsx，或 CSV UTF-8 后再导入。")


def _delimiter(text: str) -> str:
    head = "\n".join(text.splitlines()[:30])
    return max((",", "\t", ";", "，"), key=head.count)
