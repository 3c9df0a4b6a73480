"""The form of each verb, made from the kind the loop was opened under; a new kind needs nothing here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from django import forms

from yishe.doors.web import spoken, wording
from yishe.policy.loop_kinds import LoopKind
from yishe.policy.loop_state import LoopState
from yishe.policy.loop_table import table
from yishe.policy.loop_words import OTHER, STATEMENT, codes

NOTE_LABELS = {
    "decline": "为什么退回、应找谁",
    "ask_more": "请对方补充什么",
    "supply": "补充的情况",
    "complete": "做了什么、结果怎样",
    "fail": "试过什么、卡在哪里",
    "note": "进展",
    "heard": "居民或家属的原话",
    "cancel": "说明",
    "hold": "说明",
    "confirm": "说明",
    "refer_on": "给下一位的话",
    "reopen": "还差什么",
    "hand_over": "交接要点",
    "void": "说明",
    "accept": "附言",
    "start": "联系情况",
}
NEW_NOTE = "service_note:new"
FEW = 12
"""Up to so many choices all stand open; more go into a list."""
EVENING = time(17, 0)


@dataclass(frozen=True)
class Setting:
    """What the form needs to know: the loop, its kind, colleagues who may take it, records that may prove it."""

    loop: LoopState
    kind: LoopKind
    verb: str
    colleagues: Sequence[tuple[str, str]] = ()
    records: Sequence[tuple[str, str]] = ()
    latest_hold: date | None = None
    extra: Mapping[str, str] = field(default_factory=dict)


class VerbForm(forms.Form):
    """Only the fields this verb needs in this state."""

    def __init__(self, setting: Setting, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.setting = setting
        needs = needed(setting)
        if "reason" in needs:
            self.fields["reason"] = _choice("原因", codes(setting.kind, setting.verb))
        if setting.verb == "complete":
            self.fields["outcome"] = _choice("结果", by_hand(setting.kind))
        if setting.verb == "heard":
            self.fields["outcome"] = _choice("有没有用", wording.HEARD)
            self.fields["said_by"] = _choice("谁说的", {"resident": "居民本人", "proxy": "家属代述"})
        if setting.verb in ("hand_over", "refer_on"):
            self.fields["to"] = _receiver(setting)
        if setting.verb == "hold":
            self.fields["until"] = _date("到哪天恢复", setting.latest_hold)
        self.fields["note"] = _note(setting.verb, "note" in needs or setting.verb == "complete")
        if setting.verb == "complete" and setting.kind.evidence:
            self.fields["evidence"] = _evidence(setting)

    def said(self) -> dict[str, Any]:
        """The command's arguments for `loops.acts.act`."""
        given = self.cleaned_data
        found: dict[str, Any] = {"note": given.get("note", "")}
        for name in ("reason", "outcome", "said_by"):
            if given.get(name):
                found[name] = given[name]
        if given.get("to"):
            found["to"] = UUID(given["to"])
        if given.get("until"):
            found["until"] = datetime.combine(given["until"], EVENING, spoken.SHANGHAI)
        return found

    def evidence(self) -> list[dict[str, str]]:
        """(type, id) of what proves the result; the note still to be written is left to the caller."""
        chosen = [one.partition(":") for one in self.cleaned_data.get("evidence", []) if one != NEW_NOTE]
        return [{"type": kind, "id": about} if about else {"type": kind} for kind, _, about in chosen]

    @property
    def keeps_note(self) -> bool:
        return NEW_NOTE in self.cleaned_data.get("evidence", [])


def by_hand(kind: LoopKind) -> dict[str, Any]:
    """Outcomes a person may write back: those proven by the system alone are reached by doing the thing."""
    required = kind.evidence_required
    return {
        code: words
        for code, words in kind.outcomes.items()
        if not set(required.by_outcome.get(code, ())) & set(required.ours)
    }


def needed(setting: Setting) -> frozenset[str]:
    """What the table says the verb needs from here."""
    here = "closed" if setting.loop.closed_at else setting.loop.state
    found = [edge for edge in table().leaving(here) if edge.verb == setting.verb and edge.for_people]
    return frozenset(need for edge in found for need in edge.needs)


def _choice(label: str, words: Mapping[str, Any]) -> forms.ChoiceField:
    choices = sorted(((code, str(said)) for code, said in words.items()), key=lambda one: one[0] == OTHER)
    widget = forms.RadioSelect if len(choices) <= FEW else forms.Select
    return forms.ChoiceField(
        label=label, choices=choices if len(choices) <= FEW else [("", "请选择"), *choices], widget=widget
    )


def _receiver(setting: Setting) -> forms.ChoiceField:
    if setting.verb == "refer_on":
        choices = [("", "由系统按规则找人"), *setting.colleagues]
        return forms.ChoiceField(label="转给谁", choices=choices, required=False)
    return forms.ChoiceField(label="转给谁", choices=[("", "请选择"), *setting.colleagues])


def _date(label: str, latest: date | None) -> forms.DateField:
    shown = forms.DateInput(
        attrs={"type": "date", **({"max": latest.isoformat()} if latest else {})}, format="%Y-%m-%d"
    )
    return forms.DateField(label=label, widget=shown, help_text=f"最晚 {latest:%Y-%m-%d}。" if latest else "")


def _note(verb: str, required: bool) -> forms.CharField:
    label = NOTE_LABELS.get(verb, "说明")
    return forms.CharField(
        label=label, required=required, max_length=4000, widget=forms.Textarea(attrs={"rows": 4})
    )


def _evidence(setting: Setting) -> forms.MultipleChoiceField:
    """Records already made here first, then the kinds of proof the pack knows."""
    wanted = set(setting.kind.evidence_required.complete)
    choices = list(setting.records)
    initial = []
    if "service_note" in setting.kind.evidence:
        choices.insert(0, (NEW_NOTE, "把上面写的存为一条服务记录"))
        initial = [NEW_NOTE]
    hidden = {STATEMENT, *setting.kind.evidence_required.ours}
    plain = {code: str(words) for code, words in setting.kind.evidence.items() if code not in hidden}
    choices += [
        (code, words if words.endswith("录") else f"{words}（纸质或另存）") for code, words in plain.items()
    ]
    names = "、".join(str(setting.kind.evidence.get(code, code)) for code in wanted if code != STATEMENT)
    return forms.MultipleChoiceField(
        label="依据",
        choices=choices,
        required=False,
        initial=initial,
        widget=forms.CheckboxSelectMultiple,
        help_text=f"必须有：{names}。" if names and STATEMENT not in wanted else "有什么可以证明的，勾上。",
    )
