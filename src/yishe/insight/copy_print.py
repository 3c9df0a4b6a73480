"""The copy on paper: a PDF."""

from pathlib import Path
from typing import Any

from yishe.trust import paper

TEMPLATE = Path(__file__).with_name("copy.typ")


def pdf(copy: dict[str, Any]) -> bytes:
    """The copy as a PDF. Unavailable when the font is not installed."""
    return paper.pdf(TEMPLATE, "copy", copy)
