"""Items of the timeline: one row of any source in words, with what the reader's profession does not see left out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from yishe.care import entries, guarded, informants, medications, scales
from yishe.care.guarded import DIAGNOSIS
from yishe.care.models import (
    Condition,
    Encounter,
    Immunization,
    MedicationChange,
    Observation,
    QuestionnaireResponse,
    Recorded,
    ServiceNote,
)
from yishe.people import directory, packs, sight
from yishe.people.actors import Actor
from yishe.people.directory import Directory
from yishe.people.placements import Placement
from yishe.people.sight import Sight
from yishe.policy.access_rules import Shown
from yishe.policy.followup_rules import Followup
from yishe.policy.packs import PackSet
from yishe.policy.scale_rules import Score

ZONE = ZoneInfo("Asia/Shanghai")
ENCOUNTER = "encounter"
YES_NO = {"1": "是", "0": "否"}
SERVICE = "service_note"
PSYCHOTHERAPY = "psychotherapy"


@dataclass(frozen=True)
class Item:
    """One entry: ``title`` says what it is in a few words, ``text`` what was written, ``detail`` holds codes and numbers.

    ``hidden`` names in Chinese what exists but is not shown to this reader. ``corrects`` is the row this one replaced;
    ``loop`` the loop an event belongs to."""

    kind: str
    id: UUID
    occurred_at: datetime
    recorded_at: datetime
    author: UUID
    author_name: str
    title: str
    text: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    corrects: UUID | None = None
    loop: UUID | None = None


@dataclass(frozen=True)
class Reader:
    """Who reads: his relations to the resident, the keys of the record, the words of the packs in force."""

    actor: Actor
    sight: Sight
    keys: Mapping[UUID, bytes]
    people: Directory
    pack: PackSet
    at: datetime

    def sees(self, group: str, author: UUID) -> bool:
        """Whether the detail of a field group of the pack is shown, given who wrote it."""
        return self.sight.sees(group, author)

    def instead(self, group: str) -> str:
        """What is said of a group to those who do not see its detail."""
        return self.sight.words(group)

    def words(self, book: str, code: str) -> str:
        """The title of a code; an unknown code is its own title."""
        return str(self.pack.codes.get(book, {}).get(code, code))

    def content(self, row: Recorded, column: str = "sealed") -> dict[str, Any]:
        return entries.unsealed(row, column, self.keys[row.subject])

    def name(self, staff: UUID) -> str:
        member = self.people.people.get(staff)
        return member.name if member else "系统"


def reader(actor: Actor, placement: Placement, subjects: Sequence[entries.Keyed], at: datetime) -> Reader:
    """The reader of one request."""
    opened = {one.subject: one.wrapped for one in subjects}
    seen = sight.of(actor, placement, at)
    return Reader(actor, seen, opened, directory.current(), packs.in_force(), at)


def encounter(row: Encounter, reader: Reader) -> Item:
    """A meeting; without the right to diagnoses only how many there are, without that to encounters no summary.

    A diagnosis of a protected group is shown, told or left out as the group says; its summary goes with it."""
    content, sheet = reader.content(row), reader.pack.access
    belongs = [sheet.of_condition(one["code"], one["title"]) for one in content["diagnoses"]]
    levels = [reader.sight.shown(groups, row.author) for groups in belongs]
    whole = [one for one, shown in zip(content["diagnoses"], levels, strict=True) if shown is Shown.DETAIL]
    told = {
        one
        for groups, shown in zip(belongs, levels, strict=True)
        if shown is not Shown.NOTHING
        for one in groups
    }
    count = row.diagnoses - levels.count(Shown.NOTHING)
    hidden, text, detail = [], content["summary"], {"kind": row.kind, "diagnosis_count": count}
    if reader.sees(DIAGNOSIS, row.author):
        detail["diagnoses"] = whole
    elif count:
        hidden.append(reader.instead(DIAGNOSIS))
    if len(whole) < row.diagnoses or not reader.sees(ENCOUNTER, row.author):
        hidden.append(reader.sight.instead(told, row.author) or reader.instead(ENCOUNTER))
        text = ""
    title = reader.words("encounter_kind", row.kind)
    return _item("encounter", row, reader, title, text=text, detail=detail, hidden=tuple(hidden))


def medication(row: MedicationChange, reader: Reader) -> Item | None:
    """A change of medicine; all professions of the team need it whole (the bridge of A2), but for protected ones."""
    content = reader.content(row)
    groups = reader.pack.access.of_medicine(content["drug"])
    if reader.sight.shown(groups, row.author) is not Shown.DETAIL:
        return _told("medication", row, reader, "用药变更", groups, {"action": row.action})
    detail = {"action": row.action, "course": str(row.course), **content}
    return _item("medication", row, reader, medications.sentence(row.action, content), detail=detail)


def note(row: ServiceNote, reader: Reader) -> Item | None:
    """A service note; psychotherapy detail, and what its writer marked as protected, only for whom the pack names."""
    detail: dict[str, Any] = {"stage": row.stage, "method": row.method, "minutes": row.minutes}
    title = f"服务记录 · {reader.words('service_stage', row.stage)}"
    content = reader.content(row)
    label = content.get("label", "")
    if label and reader.sight.one(label, row.author) is not Shown.DETAIL:
        return _told("note", row, reader, title, [label], {"stage": row.stage})
    if label:
        detail["label"] = label
    hidden, text = [], ""
    if reader.sees(SERVICE, row.author):
        text = content["text"]
    else:
        hidden.append(reader.instead(SERVICE))
    if row.restricted is not None and reader.sees(PSYCHOTHERAPY, row.author):
        detail["restricted"] = reader.content(row, "restricted")["text"]
    elif row.restricted is not None:
        hidden.append(reader.instead(PSYCHOTHERAPY))
    return _item("note", row, reader, title, text=text, detail=detail, hidden=tuple(hidden))


def observation(row: Observation, reader: Reader) -> Item | None:
    """A measurement with the pack's words and units of the day it was taken."""
    groups = reader.pack.access.of_observation(row.kind, row.values)
    if reader.sight.shown(groups, row.author) is not Shown.DETAIL:
        return _told("observation", row, reader, "测量", groups, {})
    quantities = reader.pack.bounds(row.occurred_at.astimezone(ZONE).date())
    parts = []
    for name, value in row.values.items():
        quantity = quantities.get(name)
        asked = reader.pack.life.inputs.get(name)
        if quantity:
            parts.append(f"{quantity.title} {value} {quantity.shown}")
        else:
            answer = YES_NO.get(str(value), str(value))
            parts.append(f"{asked.title if asked else name}：{answer}")
    context = f"（{reader.words('observation_context', row.context)}）" if row.context else ""
    detail = {
        "kind": row.kind,
        "values": row.values,
        "method": row.method,
        "context": row.context,
        "repeated": row.repeated,
    }
    return _item("observation", row, reader, "，".join(parts) + context, detail=detail)


