"""Items of the timeline: one row of any source in words, with what the reader's profession does not see left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from yishe.care import entries, medications
from yishe.care.models import Condition, Encounter, MedicationChange, Observation, Recorded, ServiceNote
from yishe.people import directory, packs, sight
from yishe.people.actors import Actor
from yishe.people.directory import Directory
from yishe.people.placements import Placement
from yishe.people.sight import Sight
from yishe.policy.packs import PackSet

ZONE = ZoneInfo("Asia/Shanghai")
DIAGNOSIS = "diagnosis"
ENCOUNTER = "encounter"
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
        own = author == self.actor.staff_id
        return self.sight.sees(group, self.actor.member.duties(self.at) if own else frozenset())

    def instead(self, group: str) -> str:
        """What is said of a group to those who do not see its detail."""
        rule = self.pack.access.fields.get(group)
        return str(rule.instead or rule.title) if rule else ""

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
    """A meeting; without the right to diagnoses only how many there are, without that to encounters no summary."""
    content = reader.content(row)
    hidden, text, detail = [], content["summary"], {"kind": row.kind, "diagnosis_count": row.diagnoses}
    if reader.sees(DIAGNOSIS, row.author):
        detail["diagnoses"] = content["diagnoses"]
    elif row.diagnoses:
        hidden.append(reader.instead(DIAGNOSIS))
    if not reader.sees(ENCOUNTER, row.author):
        hidden.append(reader.instead(ENCOUNTER))
        text = ""
    title = reader.words("encounter_kind", row.kind)
    return _item("encounter", row, reader, title, text=text, detail=detail, hidden=tuple(hidden))


def medication(row: MedicationChange, reader: Reader) -> Item:
    """A change of medicine; all professions of the team need it whole (the bridge of A2)."""
    content = reader.content(row)
    detail = {"action": row.action, "course": str(row.course), **content}
    return _item("medication", row, reader, medications.sentence(row.action, content), detail=detail)


def note(row: ServiceNote, reader: Reader) -> Item:
    """A service note; psychotherapy detail only for whom the pack names and its author."""
    detail: dict[str, Any] = {"stage": row.stage, "method": row.method, "minutes": row.minutes}
    hidden, text = [], ""
    if reader.sees(SERVICE, row.author):
        text = reader.content(row)["text"]
    else:
        hidden.append(reader.instead(SERVICE))
    if row.restricted is not None and reader.sees(PSYCHOTHERAPY, row.author):
        detail["restricted"] = reader.content(row, "restricted")["text"]
    elif row.restricted is not None:
        hidden.append(reader.instead(PSYCHOTHERAPY))
    title = f"服务记录 · {reader.words('service_stage', row.stage)}"
    return _item("note", row, reader, title, text=text, detail=detail, hidden=tuple(hidden))


def observation(row: Observation, reader: Reader) -> Item:
    """A measurement with the pack's words and units of the day it was taken."""
    quantities = reader.pack.bounds(row.occurred_at.astimezone(ZONE).date())
    parts = []
    for name, value in row.values.items():
        quantity = quantities.get(name)
        parts.append(f"{quantity.title} {value} {quantity.shown}" if quantity else f"{name} {value}")
    context = f"（{reader.words('observation_context', row.context)}）" if row.context else ""
    detail = {
        "kind": row.kind,
        "values": row.values,
        "method": row.method,
        "context": row.context,
        "repeated": row.repeated,
    }
    return _item("observation", row, reader, "，".join(parts) + context, detail=detail)


def condition(row: Condition, reader: Reader) -> Item:
    """A disease, allergy or social circumstance. Allergies are everybody's business; a disease is a diagnosis."""
    kind = {"disease": "疾病", "allergy": "过敏", "social": "社会情况"}[row.kind]
    detail: dict[str, Any] = {"kind": row.kind, "state": row.state}
    ended = "（已解除）" if row.state == "resolved" else ""
    if row.kind == "disease" and not reader.sees(DIAGNOSIS, row.author):
        return _item(
            "condition", row, reader, kind + ended, detail=detail, hidden=(reader.instead(DIAGNOSIS),)
        )
    content = reader.content(row)
    detail |= content
    return _item(
        "condition", row, reader, f"{kind}：{content['title']}{ended}", text=content["remark"], detail=detail
    )


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
