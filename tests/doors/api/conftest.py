from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.test import Client
from django.test.client import ClientHandler

from tests.rooms.care.world import World, build
from yishe.doors.api import short_way
from yishe.loops import kinds
from yishe.people import directory
from yishe.people.actors import Actor, actor_for
from yishe.people.models import Staff
from yishe.trust import accounts

D2S = "referral.doctor_to_social_worker"


class Served(ClientHandler):
    """What a server asks: the short way where there is one, else the long one (`yishe.doors.wsgi`)."""

    def __call__(self, environ: dict[str, Any]) -> HttpResponse:
        told = short_way.answered(environ)
        if told is None:
            return super().__call__(environ)
        status, headers, body = told
        answer = HttpResponse(body, status=status, headers=dict(headers))
        answer.wsgi_request = WSGIRequest(environ)
        return answer


def served() -> Client:
    client = Client()
    client.handler = Served(client.handler.enforce_csrf_checks)
    return client


@dataclass
class Phone:
    """Someone's API client."""

    token: str
    client: Client = field(default_factory=served)

    def _headers(self, key: str | None) -> dict[str, str]:
        found = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {**found, "Idempotency-Key": key} if key else found

    def get(self, path: str, **query: Any) -> HttpResponse:
        return self.client.get(f"/api/v1{path}", query, headers=self._headers(None))

    def post(self, path: str, body: Any, key: str | None = None) -> HttpResponse:
        return self.client.post(
            f"/api/v1{path}", body, content_type="application/json", headers=self._headers(key)
        )


@dataclass
class Desk:
    """The world with a client for each person in it."""

    world: World
    doctor: Phone
    social_worker: Phone
    nurse: Phone
    director: Phone
    stranger: Phone
    nobody: Phone

    @property
    def resident(self) -> str:
        return str(self.world.resident.resident)

    def refer(self, reason: str = "D12", key: str | None = None) -> dict[str, Any]:
        body = {"kind": D2S, "resident": self.resident, "reason": reason, "note": "近一月少出门"}
        answer = self.doctor.post("/loops", body, key)
        assert answer.status_code == 201, answer.content.decode()
        return answer.json()


@pytest.fixture
def desk(db: None) -> Desk:
    kinds.forget()
    now = datetime.now(UTC)
    world = build(now - timedelta(minutes=1))
    phone = _signed_up(now)
    return Desk(
        world,
        phone(world.doctor),
        phone(world.social_worker),
        phone(world.nurse),
        phone(world.director),
        phone(world.stranger),
        Phone(""),
    )


def _signed_up(now: datetime) -> Callable[[Actor], Phone]:
    def phone(actor: Actor) -> Phone:
        account = accounts.create_account(f"u{uuid4().hex[:8]}", "not used here", now, hashed="!")
        Staff.objects.filter(id=actor.staff_id).update(account=account)
        directory.bump()
        assert actor_for(account.id).staff_id == actor.staff_id
        return Phone(accounts.issue_token(account, "test", now))

    return phone
