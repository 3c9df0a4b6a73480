"""Reading assessments: what can be done, what is begun, what was found, and how it changed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from yishe.care import entries, forms, informants, items, scales, timeline
from yishe.care.forms import DRAFT, Told
from yishe.care.items import Reader
from yishe.care.models import QuestionnaireResponse
from yishe.people import access, placements
from yishe.people.access import Permission
from yishe.people.actors import Actor
from yishe.people.cards import Card
from yishe.people.placements import Placement
from yishe.policy import scale_scoring
from yishe.policy.access_rules import Shown
from yishe.policy.refusals import Forbidden, NotFound
from yishe.policy.scale_rules import Scale
from yishe.policy.scale_scoring import About


@dataclass(frozen=True)
class Form:
    """One form as this reader may see it. `newer` is the version in force when it is not the one the form was begun under,
    empty when it is the same. What is sealed of it is opened when somebody asks: to see one, the others stay closed."""

    row: QuestionnaireResponse
    scale: Scale
    about: About
    opening: Callable[[], tuple[str, Told | None]]
    instead: str = ""
    newer: str = ""

    @classmethod
    def read(
        cls, row: QuestionnaireResponse, scale: Scale, author_name: str, about: About, told: Told
    ) -> "Form":
        """One that was opened already."""
        return cls(row, scale, about, lambda: (author_name, told))

    @cached_property
    def _opened(self) -> tuple[str, Told | None]:
        return self.opening()

    @property
    def author_name(self) -> str:
        """Who gave the answers."""
        return self._opened[0]

    @property
    def told(self) -> Told | None:
        """What is written in it. None when its group is not for this reader: then `instead` says what is."""
        return self._opened[1]

    @property
    def asked(self) -> tuple[str, ...]:
        return scale_scoring.asked(self.scale, self.told.answers if self.told else {}, self.about)

    @property
    def open_items(self) -> tuple[str, ...]:
        """Required questions without an answer."""
        return scale_scoring.missing(self.scale, self.told.answers if self.told else {}, self.about)

    @property
    def flags(self) -> tuple[str, ...]:
        """The red flags that stand by what is answered now; of the past none does."""
        if self.told is None or self.told.source:
            return ()
        return scale_scoring.flagged(self.scale, self.told.answers, self.about)

    def may_go_on(self, actor: Actor, placement: Placement, at: datetime) -> bool:
        """Whether this person may fill, submit or correct it."""
        allowed = access.may(actor, forms.ACTION, placement, at).allowed
        return allowed and bool(actor.member.duties(at) & set(self.scale.filled_by.staff))

    @property
    def scores(self) -> Mapping[str, Mapping[str, Any]]:
        """The scores of a submitted form."""
        result = self.told.result if self.told else None
        return result["scores"] if result else {}


@dataclass(frozen=True)
class Offer:
    """A scale that this person may fill for her. `fits` is None when what decides it is not known."""

    scale: Scale
    fits: bool | None


@dataclass(frozen=True)
class Overview:
    """`offers` by title, `drafts` and `done` newest first, both as far as the reader may see them."""

    placement: Placement
    permission: Permission
    offers: Sequence[Offer]
    drafts: Sequence[Form]
    done: Sequence[Form]


def overview(actor: Actor, resident: UUID, at: datetime, *, followups: bool = False) -> Overview:
    """Everything about her assessments, or her follow-ups. The caller leaves the access line. NotFound, Forbidden as the timeline."""
    placement = entries.whose(resident)
    permission = access.require(actor, timeline.ACTION, placement, at)
    subjects = entries.keyed(placement)
    reader = items.reader(actor, placement, subjects, at)
    rows = entries.standing(QuestionnaireResponse, subjects).order_by("-occurred_at", "-id")
    whose = forms.about(placement, at)
    kind = [row for row in rows if scales.is_followup(row.scale) == followups]
    filled = _shown(kind, reader, whose, _current(at))
    return Overview(
        placement, permission, _offers(actor, placement, whose, at, followups),
        [one for one in filled if one.row.status == DRAFT], [one for one in filled if one.row.status != DRAFT],
    )  # fmt: skip


def followed_up(actor: Actor, those: Iterable[Card], since: datetime, at: datetime) -> dict[UUID, list[Form]]:
    """resident → her follow-ups handed in since then as this person may see them, newest first; who may not be read is left out.
    However many there are, it is asked in the same few statements. The caller leaves the access line."""
    known = {card.resident: card for card in those}
    keyed = entries.keys_of_all(list(known))
    whose = {one.subject: resident for resident, some in keyed.items() for one in some}
    rows = entries.latest(QuestionnaireResponse, [one for some in keyed.values() for one in some])
    found: dict[UUID, list[QuestionnaireResponse]] = {}
    for row in rows.filter(occurred_at__gte=since).order_by("-occurred_at", "-id"):
        if scales.is_followup(row.scale):
            found.setdefault(whose[row.subject], []).append(row)
    stands, current = placements.placements(list(found)), _current(at)
    seen: dict[UUID, list[Form]] = {}
    for resident, mine in found.items():
        where = stands.get(resident)
        if where is not None and access.may(actor, timeline.ACTION, where, at).allowed:
            reader, about = (
                items.reader(actor, where, keyed[resident], at),
                forms.about_card(known[resident], at),
            )
            seen[resident] = _shown(mine, reader, about, current)
    return seen


def form(
    actor: Actor, resident: UUID, response: UUID, at: datetime, *, followups: bool = False
) -> tuple[Form, Overview]:
    """One form, with what else is known. Forbidden when its group is not for this reader."""
    seen = overview(actor, resident, at, followups=followups)
    found = next((one for one in (*seen.drafts, *seen.done) if one.row.response == response), None)
    if found is None:
        raise NotFound("no_form", forms.GONE)
    if found.told is None:
        raise Forbidden("not_to_read", f"{found.instead}。").concerning(seen.placement.subject)
    return found, seen


def states(actor: Actor, resident: UUID, response: UUID, at: datetime) -> list[Form]:
    """A submitted form as it was handed in and after each correction, oldest first. Raises as `form`."""
    placement = entries.whose(resident)
    access.require(actor, timeline.ACTION, placement, at)
    subjects = entries.keyed(placement)
    reader, whose = items.reader(actor, placement, subjects, at), forms.about(placement, at)
    rows = QuestionnaireResponse.objects.filter(response=response, **entries.of(subjects))
    rows, current = rows.exclude(status=DRAFT).order_by("recorded_at", "id"), _current(at)
    found = [_form(row, reader, whose, current) for row in rows]
    return [one for one in found if one.told is not None]


def blank(
    actor: Actor, resident: UUID, kind: str, response: UUID, at: datetime, answers: Mapping[str, Any]
) -> tuple[Form, Overview]:
    """A follow-up form before its first save, under the id it will have. The open one of the kind in its place, if any."""
    seen = overview(actor, resident, at, followups=True)
    open_ = next((one for one in seen.drafts if one.row.scale == kind and one.told is not None), None)
    if open_ is not None:
        return open_, seen
    form = scales.followup(kind, at)
    row = QuestionnaireResponse(
        response=response, status=DRAFT, scale=form.code, version=form.version, definition=form.sha256,
        informant=forms.STAFF, author=actor.staff_id, occurred_at=at, recorded_at=at,
    )  # fmt: skip
    whose = forms.about(seen.placement, at)
    return Form.read(row, form, actor.member.name, whose, Told(dict(answers))), seen


def _offers(actor: Actor, placement: Placement, whose: About, at: datetime, followups: bool) -> list[Offer]:
    if placement.gone or not access.may(actor, forms.ACTION, placement, at).allowed:
        return []
    duties = actor.member.duties(at)
    return [
        Offer(scale, scale_scoring.fits(scale, whose))
        for scale in (scales.all_followups(at) if followups else scales.all_in_force(at))
        if duties & set(scale.filled_by.staff)
    ]


def _shown(
    rows: Iterable[QuestionnaireResponse], reader: Reader, whose: About, current: Mapping[str, Scale]
) -> list[Form]:
    """Those of which this reader is shown or at least told something."""
    told = [row for row in rows if reader.sight.shown(row.groups, row.author) is not Shown.NOTHING]
    return [_form(row, reader, whose, current) for row in told]


def _form(row: QuestionnaireResponse, reader: Reader, whose: About, current: Mapping[str, Scale]) -> Form:
    scale = scales.begun_under(row.scale, row.definition)
    instead = reader.sight.instead(row.groups, row.author)
    return Form(
        row, scale, whose, lambda: _opened(row, reader), instead, _newer(scale, current.get(scale.code))
    )


def _opened(row: QuestionnaireResponse, reader: Reader) -> tuple[str, Told | None]:
    """Who answered, and what where this reader is shown it whole."""
    told = forms.told_of(row, reader.keys[row.subject])
    by = informants.words(told.by) if told.by else reader.name(row.author)
    return by, told if reader.sight.shown(row.groups, row.author) is Shown.DETAIL else None


def _current(at: datetime) -> dict[str, Scale]:
    return {one.code: one for one in (*scales.all_in_force(at), *scales.all_followups(at))}


def _newer(scale: Scale, current: Scale | None) -> str:
    return current.version if current is not None and current.sha256 != scale.sha256 else ""
