"""Forms of a life's schedule: a visit that was made, and a pregnancy from its beginning to its end."""

from datetime import date
from typing import Any
from uuid import UUID

from django import forms

from yishe.care import pregnancies, schedules
from yishe.care.pregnancies import Once
from yishe.doors.web.entry_form import Entry, book
from yishe.doors.web.page import Here
from yishe.people import packs

LOST = "妊娠结束（无活产）"
STEPS = {"begin": "怀孕（按末次月经）", "risk": "高危妊娠（按末次月经）", "deliver": "已分娩", "lose": LOST}


class VisitForm(Entry):
    """Which visit of the schedule it was, how, and what was found."""

    visit = forms.ChoiceField(label="哪一项")
    how = forms.ChoiceField(label="方式")
    summary = forms.CharField(label="看到什么、怎样指导", widget=forms.Textarea(attrs={"rows": 4}))
    field_order = ("visit", "how", "summary", "occurred")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [
            (str(one.title), [(f"{code}.{name}", str(visit.title)) for name, visit in one.visits.items()])
            for code, one in packs.in_force().life.schedules.items()
            if one.status == "approved"
        ]
        self.fields["visit"].choices = known  # type: ignore[attr-defined]
        self.fields["how"].choices = book("encounter_kind", "contact_ways")  # type: ignore[attr-defined]

    def write(self, here: Here, about: UUID, command: str) -> None:
        schedules.record(
            here.actor, about, visit=self.given("visit"), how=self.given("how"), summary=self.given("summary"),
            occurred_at=self.when(), at=here.now, command_id=command,
        )  # fmt: skip


class PregnancyForm(forms.Form):
    """What happened, and its day."""

    step = forms.ChoiceField(label="情况", choices=list(STEPS.items()))
    on = forms.DateField(
        label="日期", widget=forms.DateInput(attrs={"type": "date"}),
        help_text="怀孕填末次月经第一天；分娩或结束填当天。再填一次就是更正。",
    )  # fmt: skip

    def write(self, here: Here, about: UUID, command: str) -> None:
        step, on, once = self.cleaned_data["step"], self.cleaned_data["on"], Once(command)
        if step in ("begin", "risk"):
            self._begun(here, about, on, once, high_risk=step == "risk")
        else:
            ended = pregnancies.deliver if step == "deliver" else pregnancies.lose
            ended(here.actor, about, on=on, at=here.now, once=once)

    @staticmethod
    def _begun(here: Here, about: UUID, on: date, once: Once, *, high_risk: bool) -> None:
        pregnancies.begin(here.actor, about, last_period=on, at=here.now, once=once, high_risk=high_risk)
