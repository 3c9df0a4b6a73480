"""计划: written and changed, confirmed by the other profession, compared, its goals scored, ended."""

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from yishe.care import plan_stream, plans
from yishe.care.contract_stream import Once
from yishe.care.models import Plan
from yishe.care.plans import Wish
from yishe.doors.web import faces, page, plan_form, plan_page, resident, spoken
from yishe.doors.web.contract_forms import WORDS
from yishe.doors.web.page import Here, signed_in
from yishe.people import packs
from yishe.people.placements import Placement
from yishe.policy.plan_content import Goal
from yishe.policy.refusals import Conflict, Invalid
from yishe.trust import ids

BUSY = ("plan_changed", "plan_busy")


@require_http_methods(["GET", "POST"])
@signed_in
def write(request: HttpRequest, here: Here, resident_id: UUID) -> HttpResponse:
    """The next version, or the first from a template. What was typed stays, whatever is said about it."""
    stands, permission = resident.allowed(here, resident_id, plans.WRITE)
    row = plans.current(stands)
    if request.method != "POST":
        page.seen(here, "read.form", [stands.subject], **permission.line)
        return _form(request, here, stands, row, _begun(request, here, row), {})
    rows = plan_form.typed(request.POST.dict())
    if "more" in request.POST:
        page.seen(here, "read.form", [stands.subject], **permission.line)
        return _form(request, here, stands, row, rows, {})
    base, template = plan_form.number(request.POST, "base"), request.POST.get("template", "")[:40]
    try:
        wish = Wish(plan_form.content(rows), base, template, request.POST.get("alone", ""))
        plans.write(here.actor, stands.resident, wish, here.now, Once(request.POST.get("command_id") or None))
        return page.done(request, _saved(wish), plan_form.back(stands.resident))
    except Invalid as refused:
        said = {"refused": refused.title, "field": str(refused.extra.get("field", "")).partition(".")[2]}
        return _form(request, here, stands, row, rows, said, status=422)
    except Conflict as refused:
        if refused.code not in BUSY:
            raise
        now = plans.current(stands)
        told: dict[str, Any] = {"refused": refused.title, "changed": now.version if now else 0}
        return _form(request, here, stands, now, rows, told, status=409)


def _saved(wish: Wish) -> str:
    return "计划已生效：有期限的措施都成了承诺" if wish.alone else "已保存：请另一方确认后生效，已通知对方"


def _begun(request: HttpRequest, here: Here, row: Plan | None) -> dict[str, Any]:
    """The latest version; before there is one, the template that was chosen, or nothing."""
    today, sheet = spoken.local(here.now).date(), packs.in_force().plans.rules()
    if row is not None:
        rows = plan_form.rows_of(plan_stream.story(row).versions[-1].content)
        due = row.review_on is not None and row.review_on <= today
        return {**rows, "review_on": (today + sheet.review_within.exact()).isoformat()} if due else rows
    template = request.GET.get("template", "")
    if template:
        return plan_form.rows_of(plans.started(template, today))
    return {"goals": [], "actions": [], "review_on": (today + sheet.review_within.exact()).isoformat()}


def _form(
    request: HttpRequest, here: Here, stands: Placement, row: Plan | None, rows: dict[str, Any], said: dict[str, Any],
    *, status: int = 200,
) -> HttpResponse:  # fmt: skip
    posted = request.POST
    told = {
        "place": "residents", "person": faces.person(here, resident.card_of(stands)), "resident": stands.resident,
        "rows": plan_form.with_blank(rows), "choices": plan_form.choices(), "back": plan_form.back(stands.resident),
        "base": row.version if row and (status == 409 or not posted) else posted.get("base", 0),
        "template": posted.get("template", request.GET.get("template", "")), "alone": posted.get("alone", ""),
        "command_id": str(ids.new()), "new": row is None, **said,
    }  # fmt: skip
    return page.show(request, here, "plan_form.html", told, status=status)


@require_POST
@signed_in
def confirm(request: HttpRequest, here: Here, plan_id: UUID) -> HttpResponse:
    """The other profession stands behind the version that was shown."""
    _, stands, _ = plans.found(here.actor, plan_id, here.now, plans.WRITE)
    plans.confirm(here.actor, plan_id, plan_form.number(request.POST, "version"), here.now)
    return page.done(request, "已确认：计划生效，有期限的措施都成了承诺", plan_form.back(stands.resident))


