"""Pages under the content policy (doors/edge.py): what it forbids would silently not work, so it is not written."""

import re
from pathlib import Path

from tests.house.source import SOURCE, where

DOORS = SOURCE / "doors"
IN_PAGES = re.compile(
    r"""\sstyle\s*=|<style\b|<script(?![^>]*\ssrc=)|\son[a-z]+\s*=\s*["']|javascript:|\bhx-on\b|["']js:|\bdata:""",
    re.IGNORECASE,
)
IN_SCRIPTS = re.compile(
    r"""\beval\(|new Function\b|setAttribute\(\s*["'`](?:style|on)|\.cssText\b|javascript:|\bdocument\.write"""
)


def hits(path: Path, pattern: re.Pattern[str]) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [f"{where(path)}:{n}" for n, line in enumerate(lines, 1) if pattern.search(line)]


def test_no_template_or_picture_carries_a_script_or_a_style() -> None:
    pages = [path for kind in ("*.html", "*.svg") for path in DOORS.rglob(kind)]
    assert pages
    assert not [hit for path in pages for hit in hits(path, IN_PAGES)]


def test_no_script_makes_another_or_writes_a_style_into_a_page() -> None:
    scripts = list(DOORS.rglob("*.js"))
    assert scripts
    assert not [hit for path in scripts for hit in hits(path, IN_SCRIPTS)]


def test_the_rule_finds_what_it_is_about() -> None:
    bad = (
        '<p style="x">',
        "<script>",
        '<a onclick="x">',
        '<svg onload = "x">',
        "<style>",
        '<a hx-on:click="x">',
        '<img src="data:x">',
    )
    assert all(IN_PAGES.search(one) for one in bad)
    good = ('<script src="x" defer></script>', '<p class="style">', "<div data-live>", '<b data-on="x">')
    assert not any(IN_PAGES.search(one) for one in good)
