from datetime import date

import pytest

from yishe.policy.id_number import check, check_digit
from yishe.policy.refusals import Invalid

STANDARD = "11010519491231002X"  # the example of the standard itself


def test_the_examples_of_the_standard_are_read() -> None:
    number = check(STANDARD)
    assert (number.number18, number.birth_date, number.sex, number.converted) == (
        STANDARD,
        date(1949, 12, 31),
        "2",
        False,
    )
    assert check("440524188001010014").sex == "1"


@pytest.mark.parametrize(
    "text",
    [
        "11010519491231002x",
        " 110105 19491231 002X ",
        "１１０１０５１９４９１２３１００２Ｘ",
        "'11010519491231002X",
    ],
)
def test_ways_of_writing_are_forgiven(text: str) -> None:
    assert check(text).number18 == STANDARD


def test_a_foreigners_permanent_residence_card_is_read() -> None:
    first17 = "91184019800101001"
    assert check(first17 + check_digit(first17)).birth_date == date(1980, 1, 1)


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("E12345678", "护照"),
        ("g 2345 6789", "护照"),
        ("AB1234567", "护照"),
        ("H12345678", "港澳居民来往内地通行证"),
        ("M1234567801", "港澳居民来往内地通行证"),
        ("军字第1234567号", "军官证"),
    ],
)
def test_the_number_of_another_document_is_called_what_it_is_and_what_can_be_done(
    text: str, document: str
) -> None:
    with pytest.raises(Invalid) as refused:
        check(text)
    assert refused.value.code == "id_number.other_document"
    assert refused.value.title.startswith(f"这是{document}号，不是身份证号")
    assert "留空，填出生日期和电话" in refused.value.title


def test_a_number_too_short_is_still_asked_to_be_checked() -> None:
    with pytest.raises(Invalid, match="应为 18 位"):
        check("1101051949123100")


def test_the_old_form_is_converted() -> None:
    number = check("110105491231002")
    assert number.number18 == STANDARD
    assert number.converted


@pytest.mark.parametrize("place", range(17))
def test_one_wrong_digit_is_always_found(place: int) -> None:
    digit = str((int(STANDARD[place]) + 1) % 10)
    with pytest.raises(Invalid):
        check(STANDARD[:place] + digit + STANDARD[place + 1 :])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "18 位"),
        ("1101051949123100", "18 位"),
        ("11010519491231X02", "18 位"),
        ("11010519491231002Y", "18 位"),
        ("١١٠١٠٥١٩٤٩١٢٣١٠٠٢X", "18 位"),
        ("790105194912310025", "前两位 79"),
        ("110105194902300021", "出生日期 19490230 不存在"),
        ("110105194912310021", "校验位不符"),
        ("11010549123100X", "15 位旧身份证号应全为数字"),
    ],
)
def test_a_refusal_says_in_chinese_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        check(text)


def test_nobody_is_born_after_today() -> None:
    first17 = "11010520301231002"
    number = first17 + check_digit(first17)
    assert check(number).birth_date == date(2030, 12, 31)
    with pytest.raises(Invalid, match="晚于今天"):
        check(number, today=date(2026, 11, 22))
