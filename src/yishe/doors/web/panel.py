"""我的名册: who is owed what and by when; narrowed, paged, and as a workbook."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.validators import MinValueValidator
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from yishe.care import entries, owed_together
from yishe.care.class_stream import AS_FACTS
from yishe.doors import limits
from yishe.doors.web import faces, page, spoken, year_lines
from yishe.doors.web.page import Here, signed_in
from yishe.insight import exports, followups_export, fulfilment, panel, panel_export
from yishe.insight.panel import Row, Wanted
from yishe.people import directory
from yishe.policy.refusals import Invalid
from yishe.trust import ids

PAGE = 50
OLDEST = 130
DEEDS = {
    "assign": "交给同事办", "remind": "催办", "plan": "约定日期", "renew": "发起续约", "print": "打印通知单",
}  # fmt: skip
"""What may be done for several at once (`panel_batch`)."""


class PanelForm(forms.Form):
    """How the panel is narrowed."""

    service = forms.ChoiceField(label="欠什么", required=False)
    duty = forms.ChoiceField(label="谁该做", required=False)
    package = forms.ChoiceField(label="服务包", required=False)
    trait = forms.ChoiceField(label="疾病", required=False)
    place = forms.ChoiceField(label="社区", required=False)
    resident_class = forms.ChoiceField(label="分类", required=False)
    medical = forms.ChoiceField(label="医疗分级", required=False)
    social = forms.ChoiceField(label="社会分级", required=False)
    aged_from = forms.IntegerField(label="满多少岁", required=False, min_value=0, max_value=OLDEST)
    aged_to = forms.IntegerField(label="不满多少岁", required=False, min_value=0, max_value=OLDEST)
    quiet_since = forms.DateField(
        label="自哪天起没联系过",
        required=False,
        validators=[MinValueValidator(entries.EARLIEST.date(), "请填 1900 年以后的日期。")],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, here: Here, given: Any) -> None:
        super().__init__(given)
        told = {
            "service": panel.services(), "duty": fulfilment.duties(), "package": panel.packages(),
            "trait": panel.diseases(), "place": _places(here),
            **{name: panel.steps(track) for name, track in AS_FACTS.items()},
        }  # fmt: skip
        for name, choices in told.items():
            chosen: Any = self.fields[name]
            chosen.choices = [("", "全部"), *choices.items()]

    def wanted(self, chosen: str) -> Wanted:
        """What was chosen, as far as it can be read; the form says what can not."""
        self.is_valid()
        given = self.cleaned_data
        return Wanted(
            chosen, given.get("service", ""), given.get("package", ""), given.get("trait", ""),
            ids.parse(given.get("place")), (given.get("aged_from"), given.get("aged_to")), given.get("quiet_since"),
            duty=given.get("duty", ""), **{name: given.get(name, "") for name in AS_FACTS},
        )  # fmt: skip

    def exactly(self, chosen: str) -> Wanted:
        """What was chosen, for what leaves the system or is done to everyone. Invalid when part of it cannot be read: without it
        more people would be meant."""
        wanted = self.wanted(chosen)
        if self.errors:
            names = "、".join(str(self.fields[name].label) for name in self.errors)
            raise Invalid(
                "filters",
                f"筛选条件“{names}”读不懂，没有办：请回到名册改好筛选再办。",
                field=next(iter(self.errors)),
            )
        return wanted

    @property
    def carried(self) -> dict[str, str]:
        """The filters that are set, as an address carries them."""
        return {name: str(value) for name, value in self.cleaned_data.items() if value not in ("", None)}


@signed_in
def show(request: HttpRequest, here: Here) -> HttpResponse:
    """The panel, late first."""
    form, chosen = PanelForm(here, request.GET), request.GET.get("set", panel.ALL)
    found = panel.page(here.actor, form.wanted(chosen), here.now, PAGE, request.GET.get("cursor"))
    carried = form.carried
    page.seen(
        here,
        "read.panel",
        [row.card.subject for row in found.rows],
        purpose=urlencode({"set": chosen, **carried})[:200],
    )
    told = {
        "place": "panel", "form": form, "set": chosen, "rows": [_row(here, one) for one in found.rows], "next": found.next,
        "count": found.counts[chosen], "narrowed": bool(carried), "carried": {"set": chosen, **carried},
        "sets": [(code, words, found.counts[code], urlencode({**carried, "set": code})) for code, words in panel.SETS.items()],
        "deeds": DEEDS, "most": owed_together.most(here.now),
        "may_export": exports.may(here.actor, panel_export.KIND, here.now),
    }  # fmt: skip
    return page.show(request, here, "panel.html", told)


@require_POST
@signed_in
def take_out(request: HttpRequest, here: Here) -> HttpResponse:
    """The list as a workbook; why it is taken out is asked and kept."""
    limits.take("export", here.actor.staff_id, here.now)
    wanted = PanelForm(here, request.POST).exactly(request.POST.get("set", panel.ALL))
    content = panel_export.panel_xlsx(here.actor, wanted, here.now, purpose=request.POST.get("purpose", ""))
    return page.attached(content, f"mingce-{spoken.local(here.now):%Y%m%d-%H%M}.xlsx")


@require_POST
@signed_in
def take_followups(request: HttpRequest, here: Here) -> HttpResponse:
    """The follow-ups of those the panel shows, of the last year, as a workbook."""
    limits.take("export", here.actor.staff_id, here.now)
    wanted = PanelForm(here, request.POST).exactly(request.POST.get("set", panel.ALL))
    content = followups_export.followups_xlsx(
        here.actor, wanted, here.now, purpose=request.POST.get("purpose", "")
    )
    return page.attached(content, f"suifang-{spoken.local(here.now):%Y%m%d-%H%M}.xlsx")


def _places(here: Here) -> dict[str, str]:
    """The neighbourhoods of the centres this person works in."""
    book, mine = directory.current(), here.actor.member.centres(here.now)
    found = [one for one in book.places.values() if one.centre in mine]
    return {str(one.id): one.name for one in sorted(found, key=lambda one: one.code)}


def _row(here: Here, one: Row) -> dict[str, Any]:
    card, sheet = one.card, panel.packages()
    place = here.staff.places.get(card.neighbourhood) if card.neighbourhood else None
    return {
        "id": card.resident, "name": card.name, "sex": spoken.sex(card.sex), "age": faces.age(card, here),
        "id_tail": card.id_tail, "phone_tail": card.phone[-4:], "fact": faces.fact(card),
        "place": place.name if place else "",
        "package": sheet.get(one.contract.package, one.contract.package) if one.contract else "",
        "until": one.contract.until if one.contract else None,
        "over": bool(one.contract and (one.contract.ended_at or (one.contract.until and one.contract.until <= _today(here)))),
        "next": year_lines.line(here, one.next) if one.next else None,
        "clock": _clock(here, one), "met": spoken.day(one.met, here.now) if one.met else "",
        "met_at": one.met,
    }  # fmt: skip


def _today(here: Here) -> date:
    return spoken.local(here.now).date()


def _clock(here: Here, one: Row) -> str:
    """逾期 12 天, 还剩 5 天, 12 月 3 日起."""
    if one.next is None:
        return ""
    today, owed = _today(here), one.next
    if owed.state == "coming":
        return f"{spoken.calendar_day(owed.starts, today)}起"
    return spoken.left(owed.due, today)
