"""Every answer tells the browser what it may do; a proxy is believed only when it is ours."""

import subprocess
import sys
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from pytest_django.fixtures import Settings as SettingsWrapper

from tests.database import HOME
from tests.doors.web.conftest import Office, office  # noqa: F401 - a fixture
from yishe.doors import edge
from yishe.doors.edge import Edge, source

pytestmark = pytest.mark.django_db
PATHS = (
    "/sign-in",
    "/nowhere",
    "/api/v1/me",
    "/api/nowhere",
    "/static/web/app.js",
    "/static/web/mark.svg",
    "/",
)


@pytest.fixture(autouse=True)
def headers_made_anew() -> Iterator[None]:
    edge.headers.cache_clear()
    yield
    edge.headers.cache_clear()


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_carries_the_protecting_headers(path: str) -> None:
    answer = Client().get(path)
    for name, value in edge.HEADERS.items():
        assert answer.headers[name] == value, (path, name)
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert not {"unsafe-inline", "unsafe-eval", "data:", "*"} & set(
        " ".join(policy.values()).replace("'", "").split()
    )
    assert "Strict-Transport-Security" not in answer.headers, "not over plain HTTP"


def test_over_tls_a_browser_is_told_to_stay_there(settings: SettingsWrapper) -> None:
    assert "max-age=31536000" in Client().get("/sign-in", secure=True).headers["Strict-Transport-Security"]
    settings.TLS = True
    edge.headers.cache_clear()
    assert "includeSubDomains" in Client().get("/sign-in").headers["Strict-Transport-Security"]


def seen(meta: dict[str, Any]) -> tuple[str, bool]:
    """The address and whether it was TLS, as a view sees them."""
    request, found = HttpRequest(), []
    request.META = {"REMOTE_ADDR": "203.0.113.9", **meta}

    def view(request: HttpRequest) -> HttpResponse:
        found.append((request.META["REMOTE_ADDR"], request.META.get("wsgi.url_scheme") == "https"))
        assert not set(edge.TOLD_BY_PROXIES) & set(request.META)
        return HttpResponse()

    Edge(view)(request)
    return found[0]


TOLD = {"HTTP_X_FORWARDED_FOR": "6.6.6.6, 192.0.2.7", "HTTP_X_FORWARDED_PROTO": "https"}


def test_nobody_is_believed_who_is_no_proxy_of_ours(settings: SettingsWrapper) -> None:
    assert seen(TOLD) == ("203.0.113.9", False)
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/24")]
    assert seen(TOLD) == ("203.0.113.9", False)


def test_our_proxy_says_who_called_and_how(settings: SettingsWrapper) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/24")]
    assert seen({**TOLD, "REMOTE_ADDR": "10.0.0.5"}) == ("192.0.2.7", True)
    assert seen({"REMOTE_ADDR": "10.0.0.5"}) == ("10.0.0.5", False)


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ("", "10.0.0.5"),
        ("192.0.2.7", "192.0.2.7"),
        ("1.1.1.1, 192.0.2.7", "192.0.2.7"),
        ("192.0.2.7, 10.0.0.9", "192.0.2.7"),
        ("192.0.2.7, ::ffff:10.0.0.9", "192.0.2.7"),
        ("nonsense, 10.0.0.9", "10.0.0.9"),
        ("<script>", "10.0.0.5"),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
def test_only_what_our_proxies_appended_counts(settings: SettingsWrapper, told: str, found: str) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/24")]
    assert source("10.0.0.5", told.split(",")) == found


def asked(what: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What the settings make of these variables, in a process of its own."""
    code = f"from yishe import settings as s; print({what})"
    given = {"YISHE_HOME": str(HOME), "PYTHONPATH": "src", **environment}
    return subprocess.run(
        [sys.executable, "-c", code], env=given, capture_output=True, text=True, check=False
    )


def test_an_https_origin_makes_cookies_secure_and_hosts_known() -> None:
    what = "s.SESSION_COOKIE_NAME, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.ALLOWED_HOSTS[0]"
    said = asked(what, YISHE_ORIGIN="https://yishe.example.cn:8443")
    assert said.stdout.split() == ["__Host-sessionid", "True", "True", "yishe.example.cn"]
    plain = asked(what)
    assert plain.stdout.split() == ["sessionid", "False", "False", "*"], plain.stderr


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("YISHE_ORIGIN", "yishe.example.cn", "https://域名"), ("YISHE_TRUSTED_PROXIES", "10.0.0", "网段")],
)
def test_a_setting_that_cannot_be_meant_is_refused_by_name(name: str, value: str, words: str) -> None:
    said = asked("1", **{name: value})
    assert said.returncode == 1
    assert name in said.stderr
    assert words in said.stderr
    assert "Traceback" not in said.stderr


def test_an_unknown_host_is_refused_without_repeating_it(settings: SettingsWrapper) -> None:
    settings.ALLOWED_HOSTS = ["yishe.example.cn"]
    for path in ("/sign-in", "/"):
        answer = Client().get(path, headers={"host": "evil.example"})
        assert answer.status_code == 400
        assert "请求读不懂" in answer.content.decode()
        assert "evil" not in answer.content.decode()


@pytest.mark.parametrize("path", ["/", "/sign-in", "/api/v1/me"])
def test_trace_is_answered_by_nobody(path: str) -> None:
    answer = Client().trace(path, headers={"X-Secret": "mine"})
    assert answer.status_code == 405
    assert "mine" not in answer.content.decode()


def test_what_is_shown_to_one_person_is_kept_by_no_cache(office: Office) -> None:  # noqa: F811
    for path in ("/", "/residents", office.resident, "/me", "/nowhere"):
        assert "no-store" in office.doctor.open(path).headers["Cache-Control"], path
    assert "no-store" in Client().get("/api/v1/me").headers["Cache-Control"]
