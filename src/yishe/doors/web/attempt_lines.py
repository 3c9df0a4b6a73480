"""联系经过 on the tab 签约: each attempt, and what is still wanted before the contract may end for lost contact."""

from typing import Any

from yishe.care import attempts, seeking
from yishe.care.models import Attempt
from yishe.doors.web import faces, spoken
from yishe.doors.web.page import Here
from yishe.people import access, packs, placements
from yishe.people.placements import Placement


def told(here: Here, stands: Placement) -> dict[str, Any]:
    """The attempts, newest first, with the state of the present series."""
    rule, rows = seeking.rule(), attempts.of_resident(stands)
    if rule is None:
        return {}
    subjects = placements.subjects_of(stands.resident)
    since = attempts.since_reached(rows, attempts.met(subjects)) if rows else []
    visits = seeking.visits(subjects) if since else []
    notes = attempts.notes(rows) if rows else {}
    return {
        "may": access.may(here.actor, attempts.ACTION, stands, here.now).allowed and not stands.gone,
        "rows": [line(here, one, notes.get(one.id, "")) for one in rows], "since": len(since),
        "lacks": attempts.of_series(since, rule).lacks(rule), "visit": visits[0] if visits else None,
    }  # fmt: skip


def line(here: Here, one: Attempt, note: str = "") -> dict[str, Any]:
    """One attempt in words."""
    pack = packs.in_force()
    rule, ways = seeking.rule(), pack.codes["encounter_kind"]
    outcome = rule.outcomes.get(one.outcome) if rule else None
    return {
        "at": one.tried_at, "when": spoken.stamp(one.tried_at, here.now), "way": str(ways.get(one.way, one.way)),
        "outcome": str(outcome.title) if outcome else one.outcome, "reached": one.reached, "by": faces.name(here, one.by),
        "again": spoken.stamp(one.again_at, here.now) if one.again_at else "", "note": note,
    }  # fmt: skip
