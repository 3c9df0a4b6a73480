"""Who opens a stream: a browser session, or a bearer token."""

from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from urllib.parse import parse_qs

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest

from yishe.doors.live.bridge import Scope
from yishe.loops import knowing
from yishe.people import actors
from yishe.people.actors import Actor
from yishe.policy.refusals import Unauthenticated
from yishe.talk.models import Outbox
from yishe.trust import clock, ids

SessionStore = import_module(settings.SESSION_ENGINE).SessionStore


def came(scope: Scope) -> Actor:
    """The member of staff behind the request. Unauthenticated when there is none (any more)."""
    bearer = header(scope, b"authorization")
    if bearer[:7].lower() == "bearer ":
        return actors.for_token(bearer[7:].strip(), clock.now())
    return _by_session(header(scope, b"cookie"))


def still_told(actor: Actor, row: Outbox) -> bool:
    """Whether what an outbox row tells of is still this person's business: a reason that has ended ends the telling."""
    return knowing.hears(actors.actor_of(actor.staff_id), row.loop, row.subject, clock.now())


def last_event_id(scope: Scope) -> int | None:
    """Where the client stopped: the header, else `?after=`; None when it says nothing readable."""
    query = parse_qs(scope["query_string"].decode("latin-1"))
    said = header(scope, b"last-event-id") or query.get("after", [""])[0]
    return int(said) if said.isascii() and said.isdigit() and len(said) < 19 else None


def header(scope: Scope, name: bytes) -> str:
    for key, value in scope["headers"]:
        if key.lower() == name:
            return str(value.decode("latin-1"))
    return ""


def _by_session(cookie: str) -> Actor:
    try:
        morsel = SimpleCookie(cookie).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        morsel = None
    if morsel is None:
        raise Unauthenticated("not_signed_in", "请先登录。")
    request = HttpRequest()
    request.session = SessionStore(morsel.value)
    user = get_user(request)
    account = ids.parse(user.pk) if user.is_authenticated and user.is_active else None
    if account is None:
        raise Unauthenticated("not_signed_in", "登录已失效，请重新登录。")
    return actors.serving(account, clock.now())
