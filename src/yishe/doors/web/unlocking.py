"""The locked screen: who it belongs to proves himself in one step and is back where he was. Also asked for before the
way in is changed. Someone else signs in anew."""

from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from yishe.doors import admission
from yishe.doors.web import entering, kept, passkey_desk
from yishe.people import directory
from yishe.policy.refusals import Invalid, Refused, Unauthenticated
from yishe.trust import accounts, clock, devices, guessing, passkeys, pins, sessions
from yishe.trust.models import Account, Session
from yishe.trust.sessions import Verdict


@require_POST
def lock(request: HttpRequest) -> HttpResponse:
    """The person, or his screen after a while, locks it."""
    row = admission.session_of(request)
    if row is not None and row.account_id is not None:
        sessions.lock(row.id, clock.real_now())
    if _in_place(request):
        return HttpResponse(status=204)
    wanted = entering.safe_next(request, request.POST.get("next", ""))
    return HttpResponseRedirect(f"/unlock?next={quote(wanted)}")


@require_POST
def awake(request: HttpRequest) -> HttpResponse:
    """A person is typing or reading: that the request came says it (doors.web.presence)."""
    return HttpResponse(status=204)


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def unlock(request: HttpRequest) -> HttpResponse:
    """By password, or by a passkey's answer in the same form."""
    account, row = _account(request), admission.session_of(request)
    wanted = request.POST.get("next") or request.GET.get("next", "")
    if account is None or row is None:
        return HttpResponseRedirect("/sign-in")
    locked = admission.verdict(row, devices.token(row.device_id) if row.device_id else "", clock.real_now())
    by_pin = "pin" in request.POST and locked is Verdict.LOCKED
    if request.method != "POST":
        return _ask(request, account, row, wanted, locked=locked is Verdict.LOCKED)
    try:
        _prove_by_pin(request, account, row) if by_pin else _prove(request, account)
    except Refused as refused:
        if isinstance(refused, Unauthenticated):
            entering.told_when_locked(refused)
        return _refused(request, account, wanted, refused)
    (sessions.opened if by_pin else sessions.proved)(row.id, clock.real_now())
    request.session.cycle_key()
    if _in_place(request):
        return HttpResponse(status=204)
    held = kept.opened(request.POST.get("kept", ""), row.id)
    if held:
        return render(request, "resume.html", {"action": held[0], "fields": held[1]})
    return HttpResponseRedirect(entering.safe_next(request, wanted))


@require_POST
def ask_passkey(request: HttpRequest) -> JsonResponse:
    account = _account(request)
    if account is None:
        raise Unauthenticated("not_signed_in", "登录已失效，请重新登录。")
    return passkey_desk.ask_to_prove(request, account.pk)


def _account(request: HttpRequest) -> Account | None:
    return accounts.by_id(request.user.pk) if request.user.is_authenticated else None


def _prove(request: HttpRequest, account: Account) -> None:
    if request.POST.get("answer"):
        if passkey_desk.prove(request).pk != account.pk:
            raise Invalid("other_passkey", "这把通行密钥是另一个账号的：请用本人的，或退出后换人登录。")
        return
    tried = entering.attempt(request, account.username)
    guessing.refuse_flood(tried)
    guessing.refuse_locked(account, tried.at)
    if not accounts.proves(account, request.POST.get("password", "")):
        raise guessing.wrong(tried, account, "wrong_password", "密码不对，请核对后再试。")


def _prove_by_pin(request: HttpRequest, account: Account, row: Session) -> None:
    """Quick return to the same session on the same device. It proves nothing that the sign-in had not proved."""
    at = clock.real_now()
    rule, pin = admission.rules(at).pin, pins.here(account.pk, row.device_id)
    if pin is None or not rule.own_device:
        raise Invalid("no_pin", "这台设备上没有您的 PIN：请用密码解锁。")
    pins.prove(pin, request.POST["pin"], entering.attempt(request, account.username), rule)


def _ask(request: HttpRequest, account: Account, row: Session, wanted: str, *, locked: bool) -> HttpResponse:
    """On a device used in turns everybody is asked for on its own lock screen."""
    if row.shared and locked and not _in_place(request):
        return HttpResponseRedirect("/switch")
    return _page(request, account, wanted, locked=locked)


def _in_place(request: HttpRequest) -> bool:
    """Whether the page itself asked, to stay open behind the lock."""
    return "X-In-Place" in request.headers


def _refused(request: HttpRequest, account: Account, wanted: str, refused: Refused) -> HttpResponse:
    if _in_place(request):
        return JsonResponse({"title": refused.title}, status=refused.status)
    return _page(request, account, wanted, refused.title, refused.status)


def _page(
    request: HttpRequest,
    account: Account,
    wanted: str,
    error: str = "",
    status: int = 200,
    *,
    locked: bool = True,
) -> HttpResponse:
    told = _told(request, account, wanted, error, locked=locked)
    template = "parts/unlock.html" if _in_place(request) else "unlock.html"
    return render(request, template, told, status=status)


def _told(
    request: HttpRequest, account: Account, wanted: str, error: str, *, locked: bool = True
) -> dict[str, Any]:
    member, row = directory.current().by_account(account.pk), admission.session_of(request)
    pin = pins.here(account.pk, row.device_id) if row and locked else None
    return {
        "name": member.name if member else account.username, "next": wanted, "error": error,
        "kept": request.POST.get("kept", ""),
        "pin": pin is not None and admission.rules(clock.real_now()).pin.own_device,
        "passkeys": passkeys.has(account.pk) and passkey_desk.site(request) is not None,
    }  # fmt: skip


def interrupted(request: HttpRequest) -> HttpResponse:
    """Something was being sent when the screen had locked: it waits, sealed, behind the proof."""
    account, row = _account(request), admission.session_of(request)
    if account is None or row is None:
        return HttpResponseRedirect("/sign-in")
    held = kept.keep(request, row.id)
    told = _told(request, account, "", "屏幕已锁定，刚才的内容还没有提交，解锁后可以继续。")
    return render(request, "unlock.html", {**told, "kept": held, "files": bool(request.FILES)}, status=423)
