"""记一笔: service notes, encounters, measurements, medicines, conditions. Small forms; the care room decides."""

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse

from yishe.care import conditions, encounters, medications, notes, observations
from yishe.doors.web import alongside, life_forms, page, pressing, resident, spoken
from yishe.doors.web.entry_form import Entry, book
from yishe.doors.web.page import Here, signed_in
from yishe.people import packs
from yishe.policy.refusals import Conflict, Invalid

LONG = forms.Textarea(attrs={"rows": 4})


TAKEN = {
    observations.BP: observations.TOGETHER[observations.BP],
    "glucose": ("glucose",),
    "weight": ("weight",),
}
"""What the short form of measurements asks for."""


class NoteForm(Entry):
    stage = forms.ChoiceField(label="阶段")
    method = forms.ChoiceField(label="方式", required=False)
    minutes = forms.IntegerField(label="用时（分钟）", required=False, min_value=1, max_value=1440)
    text = forms.CharField(label="做了什么、看到什么、下一步", widget=LONG)
    restricted = forms.CharField(
        label="心理会谈内容",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="只有您和规则允许的专业能看到。",
    )
    label = forms.ChoiceField(
        label="涉及受保护的内容",
        required=False,
        help_text="选了，整条记录只给规则允许的专业看；不涉及就不选。",
    )
    field_order = ("stage", "method", "minutes", "text", "label", "restricted", "occurred")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["stage"].choices = book("service_stage", "case_stages")  # type: ignore[attr-defined]
        self.fields["method"].choices = [("", "不填"), *book("service_method", "contact_ways")]  # type: ignore[attr-defined]
        labels = packs.in_force().access.labels
        self.fields["label"].choices = [("", "不涉及"), *labels.items()]  # type: ignore[attr-defined]

    def write(self, here: Here, about: UUID, command: str) -> None:
        notes.record(
            here.actor,
            about,
            stage=self.given("stage"),
            text=self.given("text"),
            restricted=self.given("restricted") or "",
            method=self.given("method") or "",
            minutes=self.given("minutes"),
            label=self.given("label") or "",
            occurred_at=self.when(),
            at=here.now,
            command_id=command,
        )


