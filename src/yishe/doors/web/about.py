"""What a matter is about that is about no resident: whose looks, which data; said at the head of its page."""

from urllib.parse import urlencode

from yishe.doors.web import faces, researching
from yishe.doors.web.page import Here
from yishe.doors.web.shapes import Act
from yishe.insight import audit
from yishe.loops.reading import Detail
from yishe.trust import ids


def facts(here: Here, found: Detail) -> list[dict[str, str]]:
    """(words, value, href) of the codes the matter was opened with; nothing for a promise to a resident."""
    codes = found.entries[0].data.get("matter") if found.entries else None
    if codes and "variables" in codes:
        return researching.facts(here, found)
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


def acts(here: Here, found: Detail) -> list[Act]:
    """What may be done with the matter besides the verbs of every loop."""
    codes = found.entries[0].data.get("matter") if found.entries else None
    return researching.acts(here, found) if codes and "variables" in codes else []
