"""机构与人员: who works where, who is away, who is on duty; leave and shifts are written here by those who lead."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse

from yishe.doors.web import faces, page, spoken, wording
from yishe.doors.web.page import Here, signed_in
from yishe.people import access, packs, rosters
from yishe.people.members import Member, Unit
from yishe.talk import account_keeping

DAYS_AHEAD = 14


class LeaveForm(forms.Form):
    """Someone is away; whoever stands in is asked first."""

    staff = forms.ChoiceField(label="谁请假")
    since = forms.DateTimeField(
        label="从", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    until = forms.DateTimeField(
        label="到", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    substitute = forms.ChoiceField(
        label="谁代班", required=False, help_text="不填时由团队中同岗位的人、再由值班人接手。"
    )


class ShiftForm(forms.Form):
    """Who is on duty for what, from when to when."""

    duty = forms.ChoiceField(label="岗位")
    staff = forms.ChoiceField(label="谁值班")
    since = forms.DateTimeField(
        label="从", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    until = forms.DateTimeField(
        label="到", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )


@signed_in
def team(request: HttpRequest, here: Here) -> HttpResponse:
    units = sorted(here.staff.units("centre"), key=lambda unit: unit.id != here.centre)
    return page.show(
        request,
        here,
        "team.html",
        {
            "place": "team",
            "centres": [_centre(here, unit) for unit in units],
            "districts": _districts(here),
            "leads": bool(_led(here)),
            "may_keep": account_keeping.may(here.actor, here.now),
            "soon": soon(here),
        },
    )


@signed_in
def take_leave(request: HttpRequest, here: Here) -> HttpResponse:
    form = LeaveForm(request.POST or None, initial={"since": spoken.local(here.now)})
    people = [(str(one.id), one.name) for one in _colleagues(here)]
    _choose(form, "staff", people)
    _choose(form, "substitute", [("", "由系统按规则找人"), *people])
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        rosters.take_leave(
            here.actor,
            UUID(given["staff"]),
            starts_at=given["since"],
            ends_at=given["until"],
            substitute=UUID(given["substitute"]) if given["substitute"] else None,
            at=here.now,
        )
        return page.done(request, "已登记请假，在办的事按规则转交", "/team")
    return _form(request, here, form, "登记请假", "/team/leave")


@signed_in
def put_shift(request: HttpRequest, here: Here) -> HttpResponse:
    form = ShiftForm(request.POST or None, initial={"since": spoken.local(here.now)})
    duties = packs.in_force().duties
    _choose(form, "duty", [(code, str(one.title)) for code, one in duties.items()])
    _choose(form, "staff", [(str(one.id), one.name) for one in _colleagues(here)])
    if request.method == "POST" and form.is_valid():
        given, centre = form.cleaned_data, _centre_of(here, UUID(form.cleaned_data["staff"]))
        rosters.put_shift(
            here.actor,
            centre,
            given["duty"],
            UUID(given["staff"]),
            starts_at=given["since"],
            ends_at=given["until"],
            at=here.now,
        )
        return page.done(request, "已排班", "/team")
    return _form(request, here, form, "排一个班", "/team/shift")


def _form(request: HttpRequest, here: Here, form: forms.Form, title: str, action: str) -> HttpResponse:
    told: dict[str, Any] = {"form": form, "title": title, "action": action, "press": "保存", "place": "team"}
    return page.ask(request, here, told)


def _choose(form: forms.Form, name: str, choices: list[tuple[str, str]]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)  # noqa: S101
    field.choices = choices


def _led(here: Here) -> frozenset[UUID]:
    return access.leading(here.actor.member, here.now)


def _colleagues(here: Here) -> list[Member]:
    """Those for whom this person may write: everyone below the centres led, else the own teams."""
    centres = _led(here) or {one for one in [here.centre] if one}
    found = [one for one in here.staff.people.values() if one.centres(here.now) & frozenset(centres)]
    return sorted(found, key=lambda one: one.name)


def _centre_of(here: Here, staff: UUID) -> UUID:
    centre = here.staff.staff(staff).centre(here.now)
    return centre or here.home()


def _districts(here: Here) -> list[dict[str, Any]]:
    units = here.staff.units("district")
    return [{"name": unit.name, "people": _people(here, unit)} for unit in units]


def _centre(here: Here, unit: Unit) -> dict[str, Any]:
    teams = here.staff.units("team", under=unit.id)
    return {
        "unit": unit,
        "people": _people(here, unit),
        "on_duty": _on_duty(here, unit),
        "teams": [{"name": one.name, "people": _people(here, one)} for one in teams],
    }


def _people(here: Here, unit: Unit) -> list[dict[str, Any]]:
    found = []
    for member in here.staff.members(unit.id, here.now):
        held = [post for post in member.held(here.now) if post.organisation == unit.id]
        away = here.staff.leave_of(member.id, here.now)
        stand_in = here.staff.stand_in(member.id, here.now) if away else None
        found.append(
            {
                "name": member.name,
                "title": member.title,
                "phone": member.phone,
                "duties": [wording.duty(post.duty) for post in held],
                "lead": any(post.lead for post in held),
                "away": away,
                "stand_in": stand_in.name if stand_in else "",
            }
        )
    return found


def _on_duty(here: Here, unit: Unit) -> list[dict[str, Any]]:
    found = []
    for code, duty in packs.in_force().duties.items():
        turn = here.staff.on_duty(unit.id, code, here.now)
        if turn:
            found.append({"duty": str(duty.title), "name": turn[0].name, "until": turn[1]})
    return found


def soon(here: Here) -> list[dict[str, Any]]:
    """Leaves that begin within two weeks, nearest first, with who stands in: time to hand things over."""
    until: datetime = here.now + timedelta(days=DAYS_AHEAD)
    coming = sorted(
        (one for one in here.staff.leaves if here.now < one.starts_at <= until), key=lambda one: one.starts_at
    )
    return [
        {
            "name": faces.name(here, one.staff),
            "since": one.starts_at,
            "until": one.ends_at,
            "stand_in": faces.name(here, one.substitute),
        }
        for one in coming
        if one.staff in here.staff.people
    ]
