"""Chinese resident identity number (GB 11643): check digit, birth date, sex; the 15-digit form is converted.

Standard: content of GB 11643-1999; province prefixes of GB/T 2260, and 9 for foreigners' permanent residence cards
(2023 form). The four digits after the province are not checked (old districts stay valid on old cards).
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from .refusals import Invalid

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_DIGITS = "10X98765432"
PROVINCES = frozenset(
    (
        *range(11, 16),
        *range(21, 24),
        *range(31, 38),
        *range(41, 47),
        *range(50, 55),
        *range(61, 66),
        71,
        81,
        82,
        83,
        *range(91, 100),
    )
)


OTHER_DOCUMENTS = (
    (re.compile(r"[HM]\d{8}(\d{2})?"), "港澳居民来往内地通行证"),
    (re.compile(r"[A-Z]{1,2}\d{6,9}|[A-Z]{3}\d{6}"), "护照"),
    (re.compile(r".{1,4}字第\d{4,10}号?"), "军官证"),
)
"""How numbers of other documents look, which rosters carry in the same column."""


@dataclass(frozen=True, slots=True)
class IdNumber:
    """`number18`: 18 characters, upper case; `sex`: GB/T 2261.1 code, `1` male or `2` female."""

    number18: str
    birth_date: date
    sex: str
    converted: bool = False


def check(text: str, today: date | None = None) -> IdNumber:
    """Read a number as people write it: full-width digits, spaces, dashes and a small x are forgiven.

    A 15-digit number (issued before 1999, born 19xx) answers its 18-digit form. Raises Invalid with the reason
    in Chinese. `today`, when given, also refuses a birth date after it.
    """
    number = _tidy(text)
    converted = len(number) == 15
    other = next((title for form, title in OTHER_DOCUMENTS if form.fullmatch(number)), "")
    if other:
        raise Invalid(
            "id_number.other_document",
            f"这是{other}号，不是身份证号：请换成 18 位身份证号；没有身份证的请把这一栏留空，填出生日期和电话来登记",
        )
    if converted:
        number = _convert(number)
    if (
        len(number) != 18
        or not (number.isascii() and number[:17].isdigit())
        or number[17] not in "0123456789X"
    ):
        raise Invalid("id_number.form", "身份证号应为 18 位（或 15 位旧号）数字，末位可为 X，请核对")
    if int(number[:2]) not in PROVINCES:
        raise Invalid("id_number.area", f"身份证号前两位 {number[:2]} 不是省级行政区划代码，请核对")
    born = _birth_date(number[6:14], today)
    if number[17] != check_digit(number[:17]):
        raise Invalid("id_number.check_digit", "身份证号校验位不符，可能有一位抄错，请逐位核对")
    return IdNumber(number, born, "1" if int(number[16]) % 2 else "2", converted)


def check_digit(first17: str) -> str:
    """The 18th character for the first seventeen digits."""
    total = sum(int(digit) * weight for digit, weight in zip(first17, WEIGHTS, strict=True))
    return CHECK_DIGITS[total % 11]


def _tidy(text: str) -> str:
    plain = unicodedata.normalize("NFKC", str(text)).upper()
    return "".join(c for c in plain if not c.isspace() and c not in "-'`‘’＇")


def _convert(old: str) -> str:
    if not (old.isascii() and old.isdigit()):
        raise Invalid("id_number.form", "15 位旧身份证号应全为数字，请核对")
    first17 = old[:6] + "19" + old[6:]
    return first17 + check_digit(first17)


def _birth_date(digits: str, today: date | None) -> date:
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        raise Invalid("id_number.birth_date", f"身份证号中的出生日期 {digits} 不存在，请核对") from None
    if today is not None and born > today:
        raise Invalid("id_number.birth_date", f"身份证号中的出生日期 {digits} 晚于今天，请核对")
    return born
