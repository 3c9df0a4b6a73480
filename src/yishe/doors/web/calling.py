"""今日电话: one screen, one person after the other; what came of the call is two keys, and the next person is there."""

from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from yishe.care import attempts, calls, contacts, contracts, entries
from yishe.care.attempts import Told
from yishe.doors import limits
from yishe.doors.web import faces, page, pressing, resident, spoken
from yishe.doors.web.page import Here, signed_in
from yishe.insight import calls as list_of_calls
from yishe.insight import calls_export, exports
from yishe.insight.calls import MINE, NEVER, SCANNED, TEAM, Call, Calls, Owes
from yishe.people import access, protections
from yishe.policy.refusals import Conflict, Invalid
from yishe.trust import ids

WHOSE = {MINE: "我打", TEAM: "团队打"}
HOUR = "几点再打请写成 1530 或 15:30。"
FIELDS = {"outcome": "outcome", "services": "services", "again_at": "again"}
"""What a refusal calls a field of the form."""


class Hour(forms.TimeField):
    """1530, 15:30 or 15, as it is typed fastest."""

    def to_python(self, value: Any) -> Any:
        return super().to_python(str(value or "").replace("：", ":").strip())


class CallForm(forms.Form):
    """What came of one call. `again` is an hour of today, or of tomorrow when it has passed."""

    outcome = forms.ChoiceField(label="结果", widget=forms.RadioSelect)
    services = forms.MultipleChoiceField(
        label="接通了，这次算作", required=False, widget=forms.CheckboxSelectMultiple
    )
    note = forms.CharField(label="一句话", required=False, max_length=1000)
    again = Hour(
        label="几点再打",
        required=False,
        input_formats=["%H:%M", "%H%M", "%H"],
        error_messages={"invalid": HOUR},
    )

    def __init__(self, keepable: list[Owes], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        outcomes = attempts.required().outcomes
        self.fields["outcome"].choices = [(code, str(one.title)) for code, one in outcomes.items()]  # type: ignore[attr-defined]
        self.fields["services"].choices = [(one.service, one.title) for one in keepable]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        outcome = attempts.required().outcomes.get(given.get("outcome", ""))
        if (
            outcome
            and outcome.reached
            and not outcome.again
            and given.get("services")
            and not given.get("note")
        ):
            self.add_error("note", "接通了请写一句：问到什么、下一步。")
        return given

    def told(self, here: Here) -> Told:
        given = self.cleaned_data
        return Told("", given["outcome"], given["note"], again_at=_again(given["again"], here.now))


@signed_in
def show(request: HttpRequest, here: Here) -> HttpResponse:
    """The list, and the form of the first on it, or of whoever was chosen."""
    found = list_of_calls.page(here.actor, _whose(request), here.now)
    return _shown(request, here, found, ids.parse(request.GET.get("who")))


@require_POST
@signed_in
def record(request: HttpRequest, here: Here, resident_id: UUID) -> HttpResponse:
    """What came of the call; then the next person. A refusal keeps what was typed."""
    resident.allowed(here, resident_id, attempts.ACTION)
    form = CallForm(_asked(request), request.POST)
    refused: Conflict | Invalid | None = None
    if form.is_valid():
        try:
            told = form.told(here)
            kept = calls.record(
                here.actor,
                resident_id,
                told,
                form.cleaned_data["services"],
                here.now,
                pressing.command(request),
            )
            return page.done(request, _words(told, len(kept)), f"/calls?whose={_whose(request)}")
        except (Invalid, Conflict) as said:
            refused = said
    found = list_of_calls.page(here.actor, _whose(request), here.now)
    return _shown(request, here, found, resident_id, form, refused)


@require_POST
@signed_in
def take_out(request: HttpRequest, here: Here) -> HttpResponse:
    """The list as a workbook; why it is taken out is asked and kept."""
    limits.take("export", here.actor.staff_id, here.now)
    content = calls_export.calls_xlsx(
        here.actor, request.POST.get("whose", MINE), here.now, purpose=request.POST.get("purpose", "")
    )
    return page.attached(content, f"dianhua-{spoken.local(here.now):%Y%m%d-%H%M}.xlsx")


def _asked(request: HttpRequest) -> list[Owes]:
    """The services of the page as it was sent: what is owed is looked at when they are kept."""
    return [Owes("", NEVER, None, None, one) for one in request.POST.getlist("services")]


def _words(told: Told, kept: int) -> str:
    title = attempts.required().outcomes[told.outcome].title
    return f"已记：{title}" + (f"，{kept} 项算作履约" if kept else "")


def _shown(
    request: HttpRequest, here: Here, found: Calls, who: UUID | None, form: CallForm | None = None,
    refused: Conflict | Invalid | None = None,
) -> HttpResponse:  # fmt: skip
    everyone, whose = [*found.now, *found.later], _whose(request)
    one = next((each for each in everyone if each.card.resident == who), None)
    lost = who is not None and one is None
    one = one or next(iter(found.now), None)
    page.seen(here, "read.calls", [each.card.subject for each in everyone])
    field = FIELDS.get(str(refused.extra.get("field")), "") if refused else ""
    if form is not None and refused is not None and field:
        form.add_error(field, refused.title)
        refused = None
    told = {
        "place": "calls", "whose": whose, "sets": [(code, words, found.counts[code]) for code, words in WHOSE.items()],
        "present": [_line(here, each) for each in found.now], "later": [_line(here, each) for each in found.later],
        "may_export": exports.may(here.actor, calls_export.KIND, here.now), "carried": {"whose": whose},
        "others": 0 if whose == TEAM else found.counts[TEAM], "more": found.more, "looked_at": SCANNED if found.cut else 0,
        "refusal": refused, "typed": form.data.get("note", "") if form and lost else "", "lost": lost,
        "one": _current(here, one, None if lost else form) if one else None, "command_id": ids.new(),
    }  # fmt: skip
    status = 422 if form is not None and form.errors else refused.status if refused else 200
    return page.show(request, here, "calls.html", told, status=status)


def _line(here: Here, one: Call) -> dict[str, Any]:
    today = spoken.local(here.now).date()
    return {
        "id": one.card.resident, "name": one.card.name, "sex": spoken.sex(one.card.sex), "age": faces.age(one.card, here),
        "phone_tail": one.card.phone[-4:], "why": one.why, "clock": _clock(one.due, today),
        "late": one.due < today, "titles": "、".join(dict.fromkeys(each.title for each in one.owes)),
    }  # fmt: skip


def _clock(due: date, today: date) -> str:
    """逾期 12 天, 今天到期, 还剩 5 天; nothing where only a call is repeated."""
    return "" if due == NEVER else spoken.left(due, today)


def _current(here: Here, one: Call, form: CallForm | None) -> dict[str, Any]:
    """The person to call now: her number, what is owed, and the form."""
    stands = entries.whose(one.card.resident)
    share = contacts.share(here.actor, stands, here.now)
    keepable = list({each.service: each for each in one.owes if each.service in share}.values())
    if form is None:
        form = CallForm(keepable, initial={"services": [each.service for each in keepable]})
    else:
        form.fields["services"].choices = [(each.service, each.title) for each in keepable]  # type: ignore[attr-defined]
    today, outcomes = spoken.local(here.now).date(), attempts.required().outcomes
    return {
        **_line(here, one), "form": form, "phone": _phone(here, one), "fact": faces.fact(one.card), "team": faces.team(here, one.card),
        "owes": [
            {"title": each.title, "clock": _clock(each.due, today), "late": each.due < today, "href": _href(one, each)}
            for each in one.owes
        ],
        "outcomes": [
            {"code": code, "title": each.title, "then": "id_again" if each.again else "id_note" if each.reached else ""}
            for code, each in outcomes.items()
        ],
    }  # fmt: skip


def _href(one: Call, each: Owes) -> str:
    """Where a promise is kept that this call cannot keep by itself: its form, else its loop."""
    if each.form:
        return f"/residents/{one.card.resident}/followups/new/{each.form}?how={contracts.sheet_now().calling.way}&back={quote('/calls')}"
    return "" if each.service or each.loop is None else f"/loops/{each.loop}"


def _phone(here: Here, one: Call) -> str:
    """The whole number of whom one is about to call, to those who may see it; a line of its own says that it was shown."""
    stands = entries.whose(one.card.resident)
    permission = access.may(here.actor, resident.UNMASK, stands, here.now)
    if not one.card.phone or not permission.allowed or protections.hidden(here.actor, stands, here.now):
        return ""
    page.seen(here, "reveal.phone", [one.card.subject], **permission.line)
    return one.card.phone


def _whose(request: HttpRequest) -> str:
    asked = request.GET.get("whose", MINE)
    return asked if asked in WHOSE else MINE


def _again(hour: Any, now: datetime) -> datetime | None:
    if hour is None:
        return None
    there = datetime.combine(spoken.local(now).date(), hour, spoken.SHANGHAI)
    return there if there > now else there + timedelta(days=1)
