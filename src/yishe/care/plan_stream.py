"""Appending to a plan's stream, with its row following in the same bundle; and reading what its versions say."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from yishe.care.contract_stream import UNNAMED, Once
from yishe.care.models import Plan
from yishe.care.plan_rows import columns, state_of
from yishe.people import packs
from yishe.people.actors import Actor
from yishe.people.placements import Placement
from yishe.policy.plan_content import Content
from yishe.policy.plan_state import CONFIRMED, SCORED, WRITTEN, PlanState, Said, after
from yishe.trust import keys, ledger
from yishe.trust.commit import Bundle
from yishe.trust.ledger import Head


def begin(
    bundle: Bundle, plan: UUID, where: Placement, actor: Actor, at: datetime, data: Mapping[str, Any], words: dict[str, str],
    once: Once,
) -> None:  # fmt: skip
    """A new stream, and its row."""
    state = _after(None, WRITTEN, actor, at, data)
    head = ledger.append(
        bundle, Head(), home=where.home, stream=plan, kind=WRITTEN, actor=actor.staff_id, at=at,
        pack=packs.in_force().sha256, data=dict(data), subject=where.subject, words=words,
        subject_key=keys.wrapped_key(where.subject), command_id=once.command_id, command_digest=once.digest,
    )  # fmt: skip
    bundle.insert(Plan, id=plan, **columns(state, where.home, where.subject, head))


def advance(
    bundle: Bundle, row: Plan, kind: str, actor: Actor, at: datetime, data: Mapping[str, Any],
    words: dict[str, str] | None = None, once: Once = UNNAMED,
) -> None:  # fmt: skip
    """One more entry; the row is updated where it still stands as it was read."""
    state = _after(state_of(row), kind, actor, at, data)
    head = ledger.append(
        bundle, Head(row.seq, bytes(row.head)), home=row.home, stream=row.id, kind=kind, actor=actor.staff_id, at=at,
        pack=packs.in_force().sha256, data=dict(data), subject=row.subject, words=words,
        subject_key=keys.wrapped_key(row.subject) if words else None, command_id=once.command_id,
        command_digest=once.digest,
    )  # fmt: skip
    values = columns(state, row.home, row.subject, head)
    bundle.update(Plan, where={"id": row.id, "seq": row.seq}, values=values)


def _after(
    before: PlanState | None, kind: str, actor: Actor, at: datetime, data: Mapping[str, Any]
) -> PlanState:
    state = after(before, Said(kind, actor.staff_id, at, data))
    if state is None:
        raise AssertionError("a plan begins with its first version")
    return state


# Readers


@dataclass(frozen=True)
class Version:
    """One version as it was written, and who stood behind it; `alone` the coded reason for one profession."""

    number: int
    content: Content
    at: datetime
    by: UUID
    alone: str
    confirmed: tuple[tuple[str, UUID, datetime], ...] = ()


@dataclass(frozen=True)
class Score:
    """How far a goal had come: `level` of a scaled one, else the `value` measured."""

    goal: str
    level: int | None
    value: str
    note: str
    at: datetime
    by: UUID


@dataclass(frozen=True)
class Story:
    """Everything a plan's stream says, oldest first."""

    versions: tuple[Version, ...]
    scores: tuple[Score, ...]

    def version(self, number: int) -> Version | None:
        return next((one for one in self.versions if one.number == number), None)

    def of_goal(self, goal: str) -> list[Score]:
        return [one for one in self.scores if one.goal == goal]


def story(row: Plan) -> Story:
    """The plan's versions and scores, opened. The caller has asked access."""
    key, versions, scores = keys.wrapped_key(row.subject), list[Version](), list[Score]()
    for entry in ledger.entries(row.id):
        said, words = ledger.facts_of(entry), ledger.words(entry, key)
        if entry.kind == WRITTEN:
            content = Content.from_plain(orjson.loads(words["plan"]))
            first = tuple((one, entry.actor, entry.recorded_at) for one in said["present"])
            versions.append(
                Version(said["version"], content, entry.recorded_at, entry.actor, said["alone"], first)
            )
        elif entry.kind == CONFIRMED:
            last = versions.pop()
            behind = (*last.confirmed, (said["profession"], entry.actor, entry.recorded_at))
            versions.append(Version(last.number, last.content, last.at, last.by, last.alone, behind))
        elif entry.kind == SCORED:
            scores.append(Score(**orjson.loads(words["score"]), at=entry.recorded_at, by=entry.actor))
    return Story(tuple(versions), tuple(scores))
