"""Class and tier of a whole population: whoever has nothing but particulars is classified with all who are alike, whoever has more by
what is read of a thousand at once; many to a commit.

It writes what `classes.look` writes for one resident. Whoever had a class before that is another now, for whom something follows
from the class, whose correction or promise waits, or whose record was merged, is looked at alone. Whom nothing touches is only read:
another pack costs no more than those whose class it changes.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID

from yishe.care import class_facts, classes, lives
from yishe.care.class_models import ClassOf
from yishe.care.class_stream import say
from yishe.care.models import Condition, Observation, QuestionnaireResponse
from yishe.care.record import Record
from yishe.people import packs
from yishe.people.actors import SYSTEM
from yishe.people.facts import Known
from yishe.policy.class_rules import CLASS, TRACKS, Classified, ClassSheet, Facts
from yishe.policy.class_state import ASSIGNED
from yishe.policy.refusals import Refused
from yishe.trust import batch, quick
from yishe.trust.batch import Batch
from yishe.trust.scoping import everybody
from yishe.trust.sparing import sparing

WHY = "a whole population is classified"
SIZE = 1000
Progress = Callable[[int, int], None]
Alike = tuple[int | None, str, tuple[str, ...]]


@dataclass
class Looked:
    """`looked` were looked at, `alone` of them one by one; `classified` got a class or another one (`classes` counts which);
    `moved` are the residents of these of whom more than particulars is known: their years answer to it. `busy` are left to the next run:
    somebody else is at them, or they cannot be classified."""

    looked: int = 0
    alone: int = 0
    classified: int = 0
    busy: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    moved: set[UUID] = field(default_factory=set)


@dataclass
class _Round:
    """What holds for everybody of one run: `recorded` have more than particulars; of those alike `rules` say where they are put,
    and whether anything would follow from it."""

    at: datetime
    dry: bool
    found: Looked
    recorded: set[UUID]
    rules: dict[Alike, tuple[Classified, bool]]
    follows: dict[tuple[str, ...], bool] = field(default_factory=dict)

    def ruled(self, one: Known) -> tuple[Classified, bool]:
        return self.rules[_alike(one, lives.day(self.at))]


def run(wanted: Sequence[Known], at: datetime, *, dry: bool, progress: Progress) -> Looked:
    """Classify these residents, each by her own subject; who has gone is left out. Nothing when no pack says anything of classes."""
    found = Looked()
    if packs.in_force().classes is None:
        return found
    here = [one for one in wanted if not one.gone]
    now = _Round(at, dry, found, _recorded(), _rules(here, at))
    parts = (here[n : n + SIZE] for n in range(0, len(here), SIZE))
    for part, through in batch.in_parts(parts, partial(_part, now)):
        _told(now, part, through=through)
        progress(found.looked, len(here))
    return found


def _recorded() -> set[UUID]:
    """Subjects of whom something is recorded that rules may look at."""
    tables = (Condition, Observation, QuestionnaireResponse)
    return {
        one for table in tables for one in everybody(table, WHY).values_list("subject", flat=True).distinct()
    }


@dataclass
class _Part:
    """Of so `many` some are `new` and classified together, others looked at `alone`; `rows` are the classes there were."""

    many: int
    rows: dict[UUID, ClassOf]
    new: list[tuple[Known, Classified]] = field(default_factory=list)
    alone: list[Known] = field(default_factory=list)


def _part(now: _Round, many: Sequence[Known]) -> tuple[Batch, _Part]:
    """What is written of all who are simple; the others are for the verb."""
    rows = {row.subject: row for row in quick.where_in(ClassOf, "subject", [one.subject for one in many])}
    written, part = Batch(), _Part(len(many), rows)
    recorded = _of_recorded(now, many, rows)
    for one in many:
        row = rows.get(one.subject)
        said = recorded.get(one.subject) if one.subject in now.recorded else now.ruled(one)
        if one.merged or said is None:
            part.alone.append(one)
            continue
        ruled, follows = said
        if row is None and not follows:
            part.new.append((one, ruled))
            if not now.dry:
                _assign(written, one, ruled, now.at)
        elif row is None or _said(ruled) != {
            "by": row.by,
            CLASS: row.to_class,
            "medical": row.medical,
            "social": row.social,
        }:
            part.alone.append(one)
    return written, part


def _of_recorded(
    now: _Round, many: Sequence[Known], rows: Mapping[UUID, ClassOf]
) -> dict[UUID, tuple[Classified, bool]]:
    """Where the rules put those of whom something is recorded; who is left out is looked at alone."""
    waiting = {subject for subject, row in rows.items() if row.until is not None or row.owing}
    asked = [one for one in many if one.subject in now.recorded and not one.merged]
    asked = [one for one in asked if one.subject not in waiting]
    try:
        with sparing("classes of many"):
            found = zip(asked, class_facts.of_recorded(asked, now.at), strict=True)
            return {one.subject: _ruled(now, facts) for one, facts in found if facts is not None}
    except Refused:  # one of them does not open: she alone is busy
        return {}
    return {}


def _ruled(now: _Round, facts: Facts) -> tuple[Classified, bool]:
    """Where these facts put somebody, and whether anything would follow from it."""
    today, reader = lives.day(now.at), classes.reader()
    ruled = reader.classify(facts, today)
    steps = tuple(ruled.step(track) for track in TRACKS)
    if steps not in now.follows:
        first = _first(ruled, reader.sheet, now.at)
        now.follows[steps] = bool(packs.in_force().reacting_to(classes.FACT, first, today))
    return ruled, now.follows[steps]


def _told(now: _Round, part: _Part, *, through: bool) -> None:
    """What came of it; whom somebody classified meanwhile is looked at alone."""
    now.found.looked += part.many
    if through:
        _count(now.found, (ruled.to_class for _, ruled in part.new))
        now.found.moved.update(one.resident for one, _ in part.new if one.subject in now.recorded)
    alone = part.alone if through else [*part.alone, *(one for one, _ in part.new)]
    for one in alone:
        _look(now, one, part.rows.get(one.subject))


def _count(found: Looked, steps: Iterable[str]) -> None:
    before = found.classes.total()
    found.classes.update(steps)
    found.classified += found.classes.total() - before


def _assign(written: Batch, one: Known, ruled: Classified, at: datetime) -> None:
    """The first entry of her class, as the verb writes it when nothing follows."""
    sheet = classes.reader().sheet
    next_on = classes.next_on_of(one.birth_date, None, sheet, at)
    say(written, None, one, ASSIGNED, SYSTEM, at, {**_said(ruled), "owing": False}, next_on=next_on)


def _look(now: _Round, one: Known, before: ClassOf | None) -> None:
    """One alone; who cannot be classified now hinders no other."""
    now.found.alone += 1
    stands: tuple[Any, ...] | None = None
    try:
        with sparing("a class") as tried:
            stands = _stands(now, one)
        now.found.busy += bool(tried.fault)
    except Refused:
        now.found.busy += 1
    stood = (before.to_class, before.medical, before.social, before.by) if before else None
    if stands is not None and stands != stood:
        _count(now.found, [stands[0]])
        now.found.moved.add(one.resident)


def _stands(now: _Round, one: Known) -> tuple[Any, ...] | None:
    """Class, tiers and the rules that said so, as they are now; None for who has gone."""
    if now.dry:
        said = classes.of(Record(one.resident), now.at).ruled
        return said.to_class, said.medical, said.social, [each.rule for each in said.reasons]
    row = classes.look(one.resident, now.at, plan=False)
    return (row.to_class, row.medical, row.social, row.by) if row else None


def _said(ruled: Classified) -> dict[str, Any]:
    return {**{track: ruled.step(track) for track in TRACKS}, "by": [one.rule for one in ruled.reasons]}


def _alike(one: Known, today: date) -> Alike:
    return one.age(today), one.sex, one.traits


def _rules(here: Sequence[Known], at: datetime) -> dict[Alike, tuple[Classified, bool]]:
    """Asked once for all who are alike."""
    today, reader = lives.day(at), classes.reader()
    sorts = {_alike(one, today): one for one in here}
    ruled = [reader.classify(facts, today) for facts in class_facts.of_particulars(list(sorts.values()), at)]
    firsts = [_first(one, reader.sheet, at) for one in ruled]
    follows = [bool(packs.in_force().reacting_to(classes.FACT, one, today)) for one in firsts]
    return dict(zip(sorts, zip(ruled, follows, strict=True), strict=True))


def _first(ruled: Classified, sheet: ClassSheet, at: datetime) -> dict[str, Any]:
    """The fact that a first class is."""
    new = {track: ruled.step(track) for track in TRACKS}
    said = classes.facts_said(new, None, lives.day(at), rose=classes.high(sheet, new))
    return {**said, "first": True}
