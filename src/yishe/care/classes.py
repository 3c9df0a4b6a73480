"""Class and tier of a resident: said by rule from the record, corrected by a doctor for a time, and what follows from them.

Nothing is scheduled: whatever is recorded leaves a mark (`ClassDue`) in its own commit, a row knows the next day on which it must
be looked at (a birthday, the end of a correction), and the worker looks at what is due. Looking again changes nothing.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from yishe.care import class_facts, entries, lives, replanning
from yishe.care.class_models import ClassOf
from yishe.care.class_stream import say, state_of
from yishe.care.contract_stream import UNNAMED, Once
from yishe.care.record import Record
from yishe.loops import promises, reactions
from yishe.loops.promises import Wanted, gone_words
from yishe.loops.recording import Said
from yishe.people import access, actors, directory, packs, placements
from yishe.people.actors import SYSTEM, Actor
from yishe.people.placements import Placement
from yishe.policy.class_rules import CLASS, MEDICAL, SOCIAL, TRACKS, Classified, ClassSheet, Reader
from yishe.policy.class_state import (
    ASSIGNED,
    CORRECTED,
    CORRECTION_ENDED,
    FOLLOWED,
    REMINDED,
    ClassState,
)
from yishe.policy.refusals import Conflict, Invalid, Refused
from yishe.trust import access_log, commit
from yishe.trust.commit import Bundle

CORRECT = "class.correct"
FACT = "class_assigned"
YEAR = timedelta(days=365)
"""Nothing that changes by itself lies further ahead: everybody has a birthday, known or not."""


@dataclass(frozen=True)
class Standing:
    """Where a resident stands on a day: what the rules say of her record as it is now, and the row, None before the first look."""

    ruled: Classified
    row: ClassOf | None
    state: ClassState | None
    today: date

    def step(self, track: str) -> str:
        """What counts: a correction in force, else the rules."""
        if self.state is not None and self.state.corrects(self.today):
            said = self.state.step(track, self.today)
            corrected = getattr(self.state, f"corrected_{track}")
            return said if corrected else self.ruled.step(track)
        return self.ruled.step(track)

    @property
    def seq(self) -> int:
        """Of the row, for whoever corrects what he has seen; 0 before the first look."""
        return self.row.seq if self.row else 0


def correct(
    actor: Actor, resident: UUID, steps: Mapping[str, str], *, reason: str, until: date, at: datetime, words: str = "",
    seq: int | None = None, once: Once = UNNAMED,
) -> None:  # fmt: skip
    """Say another class or tier (`steps` by track; what is left out stays with the rules) until the day before `until`.

    Forbidden but for whom the pack lets; Invalid without a coded reason, for a day that is past or too far, when nothing is
    changed; Conflict for who has gone, or when a colleague was first (`seq` is the one that was seen)."""
    if once.done(actor, at):
        return
    where, permission = _may(actor, resident, at)
    sheet, today = reader().sheet, lives.day(at)
    said = {track: sheet.corrected(track, one) for track, one in steps.items() if one}
    _allowed(sheet, said, reason, until, today)
    row = look(where.resident, at, actor)
    if row is None or not _seen(row, seq):
        raise _somebody_else()
    state, bundle = state_of(row), Bundle()
    rose = high(sheet, said) and not high(sheet, {one: state.step(one, today) for one in TRACKS})
    followed = _follow(bundle, row.id, facts_said(said, state, today, rose=rose), where, actor, at)
    data: dict[str, Any] = {track: said.get(track, "") for track in TRACKS}
    data |= {"reason": reason, "until": until.isoformat(), "owing": state.owing or not followed}
    remark = entries.text(words, "说明", 500)
    next_on = next_on_of(Record(where.resident).card.birth_date, until, sheet, at)
    say(
        bundle, row, where, CORRECTED, actor, at, data, {"remark": remark} if remark else None, next_on, once
    )  # fmt: skip
    _line(bundle, "correct", where, actor, permission, at)
    _commit(bundle)
    _replan(where.resident, at)
    looked(where.subject, at, actor)  # a short one is reminded of at once


def uncorrect(actor: Actor, resident: UUID, at: datetime, once: Once = UNNAMED) -> None:
    """Take a correction back: the rules speak again from now on. Conflict when there is none."""
    if once.done(actor, at):
        return
    where, permission = _may(actor, resident, at)
    row = ClassOf.objects.filter(subject=where.subject).first()
    if row is None or row.until is None:
        raise Conflict("not_corrected", "没有生效的更正：现在就是按规则算的。")
    bundle = Bundle()
    say(
        bundle,
        row,
        where,
        CORRECTION_ENDED,
        actor,
        at,
        {"why": "withdrawn"},
        next_on=lives.day(at),
        once=once,
    )
    _line(bundle, "uncorrect", where, actor, permission, at)
    _commit(bundle)
    _replan(where.resident, at)
    looked(where.subject, at, actor)


def look(resident: UUID, at: datetime, speaker: Actor = SYSTEM, *, plan: bool = True) -> ClassOf | None:
    """Look at a resident again and record what changed; returns her row, None for who has gone. What follows from a class is
    promised in the name of `speaker`, or of her doctor where he may not; without `plan` the caller plans the year that answers
    to it. Conflict while somebody else is at it."""
    where = entries.whose(resident)
    if where.gone:
        ClassOf.objects.filter(subject=where.subject).update(next_on=None)
        return None
    record = Record(where.resident)
    before, ruled = _row(record), reader().classify(class_facts.of(record, at), lives.day(at))
    for last_try in (False, True):
        try:
            for step in (_lapse, _assign, _remind, _owed):
                step(record, ruled, at, speaker)
            break
        except (commit.Stale, commit.Duplicate):
            if last_try:
                raise _somebody_else() from None
            directory.forget()
    row = _row(record)
    if plan and row is not None and (before is None or row.seq != before.seq):
        _replan(where.resident, at)
    if row is not None and row.looked_at != at:
        next_on = next_on_of(record.card.birth_date, row.until, reader().sheet, at)
        ClassOf.objects.filter(id=row.id, seq=row.seq).update(looked_at=at, next_on=next_on)
    return row


def looked(subject: UUID, at: datetime, speaker: Actor) -> bool:
    """Whoever the subject is now is looked at; one that was merged or erased rests."""
    where = placements.placement_of_subject(subject)
    try:
        if where is not None:
            look(where.resident, at, speaker)
    except Refused:
        return False
    if where is None or where.subject != subject:
        ClassOf.objects.filter(subject=subject).update(next_on=None)
    return True


def _replan(resident: UUID, at: datetime) -> None:
    """The running year answers to the class; what somebody else has in hand is done with everybody's."""
    with suppress(Refused):
        replanning.replan(SYSTEM, resident, at)


