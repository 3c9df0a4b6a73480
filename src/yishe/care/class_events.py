"""What was said of a class and its tiers, as lines of the timeline: who said what, and until when. Why stands on its own tab."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from yishe.care import case_events, lives
from yishe.care.items import Item, Reader
from yishe.policy import class_state
from yishe.policy.class_rules import CLASS, MEDICAL, SOCIAL, TRACKS, ClassSheet
from yishe.policy.class_state import ASSIGNED, CORRECTED, CORRECTION_ENDED, ClassState, Said
from yishe.trust import ledger
from yishe.trust.models import Entry

KIND = "class"
TITLES = {ASSIGNED: "分类改变", CORRECTED: "医生更正分类", CORRECTION_ENDED: "更正结束，按规则分类"}
FIRST = "分类"
ENDED = {"lapsed": "更正到期", "withdrawn": "医生撤销了更正"}


def of(
    entries: Sequence[Entry], cursor: tuple[datetime, UUID] | None, size: int, reader: Reader
) -> list[Item]:
    """The newest `size` before `cursor`, of all entries of a resident's classes. What changes no class or tier is no line."""
    found = [
        item for _, stream in groupby(entries, key=lambda one: one.stream) for item in _lines(stream, reader)
    ]
    found.sort(key=lambda one: (one.occurred_at, one.id.int), reverse=True)
    if cursor is not None:
        found = [one for one in found if (one.occurred_at, one.id.int) < (cursor[0], cursor[1].int)]
    return found[:size]


def folded(entries: Sequence[Entry], subject: UUID) -> ClassState | None:
    """The class that these entries leave of this subject."""
    return class_state.fold(_said(one) for one in entries if one.subject == subject)


def shown(sheet: ClassSheet | None, steps: dict[str, str]) -> str:
    """Class and tiers in words: 慢病 · 医疗中 · 社会低."""
    words = {track: sheet.title(track, step) if sheet else step for track, step in steps.items()}
    return f"{words[CLASS]} · 医疗{words[MEDICAL]} · 社会{words[SOCIAL]}"


def _lines(stream: Iterator[Entry], reader: Reader) -> Iterator[Item]:
    state, last = None, dict[str, str]()
    for one in stream:
        state = class_state.after(state, _said(one))
        if state is None or one.kind not in TITLES:
            continue
        steps = {track: state.step(track, lives.day(one.recorded_at)) for track in TRACKS}
        if steps != last or one.kind != ASSIGNED:
            yield _item(one, steps, reader, first=not last)
        last = steps


def _item(entry: Entry, steps: dict[str, str], reader: Reader, *, first: bool) -> Item:
    said = ledger.facts_of(entry)
    title = f"{FIRST if first else TITLES[entry.kind]}：{shown(_sheet(reader), steps)}"
    return Item(
        KIND, case_events.number(entry), entry.occurred_at, entry.recorded_at, entry.actor, reader.name(entry.actor), title,
        text=_why(entry.kind, said, reader), detail={"event": entry.kind, **steps},
    )  # fmt: skip


def _why(kind: str, said: dict[str, Any], reader: Reader) -> str:
    sheet = _sheet(reader)
    if kind == CORRECTED and sheet:
        reason = sheet.correction.reasons.get(said["reason"], said["reason"])
        return f"{reason}；有效到 {date.fromisoformat(said['until']):%Y-%m-%d}"
    return ENDED[said["why"]] if kind == CORRECTION_ENDED else ""


def _sheet(reader: Reader) -> ClassSheet | None:
    return reader.pack.classes.sheet if reader.pack.classes else None


def _said(entry: Entry) -> Said:
    return Said(entry.kind, entry.actor, entry.recorded_at, ledger.facts_of(entry))