def immunization(row: Immunization, reader: Reader) -> Item:
    """A dose, or why it was not given; the whole team needs to know."""
    sheet = reader.pack.life.vaccines
    vaccine = sheet.vaccines.get(row.vaccine) if sheet else None
    name = str(vaccine.title) if vaccine else row.vaccine
    content = reader.content(row)
    detail = {"vaccine": row.vaccine, "state": row.state, "batch": content["batch"]}
    title = f"接种：{name}"
    if row.state == "held":
        reason = sheet.holds.get(row.reason) if sheet else None
        until = f"，到 {row.until:%Y-%m-%d}" if row.until else ""
        title = f"未接种：{name}（{reason.title if reason else row.reason}{until}）"
        detail |= {"reason": row.reason, "until": row.until.isoformat() if row.until else None}
    batch = f"批号 {content['batch']}" if content["batch"] else ""
    text = "\n".join(filter(None, [batch, content["remark"]]))
    return _item("immunization", row, reader, title, text=text, detail=detail)


def condition(row: Condition, reader: Reader) -> Item | None:
    """A disease, allergy or social circumstance. Allergies are everybody's business; a disease is a diagnosis."""
    kind = {"disease": "疾病", "allergy": "过敏", "social": "社会情况"}[row.kind]
    detail: dict[str, Any] = {"kind": row.kind, "state": row.state}
    ended = "（已解除）" if row.state == "resolved" else ""
    content = reader.content(row)
    groups = guarded.groups_of(reader.pack.access, row.kind, content["code"], content["title"])
    if reader.sight.shown(groups, row.author) is not Shown.DETAIL:
        return _told("condition", row, reader, kind + ended, groups, detail)
    if row.kind == "disease" and not reader.sees(DIAGNOSIS, row.author):
        return _item(
            "condition", row, reader, kind + ended, detail=detail, hidden=(reader.instead(DIAGNOSIS),)
        )
    detail |= content
    return _item(
        "condition", row, reader, f"{kind}：{content['title']}{ended}", text=content["remark"], detail=detail
    )


