"""What an operator is told of requests: numbers, lines and spans with nobody's name, number or words in them."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY, generate_latest

from tests.rooms.care.world import World, build
from tests.spellings import found
from yishe.doors import watching
from yishe.doors.api.short_way import ShortWay
from yishe.people import directory, residents
from yishe.people.actors import SYSTEM
from yishe.people.models import Staff
from yishe.trust import accounts, logs
from yishe.trust.models import AccessLine

pytestmark = pytest.mark.django_db
PRIVATE = {"name": "欧阳秋月白", "id_number": "110102194703057866", "phone": "13986271504", "note": "老伴去年过世后整夜睡不着"}  # fmt: skip
SPANS = InMemorySpanExporter()


@pytest.fixture(scope="module")
def span() -> Callable[..., Any]:
    """The tracing of the product, sending to memory; the provider of a process can be set once."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(SPANS))
    trace.set_tracer_provider(provider)
    from yishe.doors import tracing  # noqa: PLC0415 - importing it begins it

    return tracing.span


class Asking:
    """Requests as a server hands them on."""

    def __init__(self, token: str, application: Any) -> None:
        self.token, self.application = token, application

    def __call__(
        self, method: str, path: str, body: Any = None, query: str = ""
    ) -> tuple[int, dict[str, str]]:
        sent = json.dumps(body).encode() if body is not None else b""
        meta = {
            "REQUEST_METHOD": method, "PATH_INFO": path.encode().decode("latin-1"), "QUERY_STRING": query, "SERVER_NAME": "here",
            "SERVER_PORT": "80", "REMOTE_ADDR": "10.1.2.3", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(sent),
            "HTTP_AUTHORIZATION": f"Bearer {self.token}", "CONTENT_LENGTH": str(len(sent)),
            "CONTENT_TYPE": "application/json" if sent else "",
        }  # fmt: skip
        said: list[Any] = []
        for _ in self.application(
            meta, lambda status, headers, *_: said.append((int(status[:3]), dict(headers)))
        ):
            """Read to the end."""
        return said[-1]


@pytest.fixture
def world() -> World:
    return build(datetime.now(UTC))


@pytest.fixture
def _kept() -> Iterator[None]:
    """A request closes no connection: it is the test's."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def asking(world: World, span: Callable[..., Any], _kept: None) -> Asking:
    account = accounts.create_account("doctor", "x", datetime.now(UTC), hashed="!")
    Staff.objects.filter(id=world.doctor.staff_id).update(account=account)
    directory.bump()
    token = accounts.issue_token(account, "test", datetime.now(UTC))
    whole = watching.Watched(ShortWay(WSGIHandler()), count=True, tell=True, span=span)
    return Asking(token, whole)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Everything that is logged, as it would be written."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(logs.Line())
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield out
    root.removeHandler(handler)
    root.setLevel(level)


def busy(asking: Asking, world: World) -> dict[str, int]:
    """A doctor's minutes with a resident whose every word is known; by what was asked, how it was answered."""
    team = {
        "team": world.team.id,
        "doctor": world.doctor.staff_id,
        "social_worker": world.social_worker.staff_id,
    }
    known = {name: PRIVATE[name] for name in ("name", "id_number", "phone")}
    now = datetime.now(UTC)
    one = residents.register(SYSTEM, {**known, **team}, now, centre=world.centre.id)
    kind = "referral.doctor_to_social_worker"
    promise = {"kind": kind, "resident": str(one.resident), "reason": "D12", "note": PRIVATE["note"]}
    asked = {
        "found": asking("GET", "/api/v1/residents", query="q=%E6%AC%A7%E9%98%B3%E7%A7%8B%E6%9C%88%E7%99%BD"),
        "shown": asking("GET", f"/api/v1/residents/{one.resident}"),
        "promised": asking("POST", "/api/v1/loops", promise),
        "twice": asking("POST", "/api/v1/loops", promise),
        "wrong": asking("POST", "/api/v1/loops", {"kind": PRIVATE["name"], "note": PRIVATE["phone"]}),
        "nowhere": asking("GET", f"/{PRIVATE['name']}/{PRIVATE['phone']}"),
        "odd": asking(PRIVATE["phone"], "/api/v1/me"),
    }
    return {name: status for name, (status, _) in asked.items()}


def test_numbers_lines_and_spans_of_a_busy_hour_hold_nothing_of_anybody(
    asking: Asking, world: World, lines: io.StringIO
) -> None:
    SPANS.clear()
    answered = busy(asking, world)
    assert (answered["found"], answered["shown"], answered["promised"]) == (200, 200, 201)
    assert answered["nowhere"] in (302, 404)
    numbers = generate_latest(REGISTRY).decode()
    spans = "".join(one.to_json() for one in SPANS.get_finished_spans())
    for told in (lines.getvalue(), numbers, spans):
        assert not found(told.encode(), PRIVATE.values())
    assert 'view="none"' in numbers
    assert 'yishe_requests_total{method="other"' in numbers


def test_a_line_of_the_log_and_the_access_line_have_one_number(
    asking: Asking, world: World, lines: io.StringIO
) -> None:
    _, headers = asking("GET", f"/api/v1/residents/{world.resident.resident}")
    (told,) = (
        one for one in map(json.loads, lines.getvalue().splitlines()) if one["where"] == "yishe.requests"
    )
    assert (told["method"], told["status"]) == ("GET", 200)
    assert "resident" in told["view"]
    assert told["request"] == headers["X-Request-Id"] == str(AccessLine.objects.latest("at").request)


def test_a_request_a_commit_and_its_statements_are_one_trace(asking: Asking, world: World) -> None:
    SPANS.clear()
    body = {
        "kind": "referral.doctor_to_social_worker",
        "resident": str(world.resident.resident),
        "reason": "D12",
    }
    assert asking("POST", "/api/v1/loops", body)[0] == 201
    spans = SPANS.get_finished_spans()
    assert len({one.context.trace_id for one in spans if one.context}) == 1
    names = {one.name for one in spans}
    assert "commit" in names
    assert any(name.startswith("POST ") for name in names)
    (commit,) = (one for one in spans if one.name == "commit")
    assert "loops_loop" in (commit.attributes or {})["yishe.tables"]  # type: ignore[operator]
