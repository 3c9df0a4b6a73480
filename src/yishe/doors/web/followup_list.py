"""随访 on a resident's page: what is open, what can be filled, what was found and how what was measured changed."""

from collections.abc import Sequence
from typing import Any

from yishe.care import assessment_reading, followups, items, owing
from yishe.care.assessment_reading import Form, Overview
from yishe.doors.web import offers
from yishe.doors.web.assessment_list import EDGE, HIGH, LEAST, WIDE, Done, Point, Trend
from yishe.doors.web.page import Here
from yishe.people.placements import Placement
from yishe.policy.followup_rules import Followup


def told(here: Here, stands: Placement) -> dict[str, Any]:
    """What the tab shows."""
    seen = assessment_reading.overview(here.actor, stands.resident, here.now, followups=True)
    return {
        "drafts": [one for one in seen.drafts if one.told is not None],
        **offers.told(seen.offers, offers.filled(seen.done) | _owed(seen, here)),
        "done": [_done(one) for one in seen.done],
        "trends": trends(seen.done),
    }


def _owed(seen: Overview, here: Here) -> set[str]:
    """Forms of services that are still owed to her this year."""
    services = owing.services_left(seen.placement, here.now)
    return {
        one.scale.code
        for one in seen.offers
        if isinstance(one.scale, Followup) and services & set(one.scale.services)
    }


def _done(form: Form) -> Done:
    row, seen = form.row, form.told
    words = form.instead
    if seen is not None and isinstance(form.scale, Followup):
        words = items.classified(form.scale, (seen.result or {})["concluded"])
        missed = [one.title for _, one, met in followups.concluded(seen).aims(form.scale) if not met]
        words += "".join(f"；未达 {one}" for one in missed)
        words += f"；补录：{seen.source}" if seen.source else ""
    title = str(form.scale.title) if seen else "随访"
    return Done(row.response, title, words, row.occurred_at, form.author_name, False, seen is None)


def trends(done: Sequence[Form]) -> list[Trend]:
    """A line for each measurement that was taken twice and more, oldest first."""
    found: dict[str, list[tuple[Form, str, float]]] = {}
    for form in reversed(done):
        answers = form.told.answers if form.told else {}
        for code, item in form.scale.items.items():
            if item.quantity and code in answers:
                found.setdefault(item.quantity, []).append((form, code, float(answers[code])))
    return [_trend(many) for many in found.values() if len(many) >= LEAST]


def _trend(many: Sequence[tuple[Form, str, float]]) -> Trend:
    values = [value for _, _, value in many]
    low, high = min(values), max(values)
    begun, ended = many[0][0].row.occurred_at, many[-1][0].row.occurred_at
    points = []
    for form, _, value in many:
        share = (form.row.occurred_at - begun) / (ended - begun) if ended > begun else 0.5
        height = (value - low) / (high - low) if high > low else 0.5
        y = HIGH - EDGE - height * (HIGH - 2 * EDGE)
        words = items.classified(form.scale, (form.told.result or {})["concluded"]) if (
            form.told and isinstance(form.scale, Followup)
        ) else ""  # fmt: skip
        points.append(Point(EDGE + share * (WIDE - 2 * EDGE), y, value, form.row.occurred_at, words))
    item = many[-1][0].scale.items[many[-1][1]]
    first, now = values[0], values[-1]
    way = "没有变化" if first == now else f"{'升' if now > first else '降'} {abs(now - first):g}"
    return Trend(
        str(item.ask), f"{first:g} → {now:g} {item.shown}，{way}（{len(many)} 次）", points, low, high
    )
