"""Several residents of the panel at once: chosen there, looked at before anything is done, each with what became of it."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from yishe.care import batches, contracts, owed_together
from yishe.care.owed_together import Outcome, Promise
from yishe.doors.web import page, panel, pressing, spoken, wording
from yishe.doors.web.page import Here, signed_in
from yishe.doors.web.panel import DEEDS
from yishe.insight import panel as panels
from yishe.people import access, packs
from yishe.people.cards import Card
from yishe.policy.loop_roles import Command
from yishe.policy.refusals import Invalid
from yishe.trust import ids

ASSIGN, RENEW, REMIND, PLAN, PRINT = "assign", "renew", "remind", "plan", "print"
PREVIEW, GO = "preview", "go"


class AssignForm(forms.Form):
    """To whom, and why."""

    to = forms.ChoiceField(label="交给谁")
    reason = forms.ChoiceField(label="原因", widget=forms.RadioSelect)
    note = forms.CharField(label="交接要点", required=False, max_length=500)

    def __init__(self, here: Here, found: Sequence[Promise], given: Any) -> None:
        super().__init__(given)
        self.fields["to"].choices = [("", "请选择"), *_colleagues(here, found)]  # type: ignore[attr-defined]
        self.fields["reason"].choices = _reasons()  # type: ignore[attr-defined]

    def command(self, here: Here) -> Command:
        said = self.cleaned_data
        return owed_together.handing(UUID(said["to"]), said["reason"], said["note"])


class PlanForm(forms.Form):
    """On which day, and how."""

    day = forms.DateField(label="约在哪天", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    way = forms.ChoiceField(label="怎样联系", widget=forms.RadioSelect)

    def __init__(self, here: Here, found: Sequence[Promise], given: Any) -> None:
        super().__init__(given)
        ways = packs.in_force().codes["encounter_kind"]
        self.fields["way"].choices = [(code, str(words)) for code, words in ways.items()]  # type: ignore[attr-defined]

    def command(self, here: Here) -> Command:
        return owed_together.dated(self.cleaned_data["day"], self.cleaned_data["way"], here.now)


class RemindForm(forms.Form):
    """Nothing is asked."""

    def __init__(self, here: Here, found: Sequence[Promise], given: Any) -> None:
        super().__init__(given)

    def command(self, here: Here) -> Command:
        return owed_together.asking()


class RenewForm(forms.Form):
    """Where it is signed."""

    way = forms.ChoiceField(label="在哪里签", widget=forms.RadioSelect)

    def __init__(self, here: Here, found: Sequence[Promise], given: Any) -> None:
        super().__init__(given)
        ways = contracts.sheet_now().ways
        self.fields["way"].choices = [(code, str(words)) for code, words in ways.items()]  # type: ignore[attr-defined]


FORMS: dict[str, Callable[..., Any]] = {
    ASSIGN: AssignForm, PLAN: PlanForm, REMIND: RemindForm, RENEW: RenewForm,
}  # fmt: skip


@require_POST
@signed_in
def batch(request: HttpRequest, here: Here) -> HttpResponse:
    """What would become of each, then what became of each. The same press again does nothing twice."""
    deed, service = request.POST.get("deed", ""), request.POST.get("service", "")
    if deed not in DEEDS:
        raise Invalid("deed", f"请选要一起办什么：{'、'.join(DEEDS.values())}。", field="deed")
    mine, strange = _chosen(request, here)
    page.seen(here, "read.panel_batch", [one.subject for one in mine], purpose=deed)
    if deed == PRINT:
        return page.show(request, here, "panel_slips.html", _slips(here, mine))
    step = request.POST.get("step", "")
    found = owed_together.promises_of([one.resident for one in mine], here.now, service=service)
    form = FORMS[deed](here, found, request.POST if step or deed == REMIND else None)
    done = _done(request, here, form, [one.resident for one in mine], dry_run=step != GO)
    acted = step == GO and done is not None
    told = {
        "place": "panel", "heading": DEEDS[deed], "form": form, "strange": strange, "acted": acted, "known": done is not None,
        "rows": _rows(mine, done if done is not None else _waiting(mine, found)),
        "did": sum(not one.refusal for one in done or ()), "refused": sum(bool(one.refusal) for one in done or ()),
        "whys": Counter(one.refusal for one in done or () if one.refusal).most_common(),
        "hidden": {
            "deed": deed, "service": service, "residents": ",".join(str(one.resident) for one in mine),
            "command_id": str(ids.new()) if acted else pressing.command(request),
        },
    }  # fmt: skip
    return page.show(request, here, "panel_batch.html", told, status=422 if form.errors else 200)


def _chosen(request: HttpRequest, here: Here) -> tuple[list[Card], int]:
    """Those ticked, or all that the panel shows under its filters, as far as they are on this person's panel; and how many of
    those ticked are not."""
    if request.POST.get("everyone"):
        wanted = panel.PanelForm(here, request.POST).exactly(request.POST.get("set", panels.ALL))
        rows = panels.everyone(here.actor, wanted, here.now, owed_together.most(here.now))
        owed_together.some([row.card.resident for row in rows], here.now)
        return [row.card for row in rows], 0
    told = ",".join(request.POST.getlist("residents")).split(",")
    ticked = owed_together.some([one for text in told if (one := ids.parse(text))], here.now)
    found = panels.these(here.actor, ticked, here.now)
    return found, len(ticked) - len(found)


def _done(
    request: HttpRequest, here: Here, form: Any, residents: Sequence[UUID], *, dry_run: bool
) -> list[Outcome] | None:
    """What became of it, or would; None while the form does not say enough."""
    if not (residents and form.is_bound and form.is_valid()):
        return None
    named = pressing.command(request)
    try:
        if isinstance(form, RenewForm):
            made = batches.renew_all(
                here.actor, residents, way=form.cleaned_data["way"], at=here.now, command_id=named, dry_run=dry_run
            )  # fmt: skip
            return [Outcome(one.resident, DEEDS[RENEW], refusal=one.refusal) for one in made]
        return owed_together.say_to_all(
            here.actor, residents, form.command(here), at=here.now, command_id=named, dry_run=dry_run,
            service=request.POST.get("service", ""), source="web",
        )  # fmt: skip
    except Invalid as refused:
        page.refused_in(form, refused)
        return None


def _waiting(mine: Sequence[Card], found: Sequence[Promise]) -> list[Outcome]:
    """What the deed would be about, before it is said how."""
    owed = [Outcome(one.resident, one.title, one.loop) for one in found]
    idle = {one.resident for one in mine} - {one.resident for one in found}
    return owed + [Outcome(one.resident, "") for one in mine if one.resident in idle]


def _rows(mine: Sequence[Card], done: Sequence[Outcome]) -> list[dict[str, Any]]:
    shown = {one.resident: one for one in mine}
    return [
        {"resident": one.resident, "name": shown[one.resident].name, "id_tail": shown[one.resident].id_tail,
         "title": one.title, "loop": one.loop, "refusal": one.refusal}
        for one in done
    ]  # fmt: skip


def _colleagues(here: Here, found: Sequence[Promise]) -> list[tuple[str, str]]:
    """Those of one's centres who are here and hold a duty that is asked for."""
    duties, mine = {one.duty for one in found}, here.actor.member.centres(here.now)
    people = [
        one
        for one in here.staff.people.values()
        if one.centres(here.now) & mine
        and one.duties(here.now) & duties
        and here.staff.present(one, here.now)
    ]
    return [
        (
            str(one.id),
            f"{one.name}（{'、'.join(wording.duty(each) for each in sorted(one.duties(here.now)))}）",
        )
        for one in sorted(people, key=lambda one: one.name)
    ]


