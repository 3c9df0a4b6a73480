"""Open screens hear what concerns their person, miss nothing over a lost connection, and end with the session."""

import asyncio
import json
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from tests.rooms.care.world import World, build
from yishe.doors import draining
from yishe.doors.live import pump, stream
from yishe.doors.live.crowd import Crowd
from yishe.doors.live.front import Front
from yishe.doors.session_store import SessionStore
from yishe.people import consent_checks, consents, directory, own_accounts
from yishe.people.actors import Actor
from yishe.people.consent_checks import Yes
from yishe.people.models import Staff
from yishe.policy.refusals import TooMany
from yishe.policy.sheets import Streams
from yishe.talk import account_news, delivery, live, outbox
from yishe.talk import consents as consenting
from yishe.talk.models import Outbox
from yishe.trust import accounts, devices, ids, sessions
from yishe.trust.commit import Bundle, atomically
from yishe.trust.models import Session

pytestmark = pytest.mark.django_db(transaction=True)

Headers = list[tuple[bytes, bytes]]
FRONT = Front


@pytest.fixture
def world() -> World:
    with atomically():
        return build(datetime.now(UTC))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pump, "EVERY_SECONDS", 0.02)
    monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 0.2)


def signed_in(actor: Actor) -> tuple[Headers, str]:
    """A browser's cookie for this person, and its session."""
    account = accounts.create_account(f"u-{actor.staff_id.hex}", "x", datetime.now(UTC), hashed="!")
    Staff.objects.filter(id=actor.staff_id).update(account=account)
    with atomically():
        directory.bump()
    client = Client()
    client.force_login(account, "django.contrib.auth.backends.ModelBackend")
    key = client.cookies["sessionid"].value
    return [(b"cookie", f"theme=dark; sessionid={key}".encode())], key


def tell(world: World, person: UUID, key: str, topic: str = "loop.promised") -> None:
    bundle = Bundle()
    at = datetime.now(UTC)
    outbox.tell(bundle, home=world.centre.id, person=person, topic=topic, key=key, at=at, loop=ids.new())
    bundle.commit()


def listen(
    headers: Headers, meanwhile: Callable[[], Any], enough: Callable[[str], bool], method: str = "GET"
) -> Any:
    """Open a stream, do `meanwhile` once it is open, read until `enough`. Returns (status, text, ended by server)."""

    async def run() -> tuple[int, str, bool]:
        front, seen, done = Front(None), [], asyncio.Event()
        status: list[int] = []

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                status.append(message["status"])
            else:
                seen.append(message["body"].decode())
            if enough("".join(seen)):
                done.set()

        gone = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await gone.wait()
            return {"type": "http.disconnect"}

        scope = {"type": "http", "method": method, "path": "/live/", "query_string": b"", "headers": headers}
        call = asyncio.create_task(front(scope, receive, send))
        while not status or (status[0] == 200 and not seen):
            await asyncio.sleep(0.01)
        await asyncio.to_thread(meanwhile)
        await asyncio.wait(
            {call, asyncio.create_task(done.wait())}, timeout=10, return_when=asyncio.FIRST_COMPLETED
        )
        ended = call.done()
        gone.set()
        await call
        await front.pump.stop()
        return status[0], "".join(seen), ended

    return asyncio.run(run())


def events(text: str) -> list[tuple[int, str, dict[str, Any]]]:
    found = []
    for block in text.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":")
        )
        if "data" in fields and "event" in fields and fields["event"] != "bye":
            found.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
    return found


def test_a_screen_hears_what_concerns_its_person_only_and_without_a_name(world: World) -> None:
    headers, _ = signed_in(world.social_worker)
    tell(world, world.doctor.staff_id, "long ago")  # an outbox that has been used

    def meanwhile() -> None:
        tell(world, world.doctor.staff_id, "other")
        tell(world, world.social_worker.staff_id, "mine")

    status, text, _ = listen(headers, meanwhile, lambda text: bool(events(text)))
    ((number, name, data),) = events(text)
    assert (status, name, data["topic"]) == (200, "loop", "loop.promised")
    assert number == Outbox.objects.get(home=world.centre.id, key="mine").id
    assert "王秀兰" not in text


def test_what_came_while_the_line_was_down_is_told_on_return(world: World) -> None:
    headers, _ = signed_in(world.social_worker)
    tell(world, world.social_worker.staff_id, "seen")
    last = live.newest()
    tell(world, world.social_worker.staff_id, "missed one")
    tell(world, world.social_worker.staff_id, "missed two")
    back = [*headers, (b"last-event-id", str(last).encode())]

    def meanwhile() -> None:
        tell(world, world.social_worker.staff_id, "new")

    _, text, _ = listen(back, meanwhile, lambda text: len(events(text)) >= 3)
    numbers = [number for number, _, _ in events(text)]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 3


