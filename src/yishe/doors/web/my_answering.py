"""问卷 on the residents' pages: a relative answers for her, where she lets him; she sees what was answered, and takes it back."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods, require_POST

from yishe.care import answering, entries, forms
from yishe.care.assessment_reading import Form
from yishe.doors.web import asking, my, my_page, pressing
from yishe.doors.web.asking import Desk
from yishe.doors.web.my_page import HOME, Mine, at_home, hers
from yishe.people.placements import Placement
from yishe.policy.refusals import Conflict, NotFound
from yishe.trust import ids

PAGE = f"{HOME}/questionnaires"
TAKEN = {
    "already_started": "团队正在填这一份：想补充什么，请直接告诉团队。",
    "done_recently": "这份问卷刚刚做过：过一天再填；填错了请告诉团队。",
}
"""In a relative's words, who can neither go on with the team's form nor begin another at once."""


# For a relative


@at_home
def of(request: HttpRequest, mine: Mine, resident: UUID) -> HttpResponse:
    """What I may answer for her, what I have begun, what I have handed in."""
    where, seen = my.let(mine, resident)
    answerer = answering.of_relative(mine.own.person, resident, mine.now)
    my_page.seen(mine, "questionnaires", where, **seen.line(answering.SCOPE))
    found = answering.mine(answerer, mine.now)
    begun = {one.row.scale for one in found if one.row.status == forms.DRAFT}
    told = {
        **my.about(where),
        "drafts": [_row(one) for one in found if one.row.status == forms.DRAFT],
        "done": [_row(one) for one in found if one.row.status != forms.DRAFT],
        "offers": [one for one in answering.open_to(answerer, mine.now) if one.code not in begun],
    }  # fmt: skip
    return my_page.show(request, mine, "of_questionnaires.html", told)


@require_POST
@at_home
def begin(request: HttpRequest, mine: Mine, resident: UUID, scale: str) -> HttpResponse:
    """Begin one; a form of the kind that the team has open is theirs to finish, and this says so."""
    answerer = answering.of_relative(mine.own.person, resident, mine.now)
    try:
        form = answering.begin(answerer, scale, at=mine.now, command_id=str(ids.new()))
    except Conflict as refused:
        raise Conflict(refused.code, TAKEN.get(refused.code, refused.title)) from None
    return HttpResponseRedirect(f"{_of(resident)}/{form}/end")


@require_http_methods(["GET", "POST"])
@at_home
def question(request: HttpRequest, mine: Mine, resident: UUID, response: UUID, item: str) -> HttpResponse:
    return asking.question(request, _desk(mine, resident, response), item)


@require_http_methods(["GET", "POST"])
@at_home
def end(request: HttpRequest, mine: Mine, resident: UUID, response: UUID) -> HttpResponse:
    """Hand it in; while something is open, on to it."""
    return asking.end(request, _desk(mine, resident, response))


def _of(resident: UUID) -> str:
    return f"{HOME}/of/{resident}/questionnaires"


def _desk(mine: Mine, resident: UUID, response: UUID) -> Desk:
    where, _ = my.let(mine, resident)
    answerer = answering.of_relative(mine.own.person, resident, mine.now)
    base = _of(resident)
    frame = {"mine": mine, **my.about(where)}
    return Desk(answerer, response, mine.now, f"{base}/{response}", frame, back=base, after=base)


def _row(one: Form) -> dict[str, Any]:
    return {
        "response": one.row.response, "title": str(one.scale.title), "by": one.author_name, "at": one.row.recorded_at,
        "open": one.row.status == forms.DRAFT,
    }  # fmt: skip


# For the resident


@hers
def answered(request: HttpRequest, mine: Mine, where: Placement) -> HttpResponse:
    """What was answered from outside: which questionnaire, by whom, when. The answers themselves are with the team."""
    my_page.seen(mine, "questionnaires", where)
    found = answering.outside(entries.whose(where.resident))
    return my_page.show(request, mine, "questionnaires.html", {"found": [_row(one) for one in found]})


@require_http_methods(["GET", "POST"])
@hers
def take_back(request: HttpRequest, mine: Mine, where: Placement, response: UUID) -> HttpResponse:
    """It counts no more; asked once more, as it cannot be put back."""
    found = answering.outside(entries.whose(where.resident))
    one = next((one for one in found if one.row.response == response), None)
    if one is None:
        raise NotFound("no_form", "没有这份问卷：请回到“填过的问卷”再看。")
    if request.method == "POST":
        answering.take_back(
            mine.actor, where.resident, response, at=mine.now, command_id=pressing.command(request)
        )
        return HttpResponseRedirect(PAGE)
    my_page.seen(mine, "questionnaires", where)
    told = {
        "title": f"让这份问卷作废：{one.scale.title}", "sub": f"{one.author_name}。作废以后团队不再用它；因为它已经为您安排的事照办。",
        "hidden": {"command_id": str(ids.new())}, "press": "作废，马上生效", "back": PAGE,
    }  # fmt: skip
    return my_page.show(request, mine, "form.html", told)
