"""The questions of a follow-up as they stand on the screen: what was said last time beside each, what was measured in the same
meeting filled in, what was refused said at its place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from yishe.care import followup_reading
from yishe.care.assessment_reading import Form, Overview
from yishe.care.forms import DRAFT
from yishe.doors.web import assessing, spoken
from yishe.doors.web.assessing import Question
from yishe.doors.web.page import Here
from yishe.people.particulars import ZONE
from yishe.policy import followup_classes
from yishe.policy.followup_rules import HOW, ON, Followup
from yishe.policy.refusals import Conflict, Invalid
from yishe.policy.scale_rules import Scale


@dataclass(frozen=True)
class Line:
    """`last` in words, empty when nothing was said before; `again` whether a repeat is asked for, `error` why it was refused;
    `first` the one to begin with; `soft` the usual range."""

    question: Question
    last: str
    again: bool
    error: str
    first: bool
    soft: str


@dataclass(frozen=True)
class More:
    """Another form that could be filled in the same meeting; `words` of its last time."""

    href: str
    title: str
    words: str


def lines(
    here: Here, form: Form, seen: Overview, typed: Mapping[str, Any], refused: Invalid | Conflict | None
) -> list[Line]:
    """Every question in order."""
    answered = form.told.answers if form.told else {}
    same = _same_meeting(here, form, seen, {**answered, **typed})
    values = {code: value for code, value in same.items() if code not in answered}
    asked = assessing.questions(form, {**values, **typed})
    place = str(refused.extra.get("item", "")) if refused else ""
    begin = place or next((one.code for one in asked if _open(one, form)), "")
    return [_line(one, form, seen, refused if one.code == place else None, begin) for one in asked]


def _open(one: Question, form: Form) -> bool:
    """Whether the pen may begin here: at the first that is open; in a correction at the first that may be corrected."""
    if form.row.status != DRAFT:
        return one.code not in (HOW, ON)
    return one.asked and not one.value


def more(here: Here, form: Form, seen: Overview, back: str) -> list[More]:
    """What else is meant for her and not done today, while it is still the day of the meeting."""
    if not _today(here, form) or form.told is None:
        return []
    how, done = form.told.answers.get(HOW, ""), {one.scale.code for one in seen.done if _today(here, one)}
    to = f"?how={how}&back={back}" if back else f"?how={how}"
    return [
        More(f"/residents/{seen.placement.resident}/followups/new/{one.scale.code}{to}", str(one.scale.title), _before(one.scale, seen))
        for one in seen.offers
        if isinstance(one.scale, Followup)
        and one.scale.code not in done
        and how in one.scale.options(HOW)
        and followup_classes.meant(one.scale, form.about)
    ]  # fmt: skip


def fixed(form: Form) -> list[tuple[str, str]]:
    """The way and the day, which a correction leaves as they are."""
    told = dict(followup_reading.said(form))
    return [(str(form.scale.items[code].ask), told.get(code, "—")) for code in (HOW, ON)]


def _line(one: Question, form: Form, seen: Overview, refused: Invalid | Conflict | None, begin: str) -> Line:
    soft = one.item.soft
    odd = bool(soft) and _number(one.value) is not None and not soft.holds(_number(one.value))
    unusual = refused is not None and refused.code == "value_unusual"
    return Line(
        one, _last(one.code, form, seen), bool(soft) and (odd or unusual or one.confirmed), refused.title if refused else "",
        one.code == begin, f"{soft.low:g} {soft.high:g}" if soft else "",
    )  # fmt: skip


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def _today(here: Here, form: Form) -> bool:
    return form.row.occurred_at.astimezone(ZONE).date() == spoken.local(here.now).date()


def _same_meeting(here: Here, form: Form, seen: Overview, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the same member of staff measured today in the same way; what is judged is asked anew."""
    found: dict[str, Any] = {}
    for other, code, value in _earlier(form, seen):
        mine = other.row.author == here.actor.staff_id and _today(here, other)
        if (
            mine
            and other.told
            and other.told.answers.get(HOW) == given.get(HOW)
            and code not in (HOW, "next")
        ):
            found.setdefault(code, value)
    return found


def _earlier(form: Form, seen: Overview) -> Iterator[tuple[Form, str, Any]]:
    """(form, item, answer) of finished forms, newest first, where a question is the same as one of this form."""
    submitted = form.row.status != DRAFT
    for other in seen.done:
        if submitted and other.row.occurred_at >= form.row.occurred_at:
            continue
        answers = other.told.answers if other.told and other.row.response != form.row.response else {}
        for code, value in answers.items():
            if _question(other.scale, code) == _question(form.scale, code):
                yield other, code, value


def _question(scale: Scale, code: str) -> tuple[Any, ...] | None:
    item = scale.items.get(code)
    return (item.ask, item.type, item.unit, scale.options(code)) if item else None


def _last(code: str, form: Form, seen: Overview) -> str:
    if code in (HOW, "on", "next"):
        return ""
    found = next(((other, value) for other, item, value in _earlier(form, seen) if item == code), None)
    if found is None:
        return ""
    other, value = found
    return f"{followup_reading.words(other.scale, code, value)}（{other.row.occurred_at.astimezone(ZONE):%m-%d}）"


def _before(scale: Followup, seen: Overview) -> str:
    last = next((one for one in seen.done if one.scale.code == scale.code), None)
    return f"上次 {last.row.occurred_at.astimezone(ZONE):%Y-%m-%d}" if last else "还没有做过"