def test_delivery_tells_the_screen_that_a_notice_is_there(world: World) -> None:
    headers, _ = signed_in(world.social_worker)

    def meanwhile() -> None:
        tell(world, world.social_worker.staff_id, "mine")
        delivery.deliver(datetime.now(UTC), "w")

    _, text, _ = listen(headers, meanwhile, lambda text: len(events(text)) >= 2)
    assert [name for _, name, _ in events(text)] == ["loop", "notice"]


def test_a_stream_ends_when_its_session_does(world: World) -> None:
    headers, key = signed_in(world.social_worker)
    _, text, ended = listen(headers, lambda: SessionStore(key).delete(), lambda text: False)
    assert ended
    assert "event: bye" in text


def test_a_stream_ends_at_once_when_its_session_is_ended_elsewhere(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 60)
    headers, key = signed_in(world.social_worker)

    def meanwhile() -> None:
        row = sessions.shown(key)
        assert row is not None
        assert row.account_id is not None
        at = datetime.now(UTC)
        sessions.end(row.account_id, row.id, "ended_elsewhere", at)
        account_news.ended(row.account_id, [row.id], at)

    _, text, ended = listen(headers, meanwhile, lambda text: False)
    assert ended
    assert "event: bye" in text


def test_a_busy_stream_is_looked_at_again_too(world: World) -> None:
    headers, key = signed_in(world.social_worker)
    row = sessions.shown(key)
    assert row is not None

    def meanwhile() -> None:
        sessions.lock(row.id, datetime.now(UTC))
        for number in range(8):
            tell(world, world.social_worker.staff_id, f"busy {number}")
            Event().wait(0.05)

    _, text, ended = listen(headers, meanwhile, lambda text: False)
    assert ended
    assert "event: bye" in text


def test_a_relatives_open_screen_is_closed_by_the_withdrawal_and_hears_no_more(world: World) -> None:
    at, who = datetime.now(UTC), world.resident.resident
    yes = Yes(
        "relative", consents.text("relative", at).sha256, scope=("loops",), kinship="3", relative_name="王小梅",
        relative_phone="13700137000",
    )  # fmt: skip
    given = consenting.give(world.social_worker, who, yes, at)
    with atomically():
        account = own_accounts.of_relative(consent_checks.relative_id(yes), at)
    client = Client()
    client.force_login(account, "django.contrib.auth.backends.ModelBackend")
    headers = [(b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode())]

    def meanwhile() -> None:
        consenting.withdraw(world.social_worker, who, given, "family", datetime.now(UTC))

    status, text, _ = listen(headers, meanwhile, lambda text: bool(events(text)))
    ((_, name, data),) = events(text)
    assert (status, name, data["topic"]) == (200, "access", stream.ENDED)
    assert data["subject"] == str(world.resident.subject)
    sessions.end_others(account.pk, None, "signed_out", datetime.now(UTC))
    assert listen(headers, lambda: None, bool)[0] == 401


def test_a_cookie_taken_to_another_device_hears_nothing(world: World) -> None:
    headers, key = signed_in(world.social_worker)
    row, at = sessions.shown(key), datetime.now(UTC)
    assert row is not None
    device = devices.meet("", "Chrome/1", at, timedelta(days=1))
    Session.objects.filter(id=row.id).update(device=device)
    assert listen(headers, lambda: None, bool)[0] == 401
    told = f"sessionid={key}; device={devices.token(device.id)}".encode()
    assert listen([(b"cookie", told)], lambda: None, bool)[0] == 200


def test_a_bearer_token_may_listen_too(world: World) -> None:
    signed_in(world.doctor)
    account = Staff.objects.select_related("account").get(id=world.doctor.staff_id).account
    assert account is not None
    token = accounts.issue_token(account, "t", datetime.now(UTC))
    headers = [(b"authorization", f"Bearer {token}".encode())]
    status, text, _ = listen(
        headers, lambda: tell(world, world.doctor.staff_id, "x"), lambda text: bool(events(text))
    )
    assert (status, len(events(text))) == (200, 1)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"cookie", b"sessionid=forged")],
        [(b"cookie", b"\xff;;=")],
        [(b"authorization", b"Bearer nobody")],
    ],
)
def test_a_stranger_hears_nothing(world: World, headers: Headers) -> None:
    status, text, ended = listen(headers, lambda: None, bool)
    assert status == 401
    assert ended or "title" in text