def speaker_of(author: UUID | None) -> Actor:
    """Who wrote what the class follows from; the system where nobody did, or somebody who left."""
    if author is None or author == SYSTEM.staff_id:
        return SYSTEM
    try:
        return actors.actor_of(author)
    except Refused:
        return SYSTEM


def _lapse(record: Record, ruled: Classified, at: datetime, speaker: Actor) -> None:
    row = _row(record)
    if row is not None and row.until is not None and row.until <= lives.day(at):
        bundle = Bundle()
        say(
            bundle,
            row,
            record.placement,
            CORRECTION_ENDED,
            SYSTEM,
            at,
            {"why": "lapsed"},
            next_on=lives.day(at),
        )
        bundle.commit()


def _assign(record: Record, ruled: Classified, at: datetime, speaker: Actor) -> None:
    row, sheet, today = _row(record), reader().sheet, lives.day(at)
    by, new = [one.rule for one in ruled.reasons], {track: ruled.step(track) for track in TRACKS}
    old = {CLASS: row.to_class, MEDICAL: row.medical, SOCIAL: row.social} if row else {}
    if row is not None and (old, row.by) == (new, by):
        return
    bundle, state = Bundle(), state_of(row) if row else None
    rose = high(sheet, new) and not high(sheet, old)
    stream = row.id if row else record.placement.subject
    facts = {**facts_said(new, state, today, rose=rose), "first": row is None}
    followed = _follow(bundle, stream, facts, record.placement, speaker, at)
    data = {**new, "by": by, "owing": not followed}
    next_on = next_on_of(record.card.birth_date, row.until if row else None, sheet, at)
    say(bundle, row, record.placement, ASSIGNED, SYSTEM, at, data, next_on=next_on)
    bundle.commit()


def _remind(record: Record, ruled: Classified, at: datetime, speaker: Actor) -> None:
    """The dated loop that says a correction is about to end."""
    row, sheet = _row(record), reader().sheet
    if row is None or row.until is None or row.review is not None:
        return
    if lives.day(at) < row.until - sheet.correction.remind.exact():
        return
    ends = lives.begins(row.until)
    dates = (("accept", ends), ("finish", ends))
    bundle, said = Bundle(), Said(SYSTEM.staff_id, at, f"class:{row.id}:{row.seq}")
    wanted = Wanted(sheet.correction.kind, dates=dates, sender=row.corrected_by)
    try:
        loop = promises.into(bundle, SYSTEM, record.placement, wanted, said).state.id
    except Refused:  # a draft, or nobody to ask: the correction ends on its day all the same
        return
    next_on = next_on_of(record.card.birth_date, row.until, sheet, at)
    say(bundle, row, record.placement, REMINDED, SYSTEM, at, {"loop": str(loop)}, next_on=next_on)
    bundle.commit()


def _owed(record: Record, ruled: Classified, at: datetime, speaker: Actor) -> None:
    """What could not be promised when the class was said (nobody to promise it to) is tried again."""
    row, sheet, today = _row(record), reader().sheet, lives.day(at)
    if row is None or not row.owing or row.looked_at == at:
        return
    state, bundle = state_of(row), Bundle()
    facts = facts_said({}, state, today, rose=high(sheet, {one: state.step(one, today) for one in TRACKS}))
    if _follow(bundle, row.id, facts, record.placement, speaker, at):
        next_on = next_on_of(record.card.birth_date, row.until, sheet, at)
        say(bundle, row, record.placement, FOLLOWED, SYSTEM, at, {}, next_on=next_on)
        bundle.commit()


