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