@signed_in
def compare(request: HttpRequest, here: Here, plan_id: UUID) -> HttpResponse:
    """Two versions side by side."""
    row, stands, permission = plans.found(here.actor, plan_id, here.now)
    story = plan_stream.story(row)
    low, high, changes = plans.compared(
        story, plan_form.number(request.GET, "one"), plan_form.number(request.GET, "other")
    )
    page.seen(here, "read.plan", [stands.subject], **permission.line)
    told = {
        "place": "residents", "person": faces.person(here, resident.card_of(stands)), "plan": row.id, "low": low, "high": high,
        "changes": [plan_page.change(one) for one in changes], "numbers": [one.number for one in story.versions],
        "sides": [_side(here, low), _side(here, high)], "back": plan_form.back(stands.resident),
    }  # fmt: skip
    return page.show(request, here, "plan_compare.html", told)


def _side(here: Here, version: plan_stream.Version) -> dict[str, Any]:
    pack = packs.in_force()
    often, duties = pack.plans.rules().often, pack.duties
    return {
        "number": version.number, "at": version.at, "by": faces.name(here, version.by),
        "behind": plan_page.behind(here, version), "review_on": version.content.review_on,
        "goals": [{"title": one.title, "words": plan_page.goal_words(one), "by": one.by} for one in version.content.goals],
        "actions": [
            {"title": one.title, "duty": str(duties[one.duty].title) if one.duty in duties else one.duty,
             "often": str(often.get(one.often, one.often)), "by": one.by}
            for one in version.content.actions
        ],
    }  # fmt: skip


class ScoreForm(forms.Form):
    """How far one goal has come."""

    note = forms.CharField(label="说明", required=False, widget=WORDS, max_length=1000)

    def __init__(self, goal: Goal, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if goal.scaled:
            levels = [
                (level, f"{int(level):+d} {goal.levels[level]}") for level in ("2", "1", "0", "-1", "-2")
            ]
            said: forms.Field = forms.ChoiceField(
                label="到了哪一级", widget=forms.RadioSelect, choices=levels
            )
        else:
            said = forms.CharField(label=f"{goal.measure}（{goal.unit}）", max_length=20)
        self.fields = {"said": said, **self.fields}


@require_http_methods(["GET", "POST"])
@signed_in
def score(request: HttpRequest, here: Here, plan_id: UUID, goal: str) -> HttpResponse:
    """One goal is scored."""
    row, stands, permission = plans.found(here.actor, plan_id, here.now, plans.WRITE)
    version = plan_stream.story(row).version(row.in_force)
    one = next((each for each in version.content.goals if each.id == goal), None) if version else None
    if one is None:
        raise Conflict("not_in_force", "生效的计划里没有这个目标：请另一方确认后，从居民的“计划”里再打分。")
    form = ScoreForm(one, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            plans.score(
                here.actor, plan_id, goal, form.cleaned_data["said"], here.now, note=form.cleaned_data["note"]
            )
            return page.done(request, "已打分", plan_form.back(stands.resident))
        except Invalid as refused:
            form.add_error("said", refused.title)
    page.seen(here, "read.form", [stands.subject], **permission.line)
    return _dialog(
        request, here, stands, form, f"打分：{one.title}", "记下", f"/plans/{plan_id}/score/{goal}"
    )


class EndForm(forms.Form):
    """Why the plan ends."""

    reason = forms.ChoiceField(label="原因", widget=forms.RadioSelect)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ends = packs.in_force().plans.rules().ends
        self.fields["reason"].choices = [(code, str(one.title)) for code, one in ends.items()]  # type: ignore[attr-defined]


@require_http_methods(["GET", "POST"])
@signed_in
def end(request: HttpRequest, here: Here, plan_id: UUID) -> HttpResponse:
    """The plan ends, with its reason."""
    _, stands, permission = plans.found(here.actor, plan_id, here.now, plans.WRITE)
    form = EndForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        plans.end(here.actor, plan_id, form.cleaned_data["reason"], here.now)
        return page.done(request, "计划已结束：还没做的措施随之结束", plan_form.back(stands.resident))
    page.seen(here, "read.form", [stands.subject], **permission.line)
    return _dialog(request, here, stands, form, "结束这份计划", "结束", f"/plans/{plan_id}/end")


def _dialog(
    request: HttpRequest, here: Here, stands: Placement, form: forms.Form, title: str, press: str, action: str
) -> HttpResponse:
    told = {
        "form": form, "title": title, "press": press, "back": plan_form.back(stands.resident), "place": "residents",
        "sub": resident.card_of(stands).name, "action": action,
    }  # fmt: skip
    return page.ask(request, here, told)
