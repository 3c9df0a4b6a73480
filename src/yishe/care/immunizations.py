"""Vaccinations: a dose that was given, or why it is not; and the schedule that follows from them.

Which vaccines there are and when they are due stands in the pack. A dose is recorded once for a vaccine and a day.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from yishe.care import entries, lives
from yishe.care.models import Immunization
from yishe.people import packs
from yishe.people.actors import Actor
from yishe.people.cards import Card, cards
from yishe.policy import vaccines
from yishe.policy.refusals import Conflict, Invalid
from yishe.policy.vaccine_rules import VaccineSheet
from yishe.policy.vaccines import Dose
from yishe.trust.commit import Bundle

ACTION = "record.immunization"
GIVEN, HELD = "given", "held"
OVER = ("done", "uncounted", "held", "past")


def record(
    actor: Actor,
    resident: UUID,
    *,
    vaccine: str,
    at: datetime,
    command_id: str,
    reason: str = "",
    until: date | None = None,
    batch: str = "",
    remark: str = "",
    occurred_at: datetime | None = None,
    supersedes: UUID | None = None,
    digest: bytes | None = None,
    bundle: Bundle | None = None,
) -> Immunization:
    """Record a dose given at ``occurred_at``; with a ``reason`` of the pack that it is not given, ``until`` a day.

    Raises as ``entries.begin``; Invalid for what the pack or the calendar does not know; Conflict for the same dose again."""
    sheet = _sheet()
    content = {"batch": entries.text(batch, "批号", 60), "remark": entries.text(remark, "说明", 500)}
    columns = {"vaccine": vaccine, "state": HELD if reason else GIVEN, "reason": reason}
    said = {**columns, "until": until.isoformat() if until else None, **content}
    command = entries.Command(actor, resident, ACTION, at, command_id, occurred_at, supersedes, digest)
    draft = entries.begin(Immunization, command, said)
    if draft.earlier is not None:
        return draft.earlier
    _known(sheet, vaccine, reason)
    on = lives.day(command.happened)
    _possible(cards([draft.placement.subject]).get(draft.placement.subject), on, reason, until)
    if not reason:
        _once(sheet, draft.subjects, vaccine, on, supersedes)
    own = bundle or Bundle()
    sealed: dict[str, Any] = {**columns, "until": until, "sealed": draft.seal("sealed", content)}
    return entries.settle(draft, own, entries.append(draft, own, **sealed), own=bundle is None)


def standing(subjects: Sequence[entries.Keyed]) -> list[Immunization]:
    """Every vaccination that stands, oldest first; one statement."""
    return list(entries.latest(Immunization, subjects).order_by("occurred_at", "id"))


def schedule(card: Card, rows: Iterable[Immunization], at: datetime) -> list[Dose]:
    """What is done, due, late and later on that day; empty for who is too old for the programme or of unknown birth. Who has gone
    is asked for nothing more."""
    sheet, gone = packs.in_force().life.vaccines, lives.gone(card)
    today = min(lives.day(at), gone) if gone else lives.day(at)
    if sheet is None or not programmed(card, at) or card.birth_date is None:
        return []
    known = [row for row in rows if row.vaccine in sheet.vaccines]
    given = tuple(
        vaccines.Given(row.vaccine, lives.day(row.occurred_at)) for row in known if row.state == GIVEN
    )
    held = tuple(
        vaccines.Held(row.vaccine, row.reason, row.until)
        for row in known
        if row.state == HELD and row.reason in sheet.holds
    )
    found = vaccines.schedule(
        sheet, vaccines.Child(card.birth_date, lives.sex(card) or "", given, held), today
    )
    return [one for one in found if one.state in OVER] if gone and lives.day(at) > gone else found


def programmed(card: Card, at: datetime) -> bool:
    """Whether the programme still asks for doses of this resident."""
    sheet, born = packs.in_force().life.vaccines, card.birth_date
    return sheet is not None and born is not None and lives.day(at) < sheet.under.after(born)


def _sheet() -> VaccineSheet:
    sheet = packs.in_force().life.vaccines
    if sheet is None:
        raise Invalid("no_vaccines", "政策包没有接种程序：请管理员补上 vaccines.yaml。")
    return sheet


def _known(sheet: VaccineSheet, vaccine: str, reason: str) -> None:
    if vaccine not in sheet.vaccines:
        choice = "、".join(f"{one.title}（{code}）" for code, one in sheet.vaccines.items())
        raise Invalid("vaccine_unknown", f"没有“{vaccine}”这种疫苗；可选：{choice}。", field="vaccine")
    if reason and reason not in sheet.holds:
        choice = "、".join(f"{one.title}（{code}）" for code, one in sheet.holds.items())
        raise Invalid("hold_unknown", f"没有“{reason}”这个不接种的原因；可选：{choice}。", field="reason")


def _possible(card: Card | None, on: date, reason: str, until: date | None) -> None:
    if card and card.birth_date and on < card.birth_date:
        raise Invalid(
            "before_birth", f"接种日期 {on} 早于出生日期 {card.birth_date}：请核对日期。", field="occurred_at"
        )
    if until is not None and not reason:
        raise Invalid("until_without_reason", "已接种不用填暂缓到哪天；没有接种请选原因。", field="until")
    if until is not None and until <= on:
        raise Invalid("until_past", f"暂缓到 {until} 已经过了：请填以后的日期，或留空。", field="until")


def _once(
    sheet: VaccineSheet, subjects: Sequence[entries.Keyed], vaccine: str, on: date, supersedes: UUID | None
) -> None:
    """The same vaccine twice on one day is a slip of the pen."""
    same = [row for row in standing(subjects) if row.vaccine == vaccine and row.state == GIVEN]
    if any(lives.day(row.occurred_at) == on and row.id != supersedes for row in same):
        raise Conflict(
            "dose_recorded",
            f"{sheet.vaccines[vaccine].title} {on} 这一剂已经记过，没有再记：日期不对请改日期；要改批号请更正原来那条。",
        )
