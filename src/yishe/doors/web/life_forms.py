"""Forms of a life: growth of a child, body and laboratory, answers that risk asks for, vaccinations."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms

from yishe.care import conditions, encounters, immunizations, lives, observations
from yishe.care.growth import LYING, STANDING
from yishe.doors.web.entry_form import Entry
from yishe.doors.web.page import Here
from yishe.doors.web.schedule_forms import PregnancyForm, VisitForm
from yishe.people import packs
from yishe.policy.sheets import Quantity

RECORDING = {
    "immunization": (immunizations.ACTION, "接种"),
    "growth": (observations.ACTION, "儿童体格"),
    "body": (observations.ACTION, "体格与化验"),
    "answers": (observations.ACTION, "风险问答"),
    "visit": (encounters.ACTION, "检查或访视"),
    "pregnancy": (conditions.ACTION, "孕产情况"),
}
TABS = {
    "immunization": "vaccines",
    "growth": "growth",
    "body": "risks",
    "answers": "risks",
    "visit": "schedule",
    "pregnancy": "schedule",
}


class Measures(Entry):
    """Any of some quantities, each a measurement of its own."""

    taken: tuple[str, ...] = ()
    repeated = forms.BooleanField(
        label="已复测", required=False, help_text="数值少见时，复测后仍是这样再勾。"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        quantities = packs.in_force().bounds_by_date.values[-1]
        for name in self.taken:
            self.fields[name] = forms.CharField(label=_label(quantities[name]), required=False, max_length=20)
        self.order_fields([*self.taken, *self.also, "repeated", "occurred"])

    also: tuple[str, ...] = ()

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not any(given.get(name) for name in self.taken):
            raise forms.ValidationError("一个数也没有填：至少填一项。")
        return given

    def context(self, name: str) -> str:
        """The circumstances of one quantity; none unless a form knows some."""
        return ""

    def write(self, here: Here, about: UUID, command: str) -> None:
        for name in self.taken:
            if self.given(name):
                observations.record(
                    here.actor,
                    about,
                    kind=name,
                    values={name: self.given(name)},
                    context=self.context(name),
                    repeated=bool(self.given("repeated")),
                    occurred_at=self.when(),
                    at=here.now,
                    command_id=f"{command}:{name}",
                )


def _label(quantity: Quantity) -> str:
    return f"{quantity.title}（{quantity.shown}）"


class GrowthForm(Measures):
    taken = ("child_weight", "child_length", "head", "gestation")
    also = ("posture",)
    posture = forms.ChoiceField(
        label="身长怎么量的",
        required=False,
        choices=[("", "按年龄（2 岁前卧位，2 岁起立位）"), (LYING, "卧位"), (STANDING, "立位")],
    )

    def context(self, name: str) -> str:
        return self.given("posture") or "" if name == "child_length" else ""


class BodyForm(Measures):
    taken = ("height", "waist", "cholesterol", "ldl", "hdl", "triglycerides", "creatinine", "glucose")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["glucose"].label = f"空腹{self.fields['glucose'].label}"

    def context(self, name: str) -> str:
        return "fasting" if name == "glucose" else ""


class AnswersForm(Entry):
    """Yes, no, or not known: what is not known is not written down."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, one in packs.in_force().life.inputs.items():
            if one.question:
                self.fields[name] = forms.ChoiceField(
                    label=str(one.question),
                    required=False,
                    choices=[("", "不知道"), ("1", "是"), ("0", "否")],
                )
        self.order_fields([*(name for name in self.fields if name != "occurred"), "occurred"])

    def answered(self) -> Mapping[str, str]:
        return {name: value for name, value in self.cleaned_data.items() if name != "occurred" and value}

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not any(value for name, value in given.items() if name != "occurred"):
            raise forms.ValidationError("一个问题也没有答：至少答一项，不知道的留空。")
        return given

    def write(self, here: Here, about: UUID, command: str) -> None:
        observations.record(
            here.actor,
            about,
            kind=observations.ANSWERS,
            values=self.answered(),
            occurred_at=self.when(),
            at=here.now,
            command_id=command,
        )


class ImmunizationForm(forms.Form):
    """A dose given on a day, or why it is not given."""

    vaccine = forms.ChoiceField(label="疫苗")
    on = forms.DateField(
        label="接种日期",
        required=False,
        help_text="不填就是今天。",
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    batch = forms.CharField(label="批号", required=False, max_length=60)
    reason = forms.ChoiceField(label="没有接种的原因", required=False)
    until = forms.DateField(
        label="暂缓到",
        required=False,
        help_text="长期不宜的留空。",
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    remark = forms.CharField(label="说明", required=False, max_length=500)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sheet = packs.in_force().life.vaccines
        given = [(code, str(one.title)) for code, one in sheet.vaccines.items()] if sheet else []
        held = [(code, str(one.title)) for code, one in sheet.holds.items()] if sheet else []
        self.fields["vaccine"].choices = given  # type: ignore[attr-defined]
        self.fields["reason"].choices = [("", "已接种"), *held]  # type: ignore[attr-defined]

    def when(self, now: datetime) -> datetime | None:
        """Noon of the day; None for today."""
        on = self.cleaned_data.get("on")
        return lives.earlier(on, now) if on else None

    def write(self, here: Here, about: UUID, command: str) -> None:
        immunizations.record(
            here.actor,
            about,
            vaccine=self.cleaned_data["vaccine"],
            reason=self.cleaned_data["reason"],
            until=self.cleaned_data["until"],
            batch=self.cleaned_data["batch"],
            remark=self.cleaned_data["remark"],
            occurred_at=self.when(here.now),
            at=here.now,
            command_id=command,
        )


FORMS: dict[str, type[Any]] = {
    "visit": VisitForm,
    "pregnancy": PregnancyForm,
    "immunization": ImmunizationForm,
    "growth": GrowthForm,
    "body": BodyForm,
    "answers": AnswersForm,
}
