"""What may be said of a resident, checked once for every way in: page, API, roster, demo."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from yishe.policy import id_number
from yishe.policy.refusals import Invalid

ZONE = ZoneInfo("Asia/Shanghai")
"""Where dates are decided; moments are stored in UTC."""
NAME_LONGEST = 60
OLDEST_YEARS = 130
SEXES = ("0", "1", "2", "9")
_MOBILE = re.compile(r"1[3-9]\d{9}")
_LANDLINE = re.compile(r"(0\d{2,3})?[2-9]\d{6,7}(-\d{1,5})?|400\d{7}")
_RECORD = re.compile(r"[0-9A-Za-z-]{1,40}")
_DOTS = re.compile(r"[•・‧∙⋅.]")
"""What stands between the parts of a minority's name, as different keyboards write it."""
_HAN = re.compile(r"[〇\u3400-\u9fff\U00020000-\U0003ffff]")
_NAME = re.compile(r"(?=.*\w)[〇\u3400-\u9fff\U00020000-\U0003ffff·A-Za-z .'-]+\d{0,5}")
"""Namesakes are often told apart by a number: 张伟2."""


class Questioned(Invalid):
    """A field that cannot be taken as it is; `column` is its code."""

    def __init__(self, column: str, code: str, title: str) -> None:
        super().__init__(code, title, column=column)
        self.column = column


@dataclass(frozen=True, slots=True)
class Particulars:
    """One resident as declared. None and empty mean "not said", never "take away"."""

    name: str = ""
    id_number: str | None = None
    sex: str = "0"
    birth_date: date | None = None
    phone: str | None = None
    address: str | None = None
    record_number: str | None = None
    household: str | None = None
    neighbourhood: UUID | None = None
    workplace: UUID | None = None
    team: UUID | None = None
    doctor: UUID | None = None
    social_worker: UUID | None = None
    traits: tuple[str, ...] = ()
    allergies: tuple[str, ...] = ()

    def said(self) -> dict[str, Any]:
        """Only what was said."""
        pairs = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: value for name, value in pairs if value not in (None, "", (), "0")}


IdCheck = Callable[[str, date | None], id_number.IdNumber]


def check(given: Mapping[str, Any], today: date, id_check: IdCheck = id_number.check) -> Particulars:
    """The particulars, normalised, with birth date and sex taken from the ID number and compared with what was
    said beside it. Raises Questioned naming the first field that does not hold."""
    unknown = set(given) - {field.name for field in fields(Particulars)}
    if unknown:
        raise Questioned(min(unknown), "unknown_field", f"不认识的字段：{'、'.join(sorted(unknown))}。")
    said = Particulars(
        **{**given, "traits": _sorted(given, "traits"), "allergies": _sorted(given, "allergies")}
    )
    said = replace(
        said,
        name=name(said.name),
        phone=phone(said.phone),
        address=tidy(said.address) or None,
        record_number=record_number(said.record_number),
        sex=_sex(said.sex),
        birth_date=_born(said.birth_date, today),
    )
    return _by_id_number(said, today, id_check) if said.id_number else said


def tidy(text: object) -> str:
    """Full-width letters and digits made narrow, blanks of every kind folded, zero-width characters dropped."""
    plain = "" if text is None else str(text)
    if plain.isascii():
        return " ".join(plain.split())
    folded = unicodedata.normalize("NFKC", plain)
    kept = "".join(c for c in folded if unicodedata.category(c) != "Cf")
    return " ".join(kept.split())


def name(text: str) -> str:
    found = tidy(text)
    if not found:
        raise Questioned("name", "name_missing", "姓名是空的：请补上姓名。")
    kept = found if found.isascii() else _DOTS.sub("·", found.replace(" ", ""))
    _refuse_lookalikes(found)
    if len(kept) > NAME_LONGEST or not _NAME.fullmatch(kept):
        raise Questioned("name", "name_form", f"姓名“{found[:20]}”含有数字、符号或过长：请核对姓名一栏。")
    return kept


def _refuse_lookalikes(name: str) -> None:
    """Letters of other scripts look like ours and are not found by whoever searches (А of the Cyrillic for A)."""
    for place, letter in enumerate(name, 1):
        if letter.isalpha() and not letter.isascii() and not _HAN.fullmatch(letter):
            raise Questioned(
                "name",
                "name_script",
                f"姓名第 {place} 个字（U+{ord(letter):04X}）看着像、其实不是汉字或拉丁字母：请重新输入。",
            )


def phone(text: str | None) -> str | None:
    """Digits only; area code kept. Questioned when it is neither a mobile nor a fixed line."""
    digits = re.sub(r"[\s()-]", "", tidy(text).replace("—", "-").replace("－", "-"))
    if not digits:
        return None
    digits = re.sub(r"^(\+?86)(?=1[3-9]\d{9}$)", "", digits)
    if not (_MOBILE.fullmatch(digits) or _LANDLINE.fullmatch(digits)):
        raise Questioned(
            "phone", "phone_form", f"电话“{tidy(text)[:20]}”不是 11 位手机号，也不是固定电话：请核对位数。"
        )
    return digits


def record_number(text: str | None) -> str | None:
    found = tidy(text).replace(" ", "")
    if found and not _RECORD.fullmatch(found):
        raise Questioned("record_number", "record_form", "档案号只能是数字、字母和短横：请核对档案号一栏。")
    return found or None


def _sorted(given: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return tuple(sorted(set(given.get(key) or ())))


def _sex(code: str | None) -> str:
    if code not in (None, "", *SEXES):
        raise Questioned("sex", "sex_code", "性别只认 男、女、未知、未说明：请核对性别一栏。")
    return code or "0"


def _born(born: date | None, today: date) -> date | None:
    if born and born > today:
        raise Questioned("birth_date", "birth_future", f"出生日期 {born:%Y-%m-%d} 晚于今天：请核对。")
    if born and today.year - born.year > OLDEST_YEARS:
        raise Questioned(
            "birth_date", "birth_old", f"出生日期 {born:%Y-%m-%d} 距今超过 {OLDEST_YEARS} 年：请核对。"
        )
    return born


def _by_id_number(said: Particulars, today: date, id_check: IdCheck) -> Particulars:
    try:
        known = id_check(said.id_number or "", today)
    except Invalid as refused:
        raise Questioned("id_number", refused.code, refused.title) from None
    if said.birth_date and said.birth_date != known.birth_date:
        raise Questioned(
            "birth_date",
            "birth_differs",
            f"出生日期 {said.birth_date:%Y-%m-%d} 与身份证号中的 {known.birth_date:%Y-%m-%d} 不一致："
            "请核对哪一个抄错。",
        )
    if said.sex in ("1", "2") and said.sex != known.sex:
        raise Questioned("sex", "sex_differs", "性别与身份证号第 17 位不一致：请核对性别和身份证号。")
    return replace(said, id_number=known.number18, birth_date=known.birth_date, sex=known.sex)
