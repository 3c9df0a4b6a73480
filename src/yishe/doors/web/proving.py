"""Who is behind a request that changes the way in, and that he proved himself some minutes ago at most."""

from functools import wraps
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase

from yishe.doors import admission
from yishe.doors.web.page import Here, View, signed_in
from yishe.policy.refusals import Unauthenticated
from yishe.trust import accounts, clock
from yishe.trust.models import Account, Session

HOME = "/me/security"


def freshly_proved(view: View, home: str = HOME) -> View:
    """Only soon after a proof; otherwise the person proves himself first and comes back, after a press to `home`."""

    @signed_in
    @wraps(view)
    def opened(request: HttpRequest, here: Here, **path: Any) -> HttpResponseBase:
        at = clock.real_now()
        if at - row_of(request).proved_at > admission.rules(at).screen.recent.exact():
            back = request.get_full_path() if request.method == "GET" else home
            return HttpResponseRedirect(f"/unlock?next={quote(back)}")
        return view(request, here, **path)

    return opened


def account_of(request: HttpRequest) -> Account:
    account = accounts.by_id(request.user.pk)
    if account is None:
        raise Unauthenticated("not_signed_in", "登录已失效，请重新登录。")
    return account


def row_of(request: HttpRequest) -> Session:
    row = admission.session_of(request)
    if row is None:
        raise Unauthenticated("not_signed_in", "登录已失效，请重新登录。")
    return row
