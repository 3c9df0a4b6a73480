"""The content of a research extract: who is in it, what is told of them, and the sheet that says how it was made unknowable.

People whose consent is in force, of the centres asked for. No name, number, address, free text or id of ours is read at all.
"""

import csv
import hashlib
import hmac
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from django.db.models import Exists, OuterRef

from yishe.care.models import Condition, Encounter, MedicationChange, Observation, Recorded, ServiceNote
from yishe.insight.workbooks import safe
from yishe.loops import sets
from yishe.loops.models import Loop
from yishe.people import consents, directory, packs
from yishe.people.models import Resident, Subject
from yishe.people.placements import is_protected
from yishe.policy import deidentifying
from yishe.policy.deidentifying import OTHER, QUASI, Coarse, Cover, Known
from yishe.policy.refusals import Invalid
from yishe.policy.research_rules import ResearchSheet
from yishe.trust import keys
from yishe.trust.scoping import everybody

Row = TypeVar("Row", bound=Recorded)

KEY = "research"
SEX = {"1": "男", "2": "女"}
PEOPLE, EVENTS, BOOK, REPORT = "people.csv", "events.csv", "codebook.csv", "report.csv"


@dataclass(frozen=True)
class Spec:
    """What was asked for: `variables` of the pack, events of the local days `since` to `until`, for a `purpose` that
    people consented to, of the residents of `centres`."""

    variables: tuple[str, ...]
    since: date
    until: date
    purpose: str
    centres: tuple[UUID, ...]


@dataclass(frozen=True)
class Event:
    """Something that happened to somebody on a day; `code` and `value` are the pack's, never words."""

    who: UUID
    kind: str
    code: str
    value: str
    day: date


@dataclass(frozen=True)
class Made:
    """The extract as files, and what the sheet says of it. `subjects` are for the access line alone."""

    content: bytes
    coarse: Coarse
    events: int
    report: tuple[tuple[str, str], ...]
    subjects: tuple[UUID, ...] = field(repr=False)


def sheet() -> ResearchSheet:
    """The pack's rules. Invalid when it has none."""
    found = packs.in_force().research
    if found is None:
        raise Invalid("no_research", "政策包没有科研数据的规则：请先由主管部门批准。")
    return found


def build(number: UUID, spec: Spec, at: datetime) -> Made:
    """Read, cover, coarsen, merge, write. Conflict when too few people agreed."""
    rules = sheet()
    people = _people(spec, rules, at)
    cover = cover_of(number, rules)
    coarse = deidentifying.coarsened([_known(one, cover, at) for one in people], rules)
    named = {cover.pseudonym(one.id.bytes): one for one in people}
    kept = {row.who: named[row.who] for row in coarse.rows}
    events = _events(spec, {one.id for one in kept.values()})
    spread = [(str(one.who), f"{one.kind}/{one.code}") for one in events]
    traits = [(who, code) for who, one in kept.items() for code in one.traits]
    few, odd = deidentifying.rare(spread, rules.k_rare), deidentifying.rare(traits, rules.k_rare)
    report = tuple(_report(number, spec, rules, coarse, merged=len(few) + len(odd), events=len(events)))
    files = {
        PEOPLE: _people_rows(coarse, kept, odd, spec, rules),
        EVENTS: _event_rows(events, cover, few),
        BOOK: _book_rows(spec, rules),
        REPORT: report,
    }
    mapped = Subject.objects.filter(resident__in=list(kept.values())).values_list("subject", flat=True)
    return Made(_zipped(files), coarse, len(events), report, tuple(sorted(mapped)))


def cover_of(number: UUID, rules: ResearchSheet) -> Cover:
    """The extract's own secret, from a key of the house that never leaves it."""
    key = hmac.new(keys.house_key(KEY), number.bytes, hashlib.sha256).digest()
    return Cover(key, rules.shift.exact().days)


# Who


