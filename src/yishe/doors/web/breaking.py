"""紧急查看: offered to who is refused and may, asked with a reason, shown as a banner for as long as it holds, ended by a press."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods, require_POST

from yishe.doors import limits
from yishe.doors.web import page, pressing
from yishe.doors.web.page import Here, signed_in
from yishe.loops import glass
from yishe.people import access, break_glass
from yishe.people.break_glass import Command
from yishe.people.placements import Placement, placed, placement_of_subject
from yishe.policy.access_rules import GlassRule
from yishe.policy.refusals import Invalid

READ = ("resident.read", "read.timeline", "loop.read")
FIND = "break_glass.find"


class GlassForm(forms.Form):
    """Why; words where the reason wants them."""

    reason = forms.ChoiceField(label="理由", widget=forms.RadioSelect)
    words = forms.CharField(
        label="情况说明", required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="人在哪里、出了什么事。复核的人会读到。",
    )  # fmt: skip

    def __init__(self, rule: GlassRule, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].choices = [  # type: ignore[attr-defined]
            (code, f"{one.title}（须写明情况）" if one.words else str(one.title))
            for code, one in rule.reasons.items()
        ]


class FindForm(forms.Form):
    """Whose record: by the whole ID number alone, so that nobody leafs through strangers."""

    id_number = forms.CharField(
        label="身份证号", min_length=15, max_length=18, widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="须输入完整号码。查过谁、为什么，都会留痕。",
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@signed_in
def find(request: HttpRequest, here: Here) -> HttpResponse:
    """The record of somebody who is before one's eyes and whom one has no relation to."""
    break_glass.rule_for(here.actor, here.now)
    form = FindForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        limits.take("search", here.actor.staff_id, here.now)
        found = break_glass.find(form.cleaned_data["id_number"])
        page.seen(here, FIND, [found.subject] if found else [])
        if found is not None:
            mine = access.may(here.actor, READ[0], found, here.now).allowed
            return HttpResponseRedirect(f"/residents/{found.resident}" + ("" if mine else "/break-glass"))
        form.add_error("id_number", "没有这个号码的档案：请核对号码；确无档案的，先救治，再由本中心建档。")
    told = {
        "form": form, "title": "紧急查看", "sub": "居民就在眼前而您没有服务关系时用；危及生命先拨 120。", "place": "residents",
        "action": "/break-glass", "press": "下一步", "back": "/residents",
    }  # fmt: skip
    return page.ask(request, here, told)


@require_http_methods(["GET", "POST"])
@signed_in
def break_(request: HttpRequest, here: Here, resident_id: UUID) -> HttpResponse:
    """Nothing of the resident is shown before it is broken."""
    rule = break_glass.require(here.actor, placed(resident_id), here.now)
    form = GlassForm(rule, request.POST or None)
    command = pressing.command(request)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            glass.break_(Command(here.actor, said["reason"], said["words"], here.now, command), resident_id)
            return page.done(
                request, "已打开，居民的签约团队已收到通知，事后有人复核", f"/residents/{resident_id}"
            )
        except Invalid as refused:
            page.refused_in(form, refused)
    told = {
        "form": form, "title": "紧急查看", "place": "residents", "press": "打开，并留下记录",
        "sub": f"最长 {rule.lasts.zh}，到时自动关闭。马上告诉居民的医生和团队长，事后由隐私保护专员复核；居民也看得到。",
        "action": f"/residents/{resident_id}/break-glass", "hidden": {"command_id": command}, "back": "/",
    }  # fmt: skip
    return page.ask(request, here, told)


@require_POST
@signed_in
def end(request: HttpRequest, here: Here, resident_id: UUID) -> HttpResponse:
    """Needed no more."""
    glass.end(here.actor, resident_id, here.now)
    return page.done(request, "已结束紧急查看，谢谢", "/residents")


# What other pages show of it


def banner(here: Here, stands: Placement, permission: access.Permission) -> dict[str, Any]:
    """Until when and why, the seconds left, and the way to end it; nothing for a look by any other relation."""
    if permission.relation != access.BREAK_GLASS or permission.until is None:
        return {}
    left = permission.until - here.now
    return {
        "words": permission.words, "seconds": int(left.total_seconds()), "minutes": _minutes(left.total_seconds()),
        "end": f"/residents/{stands.resident}/break-glass/end",
    }  # fmt: skip


def _minutes(seconds: float) -> int:
    return -int(-seconds // 60)


def way_in(here: Here, subjects: Iterable[UUID]) -> str:
    """Where somebody who was refused a look may break the glass; '' where he may not."""
    subject = next(iter(subjects), None)
    stands = placement_of_subject(subject) if subject else None
    if stands is None or not break_glass.offered(here.actor, stands, here.now):
        return ""
    return f"/residents/{stands.resident}/break-glass"
