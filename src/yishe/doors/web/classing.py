"""分类: what class and tiers a resident stands in and why; her doctor says otherwise for a time, or takes it back."""

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from yishe.care import class_reading, classes, timeline
from yishe.care.class_reading import TITLES
from yishe.care.record import Record
from yishe.doors.web import page, resident
from yishe.doors.web.page import Here, signed_in
from yishe.people import access, packs
from yishe.people.sight import Sight
from yishe.policy.class_rules import TRACKS
from yishe.policy.refusals import Conflict, Invalid

TAB = "class"
AS_RULED = "按规则"


class CorrectForm(forms.Form):
    """A choice for each of class and tiers, why, and until when."""

    reason = forms.ChoiceField(label="更正的原因", widget=forms.RadioSelect)
    until = forms.DateField(
        label="有效到哪天（那天起重新按规则）",
        help_text="到期前会开一件复核的事提醒，不会悄悄失效。",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    words = forms.CharField(
        label="说明", required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )
    seq = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sheet = classes.reader().sheet
        self.fields["reason"].choices = [(code, str(one)) for code, one in sheet.correction.reasons.items()]  # type: ignore[attr-defined]
        for track in TRACKS:
            steps = [(code, str(one.title)) for code, one in sheet.steps(track).items()]
            self.fields[track] = forms.ChoiceField(
                label=TITLES[track], required=False, choices=[("", AS_RULED), *steps]
            )
        self.order_fields([*TRACKS, "reason", "until", "words"])


def tab(here: Here, record: Record, seen: Sight) -> dict[str, Any]:
    """What the tab shows, for who may read the record. Raises Forbidden."""
    access.require(here.actor, timeline.ACTION, record.placement, here.now)
    if packs.in_force().classes is None:
        return {}
    shown = class_reading.of(record, seen, here.now)
    may = access.may(here.actor, classes.CORRECT, record.placement, here.now).allowed
    by = here.staff.people.get(shown.correction.by) if shown.correction and shown.correction.by else None
    return {
        "stands": shown,
        "corrected_by": by.name if by else "",
        "may_correct": may and not record.placement.gone,
    }


@require_http_methods(["GET", "POST"])
@signed_in
def correct(request: HttpRequest, here: Here, resident_id: UUID) -> HttpResponse:
    """Say another class or tier, why, and until when."""
    stands, permission = resident.allowed(here, resident_id, classes.CORRECT)
    back = f"/residents/{stands.resident}?tab={TAB}"
    seq = classes.of(Record(stands.resident), here.now).seq
    form = CorrectForm(request.POST or None, initial={"seq": seq})
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            classes.correct(
                here.actor, stands.resident, {track: said[track] for track in TRACKS}, reason=said["reason"],
                until=said["until"], words=said["words"], seq=said["seq"], at=here.now,
            )  # fmt: skip
            return page.done(request, "已更正分类分级", back)
        except (Invalid, Conflict) as refused:
            page.refused_in(form, refused)
    page.seen(here, "read.form", [stands.subject], **permission.line)
    told = {
        "form": form, "title": f"更正分类分级：{resident.card_of(stands).name}", "press": "更正",
        "sub": "没有选的仍按规则；到期后全部按规则。升到“高”会开始双轨评估。",
        "place": "residents", "back": back, "action": f"/residents/{stands.resident}/class/correct",
    }  # fmt: skip
    return page.ask(request, here, told)


@require_POST
@signed_in
def uncorrect(request: HttpRequest, here: Here, resident_id: UUID) -> HttpResponse:
    stands, _ = resident.allowed(here, resident_id, classes.CORRECT)
    classes.uncorrect(here.actor, stands.resident, here.now)
    return page.done(request, "已撤销更正，按规则判定", f"/residents/{stands.resident}?tab={TAB}")
