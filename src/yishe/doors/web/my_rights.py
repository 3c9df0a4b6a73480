"""复印件、更正、删除: the rights a resident exercises by herself; each request is a promise with its clock."""

from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods, require_POST

from yishe.doors.web import copying, my_page, page, pressing, spoken
from yishe.doors.web.my_page import HOME, Mine, hers
from yishe.insight import copies
from yishe.loops import promises
from yishe.people import packs
from yishe.people.placements import Placement
from yishe.policy.refusals import Conflict, Invalid, NotFound

PAGE = f"{HOME}/rights"
NO_REASON = "-"


class AskForm(forms.Form):
    """In her own words, as far as she likes."""

    note = forms.CharField(
        label="想说明什么", required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 4})
    )


@hers
def rights(request: HttpRequest, mine: Mine, where: Placement) -> HttpResponse:
    """What may be asked for, and the copies that wait."""
    kinds = packs.in_force().loop_kinds(spoken.local(mine.now).date())
    asking = [kind for kind in kinds if kind.by_resident and not where.gone]
    told = {
        "copies": copies.waiting(where.resident, mine.now),
        "requests": [
            {"href": f"{PAGE}/{kind.code}/{code or NO_REASON}", "title": str(kind.title), "reason": words}
            for kind in asking
            for code, words in ([(one.code, str(one.title)) for one in kind.reasons.values()] or [("", "")])
        ],
    }
    my_page.seen(mine, "rights", where)
    return my_page.show(request, mine, "rights.html", told)


@require_POST
@hers
def copy(request: HttpRequest, mine: Mine, where: Placement) -> HttpResponse:
    """She wants a copy of everything."""
    copies.ask(mine.actor, where.resident, mine.now)
    return HttpResponseRedirect(PAGE)


@require_POST
@hers
def take(request: HttpRequest, mine: Mine, where: Placement, ticket: UUID, form: str) -> HttpResponse:
    """The copy itself, once in each form."""
    return copying.file_of(mine.actor, where.resident, ticket, form, mine.now)


@require_http_methods(["GET", "POST"])
@hers
def ask(request: HttpRequest, mine: Mine, where: Placement, kind: str, reason: str) -> HttpResponse:
    """A correction or an erasure: somebody is found for it at once, and a clock starts."""
    declared = next(
        (one for one in packs.in_force().loop_kinds(spoken.local(mine.now).date()) if one.code == kind), None
    )
    if declared is None or not declared.by_resident:
        raise NotFound("no_request", "没有这种申请：请回到“我的权利”再选。")
    code = "" if reason == NO_REASON else reason
    form, command = AskForm(request.POST or None), pressing.command(request)
    if request.method == "POST" and form.is_valid():
        try:
            promises.promise(
                mine.actor, kind=kind, resident=where.resident, reason=code, note=form.cleaned_data["note"],
                at=mine.now, command_id=command,
            )  # fmt: skip
            return HttpResponseRedirect(f"{HOME}/promises")
        except (Invalid, Conflict) as refused:
            page.refused_in(form, refused)
    why = declared.reasons.get(code)
    told = {
        "form": form, "title": str(declared.title), "sub": str(why.title) if why else "", "press": "提出申请", "back": PAGE,
        "hidden": {"command_id": command},
    }  # fmt: skip
    return my_page.show(request, mine, "form.html", told, status=422 if form.errors else 200)
