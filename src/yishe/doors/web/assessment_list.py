"""评估 on a resident's page: what is begun, what can be done, what was found and how it changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from yishe.care import assessment_reading, items, questionnaire_links
from yishe.care.assessment_reading import Form
from yishe.doors.web import handing, offers
from yishe.doors.web.page import Here
from yishe.people.placements import Placement

WIDE, HIGH, EDGE = 240, 56, 6
LEAST = 2
"""So many results make a line."""


@dataclass(frozen=True)
class Point:
    """One result on the line: where it stands (in the picture's own units) and what it was."""

    x: float
    y: float
    value: float
    at: datetime
    band: str


@dataclass(frozen=True)
class Trend:
    """How one score changed. `finding` says it in words; the picture runs from the lowest to the highest possible."""

    title: str
    finding: str
    points: Sequence[Point]
    low: float
    high: float

    @property
    def line(self) -> str:
        return " ".join(f"{one.x:.1f},{one.y:.1f}" for one in self.points)


@dataclass(frozen=True)
class Done:
    """One submitted form in the list."""

    response: UUID
    title: str
    words: str
    at: datetime
    by: str
    amended: bool
    hidden: bool


def told(here: Here, stands: Placement) -> dict[str, Any]:
    """What the tab shows."""
    seen = assessment_reading.overview(here.actor, stands.resident, here.now)
    sent = questionnaire_links.of_forms([one.row for one in seen.drafts], here.now)
    return {
        "drafts": [
            (one, handing.told(here, sent[one.row.response]) if one.row.response in sent else None)
            for one in seen.drafts
            if one.told is not None
        ],
        **offers.told(seen.offers, offers.filled(seen.done) | offers.asked_for(seen.done)),
        "done": [done(one) for one in seen.done],
        "trends": trends(seen.done),
    }


def done(form: Form) -> Done:
    row, seen = form.row, form.told is not None
    said = [items.scored(form.scale.scores[code], one) for code, one in form.scores.items()]
    flags = form.told.result["flags"] if form.told and form.told.result else ()
    rules = form.told.result["rules"] if form.told and form.told.result else ()
    said += [str(form.scale.flags[code].title) for code in flags]
    said += [str(form.scale.rules[code].title) for code in rules]
    return Done(
        row.response, str(form.scale.title) if seen else "评估", "；".join(said) if seen else form.instead,
        row.occurred_at, form.author_name, row.status == "amended", not seen,
    )  # fmt: skip


def trends(forms: Sequence[Form]) -> list[Trend]:
    """A line for each score that was counted twice and more, oldest result first."""
    found: dict[tuple[str, str], list[Form]] = {}
    for form in reversed(forms):
        for code, one in form.scores.items():
            if one["value"] is not None:
                found.setdefault((form.row.scale, code), []).append(form)
    return [_trend(code, many) for (_, code), many in found.items() if len(many) >= LEAST]


def _trend(code: str, forms: Sequence[Form]) -> Trend:
    last = forms[-1].scale
    score = last.scores[code]
    low, high = last.range(score)
    begun, ended = forms[0].row.occurred_at, forms[-1].row.occurred_at
    points = []
    for form in forms:
        value = form.scores[code]["value"]
        share = (form.row.occurred_at - begun) / (ended - begun) if ended > begun else 0.5
        y = HIGH - EDGE - (value - low) / (high - low) * (HIGH - 2 * EDGE)
        band = form.scores[code]["band"]
        words = str(form.scale.scores[code].bands[band].title) if band else ""
        points.append(
            Point(EDGE + share * (WIDE - 2 * EDGE), min(max(y, 0), HIGH), value, form.row.occurred_at, words)
        )
    first, now = points[0].value, points[-1].value
    way = "没有变化" if first == now else f"{'升' if now > first else '降'} {abs(now - first):g} 分"
    finding = f"{first:g} → {now:g}，{way}（{len(points)} 次）"
    return Trend(f"{last.title} {score.title}", finding, points, low, high)