def _people(spec: Spec, rules: ResearchSheet, at: datetime) -> list[Resident]:
    agreed = consents.agreeing(rules.consent, spec.purpose, at)
    rows = Resident.objects.filter(
        centre__in=spec.centres, merged_into=None, erased_at=None, deceased_at=None
    )
    wanted = rows.only("id", "sex", "birth_date", "centre", "neighbourhood", "traits", "protected_at")
    return [one for one in wanted.order_by("id") if one.id in agreed]


def _known(one: Resident, cover: Cover, at: datetime) -> Known:
    book, today = directory.current(), at.astimezone(sets.ZONE).date()
    kept_back = is_protected(one.protected_at, one.traits)
    place = book.places.get(one.neighbourhood_id) if one.neighbourhood_id and not kept_back else None
    age = None
    if one.birth_date:
        born = one.birth_date
        age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    areas = (place.name if place else deidentifying.UNKNOWN, book.organisation(one.centre_id).name, "全部")
    return Known(cover.pseudonym(one.id.bytes), SEX.get(one.sex, deidentifying.UNKNOWN), age, areas)


# What


def _events(spec: Spec, residents: set[UUID]) -> list[Event]:
    subjects = dict(Subject.objects.filter(resident__in=residents).values_list("subject", "resident"))
    reads = {sheet().variables[code].reads for code in spec.variables}
    found = [one for name, read in READERS.items() if name in reads for one in read(spec, subjects)]
    return sorted(found, key=lambda one: (one.who.int, one.day, one.kind, one.code))


Owners = dict[UUID, UUID]
"""subject → resident"""


def _standing(model: type[Row], spec: Spec, subjects: Owners) -> Iterator[Row]:
    """Entries of the period, neither corrected nor withdrawn."""
    later = model.objects.filter(home=OuterRef("home"), supersedes=OuterRef("id"))
    rows = everybody(model, "a period is read, and kept of whom the consents name").filter(
        ~Exists(later), withdrawn=False, occurred_at__gte=sets.day(spec.since),
        occurred_at__lt=sets.day(spec.until) + timedelta(days=1),
    )  # fmt: skip
    return (row for row in rows.iterator(chunk_size=5000) if row.subject in subjects)


def _day(at: datetime) -> date:
    return at.astimezone(sets.ZONE).date()


def _observations(spec: Spec, subjects: Owners) -> Iterator[Event]:
    for row in _standing(Observation, spec, subjects):
        for quantity, value in row.values.items():
            yield Event(subjects[row.subject], "observation", quantity, str(value), _day(row.occurred_at))


def _conditions(spec: Spec, subjects: Owners) -> Iterator[Event]:
    for row in _standing(Condition, spec, subjects):
        yield Event(subjects[row.subject], "condition", row.kind, row.state, _day(row.occurred_at))


def _encounters(spec: Spec, subjects: Owners) -> Iterator[Event]:
    for row in _standing(Encounter, spec, subjects):
        yield Event(subjects[row.subject], "encounter", row.kind, "", _day(row.occurred_at))


def _medications(spec: Spec, subjects: Owners) -> Iterator[Event]:
    for row in _standing(MedicationChange, spec, subjects):
        yield Event(subjects[row.subject], "medication", row.action, "", _day(row.occurred_at))


def _notes(spec: Spec, subjects: Owners) -> Iterator[Event]:
    for row in _standing(ServiceNote, spec, subjects):
        yield Event(subjects[row.subject], "note", row.stage, "", _day(row.occurred_at))


def _loops(spec: Spec, subjects: Owners) -> Iterator[Event]:
    """Promised and closed, each on its day; a sensitive reason is not told."""
    rows = Loop.objects.filter(sets.SENT, sets.of_residents(), sets.promised(spec.since, spec.until))
    for row in rows.iterator(chunk_size=5000):
        if row.subject not in subjects:
            continue
        code = row.kind if row.sensitive or not row.reason else f"{row.kind}:{row.reason}"
        yield Event(subjects[row.subject], "loop_promised", code, row.urgency, _day(row.promised_at))
        if row.closed_at:
            yield Event(subjects[row.subject], "loop_closed", code, row.closed_as, _day(row.closed_at))


