from datetime import timedelta

import pytest

from yishe.policy.durations import Duration, parse


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("15 min", 15, "min"),
        ("4 h", 4, "h"),
        ("4h", 4, "h"),
        ("3 d", 3, "d"),
        ("1 week", 1, "week"),
        ("2 workdays", 2, "workday"),
    ],
)
def test_a_length_is_read_as_a_pack_writes_it(text: str, amount: int, unit: str) -> None:
    assert parse(text) == Duration(amount, unit)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["15 min", "4 h", "3 d", "1 week", "4 weeks", "1 workday", "2 workdays"])
def test_a_length_is_written_as_it_was_read(text: str) -> None:
    assert str(parse(text)) == text


@pytest.mark.parametrize("text", ["", "soon", "4", "4 fortnights", "-1 h", "1.5 h", "4 h 30 min"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="4 weeks or 2 workdays"):
        parse(text)


def test_nothing_lasts_nothing() -> None:
    with pytest.raises(ValueError, match="above zero"):
        parse("0 h")


def test_exact_lengths_need_no_calendar_and_workdays_do() -> None:
    assert parse("4 weeks").exact() == timedelta(days=28)
    assert parse("15 min").exact() == timedelta(minutes=15)
    with pytest.raises(ValueError, match="ask a calendar"):
        parse("2 workdays").exact()


def test_it_is_said_in_chinese() -> None:
    assert [parse(text).zh for text in ("15 min", "2 workdays", "4 weeks")] == [
        "15 分钟",
        "2 个工作日",
        "4 周",
    ]