def _told(
    kind: str, row: Recorded, reader: Reader, title: str, groups: Collection[str], detail: Mapping[str, Any]
) -> Item | None:
    """That there is something protected, for those who are told; None for those who see nothing."""
    if reader.sight.shown(groups, row.author) is Shown.NOTHING:
        return None
    hidden = (reader.sight.instead(groups, row.author),)
    return _item(kind, row, reader, title, detail=detail, hidden=hidden)


def assessment(row: QuestionnaireResponse, reader: Reader) -> Item | None:
    """A filled form: its scores and what was found, for whom the pack lets read the scale's groups. One still being
    filled has no result and is no part of the story."""
    if reader.sight.shown(row.groups, row.author) is not Shown.DETAIL:
        return _told("assessment", row, reader, "评估", row.groups, {})
    scale, result = scales.begun_under(row.scale, row.definition), reader.content(row)["result"]
    if result is None:
        return None
    detail = {
        "response": str(row.response), "status": row.status, "scale": row.scale, "version": row.version,
        "informant": row.informant, **result,
    }  # fmt: skip
    said = [scored(scale.scores[code], one) for code, one in result["scores"].items()]
    said += [str(scale.flags[code].title) for code in result["flags"]]
    said += [str(scale.rules[code].title) for code in result["rules"]]
    amended = row.supersedes if row.status == "amended" else None
    title = f"评估：{scale.title}"
    if isinstance(scale, Followup):
        title, said = f"随访：{scale.title}", [classified(scale, result["concluded"]), *said]
    made = _item("assessment", row, reader, title, text="；".join(said), detail=detail)
    outside = reader.content(row).get("by")
    return replace(
        made, corrects=amended, author_name=informants.words(outside) if outside else made.author_name
    )


def classified(form: Followup, found: Mapping[str, Any]) -> str:
    """The class of a follow-up and the next day, in words."""
    one = form.classes.get(found["code"])
    until = f"，下次不晚于 {found['next']}" if found["next"] else ""
    return f"{one.title if one else '未能分类（缺资料）'}{until}"


def scored(score: Score, found: Mapping[str, Any]) -> str:
    """A score in words: 总分 12（中度）."""
    if found["value"] is None:
        return f"{score.title} 未能计分"
    band = f"（{score.bands[found['band']].title}）" if found["band"] else ""
    return f"{score.title} {found['value']:g}{band}"


def _item(kind: str, row: Recorded, reader: Reader, title: str, **more: Any) -> Item:
    return Item(
        kind,
        row.id,
        row.occurred_at,
        row.recorded_at,
        row.author,
        reader.name(row.author),
        title,
        corrects=row.supersedes,
        **more,
    )
