"""What a matter is about that is about no resident: whose looks, which data; said at the head of its page."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from yishe.doors.web import faces, researching, spoken
from yishe.doors.web.page import Here
from yishe.doors.web.shapes import Act
from yishe.insight import audit
from yishe.loops.reading import Detail
from yishe.people import packs
from yishe.people.cards import cards
from yishe.trust import ids


def facts(here: Here, found: Detail) -> list[dict[str, str]]:
    """(words, value, href) of the codes the matter was opened with; nothing for a promise to a resident."""
    codes = found.entries[0].data.get("matter") if found.entries else None
    if codes and "variables" in codes:
        return researching.facts(here, found)
    if codes and "grant" in codes:
        return _glass(here, codes)
    if not codes or "person" not in codes:
        return []
    person, day = str(codes["person"]), str(codes["day"])
    told = [
        {"words": "谁", "value": faces.name(here, ids.parse(person))},
        {"words": "哪一天", "value": day},
        {"words": "数量", "value": f"{codes['count']}（规则：超过 {codes['more_than']} 即询问）"},
    ]
    if audit.may(here.actor, here.now):
        asked = urlencode({"person": person, "since": day, "until": day})
        told.append({"words": "留痕", "value": "看这一天的全部留痕", "href": f"/audit?{asked}"})
    return told


def subjects(found: Detail) -> list[UUID]:
    """The residents whose looks a review shows."""
    codes = found.entries[0].data.get("matter") if found.entries else None
    return [UUID(codes["subject"])] if codes and "grant" in codes else []


def _glass(here: Here, codes: Mapping[str, Any]) -> list[dict[str, str]]:
    """Who broke the glass, whose, why and for how long; the look at each line is one press away."""
    subject, rule = UUID(codes["subject"]), packs.in_force().access.break_glass
    card = cards([subject]).get(subject)
    reason = rule.reasons.get(codes["why"]) if rule else None
    since, until = (spoken.local(datetime.fromisoformat(codes[one])) for one in ("since", "until"))
    told = [
        {"words": "谁", "value": faces.name(here, ids.parse(codes["person"]))},
        {"words": "看了谁", "value": card.masked_name if card else "（资料已删除）"},
        {"words": "理由", "value": str(reason.title) if reason else codes["why"]},
        {"words": "什么时候", "value": f"{since:%Y-%m-%d %H:%M}，至多到 {until:%H:%M}"},
    ]
    if card and audit.may(here.actor, here.now):
        asked = urlencode(
            {"person": codes["person"], "resident": str(card.resident), "since": f"{since:%Y-%m-%d}"}
        )
        told.append({"words": "留痕", "value": "看此人查看这位居民的全部留痕", "href": f"/audit?{asked}"})
    return told


def acts(here: Here, found: Detail) -> list[Act]:
    """What may be done with the matter besides the verbs of every loop."""
    codes = found.entries[0].data.get("matter") if found.entries else None
    return researching.acts(here, found) if codes and "variables" in codes else []
