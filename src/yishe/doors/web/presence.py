"""Each request that shows a session: is it still welcome here?

An ended one is forgotten, one shown from another device is ended and its person told, one left alone too long is
locked until he proves himself (a resident's ends: there is no password to unlock it with). What a page asks by itself (a
timer, a live change) is no sign of a person.
"""

from collections.abc import Callable
from urllib.parse import quote

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase

from yishe.doors import admission
from yishe.doors.web import turns, unlocking
from yishe.people import own_accounts
from yishe.talk import account_news
from yishe.trust import clock, sessions, sign_in_log
from yishe.trust.models import Session
from yishe.trust.sessions import Verdict

BY_ITSELF = "X-By-Itself"
OPEN_WHILE_LOCKED = ("/unlock", "/switch", "/sign-out", "/lock", "/static/", "/sign-in")


class Presence:
    """Middleware, inside the session's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        row = admission.session_of(request)
        if row is None or row.account_id is None:
            return self.get_response(request)
        at = clock.real_now()
        verdict = admission.verdict(row, request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""), at)
        if verdict is Verdict.LOCKED and own_accounts.is_own(row.account_id):
            sessions.end(row.account_id, row.id, "left_alone", at)
            verdict = Verdict.ENDED
        if verdict in (Verdict.ENDED, Verdict.STRANGE):
            _forget(request, row, verdict)
        elif verdict is Verdict.LOCKED:
            if row.locked_at is None:
                sessions.lock(row.id, at)
            if not request.path.startswith(OPEN_WHILE_LOCKED):
                return _locked(request, row)
        elif BY_ITSELF not in request.headers:
            sessions.seen(row, at)
        return self.get_response(request)


def _forget(request: HttpRequest, row: Session, verdict: Verdict) -> None:
    """From here on this browser is a visitor's."""
    if verdict is Verdict.STRANGE:
        at, source = clock.real_now(), request.META.get("REMOTE_ADDR", "")
        sessions.end(row.account_id, row.id, "stolen", at)  # type: ignore[arg-type]
        sign_in_log.note(None, "session_stolen", row.account_id, at, source=source)
        account_news.tell(row.account_id, "stolen", clock.now(), urgency="orange")  # type: ignore[arg-type]
        account_news.ended(row.account_id, [row.id], clock.now())  # type: ignore[arg-type]
    request.session.flush()
    request.user = AnonymousUser()


def _locked(request: HttpRequest, row: Session) -> HttpResponse:
    """Nothing is shown; what was written stays in the open page, or on the page that asks for the proof."""
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Trigger": "locked"})
    if row.shared:
        return turns.interrupted(request, row)
    if request.method == "GET":
        return HttpResponseRedirect(f"/unlock?next={quote(request.get_full_path())}")
    return unlocking.interrupted(request)
