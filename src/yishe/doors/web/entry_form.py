"""What every form of 记一笔 has."""

from datetime import datetime
from typing import Any

from django import forms

from yishe.people import packs


def book(*names: str) -> list[tuple[str, str]]:
    """A code book of the pack as choices; the first of the names that the pack has."""
    codes = packs.in_force().codes
    found = next((codes[name] for name in names if name in codes), {})
    return [(code, str(words)) for code, words in found.items()]


class Entry(forms.Form):
    """What every entry has: when it happened, if not now."""

    occurred = forms.DateTimeField(
        label="发生时间",
        required=False,
        help_text="不填就是现在。",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def given(self, name: str) -> Any:
        return self.cleaned_data.get(name)

    def when(self) -> datetime | None:
        return self.cleaned_data.get("occurred")
