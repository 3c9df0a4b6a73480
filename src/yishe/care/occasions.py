"""What can be done along with what somebody is seen for anyway: what is late, due or soon, and this person may do now.

Nothing here is promised: it is read from what the year, the schedules, the vaccines, the scales and the follow-ups ask for.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from yishe.care import (
    contacts,
    encounters,
    entries,
    forms,
    growth,
    guarded,
    immunizations,
    items,
    lives,
    observations,
    owing,
    scales,
    schedules,
)
from yishe.care.models import QuestionnaireResponse
from yishe.care.record import Record
from yishe.people import access, packs, sight
from yishe.people.actors import Actor
from yishe.policy import scale_scoring, vaccines
from yishe.policy.access_rules import Shown
from yishe.policy.contract_rules import RENEWAL
from yishe.policy.scale_rules import Band, Rule, Scale
from yishe.policy.scale_scoring import About
from yishe.policy.schedule_rules import Visit

FOLLOWUP, CONTACT, VISIT, DOSE, GROWTH, SCALE, DRAFT = (
    "followup", "contact", "visit", "dose", "growth", "scale", "draft",
)  # fmt: skip
ACTIVE = "active"
GROWN = ("child_weight", "child_length")


@dataclass(frozen=True)
class Chance:
    """`kind` says how it is done (one of the above), `code` what it is there: form, service, visit, vaccine, scale, or the open
    form itself. `due` is the last day in time, None where nothing says."""

    kind: str
    code: str
    title: str
    due: date | None = None


@dataclass(frozen=True)
class _Look:
    """Who looks at whom, what she is, and which form makes which contact."""

    actor: Actor
    record: Record
    at: datetime
    whose: About
    keepers: Mapping[str, str] = field(default_factory=dict)
    years: Sequence[owing.Year] = ()

    @property
    def today(self) -> date:
        return lives.day(self.at)

    @property
    def soon(self) -> date:
        """The last day that is near, as the pack says."""
        return self.today + packs.in_force().settings(self.today).near.exact()

    def may(self, action: str) -> bool:
        return access.may(self.actor, action, self.record.placement, self.at).allowed

    def made(self, name: str, kind: str, code: str, title: str, due: date) -> Chance:
        """By its form where one makes the contact, else as `kind`."""
        form = self.keepers.get(name)
        return Chance(FOLLOWUP, form, title, due) if form else Chance(kind, code, title, due)


def of(actor: Actor, record: Record, at: datetime) -> list[Chance]:
    """Each once, what is longest due first; nothing for who has gone. The caller has asked access."""
    if record.placement.gone:
        return []
    whose = forms.about_card(record.card, at)
    fills = access.may(actor, forms.ACTION, record.placement, at).allowed
    keepers = scales.keepers(actor.member.duties(at), whose, at) if fills else {}
    look = _Look(actor, record, at, whose, keepers, owing.of_resident(actor, record.placement, at))
    parts = (_again(look), _promised(look), _visits(look), _doses(look), _scales(look))
    return sorted(
        _once(one for part in parts for one in part), key=lambda one: (one.due or date.max, one.kind, one.title)
    )  # fmt: skip


def _once(found: Iterable[Chance]) -> list[Chance]:
    """What is done in the same place is one, by the earliest of its days."""
    kept: dict[tuple[str, str], Chance] = {}
    for one in found:
        same = kept.get((one.kind, one.code))
        if same is None:
            kept[one.kind, one.code] = one
            continue
        titles = dict.fromkeys([*same.title.split("、"), one.title])
        days = [day for day in (same.due, one.due) if day is not None]
        kept[one.kind, one.code] = replace(same, title="、".join(titles), due=min(days, default=None))
    return list(kept.values())


def _again(look: _Look) -> Iterator[Chance]:
    """Promises that the next follow-up of a kind keeps."""
    for loop in look.record.loops:
        form = look.keepers.get(f"{loop.kind}:{loop.reason}")
        if form and loop.is_open:
            title = str(packs.in_force().followup(form, look.today).title)
            yield Chance(FOLLOWUP, form, title, lives.day(loop.due_at or loop.promised_by))


def _promised(look: _Look) -> Iterator[Chance]:
    """Promises of the year that are late, or due as soon as the pack says."""
    stands = look.record.placement
    mine = contacts.share(look.actor, stands, look.at)
    for one in (line for year in look.years for line in year.lines):
        if (
            one.state in (owing.OPEN, owing.OVERDUE)
            and one.service != RENEWAL
            and one.service in mine
            and one.due <= look.soon
        ):
            yield look.made(one.service, CONTACT, one.service, one.title, one.due)


def _visits(look: _Look) -> Iterator[Chance]:
    """Visits of schedules that are due or late, and a child's growth where none of them has it on its form."""
    record = look.record
    sees = sight.of(look.actor, record.placement, look.at)
    standing, traits = guarded.standing(record.conditions, sees), guarded.traits(record.card.traits, sees)
    found = schedules.near(record.card, record.subjects, standing, look.today, traits)
    for one in found if look.may(encounters.ACTION) else ():
        form = schedules.form(one, look.keepers)
        if not _of_the_year(look, schedules.declared(one.code)):
            yield (
                Chance(FOLLOWUP, form, one.title, one.due)
                if form
                else Chance(VISIT, one.code, one.title, one.due)
            )
    on_a_form = any(schedules.form(one, look.keepers) for one in found)
    if found and not on_a_form and growth.applies(record.card, look.at) and look.may(observations.ACTION):
        yield from _growth(look, min(one.starts for one in found), found[0].due)


