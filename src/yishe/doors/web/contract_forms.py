"""The forms of a contract: who and where, which package, the health review, both signatures, its end; one contact kept."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django import forms

from yishe.care import agreements, contracts
from yishe.care.agreements import Signature
from yishe.care.contracts import Team
from yishe.care.signing import Sides
from yishe.people import packs
from yishe.policy.contract_rules import ContractSheet
from yishe.policy.unreachable import Unreachable

Choices = list[tuple[str, str]]
WORDS = forms.Textarea(attrs={"rows": 4})
MOMENT = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


def said(book: Iterable[tuple[str, Any]]) -> Choices:
    return [(code, str(words)) for code, words in book]


class WhoForm(forms.Form):
    """Where it is signed, and that the person in front of one is the person of the record."""

    way = forms.ChoiceField(label="在哪里签", widget=forms.RadioSelect)
    known = forms.BooleanField(label="已核对本人身份（证件或当面确认）")

    def __init__(self, sheet: ContractSheet, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["way"].choices = said(sheet.ways.items())  # type: ignore[attr-defined]


class PackageForm(forms.Form):
    """One of the approved packages, each with what it holds."""

    package = forms.ChoiceField(label="服务包", widget=forms.RadioSelect)

    def __init__(self, sheet: ContractSheet, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["package"].choices = packages(sheet)  # type: ignore[attr-defined]


class BatchForm(PackageForm):
    """For several people at once: where, and one package for all of them."""

    way = forms.ChoiceField(label="在哪里签", widget=forms.RadioSelect)

    def __init__(self, sheet: ContractSheet, *args: Any, **kwargs: Any) -> None:
        super().__init__(sheet, *args, **kwargs)
        self.fields["way"].choices = said(sheet.ways.items())  # type: ignore[attr-defined]


def packages(sheet: ContractSheet) -> Choices:
    """`基础包 · 0 元/年：健康评估 1 次、主动联系 1 次` for each that is approved."""
    found = []
    for code, one in sheet.packages.items():
        if one.status != "approved":
            continue
        fee = "费用由当地规定" if one.fee is None else f"{one.fee} 元/年"
        items = "、".join(f"{agreements.title(service)} {times} 次" for service, times in one.items.items())
        found.append((code, f"{one.title} · {fee}：{items}"))
    return found


class ReviewForm(forms.Form):
    """What the team found."""

    findings = forms.CharField(
        label="健康审核意见",
        widget=WORDS,
        max_length=4000,
        help_text="主要问题、正在用的药、是否适合所选服务包。",
    )


class SignForm(forms.Form):
    """Both sides, typed or drawn; a drawing comes as path data of the pad. `agreed`: the resident signed hers online."""

    signer = forms.ChoiceField(label="由谁签字", widget=forms.RadioSelect)
    resident_name = forms.CharField(label="居民一方签名（姓名）", max_length=60)
    resident_path = forms.CharField(required=False, widget=forms.HiddenInput, max_length=20_000)
    staff_name = forms.CharField(label="医护一方签名（姓名）", max_length=60)
    staff_path = forms.CharField(required=False, widget=forms.HiddenInput, max_length=20_000)

    def __init__(
        self, teams: Sequence[tuple[UUID, str]], *args: Any, agreed: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["signer"].choices = said(packs.in_force().consents.givers.items())  # type: ignore[attr-defined]
        for name in ("signer", "resident_name", "resident_path") if agreed else ():
            del self.fields[name]
        if teams:
            choices = [("", "请选择"), *((str(code), name) for code, name in teams)]
            self.fields["team"] = forms.ChoiceField(label="签约团队", choices=choices)

    def sides(self) -> Sides:
        given = self.cleaned_data
        hers = Signature(given["resident_name"], given["resident_path"]) if "signer" in given else None
        staff = Signature(given["staff_name"], given["staff_path"])
        return Sides(given.get("signer", ""), hers, staff)

    def team(self) -> Team:
        chosen = self.cleaned_data.get("team")
        return Team(UUID(chosen) if chosen else None)


class EndForm(forms.Form):
    """Why it ends."""

    reason = forms.ChoiceField(label="原因", widget=forms.RadioSelect)
    words = forms.CharField(label="说明", required=False, widget=WORDS, max_length=1000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ends = contracts.sheet_now().choosable
        self.fields["reason"].choices = said((code, one.title) for code, one in ends.items())  # type: ignore[attr-defined]


class TeamForm(forms.Form):
    """Which team answers from now on."""

    team = forms.ChoiceField(label="新的签约团队", widget=forms.RadioSelect)

    def __init__(self, teams: Sequence[tuple[UUID, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].choices = [(str(code), name) for code, name in teams]  # type: ignore[attr-defined]


class AttemptForm(forms.Form):
    """One attempt to reach her."""

    way = forms.ChoiceField(label="怎么联系的", widget=forms.RadioSelect)
    outcome = forms.ChoiceField(label="结果", widget=forms.RadioSelect)
    again_at = forms.DateTimeField(label="约好什么时候再打", required=False, widget=MOMENT)
    tried_at = forms.DateTimeField(
        label="什么时候联系的", required=False, widget=MOMENT, help_text="不填就是现在。"
    )
    note = forms.CharField(label="说明", required=False, max_length=1000, help_text="如谁接的、听说了什么。")

    def __init__(self, rule: Unreachable, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        book = packs.in_force().codes["encounter_kind"]
        self.fields["way"].choices = [(code, str(book[code])) for code in rule.ways]  # type: ignore[attr-defined]
        self.fields["outcome"].choices = said((code, one.title) for code, one in rule.outcomes.items())  # type: ignore[attr-defined]


class KeepForm(forms.Form):
    """One contact: what was done, how, and what is to be known of it."""

    services = forms.MultipleChoiceField(
        label="这次做了哪些",
        widget=forms.CheckboxSelectMultiple,
        help_text="一次接触可以算多项；当面随访也算一次主动联系。",
    )
    how = forms.ChoiceField(label="怎么做的", widget=forms.RadioSelect)
    summary = forms.CharField(label="情况", widget=WORDS, max_length=4000, help_text="测量、发现和下一步。")

    def __init__(self, owed: Choices, share: Iterable[str], *args: Any, **kwargs: Any) -> None:
        """`owed` can be ticked off; the ways are those of everything this person may keep."""
        super().__init__(*args, **kwargs)
        book = packs.in_force().codes["encounter_kind"]
        services = contracts.sheet_now().services
        ways = [way for code in share for way in services[code].how]
        self.fields["services"].choices = owed  # type: ignore[attr-defined]
        self.fields["how"].choices = [(code, str(book[code])) for code in sorted(set(ways))]  # type: ignore[attr-defined]
