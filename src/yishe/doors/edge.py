"""Where our side of the wire begins: who really calls when a proxy stands in front, and what every answer tells the
browser it may do.

Nothing inline, nothing from elsewhere, nobody's frame. What a proxy adds to a request is believed from the proxies that
YISHE_TRUSTED_PROXIES names and from nobody else.
"""

import ipaddress
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

OWN = "'self'"
POLICY = "; ".join(
    f"{what} {whence}"
    for what, whence in {
        "default-src": "'none'",
        "script-src": OWN,
        "style-src": OWN,
        "img-src": OWN,
        "font-src": OWN,
        "media-src": OWN,
        "connect-src": OWN,
        "manifest-src": OWN,
        "worker-src": OWN,
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": OWN,
        "frame-src": "'none'",
        "frame-ancestors": "'none'",
    }.items()
)
"""The content policy of pages. Scripts and styles are files of ours; a page that needs more is built differently."""

BARE_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The same for what is read by programs."""

ALLOWED_HERE = ("publickey-credentials-get", "publickey-credentials-create", "camera", "microphone")
REFUSED = (
    "accelerometer",
    "display-capture",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "midi",
    "payment",
    "usb",
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(
        [*(f"{name}=(self)" for name in ALLOWED_HERE), *(f"{name}=()" for name in REFUSED)]
    ),
}
TOLD_BY_PROXIES = (
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_FORWARDED",
    "HTTP_X_REAL_IP",
)


class Edge:
    """The outermost middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        find_source(request.META)
        answer = self.get_response(request)
        page = not request.path_info.startswith("/api")
        for name, value in headers(page=page, secure=settings.TLS or request.is_secure()):
            answer.headers.setdefault(name, value)
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer


@cache
def headers(*, page: bool, secure: bool) -> tuple[tuple[str, str], ...]:
    """What an answer says besides its own headers."""
    found = {**HEADERS, "Content-Security-Policy": POLICY if page else BARE_POLICY}
    if secure:
        found["Strict-Transport-Security"] = f"max-age={settings.HSTS_SECONDS}; includeSubDomains"
    return tuple(found.items())


def raw_headers(media: str) -> list[tuple[bytes, bytes]]:
    """The same for answers that Django does not make: streams, and what is refused before it is read."""
    found = (
        ("Content-Type", media),
        ("Cache-Control", "no-store"),
        *headers(page=False, secure=settings.TLS),
    )
    return [(name.lower().encode(), value.encode()) for name, value in found]


def find_source(meta: dict[str, Any]) -> None:
    """REMOTE_ADDR becomes the caller's own address, and the scheme the one he used; what only a proxy may say is gone."""
    told = {name: meta.pop(name, "") for name in TOLD_BY_PROXIES}
    near = meta.get("REMOTE_ADDR", "")
    if not settings.TRUSTED_PROXIES or not is_trusted(near):
        return
    meta["REMOTE_ADDR"] = source(near, told["HTTP_X_FORWARDED_FOR"].split(","))
    if told["HTTP_X_FORWARDED_PROTO"].strip().lower() == "https":
        meta["wsgi.url_scheme"] = "https"


def source(near: str, told: Sequence[str]) -> str:
    """The last address in the chain that is no proxy of ours; each proxy appends whom it heard, so only those that
    ours appended are believed, and what the caller wrote in front of them is not."""
    for said in reversed([one.strip() for one in told]):
        if not _address(said):
            return near
        near = said
        if not is_trusted(said):
            break
    return near


def is_trusted(address: str) -> bool:
    found = _address(address)
    return found is not None and any(found in network for network in settings.TRUSTED_PROXIES)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
