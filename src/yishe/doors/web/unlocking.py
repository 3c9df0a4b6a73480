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
from yishe.trust import accounts, clock, guessing, passkeys, sessions
from yishe.trust.models import Account


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
    if request.method != "POST":
        return _page(request, account, wanted)
    try:
        _prove(request, account)
    except Refused as refused:
        if isinstance(refused, Unauthenticated):
            entering.told_when_locked(refused)
        return _refused(request, account, wanted, refused)
    sessions.proved(row.id, clock.real_now())
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


def _in_place(request: HttpRequest) -> bool:
    """Whether the page itself asked, to stay open behind the lock."""
    return "X-In-Place" in request.headers


def _refused(request: HttpRequest, account: Account, wanted: str, refused: Refused) -> HttpResponse:
    if _in_place(request):
        return JsonResponse({"title": refused.title}, status=refused.status)
    return _page(request, account, wanted, refused.title, refused.status)


def _page(
    request: HttpRequest, account: Account, wanted: str, error: str = "", status: int = 200
) -> HttpResponse:
    told = _told(request, account, wanted, error)
    template = "parts/unlock.html" if _in_place(request) else "unlock.html"
    return render(request, template, told, status=status)


def _told(request: HttpRequest, account: Account, wanted: str, error: str) -> dict[str, Any]:
    member = directory.current().by_account(account.pk)
    return {
        "name": member.name if member else account.username, "next": wanted, "error": error,
        "kept": request.POST.get("kept", ""),
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
