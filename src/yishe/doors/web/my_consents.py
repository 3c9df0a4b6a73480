"""我的同意: what I agreed to, to which text; giving and taking back, online and by myself."""

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods

from yishe.doors.web import consenting, my_page, page, rights
from yishe.doors.web.consent_forms import ConsentForm, people
from yishe.doors.web.my_page import HOME, Mine, hers
from yishe.people import consents, packs
from yishe.people.consents import Given
from yishe.people.placements import Placement
from yishe.policy.refusals import Conflict, Invalid, NotFound
from yishe.talk import consents as talking

PAGE = f"{HOME}/consents"


@hers
def consents_(request: HttpRequest, mine: Mine, where: Placement) -> HttpResponse:
    """Those in force, those that ended, and what may be agreed to."""
    found = consents.given(where.resident)
    my_page.seen(mine, "consents", where)
    told = {
        "standing": [rights.line(mine, one) for one in found if one.state.holds(mine.now)],
        "ended": [rights.line(mine, one) for one in found if not one.state.holds(mine.now)],
        "matters": rights.matters(mine, where),
    }
    return my_page.show(request, mine, "consents.html", told)


@hers
def text(request: HttpRequest, mine: Mine, where: Placement, consent: UUID) -> HttpResponse:
    """The words that were agreed to, in the version of that day."""
    one = _found(where, consent)
    my_page.seen(mine, "consents", where)
    kind = packs.in_force().consents.kind(one.state.basis)
    told = {"line": rights.line(mine, one), "reading": kind.text_of(one.state.text_sha256)}
    return my_page.show(request, mine, "consent_text.html", told)


@require_http_methods(["GET", "POST"])
@hers
def give(request: HttpRequest, mine: Mine, where: Placement, basis: str) -> HttpResponse:
    """One matter: its text, and the yes to it."""
    kind, shown = packs.in_force().consents.kind(basis), consents.text(basis, mine.now)
    form = ConsentForm(kind, people(mine, kind, where.centre), request.POST or None, own=True)
    if request.method == "POST" and form.is_valid():
        try:
            yes = form.yes(basis, request.POST.get("sha256", ""))
            talking.give(mine.actor, where.resident, yes, mine.now, own=True)
            return HttpResponseRedirect(PAGE)
        except (Invalid, Conflict) as refused:
            page.refused_in(form, refused)
    told = {
        "form": form, "title": str(kind.title), "sub": str(kind.why), "reading": shown.text, "edition": shown.version,
        "hidden": {"sha256": shown.sha256}, "press": "我同意", "back": PAGE,
    }  # fmt: skip
    return my_page.show(request, mine, "form.html", told, status=422 if form.errors else 200)


class WithdrawForm(forms.Form):
    """Why; to prefer not to say is a reason too."""

    reason = forms.ChoiceField(label="为什么（不想说也可以）", widget=forms.RadioSelect, initial="unsaid")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        book = packs.in_force().consents.withdrawals
        self.fields["reason"].choices = [(code, str(words)) for code, words in book.items()]  # type: ignore[attr-defined]


@require_http_methods(["GET", "POST"])
@hers
def withdraw(request: HttpRequest, mine: Mine, where: Placement, consent: UUID) -> HttpResponse:
    """Taken back: what it opened is closed at once, on open screens too."""
    one = _found(where, consent)
    form = WithdrawForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        talking.withdraw(mine.actor, where.resident, consent, form.cleaned_data["reason"], mine.now)
        return HttpResponseRedirect(PAGE)
    told = {
        "form": form, "title": f"撤回：{consenting.title(one.state.basis)}", "press": "撤回，马上生效", "back": PAGE,
        "sub": "撤回以后对方马上看不到；以前已经做的事不变。",
    }  # fmt: skip
    return my_page.show(request, mine, "form.html", told, status=422 if form.errors else 200)


def _found(where: Placement, consent: UUID) -> Given:
    found = next((one for one in consents.given(where.resident) if one.id == consent), None)
    if found is None:
        raise NotFound("no_consent", "没有这项同意：请回到“我的同意”再看。")
    return found
