"""What a notice says: whom it is about and what happened, without naming a sensitive reason."""

from collections.abc import Sequence
from typing import Any

from yishe.doors.web import wording
from yishe.doors.web.page import Here
from yishe.people import packs
from yishe.people.cards import cards
from yishe.talk.models import Notice


def lines(here: Here, rows: Sequence[Notice]) -> list[dict[str, Any]]:
    shown = cards(row.subject for row in rows if row.subject)
    titles = _titles()
    return [
        {
            "id": row.id,
            "href": f"/loops/{row.loop}" if row.loop else _about(row, shown),
            "count": row.count,
            "at": row.updated_at,
            "read": row.read_at is not None,
            "colour": row.urgency if not row.read_at else "calm",
            "words": _words(row, shown[row.subject].name if row.subject in shown else "", titles),
        }
        for row in rows
    ]


def _about(row: Notice, shown: dict) -> str:  # type: ignore[type-arg]
    return f"/residents/{shown[row.subject].resident}" if row.subject in shown else "/notices"


def _words(row: Notice, name: str, titles: dict[str, str]) -> str:
    event = str(row.data.get("event") or row.topic.partition(".")[2])
    kind = titles.get(str(row.data.get("kind", "")), "闭环")
    texts = packs.in_force().texts
    happened = wording.NOTICES.get(event) or str(texts.get(f"notice.{row.topic}", "有新情况"))
    mine = "，轮到您" if row.data.get("mine") else ""
    return f"{name + '：' if name else ''}{kind} {happened}{mine}"


def _titles() -> dict[str, str]:
    found = {}
    for code, timeline in packs.in_force().kinds.items():
        newest = [kind for _, kind in timeline.steps if kind is not None]
        found[code] = str(newest[-1].title) if newest else code
    return found
