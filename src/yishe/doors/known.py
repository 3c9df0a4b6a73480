"""Whose session it is. Django's own answer, but for the usual case without reading the account a second time."""

from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.middleware import AuthenticationMiddleware, get_user
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from django.utils.functional import SimpleLazyObject

from yishe.doors import admission
from yishe.trust.models import Account


class Known(AuthenticationMiddleware):
    """Middleware: `request.user` is the account that came with the session's row, when the session proves it."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: _account(request))  # type: ignore[assignment]


def _account(request: HttpRequest) -> Any:
    row = admission.session_of(request)
    if row is None or row.account is None or not _proved(request, row.account):
        return get_user(request)
    return row.account


def _proved(request: HttpRequest, account: Account) -> bool:
    """What Django asks of a session; whatever is not plainly so is left to Django, which ends or renews it."""
    said = request.session
    return (
        account.is_active
        and said.get(SESSION_KEY) == str(account.pk)
        and said.get(BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS
        and constant_time_compare(said.get(HASH_SESSION_KEY, ""), account.get_session_auth_hash())
    )
