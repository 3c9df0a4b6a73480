"""Too often is refused in words, with the time to wait; whoever works as people work is never held up."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django.fixtures import Settings as SettingsWrapper

from tests.doors.web.conftest import Office, office  # noqa: F401 - a fixture
from yishe.doors import limits
from yishe.doors.doorstep import neighbourhood
from yishe.doors.limits import _Counter, take
from yishe.people import packs
from yishe.policy.refusals import TooMany

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
Tick = Callable[[float], None]


@pytest.fixture
def tick(monkeypatch: pytest.MonkeyPatch) -> Tick:
    """The machine's steady clock, in our hands."""
    found = [1_000_000.0]
    monkeypatch.setattr("yishe.doors.limits.time.monotonic", lambda: found[0])

    def on(seconds: float) -> None:
        found[0] += seconds

    return on


def most(kind: str) -> int:
    return int(getattr(packs.in_force().settings(AT.date()).limits, kind).count)


def spend(kind: str, who: object, count: int) -> int:
    """How many of `count` were allowed."""
    allowed = 0
    for _ in range(count):
        try:
            take(kind, who, AT)
        except TooMany:
            continue
        allowed += 1
    return allowed


def test_as_many_as_the_pack_says_and_then_a_wait_that_helps(tick: Tick) -> None:
    assert spend("export", "li", most("export") + 5) == most("export")
    with pytest.raises(TooMany) as refused:
        take("export", "li", AT)
    assert "秒再试" in refused.value.title
    tick(refused.value.extra["retry_after"])
    take("export", "li", AT)


def test_a_colleague_is_not_held_up_and_another_kind_is_counted_apart(tick: Tick) -> None:
    spend("export", "li", most("export"))
    take("export", "wang", AT)
    take("search", "li", AT)


def test_within_any_stretch_of_time_there_are_never_many_more(tick: Tick) -> None:
    allowed = 0
    for _ in range(200):
        allowed += spend("sign_in", "1.2.3.4", 3)
        tick(0.3)
    assert allowed <= 2 * most("sign_in"), "one minute's work of 600 tries"


def test_a_wait_that_is_told_is_never_too_short() -> None:
    for now in range(1, 12):
        for before in range(12):
            for gone in (0.0, 0.5, 30.0, 59.9):
                counter = _Counter(7, now, before)
                wait = counter.wait(10, 60.0, gone)
                if wait <= 0:
                    continue
                window, later = divmod(7 * 60 + gone + wait + 1e-6, 60.0)
                counter.move(int(window))
                assert counter.wait(10, 60.0, later) <= 0


def test_what_is_kept_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yishe.doors.limits.MOST_KEPT", 100)
    for n in range(1000):
        take("anonymous", n, AT)
    assert len(limits._kept) <= 100


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3::9", "2001:db8:1:2::/64"),
        ("nonsense", ""), ("", ""),
    ],
)  # fmt: skip
def test_an_address_stands_for_its_neighbourhood(address: str, found: str) -> None:
    assert neighbourhood(address) == found


# --- at the doors --------------------------------------------------------------------------------------------


FEW = """
versions:
  2025-06-01:
    limits:
      search: {count: 3}
      export: {count: 1}
      sign_in: {count: 3}
      anonymous: {count: 3}
"""


@pytest.fixture(scope="module")
def strict_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packs") / "strict"
    folder.mkdir()
    head = {"id": "strict", "title": "从严", "version": "2026.1", "overlays": "base"}
    (folder / "pack.yaml").write_text(json.dumps(head))
    (folder / "settings.yaml").write_text(FEW)
    return folder


@pytest.fixture
def few(settings: SettingsWrapper, strict_pack: Path) -> None:
    """An authority that allows little: three are many."""
    settings.PACKS = [*settings.PACKS, strict_pack]


def last_of(count: int, ask: Callable[[], HttpResponse]) -> HttpResponse:
    for _ in range(count - 1):
        ask()
    return ask()


def refused(answer: HttpResponse) -> str:
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 7200
    return answer.content.decode()


def test_guessing_at_the_door_is_held_up(db: None, few: None, caplog: pytest.LogCaptureFixture) -> None:
    client = Client()
    body = {"username": "li", "password": "wrong-guess-1"}
    assert "登录尝试太频繁" in refused(last_of(4, lambda: client.post("/sign-in", body)))
    assert "limit of sign_in reached by 127.0.0.1" in caplog.text
    assert "wrong-guess-1" not in caplog.text


def test_tokens_cannot_be_guessed_quickly_and_the_answer_is_a_problem(db: None, few: None) -> None:
    answer = last_of(5, lambda: Client().get("/api/v1/me", headers={"Authorization": "Bearer guess"}))
    body = json.loads(refused(answer))
    assert (body["status"], body["code"]) == (429, "too_many_requests")
    assert body["retry_after"] > 0
    assert answer["Content-Type"].startswith("application/problem+json")


def test_a_crowd_of_strangers_does_not_lock_out_who_is_signed_in(office: Office, few: None) -> None:  # noqa: F811
    refused(last_of(5, lambda: Client().get("/sign-in")))
    assert office.doctor.open("/residents").status_code == 200
    assert Client().get("/static/web/app.css").status_code == 200


def test_searching_and_taking_out_are_held_up_by_person(office: Office, few: None) -> None:  # noqa: F811
    assert "查找太频繁" in refused(last_of(4, lambda: office.doctor.open("/residents", q="wxl")))
    assert office.nurse.open("/residents").status_code == 200
    assert "导出太频繁" in refused(last_of(2, lambda: office.director.send("/loops/export", purpose="质控")))
    assert office.director.open("/loops").status_code == 200