def _reasons() -> list[tuple[str, str]]:
    kind = packs.in_force().kinds[contracts.sheet_now().item].values[-1]
    return [(code, str(words)) for code, words in kind.hand_over_reasons.items()]


def _slips(here: Here, mine: Sequence[Card]) -> dict[str, Any]:
    """A slip for each: what the centre owes her and until when, in the words that anybody may read; her agreement."""
    owed: dict[UUID, list[Promise]] = {one.resident: [] for one in mine}
    for promise in owed_together.promises_of(owed, here.now):
        owed[promise.resident].append(promise)
    signable = set(access.within(here.actor, contracts.SIGN, [one.subject for one in mine], here.now))
    today = spoken.local(here.now).date()
    signed = contracts.agreements_of([one.resident for one in mine if one.subject in signable], today)
    slips = [{**_slip(here, one, owed[one.resident]), "agreement": signed.get(one.resident)} for one in mine]
    return {"place": "panel", "slips": slips, "today": today}


def _slip(here: Here, card: Card, owed: Sequence[Promise]) -> dict[str, Any]:
    team = here.staff.organisations.get(card.team) if card.team else None
    return {
        "name": card.masked_name, "resident": card.resident, "team": team.name if team else "",
        "owed": [{"title": one.title, "due": one.due} for one in owed],
    }  # fmt: skip