class EncounterForm(Entry):
    kind = forms.ChoiceField(label="方式")
    summary = forms.CharField(label="主诉、发现、处理", widget=LONG)
    diagnoses = forms.CharField(
        label="诊断",
        required=False,
        help_text="每行一个：编码 名称，例如 I10 高血压。",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    field_order = ("kind", "summary", "diagnoses", "occurred")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = book("encounter_kind", "contact_ways")  # type: ignore[attr-defined]

    def clean_diagnoses(self) -> list[tuple[str, str]]:
        pairs = []
        for line in (self.cleaned_data["diagnoses"] or "").splitlines():
            code, _, title = line.strip().partition(" ")
            if code:
                pairs.append((code, title.strip() or code))
        return pairs

    def write(self, here: Here, about: UUID, command: str) -> None:
        encounters.record(
            here.actor,
            about,
            kind=self.given("kind"),
            summary=self.given("summary"),
            diagnoses=self.given("diagnoses"),
            occurred_at=self.when(),
            at=here.now,
            command_id=command,
        )


class ObservationForm(Entry):
    sbp = forms.CharField(label="收缩压（mmHg）", required=False)
    dbp = forms.CharField(label="舒张压（mmHg）", required=False)
    glucose = forms.CharField(label="血糖（mmol/L）", required=False)
    weight = forms.CharField(label="体重（kg）", required=False)
    repeated = forms.BooleanField(
        label="已复测", required=False, help_text="数值少见时，复测后仍是这样再勾。"
    )
    field_order = ("sbp", "dbp", "glucose", "weight", "repeated", "occurred")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not any(given.get(name) for names in TAKEN.values() for name in names):
            raise forms.ValidationError("一个数也没有填：填血压、血糖或体重中的一种。")
        return given

    def write(self, here: Here, about: UUID, command: str) -> None:
        for kind, names in TAKEN.items():
            values = {name: self.given(name) for name in names if self.given(name)}
            if values:
                observations.record(
                    here.actor,
                    about,
                    kind=kind,
                    values=values,
                    repeated=bool(self.given("repeated")),
                    occurred_at=self.when(),
                    at=here.now,
                    command_id=f"{command}:{kind}",
                )


class MedicationForm(Entry):
    action = forms.ChoiceField(
        label="变更",
        choices=[("start", "加用"), ("change", "调整"), ("stop", "停用")],
        widget=forms.RadioSelect,
    )
    drug = forms.CharField(label="药名", help_text="与在用清单写法一致。")
    dose = forms.CharField(label="剂量", required=False, help_text="例如 5mg。加用和调整时填写。")
    frequency = forms.CharField(label="用法", required=False, help_text="例如 每日一次。")
    reason = forms.CharField(
        label="原因", required=False, help_text="调整和停用必须写明；责任社工会据此调整健康管理计划。"
    )
    field_order = ("action", "drug", "dose", "frequency", "reason", "occurred")

    def write(self, here: Here, about: UUID, command: str) -> None:
        medications.record(
            here.actor,
            about,
            action=self.given("action"),
            drug=self.given("drug"),
            dose=self.given("dose") or "",
            frequency=self.given("frequency") or "",
            reason=self.given("reason") or "",
            occurred_at=self.when(),
            at=here.now,
            command_id=command,
        )


class ConditionForm(Entry):
    kind = forms.ChoiceField(
        label="类别",
        choices=[("disease", "疾病"), ("allergy", "过敏"), ("social", "社会情况")],
        widget=forms.RadioSelect,
    )
    title = forms.CharField(label="名称")
    code = forms.CharField(label="编码", required=False, help_text="疾病可填 ICD-10。")
    remark = forms.CharField(label="说明", required=False)
    field_order = ("kind", "title", "code", "remark", "occurred")

    def write(self, here: Here, about: UUID, command: str) -> None:
        conditions.record(
            here.actor,
            about,
            kind=self.given("kind"),
            title=self.given("title"),
            code=self.given("code") or "",
            remark=self.given("remark") or "",
            occurred_at=self.when(),
            at=here.now,
            command_id=command,
        )


FORMS: dict[str, type[Any]] = {
    "note": NoteForm,
    "encounter": EncounterForm,
    "observation": ObservationForm,
    "medication": MedicationForm,
    "condition": ConditionForm,
    **life_forms.FORMS,
}
SEEING = ("encounter", "note", "observation", "medication", "immunization", "visit", "growth")
"""Entries made while she is there."""
TABS = {"observation": "observations", "medication": "medicines", "condition": "about", **life_forms.TABS}


@signed_in
def choose(request: HttpRequest, here: Here, resident_id: UUID) -> HttpResponse:
    """Which kind of entry; only those this person may make."""
    stands, _ = resident.allowed(here, resident_id)
    told = {"kinds": resident.recordable(here, stands), "resident": stands.resident, "place": "residents"}
    return page.show(request, here, "record.html", told)


@signed_in
def record(request: HttpRequest, here: Here, resident_id: UUID, kind: str) -> HttpResponse:
    """The form of one kind, and its writing. A refusal comes back into the form with what was typed."""
    if kind not in FORMS:
        raise Invalid("kind_unknown", "没有这一类记录：请从“记一笔”里选择。")
    action, words = resident.RECORDING[kind]
    stands, _ = resident.allowed(here, resident_id, action)
    command = pressing.command(request)
    form = FORMS[kind](request.POST or None, initial=_initial(request))
    back = f"/residents/{stands.resident}?tab={TABS.get(kind, 'timeline')}"
    if request.method == "POST" and form.is_valid():
        try:
            form.write(here, stands.resident, command)
            return page.done(request, f"已记下{words}", back)
        except (Invalid, Conflict) as refused:
            page.refused_in(form, refused)
    card = resident.card_of(stands)
    page.seen(here, "read.form", [stands.subject])
    told = {
        "form": form, "title": f"{words}：{card.name}", "sub": spoken.sex(card.sex) + " " + spoken.age(card.birth_date, here.now),
        "action": f"/residents/{stands.resident}/record/{kind}", "press": "记下", "hidden": {"command_id": command},
        "place": "residents", "back": back,
        "near": alongside.address(stands.resident, kind) if kind in SEEING else "",
    }  # fmt: skip
    return page.ask(request, here, told)


def _initial(request: HttpRequest) -> dict[str, str]:
    return {
        name: request.GET[name]
        for name in ("action", "drug", "dose", "frequency", "vaccine", "visit")
        if name in request.GET
    }
