"""Consents at the desk: what a loop still needs (待补同意), the form of one matter, taking one back."""

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from yishe.doors.web import page, resident
from yishe.doors.web.consent_forms import ConsentForm, people
from yishe.doors.web.page import Here, signed_in
from yishe.loops import reading
from yishe.loops.reading import Detail
from yishe.people import access, consents, packs
from yishe.people.placements import Placement, placement_of_subject
from yishe.policy.consent_rules import ConsentKind
from yishe.policy.refusals import Conflict, Invalid, NotFound
from yishe.talk import consents as consenting


def asked(here: Here, found: Detail) -> dict[str, Any]:
    """The missing consent in words, and whether this person may note it. Nothing for a closed loop."""
    need, state = found.kind.consent, found.state
    if need is None or not state.is_open or not consents.missing([state.subject], need.basis, here.now):
        return {"consent": ""}
    stands = placement_of_subject(state.subject)
    may = stands is not None and access.may(here.actor, consents.RECORD, stands, here.now).allowed
    return {"consent": title(need.basis), "may_consent": may}


def title(basis: str) -> str:
    """A matter in words; one the pack no longer knows stands for itself."""
    kind = packs.in_force().consents.consents.get(basis)
    return str(kind.title) if kind else basis


@require_http_methods(["GET", "POST"])
@signed_in
def of_loop(request: HttpRequest, here: Here, loop_id: UUID) -> HttpResponse:
    """The consent that this loop rests on."""
    found = reading.detail(here.actor, loop_id, here.now)
    stands = placement_of_subject(found.state.subject)
    if stands is None or found.kind.consent is None:
        raise NotFound("nothing_to_consent", "这件事不需要另外的同意，或居民的档案已不在册。")
    here_again = f"/loops/{loop_id}"
    return _form(
        request, here, stands, found.kind.consent.basis, action=f"{here_again}/consent", back=here_again
    )


@require_http_methods(["GET", "POST"])
@signed_in
def give(request: HttpRequest, here: Here, resident_id: UUID, basis: str) -> HttpResponse:
    """One matter: the text as it stands today, and the yes to it."""
    stands, _ = resident.allowed(here, resident_id, consents.RECORD)
    back = f"/residents/{stands.resident}/rights"
    return _form(request, here, stands, basis, action=f"{back}/consents/{basis}", back=back)


def _form(
    request: HttpRequest, here: Here, stands: Placement, basis: str, *, action: str, back: str
) -> HttpResponse:
    permission = access.require(here.actor, consents.RECORD, stands, here.now)
    kind = packs.in_force().consents.kind(basis)
    text = consents.text(basis, here.now)
    form = ConsentForm(kind, people(here, kind, stands.centre), request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            yes = form.yes(basis, request.POST.get("sha256", ""))
            consenting.give(here.actor, stands.resident, yes, here.now)
            return page.done(request, f"已登记：{kind.title}", back)
        except Invalid as refused:
            page.refused_in(form, refused)
        except Conflict as refused:
            if refused.code != "text_changed":
                raise
            page.refused_in(form, refused)
            return _shown(request, here, stands, form, kind, text=text, action=action, back=back, status=409)
    page.seen(here, "read.form", [stands.subject], **permission.line)
    status = 422 if form.errors else 200
    return _shown(request, here, stands, form, kind, text=text, action=action, back=back, status=status)


def _shown(
    request: HttpRequest, here: Here, stands: Placement, form: forms.Form, kind: ConsentKind, *, text: Any,
    action: str, back: str, status: int,
) -> HttpResponse:  # fmt: skip
    told = {
        "form": form, "title": str(kind.title), "sub": f"{resident.card_of(stands).name} · {kind.why}",
        "reading": text.text, "edition": text.version, "action": action, "press": "登记同意",
        "hidden": {"sha256": text.sha256}, "place": "residents", "back": back,
    }  # fmt: skip
    return page.ask(request, here, told, status=status)


class WithdrawForm(forms.Form):
    """Why, and by whom; nothing else is asked."""

    reason = forms.ChoiceField(label="原因", widget=forms.RadioSelect)
    by = forms.ChoiceField(label="由谁撤回", widget=forms.RadioSelect, initial="resident")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sheet = packs.in_force().consents
        for name, book in (("reason", sheet.withdrawals), ("by", sheet.givers)):
            self.fields[name].choices = [(code, str(words)) for code, words in book.items()]  # type: ignore[attr-defined]


@require_http_methods(["GET", "POST"])
@signed_in
def withdraw(request: HttpRequest, here: Here, resident_id: UUID, consent_id: UUID) -> HttpResponse:
    """Taken back: what it opened is closed at once."""
    stands, permission = resident.allowed(here, resident_id, consents.RECORD)
    back = f"/residents/{stands.resident}/rights"
    found = next((one for one in consents.given(stands.resident) if one.id == consent_id), None)
    if found is None:
        raise NotFound("no_consent", "这位居民没有这项同意：请刷新后再看。")
    form = WithdrawForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        consenting.withdraw(here.actor, stands.resident, consent_id, said["reason"], here.now, by=said["by"])
        return page.done(request, "已撤回，立即生效", back)
    page.seen(here, "read.form", [stands.subject], **permission.line)
    told = {
        "form": form, "title": f"撤回：{title(found.state.basis)}", "press": "撤回，立即生效",
        "sub": "撤回之前已做的事仍然有效；对方打开着的页面会马上关闭。", "place": "residents", "back": back,
        "action": f"{back}/consents/{consent_id}/withdraw",
    }  # fmt: skip
    return page.ask(request, here, told)
