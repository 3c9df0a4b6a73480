"""发起转介: the reason first; the pack then says who receives it, how urgent it is and which clocks start."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST
from pypinyin import Style, lazy_pinyin

from yishe.care import evidence
from yishe.doors.web import attaching, faces, following, page, pressing, resident, spoken, wording
from yishe.doors.web.page import Here, signed_in
from yishe.insight import measures, scopes
from yishe.loops import promises
from yishe.people import packs
from yishe.people.placements import Placement
from yishe.policy.loop_kinds import LoopKind, Reason
from yishe.policy.refusals import Conflict, Invalid, Refused
from yishe.trust import ids

NO_REASON = "-"
OFTEN, OFTEN_DAYS = 5, 91
MORNING = time(9, 0)
VIA = {
    "named": "签约责任人",
    "stand_in": "代班",
    "team": "签约团队",
    "neighbourhood": "按住址的团队",
    "workplace": "按工作单位",
    "on_duty": "中心值班",
    "centre_lead": "中心负责人",
    "district_lead": "区级负责人",
}


@dataclass(frozen=True)
class Choice:
    """One reason that may be chosen, with the words it is found by."""

    kind: str
    code: str
    title: str
    urgency: str
    words: str
    accept: str

    @property
    def shown_urgency(self) -> str:
        return wording.URGENCIES[self.urgency]


class ReferForm(forms.Form):
    """Only what the reason needs: the words, dates where a clock is bound to one, records to go along."""

    def __init__(
        self,
        kind: LoopKind,
        reason: Reason | None,
        records: Sequence[tuple[str, str]],
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        needs = [wording.coded("attachments", one) for one in (reason.needs if reason else ())]
        self.fields["note"] = forms.CharField(
            label="情况和希望",
            max_length=4000,
            widget=forms.Textarea(attrs={"rows": 5, "autofocus": True}),
            help_text=f"请写明：{'、'.join(needs)}。" if needs else "发现了什么、希望对方做什么。",
        )
        for name, words in wording.CLOCKS.items():
            clock = kind.clock(name, reason.code if reason else None)
            if clock and clock.date_bound:
                self.fields[f"date_{name}"] = forms.DateField(
                    label=f"{clock.zh}（{words}以此为准）",
                    required=False,
                    widget=forms.DateInput(attrs={"type": "date"}),
                )
        if records:
            self.fields["evidence"] = forms.MultipleChoiceField(
                label="附上记录",
                choices=records,
                required=False,
                widget=forms.CheckboxSelectMultiple,
                help_text="勾上的随转介一起给对方；对方按自己的权限看内容。",
            )

    def dates(self) -> tuple[tuple[str, datetime], ...]:
        given = {
            name.removeprefix("date_"): day
            for name, day in self.cleaned_data.items()
            if name.startswith("date_")
        }
        return tuple(
            (name, datetime.combine(day, MORNING, spoken.SHANGHAI)) for name, day in given.items() if day
        )


@signed_in
def choose(request: HttpRequest, here: Here, resident_id: UUID) -> HttpResponse:
    """The reasons this person may send, the ones most used here on top."""
    stands, permission = resident.allowed(here, resident_id)
    card = resident.card_of(stands)
    page.seen(here, "read.refer", [stands.subject], **permission.line)
    kinds = askable(here)
    groups = [(str(kind.title), choices(kind)) for kind in kinds]
    known = {one.code: one for _, found in groups for one in found}
    often = [known[code] for code in most_used(here) if code in known][:OFTEN]
    return page.show(
        request,
        here,
        "refer.html",
        {
            "place": "residents",
            "person": faces.person(here, card),
            "resident": stands.resident,
            "groups": groups,
            "often": often,
        },
    )


@signed_in
def send(request: HttpRequest, here: Here, resident_id: UUID, kind: str, reason: str) -> HttpResponse:
    """What sending would start, shown before it is sent; then the sending."""
    code = "" if reason == NO_REASON else reason
    stands, permission = resident.allowed(here, resident_id)
    shown = promises.preview(here.actor, kind, stands.resident, code, here.now)
    chosen = shown.kind.reasons.get(code)
    records = attaching.offered(here, stands, chosen.needs if chosen else ())
    begins = following.proposed(here, stands.resident, ids.parse(request.GET.get("followup", "")))
    form = ReferForm(shown.kind, chosen, records, request.POST or None, initial=begins)
    command = pressing.command(request)
    if request.method == "POST" and form.is_valid():
        opened = _sent(here, stands, kind, code, form, command)
        if opened:
            return page.done(request, "已发出，对方已收到通知", f"/loops/{opened}")
        shown = promises.preview(here.actor, kind, stands.resident, code, here.now)
    page.seen(here, "read.refer", [stands.subject], **permission.line)
    return page.show(
        request,
        here,
        "refer_send.html",
        {
            "place": "residents",
            "person": faces.person(here, resident.card_of(stands)),
            "resident": stands.resident,
            "form": form,
            "preview": preview(here, shown, chosen),
            "kind": kind,
            "reason": reason,
            "hidden": {"command_id": command},
            "title": str(chosen.title if chosen else shown.kind.title),
        },
        status=422 if form.errors else 200,
    )


def _sent(here: Here, about: Placement, kind: str, reason: str, form: ReferForm, command: str) -> UUID | None:
    """The new loop; None when one is open already or the pack has a question, which then stands in the form."""
    note, dates = form.cleaned_data["note"], form.dates()
    records = attaching.chosen(form.cleaned_data.get("evidence", ()))
    try:
        return promises.promise(
            here.actor,
            kind=kind,
            resident=about.resident,
            reason=reason,
            note=note,
            at=here.now,
            command_id=command,
            dates=dates,
            evidence=evidence.references(here.actor, about, records, here.now),
        )
    except Conflict as refused:
        if refused.code != "already_open":
            raise
    except Invalid as refused:
        page.refused_in(form, refused)
    return None


@require_POST
@signed_in
def follow(request: HttpRequest, here: Here, loop: UUID) -> HttpResponse:
    """已有一件在办：跟踪, instead of a second one."""
    promises.track(here.actor, loop, here.now)
    return HttpResponseRedirect(f"/loops/{loop}")


def preview(here: Here, shown: promises.Preview, chosen: Reason | None) -> dict[str, Any]:
    """Receiver, urgency and clocks in words."""
    clocks = []
    for name in ("accept", "first_contact", "finish"):
        clock = shown.kind.clock(name, chosen.code if chosen else None)
        if clock:
            clocks.append({"words": wording.CLOCKS[name], "within": clock.zh})
    return {
        "receiver": faces.name(here, shown.receiver),
        "phone": faces.phone(here, shown.receiver),
        "via": VIA.get(shown.via, ""),
        "urgency": shown.urgency,
        "urgency_words": wording.URGENCIES[shown.urgency],
        "clocks": clocks,
        "accept_by": shown.accept_by,
        "promised_by": shown.promised_by,
        "existing": shown.existing,
        "steps": chosen.steps if chosen else "",
        "kind_title": str(shown.kind.title),
        "consent": bool(shown.kind.consent),
        "code": chosen.code if chosen else "",
    }


def askable(here: Here) -> list[LoopKind]:
    """Kinds whose duties this person holds, in the pack of today."""
    duties = here.duties
    found = packs.in_force().loop_kinds(spoken.local(here.now).date())
    mine = [kind for kind in found if duties & set(kind.asked_by)]
    return sorted(mine, key=lambda kind: not kind.reasons)


def choices(kind: LoopKind) -> list[Choice]:
    if not kind.reasons:
        return [_choice(kind, NO_REASON, str(kind.title), kind.urgency)]
    return [_choice(kind, one.code, str(one.title), one.urgency) for one in kind.reasons.values()]


def _choice(kind: LoopKind, code: str, title: str, urgency: str) -> Choice:
    clock = kind.clock("accept", code)
    return Choice(kind.code, code, title, urgency, words(code, title), f"{clock.zh}接单" if clock else "")


def words(code: str, title: str) -> str:
    """What a reason is found by: code, words, pinyin and initials, all run together in lower case."""
    full = "".join(lazy_pinyin(title))
    initials = "".join(lazy_pinyin(title, style=Style.FIRST_LETTER))
    return f"{code} {title} {full} {initials}".lower().replace(" ", "")


def most_used(here: Here) -> list[str]:
    """Reason codes most promised here lately; none for those who see no numbers."""
    today = spoken.local(here.now).date()
    try:
        scope = scopes.scope_of(here.actor, here.now, small=0)
        rows = measures.by_reason(scope, today - timedelta(days=OFTEN_DAYS), today, here.now)
    except Refused:
        return []
    return [row.key for row in rows if row.key]
