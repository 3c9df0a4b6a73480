"""切换人员: the lock screen of a device used in turns. One's own face, one's PIN, and one is where one was.

Who leaves is locked at once and what he was writing is kept for him alone; when the next one comes in, his sign-in ends.
No page of his comes back: none is stored, and each asks anew who is here.
"""

import json
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from yishe.doors import admission
from yishe.doors.web import entering, kept
from yishe.doors.web.page import Here, signed_in
from yishe.people import directory
from yishe.people.members import Member
from yishe.policy.refusals import Unauthenticated
from yishe.talk import account_news
from yishe.trust import clock, devices, pins, sessions, shared_devices
from yishe.trust.models import Pin, Session, SharedDevice
from yishe.trust.sessions import Verdict

LOCK_SCREEN = "/switch"
BACK_TO_DRAFT = "#draft"
"""Tells the page that it may ask for what was being written there."""


@never_cache
@require_http_methods(["GET", "POST"])
def switch(request: HttpRequest) -> HttpResponse:
    """Who uses this device; by the button, or after a while without anybody, whoever was here is locked first."""
    tablet = _tablet(request)
    row = admission.session_of(request)
    if tablet is None:
        return HttpResponseRedirect("/unlock" if row is not None and row.account_id else "/sign-in")
    if request.method == "POST":
        if row is not None and row.account_id is not None:
            _leave(request, row)
        return HttpResponseRedirect(LOCK_SCREEN)
    return _faces(request, tablet)


@never_cache
@sensitive_post_parameters("pin")
@require_http_methods(["GET", "POST"])
def enter(request: HttpRequest, pin: UUID) -> HttpResponse:
    """This person's PIN on this device. Whoever was here before him is signed out by it."""
    tablet = _tablet(request)
    found = next((one for one in pins.on(tablet.device_id) if one.id == pin), None) if tablet else None
    member = _serving(found) if found else None
    if tablet is None or found is None or member is None:
        return HttpResponseRedirect(LOCK_SCREEN)
    if request.method != "POST":
        return _pad(request, tablet, found, member)
    at = clock.real_now()
    try:
        tried = entering.attempt(request, found.account.username)
        pins.prove(found, request.POST.get("pin", ""), tried, admission.rules(at).pin)
    except Unauthenticated as refused:
        entering.told_when_locked(refused)
        return _pad(request, tablet, found, member, refused)
    return _in(request, found, at)


def _in(request: HttpRequest, pin: Pin, at: datetime) -> HttpResponse:
    """He comes in by his PIN, to the page he was writing on, or to his day."""
    left, rules = admission.session_of(request), admission.rules(at)
    since = at - rules.shared.draft.exact()
    place = shared_devices.draft_place(pin.account_id, pin.device_id, since)
    wanted = entering.safe_next(request, place) + (BACK_TO_DRAFT if place else "")
    response = entering.enter_by_pin(request, pin, wanted)
    if left is not None and left.account_id not in (None, pin.account_id):
        account_news.ended(left.account_id, [left.id], clock.now())  # type: ignore[arg-type]
    return response


@require_POST
@signed_in
def draft(request: HttpRequest, here: Here) -> JsonResponse:
    """What I was writing on this device, once."""
    row, at = admission.session_of(request), clock.real_now()
    if row is None or row.device_id is None or row.account_id is None:
        return JsonResponse({})
    since = at - admission.rules(at).shared.draft.exact()
    found = shared_devices.take_draft(row.account_id, row.device_id, since)
    return JsonResponse(found if isinstance(found, dict) else {})


def interrupted(request: HttpRequest, row: Session) -> HttpResponse:
    """Something was being asked or sent when the screen had locked: it waits for its person. What he was writing before
    is not lost to a mere look."""
    fields = [
        [name, value]
        for name, values in request.POST.lists()
        for value in values
        if name not in kept.NOT_KEPT
    ]
    if request.method == "POST" or not _has_draft(row):
        _keep(row, {"at": request.get_full_path(), "action": request.path, "fields": fields})
    return HttpResponseRedirect(LOCK_SCREEN)


def _leave(request: HttpRequest, row: Session) -> None:
    """Locked; what the page says he was writing is kept for him."""
    before = admission.verdict(row, request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""), clock.real_now())
    sessions.lock(row.id, clock.real_now())
    if before is not Verdict.WELCOME and _has_draft(row):
        return  # whoever stands at a locked screen changes nothing of what lies behind it
    written = request.POST.get("draft", "")
    try:
        said = json.loads(written) if 0 < len(written) <= kept.LONGEST else None
    except (ValueError, RecursionError):
        said = None
    if isinstance(said, dict) and isinstance(said.get("at"), str):
        _keep(row, {name: said.get(name) for name in ("at", "action", "fields")})


def _has_draft(row: Session) -> bool:
    if row.account_id is None or row.device_id is None:
        return False
    at = clock.real_now()
    return bool(
        shared_devices.draft_place(
            row.account_id, row.device_id, at - admission.rules(at).shared.draft.exact()
        )
    )


def _keep(row: Session, words: dict[str, object]) -> None:
    if row.account_id is not None and row.device_id is not None:
        shared_devices.keep_draft(row.account_id, row.device_id, words, clock.real_now())


def _tablet(request: HttpRequest) -> SharedDevice | None:
    return shared_devices.current(devices.read(request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")))


def _serving(pin: Pin) -> Member | None:
    """The person behind it, while he works here."""
    member = directory.current().by_account(pin.account_id)
    return member if member is not None and member.held(clock.now()) else None


def _faces(request: HttpRequest, tablet: SharedDevice) -> HttpResponse:
    at = clock.real_now()
    rule = admission.rules(at).pin
    found = [(pin, _serving(pin)) for pin in pins.on(tablet.device_id) if not pins.is_over(pin, rule, at)]
    people = sorted(((member.name, pin.id) for pin, member in found if member), key=lambda one: one[0])
    told = {
        "tablet": tablet,
        "people": [{"name": name, "pin": pin, "face": name[-2:]} for name, pin in people],
    }
    return render(request, "switch.html", told)


def _pad(
    request: HttpRequest,
    tablet: SharedDevice,
    pin: Pin,
    member: Member,
    refused: Unauthenticated | None = None,
) -> HttpResponse:
    told = {
        "tablet": tablet, "pin": pin.id, "name": member.name, "error": refused.title if refused else "",
        "over": refused is not None and refused.code in ("pin_over", "pin_term", "locked"),
    }  # fmt: skip
    return render(request, "switch_pin.html", told, status=refused.status if refused else 200)
