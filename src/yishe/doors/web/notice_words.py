"""What a notice says: whom it is about and what happened, without naming a sensitive reason."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from yishe.doors.web import faces, loop_rows, sign_in_words, wording
from yishe.doors.web.page import Here
from yishe.loops import reading
from yishe.people import access, packs
from yishe.people.cards import Card, cards
from yishe.policy.loop_state import LoopState
from yishe.talk.models import Notice
from yishe.trust import ids

LATE, NEAR, GOOD = ("escalated",), ("reminded", "nudged"), ("confirmed",)
TIMED = ("escalated", "reminded")

READ = "loop.read"


def lines(here: Here, rows: Sequence[Notice]) -> list[dict[str, Any]]:
    """In four statements, however many rows: whose business they still are, the people and promises they are about."""
    asked = {row.subject for row in rows if row.subject}
    shown = cards(access.within(here.actor, READ, asked, here.now))
    loops = reading.named([row.loop for row in rows if row.loop and row.subject in (None, *shown)])
    return [
        {
            "id": row.id,
            "href": _href(row, shown),
            "count": row.count,
            "at": row.updated_at,
            "read": row.read_at is not None,
            "colour": _colour(row),
            "urgent": row.urgency == "red" and row.read_at is None,
            "name": shown[row.subject].name if row.subject in shown else "",
            "about": _title(row, loops),
            "words": _words(here, row, loops.get(row.loop) if row.loop else None)
            if row.subject in (None, *shown)
            else "您已不再参与",
        }
        for row in rows
    ]


def _about_account(row: Notice) -> bool:
    return row.topic.startswith("account.")


def _href(row: Notice, shown: Mapping[UUID, Card]) -> str:
    if _about_account(row):
        return "/me/security"
    if row.subject and row.subject not in shown:
        return "/notices"
    if row.loop:
        return f"/loops/{row.loop}"
    return f"/residents/{shown[row.subject].resident}" if row.subject else "/notices"


def _event(row: Notice) -> str:
    return str(row.data.get("event") or row.topic.partition(".")[2])


def _colour(row: Notice) -> str:
    """The clock it tells of: overdue red, near orange, done green; nothing presses in the rest or once it is read."""
    event = _event(row)
    if row.read_at is not None:
        return "calm"
    return "red" if event in LATE else "orange" if event in NEAR else "green" if event in GOOD else "calm"


def _title(row: Notice, loops: Mapping[UUID, LoopState]) -> str:
    """What the promise is; a sensitive reason is not named."""
    if row.loop is None or row.loop not in loops:
        return ""
    return loop_rows.title(loops[row.loop])


def _words(here: Here, row: Notice, loop: LoopState | None) -> str:
    """Who did what, and whether it is the reader's move now."""
    if _about_account(row):
        return sign_in_words.news(_event(row))
    happened = wording.NOTICES.get(_event(row)) or str(
        packs.in_force().texts.get(f"notice.{row.topic}", "有新情况")
    )
    by = ids.parse(str(row.data.get("by", "")))
    who = faces.name(here, by) if by and by != ids.SYSTEM else ""
    return f"{who} {happened}{_turn(here, row, loop)}".strip()


def _turn(here: Here, row: Notice, loop: LoopState | None) -> str:
    """`，轮到您`; of what is late or near, whose move it is now."""
    if row.data.get("mine"):
        return "，轮到您"
    if loop is None or not loop.is_open or loop.owner == here.actor.staff_id or _event(row) not in TIMED:
        return ""
    return f"，现在轮到{faces.name(here, loop.owner)}"