def test_only_reading_is_possible(world: World) -> None:
    assert listen([], lambda: None, bool, method="POST")[0] == 405


def test_taking_a_consent_back_closes_the_screen_of_the_one_it_named(world: World) -> None:
    """钱医生 is the resident's son; what tells his open page says whom it is about, and nothing of her."""
    at = datetime.now(UTC)
    said = Yes(
        "relative",
        consents.text("relative", at).sha256,
        grantee=world.stranger.staff_id,
        kinship="2",
        scope=("loops",),
    )
    given = consenting.give(world.social_worker, world.resident.resident, said, at)
    headers, _ = signed_in(world.stranger)

    _, text, _ = listen(
        headers,
        lambda: consenting.withdraw(
            world.social_worker, world.resident.resident, given, "trust", datetime.now(UTC)
        ),
        lambda text: "event: access" in text,
    )

    event = text[text.index("event: access") :].split("data: ")[1].splitlines()[0]
    assert json.loads(event)["subject"] == str(world.resident.subject)
    assert "王秀兰" not in text


# How many at once


MOST = Streams(session=2, person=3, address=4)


def refused_for(crowd: Crowd, **whose: object) -> str:
    with pytest.raises(TooMany) as refused, crowd.one_more(whose, MOST):
        pass
    return str(refused.value.extra["limit"])


def test_streams_are_counted_by_browser_person_and_address_and_an_ended_one_makes_room() -> None:
    crowd, mine = Crowd(), {"session": "a", "person": "p", "address": "1"}
    with ExitStack() as still_open:
        still_open.enter_context(crowd.one_more(mine, MOST))
        with crowd.one_more(mine, MOST):
            assert refused_for(crowd, **mine) == "session"
            with crowd.one_more({**mine, "session": "b"}, MOST):
                assert refused_for(crowd, **{**mine, "session": "c"}) == "person"
                with crowd.one_more({"session": "d", "person": "colleague", "address": "1"}, MOST):
                    assert refused_for(crowd, session="e", person="stranger", address="1") == "address"
                    with crowd.one_more({"session": "e", "person": "stranger", "address": "2"}, MOST):
                        pass
        with crowd.one_more(mine, MOST):
            pass


def test_one_stream_too_many_is_refused_in_words_and_the_open_one_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream.who, "most_streams", lambda: Streams(session=1, person=1, address=1))
    headers, _ = signed_in(world.social_worker)
    front = Front(None)

    async def ask(whose: Headers, until: str) -> tuple[dict[str, Any], str]:
        said: list[dict[str, Any]] = []
        heard = asyncio.Event()

        async def send(message: dict[str, Any]) -> None:
            said.append(message)
            if until.encode() in message.get("body", b""):
                heard.set()

        async def receive() -> dict[str, Any]:
            await heard.wait()
            if until == "hello":
                second.update(zip(("head", "text"), await ask(headers, "title"), strict=True))
            return {"type": "http.disconnect"}

        await front(
            {"type": "http", "method": "GET", "path": "/live/", "query_string": b"", "headers": whose},
            receive,
            send,
        )
        return said[0], b"".join(message.get("body", b"") for message in said).decode()

    async def run() -> tuple[dict[str, Any], str]:
        try:
            return await ask(headers, "hello")
        finally:
            await front.pump.stop()

    second: dict[str, Any] = {}
    first, text = asyncio.run(run())
    assert (first["status"], second["head"]["status"]) == (200, 429)
    assert dict(second["head"]["headers"])[b"retry-after"] == b"30"
    assert "请关掉几页" in second["text"]
    assert "hello" in text


def test_a_stream_that_ends_with_its_process_says_when_to_come_back_each_at_another_moment(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers, _ = signed_in(world.social_worker)
    fronts: list[Front] = []

    def made(pages: None) -> Front:
        fronts.append(FRONT(pages))
        return fronts[-1]

    def end() -> None:
        fronts[-1].pump.stopping = True
        for listener in fronts[-1].pump.listeners:
            listener.closed = True

    monkeypatch.setitem(listen.__globals__, "Front", made)
    monkeypatch.setattr(draining, "again_milliseconds", iter((1234, 2345)).__next__)
    for moment in (1234, 2345):
        _, text, ended = listen(headers, end, lambda text: False)
        assert ended
        assert text.endswith(f"retry: {moment}\n\n")


def test_the_moments_lie_within_a_few_seconds_and_apart() -> None:
    moments = {draining.again_milliseconds() for _ in range(200)}
    assert 0 < min(moments) < max(moments) <= 3_300
    assert len(moments) > 100
