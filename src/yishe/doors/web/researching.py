"""科研数据: asked for with a form; made, handed over and fetched from the page of the request."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from yishe.doors import limits
from yishe.doors.web import page, pressing, spoken
from yishe.doors.web.page import Here, signed_in
from yishe.doors.web.shapes import Act
from yishe.insight import extracts, research
from yishe.loops.reading import Detail
from yishe.people import packs
from yishe.policy.refusals import Invalid
from yishe.trust import ids

ZIP = "application/zip"


class RequestForm(forms.Form):
    """What is wanted, of which time, for what that people agreed to, and why."""

    variables = forms.MultipleChoiceField(label="要哪些数据", widget=forms.CheckboxSelectMultiple)
    since = forms.DateField(label="事件自", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    until = forms.DateField(label="至", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    purpose = forms.ChoiceField(label="研究用途", help_text="居民按用途同意；只含同意这一用途的人。")
    reason = forms.CharField(
        label="目的、设计和负责人", max_length=2000, widget=forms.Textarea(attrs={"rows": 5}),
        help_text="伦理与隐私审查看这一段。不要写任何居民的姓名。",
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@signed_in
def ask(request: HttpRequest, here: Here) -> HttpResponse:
    research.require(here.actor, here.now)
    rules = extracts.sheet()
    today = spoken.local(here.now).date()
    form = RequestForm(
        request.POST or None, initial={"until": today, "since": today.replace(year=today.year - 1, day=1)}
    )
    _offer(form, "variables", [(code, str(one.title)) for code, one in rules.variables.items()])
    purposes = packs.in_force().consents.consents[rules.consent].purposes
    _offer(form, "purpose", [(code, str(words)) for code, words in purposes.items()])
    command = pressing.command(request)
    if request.method == "POST" and form.is_valid():
        try:
            return page.done(
                request, "已提交，等伦理与隐私审查", f"/loops/{_asked(here, form.cleaned_data, command)}"
            )
        except Invalid as refused:
            page.refused_in(form, refused)
    told: dict[str, Any] = {
        "form": form, "title": "申请科研数据", "press": "提交申请", "action": "/research/new", "back": "/me",
        "sub": f"去标识：每格至少 {rules.k} 人，日期整体移动", "hidden": {"command_id": command}, "place": "",
    }  # fmt: skip
    return page.ask(request, here, told)


def _offer(form: forms.Form, name: str, choices: list[tuple[str, str]]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)  # noqa: S101
    field.choices = choices


def _asked(here: Here, given: dict[str, Any], command: str) -> UUID:
    return research.ask(
        here.actor, variables=tuple(given["variables"]), since=given["since"], until=given["until"],
        purpose=given["purpose"], reason=given["reason"], at=here.now, command_id=command,
    )  # fmt: skip


@require_POST
@signed_in
def make(request: HttpRequest, here: Here, loop_id: UUID) -> HttpResponse:
    """The performer makes the extract, to look at what it says before it is handed over."""
    made = research.make(here.actor, loop_id, here.now)
    words = f"已制作：{len(made.coarse.rows)} 人，最小格 {made.coarse.k} 人"
    return page.done(request, words, f"/loops/{loop_id}")


@require_POST
@signed_in
def deliver(request: HttpRequest, here: Here, loop_id: UUID) -> HttpResponse:
    seq = pressing.seq(request, 0)
    command = pressing.command(request)
    research.deliver(here.actor, loop_id, seq=seq, at=here.now, command_id=command)
    return page.done(request, "已交付，请申请人下载并确认", f"/loops/{loop_id}")


@signed_in
def fetch(request: HttpRequest, here: Here, link: str) -> HttpResponse:
    """The file behind a link that is this person's."""
    limits.take("export", here.actor.staff_id, here.now)
    return page.attached(research.fetch(here.actor, link, here.now), f"keyan-{here.now:%Y%m%d}.zip", ZIP)


# On the page of the request


def facts(here: Here, found: Detail) -> list[dict[str, str]]:
    """What was asked for, how far it is, and where to fetch it."""
    asked, rules = research.of(found, here.now), extracts.sheet()
    titles = [str(rules.variables[code].title) for code in asked.spec.variables if code in rules.variables]
    told = [
        {"words": "数据", "value": "、".join(titles)},
        {"words": "事件", "value": f"{asked.spec.since} 至 {asked.spec.until}"},
        {"words": "审查", "value": "已同意" if asked.agreed else "还没有同意"},
    ]
    if asked.extract is None:
        return told
    made = asked.extract
    told.append({"words": "数据包", "value": f"{made.people} 人，{made.rows} 行事件，最小格 {made.k} 人"})
    told.append({"words": "保存至", "value": f"{spoken.local(made.until):%Y-%m-%d}"})
    link = research.link(asked, here.actor.staff_id, here.now)
    if link:
        valid = packs.in_force().exports.links.valid.zh
        told.append(
            {
                "words": "下载",
                "value": f"下载数据包（仅限您本人，{valid}内有效）",
                "href": f"/research/files/{link}",
            }
        )
    return told


def acts(here: Here, found: Detail) -> list[Act]:
    """Making and handing over, for the performer."""
    asked = research.of(found, here.now)
    state = asked.state
    if here.actor.staff_id != state.performer or not asked.agreed or state.turn != "performer":
        return []
    again = asked.extract is not None
    making = _act(
        state.id, "make", "重新制作" if again else "制作数据", "" if again else "go", state.seq, here.now
    )
    return [_act(state.id, "deliver", "交付数据", "go", state.seq, here.now), making] if again else [making]


def _act(loop: UUID, verb: str, words: str, look: str, seq: int, at: datetime) -> Act:
    return Act(verb, words, f"/loops/{loop}/extract/{verb}", look, direct=True, seq=seq, command_id=str(ids.new()),
               about=str(loop)[-12:])  # fmt: skip
