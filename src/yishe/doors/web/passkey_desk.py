"""Passkeys through the browser: a page asks for a challenge by script, and sends the answer as an ordinary form."""

import ipaddress
import json
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, JsonResponse

from yishe.doors import admission
from yishe.policy.refusals import Conflict, Invalid
from yishe.trust import clock, ids, passkeys
from yishe.trust.models import Account, Passkey
from yishe.trust.passkeys import Site

NAME = "医社联动 Yishe"
LONGEST = 64 * 1024


def site(request: HttpRequest) -> Site | None:
    """What passkeys are bound to: the configured address, in a demo the one in use. None where browsers make none:
    for a bare IP address, or for an address nobody configured."""
    origins = settings.ORIGINS or ([f"{request.scheme}://{request.get_host()}"] if clock.is_demo() else [])
    named = {str(urlsplit(one).hostname): one for one in origins}
    host = str(urlsplit(f"//{request.get_host()}").hostname)
    if host not in named or _is_address(host):
        return None
    return Site(host, NAME, frozenset(one for one in origins if urlsplit(one).hostname == host))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def required_site(request: HttpRequest) -> Site:
    found = site(request)
    if found is None:
        raise Conflict(
            "no_passkeys_here",
            "这个网址不能用通行密钥：请用域名（或本机的 localhost）打开，并请管理员设置 YISHE_ORIGIN。",
        )
    return found


def ask_to_add(request: HttpRequest, account: Account, name: str) -> JsonResponse:
    at = clock.real_now()
    ends_at = at + admission.rules(at).second_factor.challenge_life.exact()
    return _asked(passkeys.ask_to_add(account, name, required_site(request), ends_at))


def add(request: HttpRequest, account: Account) -> Passkey:
    challenge, answer = answered(request)
    label = request.POST.get("label", "")
    return passkeys.add(account, challenge, answer, label, required_site(request), clock.real_now())


def ask_to_prove(request: HttpRequest, account: UUID | None) -> JsonResponse:
    at = clock.real_now()
    ends_at = at + admission.rules(at).second_factor.challenge_life.exact()
    return _asked(passkeys.ask_to_prove(account, required_site(request), ends_at))


def prove(request: HttpRequest) -> Account:
    """Who signed the challenge in this form."""
    challenge, answer = answered(request)
    return passkeys.prove(challenge, answer, required_site(request), clock.real_now())


def answered(request: HttpRequest) -> tuple[UUID, Any]:
    """The challenge's id and the browser's answer. Invalid when they cannot be read."""
    challenge, written = ids.parse(request.POST.get("challenge")), request.POST.get("answer", "")
    try:
        answer = json.loads(written) if len(written) <= LONGEST else None
    except (ValueError, RecursionError):
        answer = None
    if challenge is None or not isinstance(answer, dict):
        raise Invalid("bad_passkey", "浏览器没有给出通行密钥的答复：请重新按一次按钮。")
    return challenge, answer


def _asked(asked: passkeys.Asked) -> JsonResponse:
    return JsonResponse({"challenge": str(asked[0]), **asked[1]})
