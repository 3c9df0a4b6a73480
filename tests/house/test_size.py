"""Ratchets of size. They may only tighten."""

from tests.house.source import functions, modules, where

LONGEST_FILE = 400
LONGEST_FUNCTION = 40
LONGEST_MEDIAN = 10


def test_no_file_is_longer_than_a_sitting() -> None:
    long = {
        where(p): n
        for p in modules()
        if (n := len(p.read_text(encoding="utf-8").splitlines())) > LONGEST_FILE
    }
    assert not long


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{where(path, f)} {f.name}: {f.end_lineno - f.lineno + 1}"
        for path in modules()
        for f in functions(path)
        if f.end_lineno and f.end_lineno - f.lineno >= LONGEST_FUNCTION
    ]
    assert not long


def test_half_of_all_functions_are_short() -> None:
    lengths = sorted((f.end_lineno or f.lineno) - f.lineno + 1 for path in modules() for f in functions(path))
    assert lengths[len(lengths) // 2] <= LONGEST_MEDIAN
