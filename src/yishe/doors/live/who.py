"""Who opens a stream: a browser session, or a bearer token."""

from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest

from yishe.doors import admission, edge
from yishe.doors.doorstep import neighbourhood
from yishe.doors.live.bridge import Scope
from yishe.doors.session_store import SessionStore
from yishe.doors.web import spoken
from yishe.loops import knowing
from yishe.people import actors, directory, own_accounts, packs
from yishe.people.actors import Actor
from yishe.policy.refusals import Unauthenticated
from yishe.policy.sheets import Streams
from yishe.talk.models import Outbox
from yishe.trust import clock, ids, sessions
from yishe.trust.sessions import Verdict


def came(scope: Scope) -> Actor:
    """Who is behind the request: a member of staff, a resident or a relative. Unauthenticated when nobody is (any more)."""
    bearer = header(scope, b"authorization")
    if bearer[:7].lower() == "bearer ":
        return actors.for_token(bearer[7:].strip(), clock.now())
    return _by_session(header(scope, b"cookie"))


def seats(scope: Scope, actor: Actor) -> dict[str, object]:
    """Under which browser session or token, whose name and which address a stream is counted."""
    shown = header(scope, b"authorization") or _crumb(header(scope, b"cookie"), settings.SESSION_COOKIE_NAME)
    near = (scope.get("client") or ("",))[0]
    told = header(scope, b"x-forwarded-for").split(",")
    address = edge.source(near, told) if edge.is_trusted(near) else near
    return {
        "session": sessions.digest(shown), "person": actor.staff_id, "address": neighbourhood(address),
    }  # fmt: skip


def most_streams() -> Streams:
    """How many the pack in force lets be open at once."""
    return packs.in_force().settings(spoken.local(clock.now()).date()).limits.streams


def still_told(row: Outbox) -> bool:
    """Whether what an outbox row tells of is still its person's business: a reason that has ended ends the telling."""
    if row.person not in directory.current().people:
        return own_accounts.hears(row.person, row.subject, clock.now())
    return knowing.hears(actors.actor_of(row.person), row.loop, row.subject, clock.now())


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
    session, device = (
        _crumb(cookie, name) for name in (settings.SESSION_COOKIE_NAME, settings.DEVICE_COOKIE_NAME)
    )
    if not session:
        raise Unauthenticated("not_signed_in", "请先登录。")
    request, store = HttpRequest(), SessionStore(session)
    request.session = store
    user, row, at = get_user(request), store.row, clock.real_now()
    account = ids.parse(user.pk) if user.is_authenticated and user.is_active else None
    if account is None or row is None or admission.verdict(row, device, at) is not Verdict.WELCOME:
        raise Unauthenticated("not_signed_in", "登录已失效，请重新登录。")
    if getattr(user, "given_at", None) or (
        row.strong_at is None and admission.asks_second(account, clock.now(), at)
    ):
        raise Unauthenticated("not_signed_in", "登录还差一步，请重新登录。")
    own = own_accounts.whose(account)
    return own.actor if own else actors.serving(account, clock.now())


def _crumb(cookie: str, name: str) -> str:
    try:
        morsel = SimpleCookie(cookie).get(name)
    except CookieError:
        return ""
    return morsel.value if morsel else ""
