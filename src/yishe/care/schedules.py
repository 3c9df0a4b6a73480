"""A life's schedule: the visits a resident is owed by age or from an event, under contract or not, and recording one.

What is owed is worked out from what is recorded (birth, pregnancy, measurements, contacts) and stands nowhere else. A visit that
the year of a contract promises as well is recorded as the contact that keeps it there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from yishe.care import conditions, encounters, entries, forms, lives, needs, scales, year
from yishe.care.conditions import Standing
from yishe.care.models import Encounter, Observation, Owed, QuestionnaireResponse
from yishe.people import packs
from yishe.people.actors import Actor
from yishe.people.cards import Card, cards
from yishe.people.placements import Placement
from yishe.policy import schedules
from yishe.policy.followup_rules import HOW
from yishe.policy.refusals import Conflict, Invalid
from yishe.policy.schedule_rules import Visit
from yishe.policy.schedules import Line, Person
from yishe.trust.commit import Bundle


@dataclass(frozen=True)
class Once:
    """One command: when it arrived and under which name, when it happened, and what it said."""

    at: datetime
    command_id: str
    occurred_at: datetime | None
    digest: bytes


OPEN, OVER = ("due", "late"), ("done", "done_late", "missed")
OBSERVATION, FOLLOWUP = "observation:", "followup:"


def record(
    actor: Actor, resident: UUID, *, visit: str, how: str, summary: str, at: datetime, command_id: str,
    occurred_at: datetime | None = None, digest: bytes | None = None,
) -> UUID:  # fmt: skip
    """Record one visit of a schedule; returns its encounter. The same command again answers the same.

    Invalid for a visit that this resident is not owed, for a day on which it could not be made, saying which could, or for a way
    in which it does not count; Conflict
    when it was made already; otherwise as `encounters.record`."""
    where, said = entries.whose(resident), {"visit": visit, "how": how, "summary": summary}
    command = entries.Command(
        actor, where.resident, encounters.ACTION, at, command_id, occurred_at, digest=digest
    )
    one = Once(at, command_id, occurred_at, digest or entries.digest_of(command, said))
    before = Bundle()
    row = _recorded(actor, where, one, visit=visit, how=how, summary=summary, bundle=before)
    if not before:  # said before
        return row.id
    line = _owed(where, visit, lives.day(occurred_at or at))
    if not line.counts(how):
        book = packs.in_force().codes["encounter_kind"]
        known = "、".join(str(book[one]) for one in line.how)
        raise Invalid(
            "how", f"“{line.title}”要以这些方式做才算数：{known}。", field="how", possible=list(line.how)
        )
    kept = _by_contract(actor, where, one, line, how, summary)
    return kept or _recorded(actor, where, one, visit=visit, how=how, summary=summary).id


def _recorded(
    actor: Actor,
    where: Placement,
    one: Once,
    *,
    visit: str,
    how: str,
    summary: str,
    bundle: Bundle | None = None,
) -> Encounter:
    return encounters.record(
        actor, where.resident, kind=how, summary=summary, visit=visit, at=one.at, command_id=one.command_id,
        occurred_at=one.occurred_at, digest=one.digest, bundle=bundle,
    )  # fmt: skip


def _by_contract(
    actor: Actor, where: Placement, one: Once, line: Line, how: str, summary: str
) -> UUID | None:
    """The contact, where the running year of a contract promises the same; None where it does not, or not any more."""
    sheet = packs.in_force().contracts
    for service in declared(line.code).kept_by:
        if sheet is None or service not in sheet.services or how not in sheet.services[service].how:
            continue
        try:
            kept = year.keep(
                actor, where.resident, services=[service], how=how, summary=summary, at=one.at, command_id=one.command_id,
                occurred_at=one.occurred_at, digest=one.digest,
            )  # fmt: skip
        except Conflict as refused:
            if refused.code not in ("no_contract", "not_owed"):
                raise
        else:
            return kept[0].evidence
    return None


def declared(code: str) -> Visit:
    """A visit as the pack in force says it."""
    schedule, _, visit = code.partition(".")
    return packs.in_force().life.schedules[schedule].visits[visit]


def _owed(where: Placement, visit: str, on: date) -> Line:
    """The visit as it stands on that day."""
    found = of(where, on)
    line = next((one for one in found if one.code == visit), None)
    possible = [one.code for one in found if one.state in OPEN]
    if line is None:
        known = "、".join(one.title for one in found if one.state in OPEN) or "没有"
        raise Invalid(
            "visit_not_owed", f"这位居民不在这项服务的对象内（按年龄、性别或孕产情况）；{on:%Y-%m-%d} 可做：{known}。",
            field="visit", possible=possible,
        )  # fmt: skip
    if line.on is not None:
        raise Conflict(
            "visit_made", f"“{line.title}”{line.on:%Y-%m-%d} 已经做过，没有再记：这次可记为普通接诊。"
        )
    if line.state not in OPEN:
        span = f"从 {line.starts:%Y-%m-%d} 起、到 {line.ends:%Y-%m-%d} 为止可做"
        raise Invalid(
            "visit_outside", f"“{line.title}”{span}，{on:%Y-%m-%d} 不在其中：请核对日期。", field="visit", possible=possible
        )  # fmt: skip
    return line


# Readers


def of(where: Placement, on: date) -> list[Line]:
    """Every visit of every schedule for her on that day, for a writer that has asked access."""
    keyed, card = entries.keyed(where), cards([where.subject]).get(where.subject)
    standing = conditions.standing(keyed, ("disease",))
    return lines(card, keyed, standing, on, where.traits) if card else []


def lines(
    card: Card, subjects: Sequence[entries.Keyed], standing: Iterable[Standing], on: date, traits: Iterable[str]
) -> list[Line]:  # fmt: skip
    """Every visit of every schedule for this resident on that day; empty without a birth date. Of who has gone what was done and
    what was missed by then. ``standing`` and ``traits`` are what the reader sees: from one that is only told of nothing follows.
    The caller has asked access."""
    return [one for one in with_drafts(card, subjects, standing, on, traits) if not one.draft]


def with_drafts(
    card: Card, subjects: Sequence[entries.Keyed], standing: Iterable[Standing], on: date, traits: Iterable[str]
) -> list[Line]:  # fmt: skip
    """The same with what drafts would ask for, which nobody is owed."""
    if card.birth_date is None:
        return []
    known = list(standing)
    anchors = {one.code: lives.day(one.since) for one in known if one.code}
    have = needs.traits(traits, [(one.kind, one.code, one.title) for one in known])
    person = Person(card.birth_date, lives.sex(card) or "", anchors, _kept(subjects), have)
    gone, every = lives.gone(card), packs.in_force().life.schedules
    if gone is None or on <= gone:
        return schedules.lines(every, person, on, drafts=True)
    return [one for one in schedules.lines(every, person, gone, drafts=True) if one.state in OVER]


def near(
    card: Card, subjects: Sequence[entries.Keyed], standing: Iterable[Standing], on: date, traits: Iterable[str]
) -> list[Line]:  # fmt: skip
    """What can be done in a contact of today, the longest due first."""
    return schedules.doable(lines(card, subjects, standing, on, traits))


def form(line: Line, keepers: Mapping[str, str]) -> str:
    """The follow-up form by which one of the ``keepers`` (`scales.keepers`) makes this visit; empty where there is none."""
    names = (line.code.partition(".")[0], *(one.rpartition(":")[0] for one in declared(line.code).kept_by))
    return next((keepers[one] for one in names if one in keepers), "")


def _kept(subjects: Sequence[entries.Keyed]) -> dict[str, tuple[date, ...]]:
    wrapped = {one.subject: one.wrapped for one in subjects}
    kept: dict[str, list[date]] = {}
    for row in entries.newest(Encounter, subjects):
        if code := entries.unsealed(row, "sealed", wrapped[row.subject]).get("visit"):
            kept.setdefault(code, []).append(lives.day(row.occurred_at))
    rows = entries.latest(Observation, subjects).values_list("kind", "occurred_at")
    for kind, moment in rows:
        kept.setdefault(f"{OBSERVATION}{kind}", []).append(lives.day(moment))
    for form in entries.latest(QuestionnaireResponse, subjects).exclude(status=forms.DRAFT):
        if scales.is_followup(form.scale):
            how = forms.told_of(form, wrapped[form.subject]).answers.get(HOW, "")
            kept.setdefault(f"{FOLLOWUP}{form.scale}:{how}", []).append(lives.day(form.occurred_at))
    owed = Owed.objects.filter(subject__in=list(wrapped), kept_on__isnull=False)
    for one in owed.only("service", "kept_on"):
        kept.setdefault(one.service, []).append(one.kept_on)  # type: ignore[arg-type]
    return {code: tuple(days) for code, days in kept.items()}
