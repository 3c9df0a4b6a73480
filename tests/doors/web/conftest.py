from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.rooms.care.world import World, build
from yishe.loops import kinds, promises
from yishe.people import directory
from yishe.people.actors import Actor
from yishe.people.models import Staff
from yishe.trust import accounts, clock
from yishe.trust.models import AccessLine

TEST_FRAME = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
D2S = "referral.doctor_to_social_worker"


@dataclass
class Screen:
    """Someone's browser, signed in."""

    client: Client

    def open(self, path: str, **query: Any) -> HttpResponse:
        return self.client.get(path, query)

    def send(self, path: str, **given: Any) -> HttpResponse:
        return self.client.post(path, given)

    def text(self, path: str, **query: Any) -> str:
        answer = self.open(path, **query)
        assert answer.status_code == 200, answer.content.decode()
        return answer.content.decode()


@dataclass
class Office:
    """The world with a screen for each person in it; 钱医生 is the stranger."""

    world: World
    doctor: Screen
    social_worker: Screen
    nurse: Screen
    director: Screen
    stranger: Screen

    @property
    def resident(self) -> str:
        return f"/residents/{self.world.resident.resident}"

    def refer(self, reason: str = "D12") -> UUID:
        return promises.promise(
            self.world.doctor, kind=D2S, resident=self.world.resident.resident, reason=reason, note="近一月少出门",
            at=datetime.now(UTC), command_id=uuid4().hex,
        )  # fmt: skip

    def looks(self) -> int:
        """How many access lines there are."""
        return AccessLine.objects.count()


@pytest.fixture
def office(db: None) -> Office:
    kinds.forget()
    with transaction.atomic():
        world = build(datetime.now(UTC) - timedelta(minutes=1))
        people = (world.doctor, world.social_worker, world.nurse, world.director, world.stranger)
        return Office(world, *(screen(one) for one in people))


def statements(request: Callable[[], object]) -> int:
    """What one request asks of the database."""
    clock.forget()
    clock.now()  # which now and then asks whether this is a demo: not while it is counted
    with CaptureQueriesContext(connection) as seen:
        request()
    return len([one for one in seen.captured_queries if not one["sql"].startswith(TEST_FRAME)])


def screen(actor: Actor) -> Screen:
    account = accounts.create_account(f"u{uuid4().hex[:8]}", "not used here", datetime.now(UTC), hashed="!")
    Staff.objects.filter(id=actor.staff_id).update(account=account)
    directory.bump()
    client = Client()
    client.force_login(account, backend="django.contrib.auth.backends.ModelBackend")
    return Screen(client)
