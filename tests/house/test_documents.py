"""Documents that point into the tree must point at something."""

import re
from pathlib import Path

from tests.house.source import ROOT

LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)")
CODE_PATH = re.compile(r"`((?:src|packs|tests|e2e|bench|docs)/[\w./*-]+)`")


def documents() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def test_links_between_documents_lead_somewhere() -> None:
    broken = [
        f"{d.relative_to(ROOT)} → {target}"
        for d in documents()
        for target in LINK.findall(d.read_text(encoding="utf-8"))
        if not (d.parent / target).exists()
    ]
    assert not broken


def test_paths_named_in_documents_exist() -> None:
    broken = [
        f"{d.relative_to(ROOT)} → {path}"
        for d in documents()
        for path in CODE_PATH.findall(d.read_text(encoding="utf-8"))
        if not list(ROOT.glob(path.rstrip("/")))
    ]
    assert not broken


def test_the_readme_gives_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make run" in readme
    assert "make test" in readme
