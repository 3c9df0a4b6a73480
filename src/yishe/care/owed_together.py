"""What is owed to several residents, acted on in one go: handed to a colleague, asked for, given a day.

Every promise is acted on by the verb that acts on one, so whoever may not act on one may not here; the answer says of each
what became of it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from yishe.care import agreements
from yishe.care.models import Owed
from yishe.care.owing import HUSHED, sensitive
from yishe.loops import together
from yishe.loops.models import Loop
from yishe.loops.recording import Said
from yishe.loops.together import Asked
from yishe.people import packs, placements
from yishe.people.actors import Actor
from yishe.people.particulars import ZONE
from yishe.policy.loop_roles import Command
from yishe.policy.loop_words import NUDGE
from yishe.policy.refusals import Invalid

NOTHING = "现在没有正在办的应做项目"


@dataclass(frozen=True)
class Promise:
    """An open promise of the year of one of them; `title` is hushed, for everybody, where it would tell a diagnosis."""

    resident: UUID
    loop: UUID
    title: str
    duty: str
    due: date


@dataclass(frozen=True)
class Outcome:
    """What became of one promise, or of one resident to whom nothing is owed now; done when nothing was refused."""

    resident: UUID
    title: str
    loop: UUID | None = None
    refusal: str = ""


def promises_of(residents: Iterable[UUID], at: datetime, *, service: str = "") -> list[Promise]:
    """Their promises whose window is open and whose loop is, earliest due first; only of one `service` when it is given.
    The caller has asked access."""
    whose = placements.subjects_of_all(residents)
    today = at.astimezone(ZONE).date()
    rows = Owed.objects.filter(
        subject__in=list(whose), kept_on=None, withdrawn_on=None, contract__ended_at=None, starts__lte=today,
        ends__gte=today, loop__in=Loop.objects.filter(closed_at=None).values("id"),
    )  # fmt: skip
    if service:
        rows = rows.filter(service=service)
    return [
        Promise(whose[one.subject], one.loop, _title(one.service), one.duty, one.due)
        for one in rows.order_by("due", "nth", "id")
        if one.loop
    ]


def _title(service: str) -> str:
    return HUSHED if sensitive(service) else agreements.title(service)


def handing(to: UUID, reason: str, note: str = "") -> Command:
    """To a colleague of the duty."""
    return Command("hand_over", reason=reason, note=note, to=to)


def asking() -> Command:
    """催一下: whoever's move it is hears of it."""
    return Command("note", reason=NUDGE)


def dated(day: date, way: str, at: datetime) -> Command:
    """A day agreed for it, with the way (a code of `encounter_kind`). Invalid for a day that has passed or an unknown way."""
    ways = packs.in_force().codes["encounter_kind"]
    if way not in ways:
        known = "、".join(str(one) for one in ways.values())
        raise Invalid("way", f"请选怎样联系：{known}。", field="way", possible=list(ways))
    if day < at.astimezone(ZONE).date():
        raise Invalid("day", "约定的日期已经过去：请选今天或以后的日期。", field="day")
    return Command("note", note=f"约定 {day:%Y-%m-%d} {ways[way]}")


def say_to_all(
    actor: Actor, residents: Sequence[UUID], command: Command, *, at: datetime, command_id: str, service: str = "",
    source: str = "", dry_run: bool = False,
) -> list[Outcome]:  # fmt: skip
    """Say one verb to every open promise of theirs; the same `command_id` again does nothing twice. With `dry_run` nothing is
    written, and the answer is what it would be now. Invalid when nobody, or too many, are named."""
    wanted = some(residents, at)
    found = promises_of(wanted, at, service=service)
    asked = [Asked(one.loop, command, _said(actor, one, command, at, command_id, source)) for one in found]
    refused = together.act_all(actor, asked, dry_run=dry_run)
    done = [
        Outcome(one.resident, one.title, one.loop, why.title if why else "")
        for one, why in zip(found, refused, strict=True)
    ]
    idle = set(wanted) - {one.resident for one in found}
    order = {one: place for place, one in enumerate(wanted)}
    done += [Outcome(one, "", refusal=NOTHING) for one in wanted if one in idle]
    return sorted(done, key=lambda one: order[one.resident])


def most(at: datetime) -> int:
    """So many residents in one act; more are asked for in several."""
    return packs.in_force().settings(at.astimezone(ZONE).date()).together.panel


def some(residents: Sequence[UUID], at: datetime) -> list[UUID]:
    """Each once. Invalid when there is nobody or there are too many."""
    wanted = list(dict.fromkeys(residents))
    if not wanted:
        raise Invalid("nobody", "还没有选人：请在名册里勾选要一起办的居民。", field="residents")
    if len(wanted) > most(at):
        raise Invalid("too_many", f"一次最多 {most(at)} 人：请先筛选，分几次办。", field="residents")
    return wanted


def _said(actor: Actor, one: Promise, command: Command, at: datetime, command_id: str, source: str) -> Said:
    name = hashlib.sha256(f"{command_id}:{one.loop}".encode()).hexdigest()
    said = f"{command.verb}:{command.reason}:{command.to}:{command.note}"
    return Said(actor.staff_id, at, f"panel:{name}", hashlib.sha256(said.encode()).digest(), source=source)
