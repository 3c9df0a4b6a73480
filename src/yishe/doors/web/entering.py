"""From a first proof to a session: what is still missing, and what begins when nothing is.

Between the two steps nobody is signed in: who began lies in the visitor's session, for some minutes.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme

from yishe.doors import admission
from yishe.policy.refusals import Unauthenticated
from yishe.talk import account_news
from yishe.trust import accounts, clock, devices, factors, guessing, pins, sessions, shared_devices
from yishe.trust.guessing import LockedOut, Try
from yishe.trust.models import Account, Device, Pin
from yishe.trust.pins import PinOver

HALF = "half"
PIN = "pin"
BACKEND = "django.contrib.auth.backends.ModelBackend"


@dataclass(frozen=True)
class Half:
    """Someone who has taken the first step: his account, in which way, and where he wanted to go."""

    account: Account
    way: str
    next: str


def attempt(request: HttpRequest, username: str) -> Try:
    """What a try is counted under."""
    at = clock.real_now()
    return Try(username, request.META.get("REMOTE_ADDR", ""), at, admission.rules(at).guessing)


def first_step_done(request: HttpRequest, account: Account, way: str, wanted: str) -> HttpResponse:
    """The password was right: in, or on to the second step, or on to setting one up. Unauthenticated when it is one that
    was given too long ago."""
    accounts.refuse_stale(account, clock.real_now(), admission.rules(clock.real_now()).password)
    has = factors.of(account.pk)
    if has:
        return _ask_for(request, account, way, wanted, "/sign-in/second")
    if admission.asks_second(account.pk, clock.now(), clock.real_now()):
        return _ask_for(request, account, way, wanted, "/sign-in/enrol")
    return enter(request, account, way, wanted, strong=False)


def _ask_for(request: HttpRequest, account: Account, way: str, wanted: str, page: str) -> HttpResponse:
    request.session[HALF] = {
        "account": account.pk.hex, "way": way, "next": wanted, "at": clock.real_now().timestamp(),
    }  # fmt: skip
    return HttpResponseRedirect(page)


def half(request: HttpRequest) -> Half:
    """Who took the first step in this browser. Unauthenticated when nobody did, or too long ago."""
    said: dict[str, Any] = request.session.get(HALF) or {}
    at = clock.real_now()
    life = admission.rules(at).second_factor.challenge_life.exact()
    account = accounts.by_id(said.get("account"))
    if account is None or at.timestamp() - said["at"] > life.total_seconds():
        request.session.pop(HALF, None)
        raise Unauthenticated("not_begun", "登录的第一步已过期：请重新输入账号和密码。")
    return Half(account, said["way"], said["next"])


def step_up(request: HttpRequest, wanted: str) -> HttpResponse:
    """Someone signed in by password or PIN alone whose duties ask for more, since today or since the pack changed."""
    account, row = accounts.by_id(request.user.pk), admission.session_of(request)
    if account is None or row is None:
        return HttpResponseRedirect("/sign-in")
    if row.way == PIN and not factors.of(
        account.pk
    ):  # a first factor is set up after a password, never after a PIN
        return HttpResponseRedirect("/sign-in")
    page = "/sign-in/second" if factors.of(account.pk) else "/sign-in/enrol"
    return _ask_for(request, account, PIN if row.way == PIN else "password", wanted, page)


def enter(request: HttpRequest, account: Account, way: str, wanted: str, *, strong: bool) -> HttpResponse:
    """The session begins: under a new cookie, on this device, told to the person when the device is new to him."""
    at = clock.real_now()
    device = here(request, at)
    strange = not devices.known_to(account.pk, device.id) and sessions.has_been_here(account.pk)
    shared = shared_devices.current(device.id) is not None
    arrival = sessions.Arrival(way, strong, device, _source(request), shared)
    response = _begin(request, account, arrival, wanted, at)
    guessing.right(account, at)
    if way.startswith(PIN):
        pins.strengthen(account.pk, device.id, at)
    else:
        pins.renew(account.pk, device.id, at, strong=strong)
    if strange:
        account_news.tell(account.pk, "new_device", clock.now())
    return response


def enter_by_pin(request: HttpRequest, pin: Pin, wanted: str) -> HttpResponse:
    """A session that stands on the full sign-in the PIN stands on, and ends when that is worth nothing any more."""
    at = clock.real_now()
    rule = admission.rules(at).pin
    until = pins.strong_until(pin, rule, at)
    since = pin.strong_at if until and pin.strong_at else pin.proved_at
    shared = shared_devices.current(pin.device_id) is not None
    arrival = sessions.Arrival(
        PIN, until is not None, pin.device, _source(request), shared, since, until or pin.proved_at + rule.life.exact()
    )  # fmt: skip
    devices.use(pin.device_id, at)
    return _begin(request, pin.account, arrival, wanted, at)


def _begin(
    request: HttpRequest, account: Account, arrival: sessions.Arrival, wanted: str, at: datetime
) -> HttpResponse:
    rules = admission.rules(at)
    request.session.pop(HALF, None)
    before = request.session.session_key
    auth.login(request, account, backend=BACKEND)
    if request.session.session_key is None:
        request.session.create()
    elif (
        request.session.session_key == before
    ):  # the same person again: whoever saw the old cookie has nothing
        request.session.cycle_key()
    row = admission.session_of(request)
    assert row is not None  # noqa: S101 - it was saved just now
    sessions.begin(row.id, account, arrival, at, rules)
    response = HttpResponseRedirect(safe_next(request, wanted))
    remember_device(response, arrival.device, rules.screen.device_life.exact().total_seconds())
    return response


def _source(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


def here(request: HttpRequest, at: datetime) -> Device:
    """The device this request comes from, met for the first time or again."""
    told = request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")
    life = admission.rules(at).screen.device_life.exact()
    return devices.meet(told, request.META.get("HTTP_USER_AGENT", ""), at, life)


def remember_device(response: HttpResponse, device: Device, seconds: float) -> None:
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME, devices.token(device.id), max_age=int(seconds), httponly=True,
        secure=settings.TLS, samesite="Lax",
    )  # fmt: skip


def told_when_locked(refused: Unauthenticated) -> None:
    """Whose account was just locked, or whose PIN ended, hears of it when he is back."""
    if isinstance(refused, LockedOut):
        account_news.tell(refused.account, "locked", clock.now(), urgency="orange")
    elif isinstance(refused, PinOver):
        account_news.tell(refused.account, "pin_over", clock.now(), urgency="orange")


def safe_next(request: HttpRequest, wanted: str) -> str:
    """Only ever back into this system."""
    good = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if good and wanted else "/"
