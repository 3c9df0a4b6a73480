"""How residents and relatives come in: a code to the phone on file, a slip from the desk, or a passkey.

No answer tells whether a number is known. Who shares a number with others says a birth date; nobody is shown a list.
"""

from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import auth
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from yishe.doors import admission
from yishe.doors.web import entering, my_page, passkey_desk
from yishe.doors.web.my_page import DOOR, HOME
from yishe.people import cards, consent_checks, glimpses, own_accounts, particulars
from yishe.people.cards import Card
from yishe.policy.refusals import Invalid, Refused, Unauthenticated
from yishe.policy.sign_in_rules import SignInVersion
from yishe.talk import account_news
from yishe.talk import codes as carrying
from yishe.trust import clock, codes, guessing, ids
from yishe.trust.models import Account, OneTimeCode

BEGUN = "my_code"
PASSKEY = "passkey"
Step = Callable[[HttpRequest], HttpResponse]


def step(template: str, **told: Any) -> Callable[[Step], Step]:
    """One page with one question; what is refused is said on the same page."""

    def made(view: Step) -> Step:
        @never_cache
        @sensitive_post_parameters("code", "phone", "name", "born")
        @require_http_methods(["GET", "POST"])
        @wraps(view)
        def asked(request: HttpRequest) -> HttpResponse:
            if request.method == "GET":
                return render(request, f"my/{template}", told)
            try:
                return view(request)
            except Refused as refused:
                said = {**told, "error": refused.title, "given": request.POST}
                return render(request, f"my/{template}", said, status=refused.status)

        return asked

    return made


@never_cache
def door(request: HttpRequest) -> HttpResponse:
    """Who are you, and how do you come in?"""
    told = {"passkeys": passkey_desk.site(request) is not None, "by_phone": carrying.port() is not None}
    return render(request, "my/door.html", told)


@step("phone.html")
def resident(request: HttpRequest) -> HttpResponse:
    """The resident's phone on file."""
    return _asked(request, _phone(request), None)


@step("phone.html", relative=True)
def relative(request: HttpRequest) -> HttpResponse:
    """A relative, by name and phone as the resident's consent named him."""
    phone = _phone(request)
    return _asked(request, phone, consent_checks.relative_of(request.POST.get("name", ""), phone))


def _phone(request: HttpRequest) -> str:
    found = particulars.phone(request.POST.get("phone", ""))
    if found is None:
        raise Invalid("phone", "请填手机号。")
    return found


def _asked(request: HttpRequest, phone: str, person: UUID | None) -> HttpResponse:
    guessing.refuse_flood(entering.attempt(request, ""))
    asked = carrying.send(phone, person, clock.now(), clock.real_now())
    return _on_to(request, asked, "code")


def _on_to(request: HttpRequest, code: UUID, page: str) -> HttpResponse:
    request.session[BEGUN] = code.hex
    return HttpResponseRedirect(f"{DOOR}/{page}")


def _begun(request: HttpRequest) -> UUID:
    """The code that was asked for in this browser. Unauthenticated when none was."""
    found = ids.parse(request.session.get(BEGUN))
    if found is None:
        raise Unauthenticated("not_begun", codes.OVER)
    return found


def _rules() -> SignInVersion:
    return admission.rules(clock.real_now())


@step("code.html")
def code(request: HttpRequest) -> HttpResponse:
    """The code that came to the phone."""
    asked = _begun(request)
    codes.prove(asked, request.POST.get("code", ""), entering.attempt(request, ""), _rules().codes)
    row = codes.proved(asked, clock.real_now())
    if row.person is not None:
        return _relative_in(request, row)
    found = own_accounts.with_phone(codes.phone_of(row), clock.now())
    return _resident_in(request, row, found[0]) if len(found) == 1 else _on_to(request, asked, "born")


@step("code.html", slip=True)
def slip(request: HttpRequest) -> HttpResponse:
    """The code on the paper from the desk."""
    return _on_to(
        request, codes.prove_slip(request.POST.get("code", ""), entering.attempt(request, "")), "born"
    )


@step("born.html")
def born(request: HttpRequest) -> HttpResponse:
    """The birth date, where a number is shared or a paper was lost."""
    asked, tried = _begun(request), entering.attempt(request, "")
    guessing.refuse_flood(tried)
    row = codes.proved(asked, tried.at)
    rules = _rules()
    row = codes.second_fact(
        asked, tried.at, rules.slips.tries if row.way == codes.SLIP else rules.codes.tries
    )
    try:
        card = own_accounts.told_apart(_possible(row), _date(request.POST.get("born", "")))
    except Unauthenticated as refused:
        raise guessing.wrong(tried, None, refused.code, refused.title) from None
    return _resident_in(request, row, card)


def _possible(row: OneTimeCode) -> list[Card]:
    """Whom a proven code may stand for."""
    if row.way == codes.SLIP and row.person is not None:
        return [card for card in cards.cards([row.person]).values() if not card.deceased_at]
    return own_accounts.with_phone(codes.phone_of(row), clock.now())


def _date(typed: str) -> date | None:
    """Eight digits as they stand on the ID card, with or without marks between them."""
    digits = "".join(one for one in typed if one.isdecimal())
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])) if len(digits) == 8 else None
    except ValueError:
        return None


def _resident_in(request: HttpRequest, row: OneTimeCode, card: Card) -> HttpResponse:
    codes.use(row.id, clock.real_now())
    return _enter(request, own_accounts.of_resident(card.resident, clock.now()), row.way)


def _relative_in(request: HttpRequest, row: OneTimeCode) -> HttpResponse:
    """A relative comes in while somebody lets him see something, and not a moment longer."""
    if row.person is None or not glimpses.residents(row.person, clock.now()):
        raise Unauthenticated("code_over", codes.OVER)
    codes.use(row.id, clock.real_now())
    return _enter(request, own_accounts.of_relative(row.person, clock.now()), row.way)


def _enter(request: HttpRequest, account: Account, way: str) -> HttpResponse:
    request.session.pop(BEGUN, None)
    return entering.enter(request, account, way, HOME, strong=way == PASSKEY)


@require_POST
def ask_passkey(request: HttpRequest) -> JsonResponse:
    return passkey_desk.ask_to_prove(request, None)


@require_POST
def with_passkey(request: HttpRequest) -> HttpResponse:
    """A passkey alone; one of a member of staff opens the other door and not this one."""
    try:
        account = passkey_desk.prove(request)
        own_accounts.required(account.pk)
    except Refused as refused:
        told = {"error": refused.title, "passkeys": True, "by_phone": carrying.port() is not None}
        return render(request, "my/door.html", told, status=refused.status)
    return _enter(request, account, PASSKEY)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    row = admission.session_of(request)
    auth.logout(request)
    if row is not None and row.account_id is not None:
        account_news.ended(row.account_id, [row.id], clock.now())
    return HttpResponseRedirect(my_page.DOOR, headers={"Clear-Site-Data": '"cache", "storage"'})
