"""Follow-ups in words: what was answered, and what a correction changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

from yishe.care import items
from yishe.care.assessment_reading import Form
from yishe.policy.followup_rules import Followup
from yishe.policy.scale_rules import Scale


@dataclass(frozen=True)
class Change:
    """One correction: by whom, when, why, and (what, before, after) of all that came out otherwise."""

    by: str
    author: UUID
    at: datetime
    reason: str
    rows: list[tuple[str, str, str]]


def said(form: Form) -> list[tuple[str, str]]:
    """(item, answer in words) in the order asked."""
    answers = form.told.answers if form.told else {}
    return [(code, words(form.scale, code, answers[code])) for code in form.asked if code in answers]


def words(scale: Scale, code: str, value: Any) -> str:
    """An answer as it is read aloud, with its unit."""
    options, many = scale.options(code), value if isinstance(value, list) else [value]
    words = "、".join(str(options[one].say) if one in options else str(one) for one in many)
    return f"{words} {scale.items[code].shown}".strip()


def changes(states: Sequence[Form]) -> list[Change]:
    """Every correction of a form, the latest first."""
    found = [
        Change(
            now.author_name,
            now.row.author,
            now.row.recorded_at,
            now.told.reason if now.told else "",
            _differ(was, now),
        )
        for was, now in pairwise(states)
    ]
    return found[::-1]


def _differ(was: Form, now: Form) -> list[tuple[str, str, str]]:
    before, after = dict(said(was)), dict(said(now))
    rows = [
        (str(item.ask), before.get(code, "—"), after.get(code, "—"))
        for code, item in now.scale.items.items()
        if before.get(code) != after.get(code)
    ]
    before_class, after_class = _class(was), _class(now)
    return rows + ([("分类", before_class, after_class)] if before_class != after_class else [])


def _class(form: Form) -> str:
    result = (form.told.result if form.told else None) or {}
    return items.classified(form.scale, result["concluded"]) if isinstance(form.scale, Followup) else ""