READERS = {
    "observations": _observations, "conditions": _conditions, "encounters": _encounters,
    "medications": _medications, "notes": _notes, "loops": _loops,
}  # fmt: skip


# The files


Lines = Iterable[Sequence[str]]


def _people_rows(
    coarse: Coarse, kept: dict[str, Resident], odd: frozenset[str], spec: Spec, rules: ResearchSheet
) -> Lines:
    told = any(rules.variables[code].reads == "traits" for code in spec.variables)
    yield ("person", *QUASI, *(["traits"] if told else []))
    for row in coarse.rows:
        codes = {OTHER if code in odd else code for code in kept[row.who].traits}
        yield (row.who, row.sex, row.age, row.area, *([";".join(sorted(codes))] if told else []))


def _event_rows(events: Sequence[Event], cover: Cover, few: frozenset[str]) -> Lines:
    yield ("person", "date", "event", "code", "value")
    for one in events:
        who, day = cover.pseudonym(one.who.bytes), cover.moved(one.who.bytes, one.day).isoformat()
        merged = f"{one.kind}/{one.code}" in few
        yield (who, day, one.kind, OTHER if merged else one.code, "" if merged else one.value)


def _book_rows(spec: Spec, rules: ResearchSheet) -> Lines:
    pack = packs.in_force()
    yield ("file", "column_or_code", "title", "explained")
    yield (PEOPLE, "person", "人的代号", "只在这一份数据里有效，与其他数据对不上")
    yield (PEOPLE, "sex", "性别", "男、女、未知")
    yield (PEOPLE, "age", "年龄段", f"数据制作日的周岁；{rules.ages.top} 岁及以上合并")
    yield (PEOPLE, "area", "片区", "细到哪一级见 report.csv")
    yield (EVENTS, "date", "日期", "每人整体移动一个保密的天数；同一人各日期之间的间隔不变")
    for code in spec.variables:
        one = rules.variables[code]
        yield (PEOPLE if one.of == "person" else EVENTS, code, str(one.title), str(one.explained))
    for quantity, said in pack.bounds(spec.until).items():
        yield (EVENTS, f"observation/{quantity}", str(said.title), said.unit)
    for trait, words in pack.traits.items():
        yield (PEOPLE, f"traits/{trait}", str(words.title), "")


def _report(
    number: UUID, spec: Spec, rules: ResearchSheet, coarse: Coarse, *, merged: int, events: int
) -> Iterator[tuple[str, str]]:
    levels = ("社区", "中心", "不分")
    width = coarse.width if coarse.width <= rules.ages.top else 0
    yield ("数据编号", str(number))
    yield ("范围", f"{spec.since} 至 {spec.until}")
    yield ("人数", str(len(coarse.rows)))
    yield ("因格子太小而不出的人数", str(coarse.left_out))
    yield ("准标识", "、".join(QUASI))
    yield ("要求的 k", str(rules.k))
    yield ("达到的 k（最小格人数）", str(coarse.k))
    yield ("格数", str(len(coarse.cells)))
    yield ("年龄段宽度（岁）", str(width) if width else "不分")
    yield ("片区细到", levels[min(coarse.level, len(levels) - 1)])
    yield ("少于规定人数而并入“其他”的代码数", f"{merged}（规定 {rules.k_rare} 人）")
    yield ("事件行数", str(events))
    yield ("日期", f"每人整体移动 1 至 {rules.shift.exact().days} 天，方向与天数保密")
    yield ("直接标识", "姓名、证件号、电话、住址、档案号、系统内编号、自由文本均不读取")
    yield ("同意", f"仅含同意用于研究（{spec.purpose or '未分用途'}）且在有效期内的人")
    yield ("政策包", packs.in_force().version)


def _zipped(files: dict[str, Lines]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in files.items():
            archive.writestr(name, written(rows))
    return held.getvalue()


def written(rows: Lines) -> bytes:
    """CSV that spreadsheet programs open as UTF-8, with nothing in it that runs."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([safe(str(cell)) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")
