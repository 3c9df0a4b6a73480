"""A questionnaire one question a screen, in large type, for who answers from outside: each step saves what was chosen.

By a link (`link_door`) or signed in as a relative (`my_answering`): both come with a desk, which says who answers what.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from yishe.care import answering
from yishe.care.answering import Answerer, Asked
from yishe.doors.web import assessing, pressing
from yishe.people.placements import placed
from yishe.policy.refusals import Invalid, NotFound
from yishe.trust import access_log, ids

LOOK = "questionnaire.read"


@dataclass(frozen=True)
class Desk:
    """Where a form is answered: by whom, which one, under which address. `frame` is what the page around it is told, `back` where
    the first question leads back to, `after` where to go on when it is handed in (empty: nowhere)."""

    answerer: Answerer
    response: UUID
    now: datetime
    base: str
    frame: Mapping[str, Any]
    back: str = ""
    after: str = ""

    def stands(self) -> Asked:
        """The form as it stands, to know where to go on; it is shown by the next page."""
        return answering.page(self.answerer, self.response, self.now)

    def look(self) -> Asked:
        """The form to be shown; leaves the access line."""
        found, where = self.stands(), placed(self.answerer.resident)
        access_log.line(
            None, home=where.home, actor=self.answerer.person, action=LOOK, subjects=[where.subject], at=self.now,
            **found.line,
        )  # fmt: skip
        return found

    def at(self, item: str) -> str:
        return f"{self.base}/ask/{item}" if item else f"{self.base}/end"

    def show(self, request: HttpRequest, template: str, found: Asked, **told: Any) -> HttpResponse:
        flags = [found.form.scale.flags[code] for code in found.form.flags]
        said = {
            "scale": found.form.scale, "flags": flags, "called": "、".join(found.called), "now": self.now, "aloud": True,
            "base": self.base, "after": self.after, "command_id": ids.new(), **self.frame, **told,
        }  # fmt: skip
        refusal = told.get("refusal")
        return render(request, f"my/{template}", said, status=refusal.status if refusal else 200)


def first_open(found: Asked) -> str:
    """Where to go on: the first question without an answer; empty when all have one."""
    answers = found.form.told.answers if found.form.told else {}
    return next((code for code in found.form.asked if code not in answers), "")


def question(request: HttpRequest, desk: Desk, item: str) -> HttpResponse:
    """One question; what was chosen is saved and the next one comes."""
    found = desk.look()
    if item not in found.form.scale.items:
        raise NotFound("no_item", "没有这一题：请从头打开这份问卷。")
    if item not in found.form.asked:
        return HttpResponseRedirect(desk.at(first_open(found)))
    refused = None
    if request.method == "POST":
        refused = _saved(request, desk, found, item)
        if refused is None:
            return HttpResponseRedirect(desk.at(_beside(desk.stands(), item, 1)))
    typed = {code: said for code, said in assessing.given(request).items() if refused and code == item}
    (one,) = [each for each in assessing.questions(found.form, typed) if each.code == item]
    before = _beside(found, item, -1)
    told = {
        "one": one, "of": len(found.form.asked), "before": desk.at(before) if before else desk.back,
        "skip": desk.at(_beside(found, item, 1)), "refusal": refused,
    }  # fmt: skip
    return desk.show(request, "ask.html", found, **told)


def end(request: HttpRequest, desk: Desk) -> HttpResponse:
    """What is still open, or the button that hands it in."""
    found, refused = desk.look(), None
    if request.method == "POST":
        try:
            answering.submit(desk.answerer, desk.response, at=desk.now, command_id=pressing.command(request))
            return desk.show(request, "ask_thanks.html", found)
        except Invalid as said:
            refused = said
    open_ = [(desk.at(code), str(found.form.scale.items[code].ask)) for code in found.form.open_items]
    last = found.form.asked[-1] if found.form.asked else ""
    told = {"open": open_, "refusal": refused, "before": desk.at(last) if last else desk.back}
    return desk.show(request, "ask_end.html", found, **told)


def _saved(request: HttpRequest, desk: Desk, found: Asked, item: str) -> Invalid | None:
    said = assessing.given(request).get(item, "")
    if not said and found.form.scale.items[item].required:
        return Invalid("answer_needed", "请先选一个答案；想不好可以先跳过，最后再答。", field=item)
    try:
        answering.answer(
            desk.answerer, desk.response, {item: said}, at=desk.now, command_id=pressing.command(request),
            confirmed=frozenset(assessing.confirmed(request)),
        )  # fmt: skip
    except Invalid as refused:
        return refused
    return None


def _beside(found: Asked, item: str, step: int) -> str:
    """The question before or after this one; empty at either end."""
    asked = found.form.asked
    there = asked.index(item) + step if item in asked else len(asked)
    return asked[there] if 0 <= there < len(asked) else ""
