from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from tests.rooms.care.world import World, build
from yishe.loops import acts, kinds, promises, reading
from yishe.loops.models import Loop
from yishe.people.actors import Actor

D2S = "referral.doctor_to_social_worker"


@pytest.fixture
def world(db: None, now: datetime) -> World:
    kinds.forget()
    return build(now)


@dataclass
class Said:
    """Says verbs to one loop, always knowing its present seq, so that a test reads as a conversation."""

    loop: UUID
    at: datetime

    @property
    def row(self) -> Loop:
        return Loop.objects.get(id=self.loop)

    def say(self, actor: Actor, verb: str, **what: Any) -> Loop:
        at = what.pop("at", self.at)
        self.loop = acts.act(actor, verb, self.loop, seq=what.pop("seq", self.row.seq), at=at, **what)
        return self.row

    def allowed(self, actor: Actor) -> set[str]:
        return set(reading.detail(actor, self.loop, self.at).allowed)


@pytest.fixture
def refer(world: World, now: datetime) -> Callable[..., Said]:
    """A referral from the doctor to the social worker for 王秀兰, D12 unless said otherwise."""

    def made(reason: str = "D12", *, actor: Actor | None = None, at: datetime = now, **more: Any) -> Said:
        loop = promises.promise(
            actor or world.doctor, kind=more.pop("kind", D2S), resident=world.resident.resident, reason=reason, at=at,
            command_id=more.pop("command_id", f"{reason}-{at.isoformat()}"), note=more.pop("note", "近一月少出门"), **more,
        )  # fmt: skip
        return Said(loop, at)

    return made
