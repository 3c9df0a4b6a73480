"""What a matter is about that is about no resident: whose looks, which data; said at the head of its page."""

from urllib.parse import urlencode

from yishe.doors.web import faces
from yishe.doors.web.page import Here
from yishe.insight import audit
from yishe.loops.reading import Detail
from yishe.trust import ids


def facts(here: Here, found: Detail) -> list[dict[str, str]]:
    """(words, value, href) of the codes the matter was opened with; nothing for a promise to a resident."""
    codes = found.entries[0].data.get("matter") if found.entries else None
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
