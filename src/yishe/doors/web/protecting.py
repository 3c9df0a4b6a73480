"""受保护人员: set with its reason and the day it is looked at again, and lifted, by those whom the pack lets."""

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from yishe.doors.web import page, resident
from yishe.doors.web.page import Here, signed_in
from yishe.people import packs, protections
from yishe.people.protections import PROTECT
from yishe.policy.refusals import Invalid


class ProtectForm(forms.Form):
    reason = forms.ChoiceField(label="原因", widget=forms.RadioSelect)
    review = forms.DateField(
        label="复核日期",
        help_text="到那天由责任医生和责任社工再看是否还需要；没有解除就一直有效。",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rule = packs.in_force().access.protection
        reasons = rule.reasons if rule else {}
        self.fields["reason"].choices = [(code, str(words)) for code, words in reasons.items()]  # type: ignore[attr-defined]


@require_http_methods(["GET", "POST"])
@signed_in
def protect(request: HttpRequest, here: Here, resident_id: UUID) -> HttpResponse:
    """Why, and when it is looked at again."""
    stands, permission = resident.allowed(here, resident_id, PROTECT)
    back = f"/residents/{stands.resident}"
    form = ProtectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            protections.protect(here.actor, stands.resident, said["reason"], said["review"], here.now)
            return page.done(request, "已设为受保护人员", back)
        except Invalid as refused:
            page.refused_in(form, refused)
    page.seen(here, "read.form", [stands.subject], **permission.line)
    told = {
        "form": form, "title": f"设为受保护人员：{resident.card_of(stands).name}", "press": "保护",
        "sub": "电话、住址、户和档案号只对责任医生和责任社工显示；按电话搜不到；家属、志愿者和合作单位的同意也不打开它们。",
        "place": "residents", "back": back, "action": f"{back}/protection",
    }  # fmt: skip
    return page.ask(request, here, told)


@require_POST
@signed_in
def lift(request: HttpRequest, here: Here, resident_id: UUID) -> HttpResponse:
    stands, _ = resident.allowed(here, resident_id, PROTECT)
    protections.lift(here.actor, stands.resident, here.now)
    return page.done(request, "已解除保护", f"/residents/{stands.resident}")
