"""Class and tier as they are shown: what counts, why, and who said otherwise until when, cut to what a reader sees."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from yishe.care import class_events, classes, lives
from yishe.care.classes import Standing
from yishe.care.guarded import DIAGNOSIS
from yishe.care.record import Record
from yishe.people import packs
from yishe.people.sight import Sight
from yishe.policy.access_rules import Shown
from yishe.policy.class_rules import AGE, DISEASES, TRACKS, Reason
from yishe.policy.class_state import CORRECTED
from yishe.trust import keys, ledger

TITLES = {"class": "分类", "medical": "医疗分级", "social": "社会分级"}


@dataclass(frozen=True)
class Track:
    """One of class, medical and social tier: what counts, and what the rules say where a doctor said otherwise."""

    code: str
    title: str
    step: str
    words: str
    ruled: str
    corrected: bool


@dataclass(frozen=True)
class Why:
    """A rule that spoke, from which facts, and where it is published."""

    rule: str
    title: str
    facts: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Correction:
    """In force until the day before `until`."""

    reason: str
    words: str
    by: UUID | None
    at: datetime | None
    until: date


@dataclass(frozen=True)
class Shows:
    """`hidden` counts reasons that are not for this reader; `seq` is what a correction of this must name."""

    tracks: Sequence[Track]
    why: Sequence[Why]
    hidden: int
    correction: Correction | None
    seq: int
    born: bool


def of(record: Record, seen: Sight, at: datetime) -> Shows:
    """Where a resident stands, for one reader. The caller has asked access."""
    found = classes.of(record, at)
    why = [one for one in found.ruled.reasons if _open(one, seen)]
    return Shows(
        [_track(found, one) for one in TRACKS], [_why(one, record, at) for one in why],
        len(found.ruled.reasons) - len(why), _correction(found), found.seq, record.card.birth_date is not None,
    )  # fmt: skip


def in_short(record: Record, at: datetime) -> list[Track]:
    """Class and tiers that count now as they were last said; empty before the first look. The caller has asked access."""
    state, pack = (
        class_events.folded(record.class_entries, record.placement.subject),
        packs.in_force().classes,
    )
    if state is None or pack is None:
        return []
    today, said = lives.day(at), list[Track]()
    for track in TRACKS:
        step, ruled = state.step(track, today), replace(state, until=None).step(track, today)
        words = pack.sheet.title(track, step), pack.sheet.title(track, ruled)
        said.append(Track(track, TITLES[track], step, *words, step != ruled))
    return said


def _track(found: Standing, track: str) -> Track:
    sheet, step, ruled = classes.reader().sheet, found.step(track), found.ruled.step(track)
    corrected = bool(
        found.state and found.state.corrects(found.today) and getattr(found.state, f"corrected_{track}")
    )
    return Track(track, TITLES[track], step, sheet.title(track, step), sheet.title(track, ruled), corrected)


def _open(reason: Reason, seen: Sight) -> bool:
    """Whether this reader may know every fact the rule found."""
    return all(seen.shown(_groups(one)) is Shown.DETAIL for one in reason.sources)


def _groups(source: str) -> frozenset[str]:
    """The field groups of a coded fact: a disease is a diagnosis, a band belongs where its scale does."""
    pack = packs.in_force()
    if source == DISEASES:
        return frozenset({DIAGNOSIS})
    if source in pack.traits:
        disease = frozenset({DIAGNOSIS}) if pack.traits[source].counts_as_disease else frozenset()
        return pack.access.of_trait(source) | disease
    scale = pack.scales_by_date.get(source.partition(".")[0])
    return frozenset(scale.values[-1].fields) if scale else frozenset()


def _why(reason: Reason, record: Record, at: datetime) -> Why:
    rule = classes.reader().sheet.rules[reason.rule]
    facts = tuple(_words(one, record, at) for one in reason.sources)
    return Why(reason.rule, str(rule.title), facts, rule.source.said)


def _words(source: str, record: Record, at: datetime) -> str:
    """A coded fact as the pack calls it."""
    pack = packs.in_force()
    if source == AGE:
        age = record.card.age(lives.day(at))
        return "出生日期未知" if age is None else f"{age} 岁"
    if source == DISEASES:
        return "在管疾病"
    if source in pack.traits:
        return str(pack.traits[source].title)
    code, _, rest = source.partition(".")
    if code in pack.scales_by_date:
        scale = pack.scales_by_date[code].values[-1]
        score, _, band = rest.partition(".")
        return f"{scale.title}：{scale.scores[score].bands[band].title}"
    return str(pack.life.risks[code].title)


def _correction(found: Standing) -> Correction | None:
    state, row = found.state, found.row
    if state is None or row is None or state.until is None or not state.corrects(found.today):
        return None
    said = [one for one in ledger.entries(row.id) if one.kind == CORRECTED][-1]
    words = ledger.words(said, keys.wrapped_key(row.subject)).get("remark", "")
    reasons = classes.reader().sheet.correction.reasons
    reason = str(reasons[state.reason]) if state.reason in reasons else state.reason
    return Correction(reason, words, state.corrected_by, state.corrected_at, state.until)