def _of_the_year(look: _Look, visit: Visit) -> bool:
    """Whether the running year speaks for it: it says how often in a year, and what it tells already is not told twice."""
    running = (line for year in look.years if year.stage == ACTIVE for line in year.lines)
    lines = [line for line in running if line.service in visit.kept_by]
    told = [one for one in lines if one.state in (owing.OPEN, owing.OVERDUE) and one.due <= look.soon]
    return bool(told) or (visit.times > 1 and bool(lines))


def _growth(look: _Look, since: date, due: date) -> Iterator[Chance]:
    taken = [row for row in observations.latest(look.record.subjects) if row.kind in GROWN]
    if all(lives.day(row.occurred_at) < since for row in taken):
        yield Chance(GROWTH, GROWTH, "测体重、身长", due)


def _doses(look: _Look) -> Iterator[Chance]:
    card = look.record.card
    if not immunizations.programmed(card, look.at) or not look.may(immunizations.ACTION):
        return
    doses = immunizations.schedule(card, immunizations.standing(look.record.subjects), look.at)
    for dose in vaccines.soon(doses, look.today, within=0):
        if dose.state != "later":
            last = dose.late_from - timedelta(days=1) if dose.late_from else None
            yield Chance(DOSE, dose.vaccine, f"接种：{dose.title}", last)


def _scales(look: _Look) -> Iterator[Chance]:
    """Forms left open, and scales that the last result of another suggested and nobody has filled since."""
    if not look.may(forms.ACTION):
        return
    duties, wanted = look.actor.member.duties(look.at), dict[str, str]()
    mine = {
        one.code: one
        for one in scales.all_in_force(look.at)
        if duties & set(one.filled_by.staff) and scale_scoring.fits(one, look.whose) is not False
    }
    for row, scale, told in _latest(look):
        if row.status == forms.DRAFT and row.scale in mine:
            yield Chance(DRAFT, str(row.response), f"接着填：{scale.title}")
        wanted.pop(row.scale, None)
        if lives.day(row.occurred_at) < look.today:
            wanted |= _suggested(scale, told.result)
    for code, says in wanted.items():
        if code in mine:
            yield Chance(SCALE, code, says)


def _latest(look: _Look) -> Iterator[tuple[QuestionnaireResponse, Scale, forms.Told]]:
    """The last form of each kind that this reader sees whole, oldest first."""
    subjects = look.record.subjects
    reader = items.reader(look.actor, look.record.placement, subjects, look.at)
    rows = entries.standing(QuestionnaireResponse, subjects).order_by("occurred_at", "id")
    last = {row.scale: row for row in rows if reader.sight.shown(row.groups, row.author) is Shown.DETAIL}
    for row in sorted(last.values(), key=lambda one: (one.occurred_at, one.id)):
        scale = scales.begun_under(row.scale, row.definition)
        yield row, scale, forms.told_of(row, reader.keys[row.subject])


def _suggested(scale: Scale, result: Mapping[str, Any] | None) -> dict[str, str]:
    """Scale → in which words a result suggests it."""
    if result is None:
        return {}
    bands = [scale.scores[code].bands[one["band"]] for code, one in result["scores"].items() if one["band"]]
    found: list[Band | Rule] = [*bands, *(scale.rules[code] for code in result["rules"])]
    return {one.scale: str(one.suggest) for each in found for one in each.then if one.suggest and one.scale}