def _follow(
    bundle: Bundle, stream: UUID, facts: dict[str, Any], where: Placement, speaker: Actor, at: datetime
) -> bool:
    """What packs say follows from a class; False when nobody can take it now."""
    if not access.may(speaker, promises.PROMISE, where, at).allowed:
        speaker = speaker_of(where.doctor)
    try:
        reactions.apply(reactions.Fact(FACT, stream, facts), speaker, where, at, bundle)
    except Refused:
        return False
    return True


def facts_said(said: Mapping[str, str], state: ClassState | None, on: date, *, rose: bool) -> dict[str, Any]:
    """The fact `class_assigned`: what is said now, and what stood before where nothing is."""
    steps = {track: said.get(track) or (state.step(track, on) if state else "") for track in TRACKS}
    return {
        "resident_class": steps[CLASS],
        "medical": steps[MEDICAL],
        "social": steps[SOCIAL],
        "rose": rose,
        "first": False,
    }


def high(sheet: ClassSheet, steps: Mapping[str, str]) -> bool:
    """Whether one of the tiers is the highest."""
    return sheet.highest in (steps.get(MEDICAL), steps.get(SOCIAL))


def next_on_of(born: date | None, until: date | None, sheet: ClassSheet, at: datetime) -> date:
    """The earliest later day on which the class may change by itself; a year at the most."""
    today, days = lives.day(at), list[date]()
    if born is not None:
        days.append(_birthday(born, today))
    if until is not None:
        days += [until, until - sheet.correction.remind.exact()]
    return min((one for one in days if one > today), default=today + YEAR)


def _birthday(born: date, today: date) -> date:
    """The next one after today; of 29 February the first of March in other years."""
    for year in (today.year, today.year + 1):
        try:
            day = born.replace(year=year)
        except ValueError:
            day = date(year, 3, 1)
        if day > today:
            return day
    raise AssertionError("a birthday comes every year")


def _row(record: Record) -> ClassOf | None:
    return ClassOf.objects.filter(subject=record.placement.subject).first()


def _seen(row: ClassOf, seq: int | None) -> bool:
    """Whether what was seen still stands; 0 was seen before the first look, which corrects nothing."""
    return seq is None or row.seq == seq or (seq == 0 and row.corrected_at is None)


def _may(actor: Actor, resident: UUID, at: datetime) -> tuple[Placement, access.Permission]:
    where = placements.placed(resident)
    permission = access.require(actor, CORRECT, where, at)
    if where.gone:
        raise Conflict("resident_gone", gone_words(where))
    return where, permission


def _allowed(sheet: ClassSheet, said: Mapping[str, str], reason: str, until: date, today: date) -> None:
    rules = sheet.correction
    if not said:
        raise Invalid("nothing_corrected", "请选要更正的分类或分级；都不改就不用更正。")
    if reason not in rules.reasons:
        known = "、".join(str(one) for one in rules.reasons.values())
        raise Invalid("reason", f"请选更正的原因：{known}。", field="reason", possible=list(rules.reasons))
    if until <= today:
        raise Invalid(
            "until_past", f"有效期到 {until:%Y-%m-%d} 已经过了：请填明天以后的日期。", field="until"
        )
    last = today + rules.longest.exact()
    if until > last:
        raise Invalid(
            "until_too_far",
            f"更正最长到 {last:%Y-%m-%d}，之后由规则重新判定：请填早一些的日期，到期前会提醒复核。",
            field="until",
        )


def _line(
    bundle: Bundle, what: str, where: Placement, actor: Actor, permission: access.Permission, at: datetime
) -> None:
    access_log.line(bundle, home=where.home, actor=actor.staff_id, action=f"class.{what}", subjects=[where.subject],
                    **permission.line, at=at)  # fmt: skip


def _commit(bundle: Bundle) -> None:
    try:
        bundle.commit()
    except (commit.Stale, commit.Duplicate):
        raise _somebody_else() from None


def _somebody_else() -> Conflict:
    return Conflict("class_changed", "另一位同事刚刚更正过，或档案刚有变化：请刷新后再看。")


# Readers


def reader() -> Reader:
    """The rules in force. Invalid when no pack says anything of classes."""
    found = packs.in_force().classes
    if found is None:
        raise Invalid("no_classes", "政策包没有分类分级的规定：请管理员补上 classes.yaml。")
    return found


def of(record: Record, at: datetime) -> Standing:
    """Where a resident stands now, worked out from her record. The caller has asked access."""
    row = _row(record)
    ruled = reader().classify(class_facts.of(record, at), lives.day(at))
    return Standing(ruled, row, state_of(row) if row else None, lives.day(at))
