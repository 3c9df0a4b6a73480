"""撤销导入: what a workbook brought in is taken back whole, as far as nothing was built upon it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from yishe.care import past_undo
from yishe.care.past_undo import Undone
from yishe.doors.web import page
from yishe.doors.web.page import Here, signed_in
from yishe.people import packs, placements
from yishe.people.cards import cards
from yishe.people.models import ImportRun


class UndoForm(forms.Form):
    """Why it is taken back."""

    reason = forms.ChoiceField(label="原因", widget=forms.RadioSelect)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reasons = past_undo.rule().reasons
        self.fields["reason"].choices = [(code, str(words)) for code, words in reasons.items()]  # type: ignore[attr-defined]


@require_http_methods(["GET", "POST"])
@signed_in
def undo(request: HttpRequest, here: Here, run: UUID) -> HttpResponse:
    """What would go and what would stay; then what went and what stayed, with why."""
    row = past_undo.found(here.actor, run, here.now)
    form = UndoForm(request.POST if request.method == "POST" else None)
    acted = request.method == "POST" and form.is_valid()
    if acted:
        found = past_undo.undo(here.actor, run, form.cleaned_data["reason"], here.now)
    else:
        found = past_undo.preview(here.actor, run, here.now)
    rows = _rows(found)
    page.seen(here, "read.import_run", [one["subject"] for one in rows])
    told = {
        "place": "import", "form": form, "acted": acted, "run": line(row), "rows": rows,
        "gone": sum(not one.refusal for one in found), "stay": sum(bool(one.refusal) for one in found),
    }  # fmt: skip
    return page.show(request, here, "import_undo.html", told, status=422 if form.errors else 200)


def line(row: ImportRun) -> dict[str, Any]:
    """An import as a line of a list."""
    kind = packs.in_force().imports.past[row.kind]  # type: ignore[index]
    return {
        "id": row.id, "file": row.file_name, "kind": str(kind.title), "at": row.started_at,
        "created": row.counts.get("created", 0),
    }  # fmt: skip


def _rows(found: Sequence[Undone]) -> list[dict[str, Any]]:
    stands = {one.resident: placements.placed(one.resident).subject for one in found}
    shown = cards(stands.values())
    return [
        {"sheet": one.sheet, "number": one.number, "resident": one.resident, "subject": stands[one.resident],
         "name": shown[stands[one.resident]].masked_name if stands[one.resident] in shown else "",
         "refusal": one.refusal, "hint": one.hint}
        for one in sorted(found, key=lambda one: (not one.refusal, one.sheet, one.number))
    ]  # fmt: skip
