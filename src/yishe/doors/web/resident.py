"""One resident: who she is, what has happened, what is owed to her, what may be recorded now."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from yishe.care import class_reading, entries, guarded, timeline
from yishe.care.record import Record
from yishe.doors.web import (
    assessment_list,
    breaking,
    classing,
    faces,
    followup_list,
    life_forms,
    lifecourse,
    loop_rows,
    page,
    plan_page,
    spoken,
    wording,
    year_lines,
)
from yishe.doors.web.page import Here, signed_in
from yishe.doors.web.shapes import Act, Said
from yishe.insight import exports, record_export
from yishe.loops import reading
from yishe.people import access, protections, sight
from yishe.people.cards import Card, cards
from yishe.people.placements import Placement
from yishe.people.sight import Sight
from yishe.policy.refusals import Forbidden, NotFound

SEE = "resident.read"
UNMASK = "resident.unmask"
PROMISE = "loop.promise"
TABS = {
    "timeline": "时间轴", "loops": "闭环", "contract": "签约", "plan": "计划", "assessments": "评估", "followups": "随访",
    "medicines": "用药", "observations": "监测", "class": "分类", "about": "资料",
}  # fmt: skip
RECORDING = {
    "note": ("record.note", "服务记录"),
    "encounter": ("record.encounter", "诊疗"),
    "observation": ("record.observation", "测量值"),
    "medication": ("record.medication", "用药变更"),
    "condition": ("record.condition", "疾病或过敏"),
    **life_forms.RECORDING,
}
MASKED = {"phone": "phone", "id_number": "id_number", "address": "address", "record_number": "record_number"}


@signed_in
def resident(request: HttpRequest, here: Here, resident: UUID) -> HttpResponse:
    record = Record(resident)
    stands = record.placement
    permission = access.require(here.actor, SEE, stands, here.now)
    card = protections.showing(here.actor, record.card, here.now)
    tab = request.GET.get("tab", "timeline")
    tabs = {**TABS, **lifecourse.tabs(card, here)}
    seen = sight.of(here.actor, stands, here.now)
    standing = guarded.standing(record.conditions, seen)
    allergies = [one.title for one in standing if one.kind == "allergy"]
    opened = reading.shown_of(record.loops, only_open=True)
    told: dict[str, Any] = {
        "place": "residents",
        "person": faces.person(here, card, allergies, acts(here, stands)),
        "resident": stands.resident,
        "tabs": tabs,
        "tab": tab if tab in tabs else "timeline",
        "card": card,
        "relation": permission.words,
        "glass": breaking.banner(here, stands, permission),
        **protected(here, stands),
        "counts": {"loops": len(opened)},
        "open": loop_rows.in_short(here, opened, card),
        "standing": standing,
        "first_page": not request.GET.get("cursor"),
    }
    if told["tab"] == "timeline" and told["first_page"]:
        told["near"] = f"/residents/{stands.resident}/near"
    told |= _tab(request, here, record, told["tab"], seen)
    if "story" not in told:
        page.seen(here, f"read.{told['tab']}", [stands.subject], **permission.line)
    return page.show(request, here, "resident.html", told)


def allowed(here: Here, resident: UUID, action: str = SEE) -> tuple[Placement, access.Permission]:
    """Where the resident stands and why this person may look. Forbidden without a relation."""
    stands = entries.whose(resident)
    return stands, access.require(here.actor, action, stands, here.now)


def card_of(stands: Placement) -> Card:
    found = cards([stands.subject]).get(stands.subject)
    if found is None:
        raise NotFound("resident_unknown", "找不到这位居民：可能已按其要求删除。")
    return found


def acts(here: Here, stands: Placement) -> list[Act]:
    """What may be started from here: a promise, and an entry."""
    mine = f"/residents/{stands.resident}"
    rights = Act("rights", "同意与权利", f"{mine}/rights", "quiet", dialog=False, about="head")
    if stands.gone:
        return [rights]
    refer = Act("refer", "发起转介", f"{mine}/refer", "", dialog=False, about="head")
    record = Act("record", "记一笔", f"{mine}/record", "", about="head")
    first = [refer] if access.may(here.actor, PROMISE, stands, here.now).allowed else []
    return [*first, record, rights] if recordable(here, stands) else [*first, rights]


def recordable(here: Here, stands: Placement) -> list[tuple[str, str]]:
    """(kind, words) of the entries this person may make about this resident."""
    found = []
    for kind, (action, words) in RECORDING.items():
        if access.may(here.actor, action, stands, here.now).allowed:
            found.append((kind, words))
    return found


def protected(here: Here, stands: Placement) -> dict[str, Any]:
    """What the page says of a protected person: why and until when to those who may protect her."""
    if not stands.protected:
        return {}
    may = access.may(here.actor, protections.PROTECT, stands, here.now).allowed
    found = protections.of(stands.resident) if may else None
    due = found is not None and found.due(spoken.local(here.now).date())
    return {"protected": True, "protection": found, "protection_due": due}


def _tab(request: HttpRequest, here: Here, record: Record, tab: str, seen: Sight) -> dict[str, Any]:
    if tab in ("timeline", "observations"):
        kinds = timeline.KINDS if tab == "timeline" else ("observation",)
        shown = timeline.page(
            here.actor,
            record.placement.resident,
            at=here.now,
            cursor=request.GET.get("cursor"),
            kinds=kinds,
            source="web",
            record=record,
        )
        taken = guarded.medicines(record.medicines, seen) if tab == "timeline" else []
        told = {"story": [said(one) for one in shown.items], "next": shown.next, "medicines": taken}
        return {**told, "classed": class_reading.in_short(record, here.now) if tab == "timeline" else []}
    if tab == "assessments":
        return assessment_list.told(here, record.placement)
    if tab == "followups":
        return followup_list.told(here, record.placement)
    if tab == "medicines":
        return _medicines(request, here, record, seen)
    if tab == "contract":
        return year_lines.of_resident(here, record.placement)
    if tab == "class":
        return classing.tab(here, record, seen)
    if tab == "plan":
        return plan_page.told(here, record.placement, record.card)
    if tab == "loops":
        return {"loops": loop_rows.of_subject(here, reading.shown_of(record.loops), record.card)}
    if tab in lifecourse.TABS:
        return lifecourse.tab(request, here, record, seen)
    may = access.may(here.actor, record_export.ACTION, record.placement, here.now).allowed
    card = protections.showing(here.actor, record.card, here.now)
    return {
        "facts": about(here, card, seen),
        "may_export": may and exports.may(here.actor, record_export.KIND, here.now),
    }


def _medicines(request: HttpRequest, here: Here, record: Record, seen: Sight) -> dict[str, Any]:
    """What is taken now, and every change with who made it and why, for who may read the record."""
    stands = record.placement
    may = access.may(here.actor, RECORDING["medication"][0], stands, here.now).allowed
    taken = guarded.medicines(record.medicines, seen)
    told: dict[str, Any] = {"medicines": taken, "may_change": may}
    if access.may(here.actor, timeline.ACTION, stands, here.now).allowed:
        cursor, kinds = request.GET.get("cursor"), ("medication",)
        changes = timeline.page(
            here.actor, stands.resident, at=here.now, cursor=cursor, kinds=kinds, source="web", record=record
        )
        told |= {"story": [said(one) for one in changes.items], "next": changes.next}
    return told


def said(item: timeline.Item) -> Said:
    """A timeline item as a line of the story; what is not shown to this reader is named, not left out silently."""
    tags = list(item.hidden)
    if item.corrects:
        tags.append("更正")
    href = f"/loops/{item.loop}" if item.loop else ""
    restricted = str(item.detail.get("restricted", ""))
    quote = "\n".join(filter(None, [item.text, restricted]))
    return Said(
        item.occurred_at, item.author_name, item.title, quote, item.author_name == "系统", "", tags, href=href
    )


def about(here: Here, card: Card, seen: Sight) -> list[dict[str, Any]]:
    """The facts of the record; identifying ones masked until asked for."""
    place = here.staff.places.get(card.neighbourhood) if card.neighbourhood else None
    kept = protections.instead() if protections.hidden(here.actor, card, here.now) else ""
    masked = {
        "身份证号": ("id_number", card.id_masked),
        "电话": ("phone", card.phone_masked),
        "住址": ("address", "＊＊＊＊" if card.address else ""),
        "档案号": ("record_number", f"…{card.record_number[-4:]}" if card.record_number else ""),
    }
    born = f"{card.birth_date:%Y-%m-%d}" if card.birth_date else "未知"
    plain = {
        "出生": born,
        "性别": spoken.sex(card.sex),
        "小区": kept or (place.name if place else "未知"),
        "签约": faces.team(here, card),
        "户": kept or card.household or "未登记",
        **({"电话与住址": kept} if kept else {}),
        "特征": "、".join(wording.trait(one) for one in guarded.traits(card.traits, seen)) or "无",
    }
    facts = [{"words": words, "value": value} for words, value in plain.items()]
    return facts + [
        {"words": words, "value": shown, "field": field} for words, (field, shown) in masked.items() if shown
    ]


@signed_in
def reveal(request: HttpRequest, here: Here, resident: UUID, field: str) -> HttpResponse:
    """One masked field in the clear, because someone pressed for it; the asking is logged."""
    stands, permission = allowed(here, resident, UNMASK)
    if field not in MASKED:
        raise NotFound("no_such_field", "没有这一项。")
    if field in protections.FIELDS and protections.hidden(here.actor, stands, here.now):
        raise Forbidden(
            "protected", f"{protections.instead()}；如需联系，请找责任医生或责任社工。"
        ).concerning(stands.subject)
    page.seen(here, f"reveal.{field}", [stands.subject], **permission.line)
    return page.show(request, here, "parts/revealed.html", {"value": getattr(card_of(stands), MASKED[field])})
