"""One cell of a roster into one value: dates, telephones, ID numbers, yes and no, as people write them."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from yishe.people.particulars import Questioned, tidy

_EXCEL_DAY_ZERO = date(1899, 12, 30)
_SERIALS = range(366, 73051)  # 1901-01-01 … 2100-01-01
_TIME = r"[\sT]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?"
_DATE = re.compile(
    rf"(\d{{4}})\s*[-/.·、年\s]\s*(\d{{1,2}})\s*[-/.·、月\s]\s*(\d{{1,2}})\s*[日号]?\.?(?:{_TIME})?"
)
_HAN_DATE = re.compile(
    r"([〇○零一二三四五六七八九]{4})年([一二三四五六七八九十]{1,3})月([一二三四五六七八九十]{1,3})[日号]?"
)
_HAN_DIGITS = {**{digit: value for value, digit in enumerate("〇一二三四五六七八九")}, "○": 0, "零": 0}
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_MONTH = re.compile(r"(\d{4})\s*[-/.年]?\s*(\d{1,2})\s*月?")
_SCIENTIFIC = re.compile(r"\d(?:\.\d+)?[eE]\+?\d+")
_WHOLE = re.compile(r"\d{1,15}\.0+")
_ROUNDED = re.compile(r"\d{15}000")
_NEVER_GIVEN = re.compile(r"\d{14}0000")
ID_LENGTH = 18
UNREADABLE = "\ufffd"
_EXACT_FLOAT = 10**15
"""Beyond fifteen digits a spreadsheet number has lost some."""
_NONE = frozenset(
    {"", "无", "/", "\\", "-", "--", "—", "——", "不详", "空", "null", "none", "n/a", "nan", "否认"}
)


def text(cell: Any) -> str:
    """The cell as people read it: 1.0 is 1, a date is written out, an apostrophe or ="…" in front is dropped."""
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < _EXACT_FLOAT:
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    found = tidy(cell)
    if found.startswith('="') and found.endswith('"'):
        found = found[2:-1]
    if _WHOLE.fullmatch(found):
        found = found.split(".")[0]
    return found.lstrip("'`‘’′").strip()


def named(cell: Any) -> str:
    """A name; TRUE and FALSE, which a formula leaves behind, are none."""
    return "" if isinstance(cell, bool) else text(cell)


def optional(cell: Any) -> str | None:
    """Text, or None for an empty cell and for 无, /, 不详 and their kind."""
    found = text(cell)
    return None if found.lower() in _NONE else found


def rounded(cells: Iterable[Any]) -> bool:
    """Whether a column of ID numbers went through a spreadsheet as numbers: one in eleven would still pass its check."""
    long = [found for cell in cells if len(found := text(cell).replace(" ", "")) == ID_LENGTH]
    lost = sum(_ROUNDED.fullmatch(one) is not None for one in long)
    return lost > 1 and lost * 2 > len(long)


def id_number(cell: Any, *, column_rounded: bool = False) -> str | None:
    """As written, or Questioned when the spreadsheet has rounded it."""
    if isinstance(cell, bool):
        raise Questioned("id_number", "id_not_number", "身份证号一栏不是号码：请填写 18 位身份证号。")
    found = (optional(cell) or "").replace(" ", "")
    lost = isinstance(cell, int | float) and abs(cell) >= _EXACT_FLOAT
    shapes = (_NEVER_GIVEN, _SCIENTIFIC, *((_ROUNDED,) if column_rounded else ()))
    if lost or any(shape.fullmatch(found) for shape in shapes):
        raise Questioned(
            "id_number",
            "id_digits_lost",
            "身份证号被表格当成数字，末几位已丢失：请把这一列设为“文本”格式，按证件重新填写。",
        )
    return found or None


def refuse_unreadable(row: Mapping[str, Any]) -> None:
    """Questioned when a cell holds the mark of bytes that no coding explains."""
    for code, cell in row.items():
        if isinstance(cell, str) and UNREADABLE in cell:
            raise Questioned(
                code, "unreadable", "有读不出的字（乱码）：请在原表里改正，另存为 .xlsx 再导入。"
            )


def phone(cell: Any) -> str | None:
    """The first number in the cell. A number shown as 1.38E+10 has lost its digits and is questioned."""
    found = optional(cell)
    if found is None:
        return None
    if _SCIENTIFIC.fullmatch(found):
        return _from_scientific(found)
    first = re.split(r"[、,，;；/|]|(?<=\d{7})\s+(?=\d{7})|或", found)[0]
    return re.sub(r"(?:\(.*?\)|[一-鿿:：].*)$", "", first).strip() or re.sub(r"[^\d-]", "", first) or first


def _from_scientific(found: str) -> str:
    """1.3800138E10, as programs write a whole number; not 1.38E+10, as a narrow column shows it."""
    digits = len(re.sub(r"[eE].*|\D", "", found))
    try:
        number = Decimal(found)
    except InvalidOperation:
        number = Decimal("0.5")
    if number != number.to_integral_value() or ("+" in found and digits < 9):
        raise Questioned(
            "phone",
            "phone_digits_lost",
            "电话被表格显示成科学计数，末几位已丢失：请把这一列设为“文本”格式，重新填写。",
        )
    return str(int(number))


def day(cell: Any, column: str, title: str) -> date | None:
    """A full date in any of the forms seen; None when empty. Questioned when it cannot be read or is half."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    found = optional(cell)
    if found is None:
        return None
    for form in (_DATE, _COMPACT):
        match = form.fullmatch(found)
        if match:
            return _real(match.groups(), found, column, title)
    match = _HAN_DATE.fullmatch(found.replace(" ", ""))
    if match:
        return _real(tuple(str(_numeral(part)) for part in match.groups()), found, column, title)
    if re.fullmatch(r"\d{3,5}", found) and int(found) in _SERIALS and not _is_year(found):
        return _EXCEL_DAY_ZERO + timedelta(days=int(found))
    half = "（只有年月，缺日）" if _MONTH.fullmatch(found) else ""
    raise Questioned(
        column, "date_form", f"{title}“{found[:20]}”看不懂{half}：请写成 1947-03-05 这样的年月日。"
    )


def _numeral(words: str) -> int:
    """一九四七 digit by digit; 十, 十五, 二十, 三十一 by tens."""
    tens, ten, ones = words.rpartition("十")
    if ten:
        return (_HAN_DIGITS[tens] if tens else 1) * 10 + (_HAN_DIGITS[ones] if ones else 0)
    return int("".join(str(_HAN_DIGITS[one]) for one in words))


def _is_year(found: str) -> bool:
    return len(found) == 4 and 1880 <= int(found) <= 2100


def _real(parts: tuple[str, ...], found: str, column: str, title: str) -> date:
    try:
        return date(*(int(part) for part in parts))
    except ValueError:
        raise Questioned(column, "date_unreal", f"{title}“{found[:20]}”不是真实的日期：请核对。") from None


def coded(cell: Any, values: Mapping[str, tuple[str, ...]]) -> str | None:
    """The code whose words hold this cell; None when empty; the text itself when no code has it."""
    found = optional(cell)
    if found is None:
        return None
    folded = found.lower()
    return next((code for code, words in values.items() if folded in {w.lower() for w in words}), found)


def listed(cell: Any) -> tuple[str, ...]:
    """The parts of a cell that lists things: 高血压、糖尿病；冠心病."""
    found = text(cell)
    parts = (part.strip() for part in re.split(r"[、,，;；/|+\s]+", found))
    return tuple(part for part in parts if part.lower() not in _NONE)
