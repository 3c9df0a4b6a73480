"""The form of a consent, made from the matter the pack declares; a new matter needs nothing here."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms

from yishe.care import lives
from yishe.doors.web.page import Here
from yishe.people import consent_checks, packs
from yishe.people.consent_checks import Yes
from yishe.policy.consent_rules import ConsentKind
from yishe.policy.pack_fields import Words

DATE = forms.DateInput(attrs={"type": "date"})
Choices = list[tuple[str, str]]


@dataclass(frozen=True)
class People:
    """Who may be chosen: witnesses, and whom the matter may name."""

    witnesses: Choices = field(default_factory=list)
    named: Choices = field(default_factory=list)


def people(here: Here, kind: ConsentKind, centre: UUID) -> People:
    """Colleagues of the centre as witnesses; volunteers, partners, or colleagues who are relatives as named."""
    staff = sorted(
        (one for one in here.staff.people.values() if centre in one.centres(here.now)),
        key=lambda one: one.name,
    )
    witnesses = [(str(one.id), one.name) for one in staff if one.id != here.actor.staff_id]
    if kind.about == "partner":
        return People(witnesses, [(str(unit.id), unit.name) for unit in here.staff.units("partner")])
    if kind.about == "volunteer":
        helping = [one for one in here.staff.people.values() if "volunteer" in one.duties(here.now)]
        return People(witnesses, [(str(one.id), one.name) for one in helping])
    return People(witnesses, witnesses if kind.about == "relative" else [])


class ConsentForm(forms.Form):
    """Who agrees and how, whom it names, what it opens, for how long: only what the matter needs."""

    def __init__(
        self, kind: ConsentKind, around: People, *args: Any, own: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.kind, self.own = kind, own
        self._whom(around)
        if kind.purposes:
            self.fields["purpose"] = forms.ChoiceField(
                label="用途", choices=_said(kind.purposes), widget=forms.RadioSelect
            )
        if kind.scopes:
            self.fields["scope"] = forms.MultipleChoiceField(
                label="同意的内容", choices=_said(kind.scopes), widget=forms.CheckboxSelectMultiple,
                help_text="只勾居民同意的；没有勾的，对方看不到。",
            )  # fmt: skip
        if not own:
            self._how(around)
        longest = f"最长 {kind.longest.zh}，不填就到那一天。" if kind.longest else "不填就到撤回为止。"
        self.fields["until"] = forms.DateField(
            label="到哪一天为止", required=False, widget=DATE, help_text=longest
        )

    def _whom(self, around: People) -> None:
        about = self.kind.about
        if about in ("partner", "volunteer"):
            label = "哪一家合作单位" if about == "partner" else "哪一位志愿者"
            self.fields["grantee"] = forms.ChoiceField(label=label, choices=[("", "请选择"), *around.named])
        if about != "relative":
            return
        self.fields["relative_name"] = forms.CharField(label="家属姓名", required=self.own, max_length=60)
        self.fields["relative_phone"] = forms.CharField(
            label="家属电话", required=self.own, max_length=20, help_text="家属用这个电话登录自己的账号。"
        )
        self.fields["kinship"] = forms.ChoiceField(label="是居民的", choices=[("", "请选择"), *_kinships()])
        if not self.own:
            self.fields["grantee"] = forms.ChoiceField(
                label="家属就在本中心工作", required=False, choices=[("", "不是"), *around.named],
                help_text="选了这一项，上面的姓名和电话不用填。",
            )  # fmt: skip

    def _how(self, around: People) -> None:
        sheet = packs.in_force().consents
        ways = [(code, str(way.title)) for code, way in sheet.ways.items() if code != consent_checks.ONLINE]
        self.fields["given_by"] = forms.ChoiceField(
            label="由谁同意", choices=_said(sheet.givers), widget=forms.RadioSelect, initial="resident"
        )
        self.fields["giver_name"] = forms.CharField(
            label="监护人或受委托人姓名", required=False, max_length=60, help_text="本人同意时不填。"
        )
        self.fields["giver_kinship"] = forms.ChoiceField(
            label="他是居民的", required=False, choices=[("", "本人同意时不选"), *_kinships()]
        )
        self.fields["incapable"] = forms.BooleanField(
            label="居民不能辨认自己的行为，由监护人同意", required=False
        )
        self.fields["how"] = forms.ChoiceField(label="怎样同意的", choices=ways, widget=forms.RadioSelect)
        self.fields["witness"] = forms.ChoiceField(
            label="见证的同事", required=False, choices=[("", "没有"), *around.witnesses]
        )
        self.fields["witness_name"] = forms.CharField(
            label="或见证人姓名", required=False, max_length=60, help_text="口头同意时要有见证人。"
        )

    def yes(self, basis: str, sha256: str) -> Yes:
        """What was said."""
        given = self.cleaned_data
        plain = {
            name: given.get(name) or ""
            for name in (
                "giver_name", "giver_kinship", "witness_name", "purpose", "relative_name", "relative_phone", "kinship",
            )
        }  # fmt: skip
        return Yes(
            basis=basis, sha256=sha256, given_by=given.get("given_by") or consent_checks.RESIDENT,
            how=given.get("how") or consent_checks.ONLINE, witness=_id(given.get("witness")),
            incapable=bool(given.get("incapable")), scope=tuple(given.get("scope") or ()),
            grantee=_id(given.get("grantee")), until=_end_of(given.get("until")), **plain,
        )  # fmt: skip


def _said(book: dict[str, Words]) -> Choices:
    return [(code, str(words)) for code, words in book.items()]


def _kinships() -> Choices:
    return [(code, str(words)) for code, words in packs.in_force().codes["kinship"].items() if code != "0"]


def _id(text: str | None) -> UUID | None:
    return UUID(text) if text else None


def _end_of(day: Any) -> datetime | None:
    """The end of that day in Shanghai."""
    return lives.begins(day + timedelta(days=1)) if day else None
