"""What people say to loops: commands that fit, and commands spoilt in one named way."""

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tests.proof import oracle
from yishe.loops import kinds, knowing, settling
from yishe.loops.company import is_leader, leaders
from yishe.loops.models import Loop, Tracking
from yishe.loops.projection import state_of
from yishe.people import actors, directory
from yishe.policy.loop_roles import Situation, allowed, edge_for
from yishe.policy.loop_state import LoopState
from yishe.policy.loop_words import codes

NEVER = "没有这个代码"


@dataclass(frozen=True)
class Spoken:
    """One command: who, which verb, on which loop, with what."""

    actor: uuid.UUID
    verb: str
    loop: uuid.UUID
    seq: int
    what: dict[str, Any] = field(default_factory=dict)


def situations(rows: list[Loop], at: datetime) -> list[Situation]:
    """Every view of every loop by someone who may say anything at all: the sides, the leaders, those who follow."""
    found, following = [], dict(Tracking.objects.values_list("loop", "person"))
    with directory.one_picture():
        book = directory.current()
        for row in rows:
            state, follower = state_of(row), following.get(row.id)
            base = settling.situation(state, max(at, state.last_at or at))
            above = leaders(book, state, base.at)
            people = [state.owner, state.sender, state.performer, *above, follower]
            near = dict.fromkeys(p for p in people if p is not None and p in book.people)
            for person in (p for p in near if p in above or _knows(p, state, base.at)):
                view = replace(
                    base,
                    actor=person,
                    is_system=False,
                    is_leader=person in above,
                    is_tracking=person == follower,
                )
                found += [view] if allowed(view) else []
    return found


def _knows(person: uuid.UUID, state: LoopState, at: datetime) -> bool:
    """Whoever left is told nothing of what he once took part in."""
    actor = actors.actor_of(person)
    return knowing.takes_part(actor, state, at) or knowing.follows(actor, state, at)


def fitting(rng: random.Random, s: Situation, verb: str) -> dict[str, Any] | None:
    """What `verb` needs here, complete and right; None when there is nobody to hand it to."""
    what: dict[str, Any] = {}
    book = codes(s.kind, verb)
    if book:
        what["reason"] = (
            rng.choice(list(book)) if "other" not in book or rng.random() < 0.8 else "用自己的话写的原因"
        )
    if verb in ("ask_more", "supply", "note", "refer_on") or rng.random() < 0.2:
        what["note"] = rng.choice(["请补充检查单", "已电话联系", "入户看过，情况稳定"])
    if verb == "hold":
        longest = s.calendar.add(s.at, s.kind.hold_max, "wall") - s.at
        what["until"] = s.at + max(timedelta(minutes=1), longest * rng.random())
    if verb == "complete":
        what |= {"outcome": rng.choice(list(s.kind.outcomes)), "evidence": _evidence(s), "note": "已办"}
    if verb == "heard":
        what |= {"outcome": rng.choice(["yes", "partly", "no"]), "said_by": rng.choice(["resident", "proxy"])}
    if verb == "hand_over":
        others = receivers(s)
        if not others:
            return None
        what["to"] = rng.choice(others)
    return what


def _evidence(s: Situation) -> tuple[dict[str, Any], ...]:
    wanted = s.kind.evidence_required.complete
    return tuple({"type": one, "id": str(uuid.uuid4())} for one in wanted if one != "statement")


def receivers(s: Situation) -> list[uuid.UUID]:
    """Who may take the loop over: there, in the centre or leading, and of the duty or leading."""
    book = directory.current()
    found = []
    for member in book.people.values():
        leads = is_leader(member.id, s.state, s.at)
        fits = s.state.turn == "sender" or s.state.duty in member.duties(s.at) or leads
        here = s.state.centre in member.centres(s.at) or leads
        if member.id != s.state.owner and book.present(member, s.at) and fits and here:
            found.append(member.id)
    return found


WEIGHT = {
    "void": 0.15,
    "cancel": 0.3,
    "note": 0.3,
    "heard": 0.4,
    "hand_over": 0.5,
    "supply": 4.0,
    "resume": 2.0,
    "confirm": 3.0,
}
"""Endings and small talk are said less often, so that loops live long enough to see the rest."""
ENOUGH = 20
RARE = 6.0
"""How much likelier what was seen fewer than ENOUGH times becomes, so that a run reaches everything and not by luck."""


def rarely(seen: Mapping[str, int], name: str) -> float:
    """The weight of something that happened `seen[name]` times so far in the whole run."""
    return RARE if seen.get(name, 0) < ENOUGH else 1.0


def legal(rng: random.Random, rows: list[Loop], at: datetime, seen: Mapping[str, int]) -> Spoken | None:
    """Something somebody may say now. Each possible edge is as likely as any other, and likelier while seldom `seen`."""
    by_edge: dict[tuple[str, str], list[tuple[Situation, str]]] = {}
    for s in situations(rows, at):
        for verb in allowed(s):
            edge = edge_for(s, verb)
            by_edge.setdefault((oracle.label(edge) if edge else verb, s.state.place), []).append((s, verb))
    edges = sorted(by_edge)
    weights = [WEIGHT.get(by_edge[e][0][1], 1.0) * rarely(seen, e[0]) for e in edges]
    for _ in range(4 if edges else 0):
        s, verb = rng.choice(by_edge[rng.choices(edges, weights)[0]])
        what = fitting(rng, s, verb)
        if what is not None:
            return Spoken(s.actor, verb, s.state.id, s.state.seq, what)
    return None


def anything(rng: random.Random, rows: list[Loop], people: list[uuid.UUID]) -> Spoken | None:
    """Anyone says anything to any loop, with whatever comes to mind."""
    if not rows:
        return None
    row = rng.choice(rows)
    verb = rng.choice(["receive", "accept", "decline", "ask_more", "supply", "start", "hold",
                       "resume", "complete", "fail", "confirm", "refer_on", "reopen", "cancel", "hand_over", "note",
                       "heard", "void", "escalate", "fly", "fly"])  # fmt: skip
    what: dict[str, Any] = {}
    kind = kinds.opened_under(row.kind, row.pack)
    if rng.random() < 0.6:
        what["reason"] = rng.choice([*codes(kind, verb), NEVER])
    if rng.random() < 0.5:
        what["note"] = rng.choice(["随便写写", " ", "x"])
    if rng.random() < 0.5:
        what["outcome"] = rng.choice([*kind.outcomes, "yes", NEVER])
    if rng.random() < 0.3:
        what["to"] = rng.choice([*people, uuid.uuid4()])
    if rng.random() < 0.3:
        what["until"] = row.promised_at + timedelta(days=rng.randint(-3, 90))
    near = [p for p in (row.owner, row.sender, row.performer) if p in people]
    return Spoken(
        rng.choice(near if near and rng.random() < 0.4 else people),
        verb,
        row.id,
        max(1, row.seq - (rng.random() < 0.1)),
        what,
    )


SPOILT: dict[str, tuple[str, dict[str, Any]]] = {
    "reason": ("decline fail cancel hold confirm refer_on void", {"reason": "nonsense"}),
    "outcome": ("complete", {"outcome": "nonsense"}),
    "evidence": ("complete", {"evidence": ({"type": "nonsense", "id": "x"},)}),
    "evidence_missing": ("complete", {"evidence": (), "note": ""}),
    "note_missing": ("ask_more supply note", {"note": "  "}),
    "hold_until": ("hold", {"until": None}),
    "helped": ("heard", {"outcome": "maybe"}),
    "said_by": ("heard", {"said_by": "neighbour"}),
    "null_byte": ("note ask_more supply", {"note": "a\x00b"}),
    "too_long": ("note ask_more supply", {"note": "长" * 4001}),
    "to": ("hand_over", {"to": None}),
}
"""Refusal → verbs it is tried with, and what is wrong about them."""


def spoilt(rng: random.Random, code: str, rows: list[Loop], at: datetime) -> Spoken | None:
    """A command that would be accepted, but for one thing."""
    verbs, wrong = SPOILT[code]
    able = [(s, v) for s in situations(rows, at) for v in allowed(s) if v in verbs.split()]
    if code == "evidence_missing":
        able = [(s, v) for s, v in able if s.kind.evidence_required.complete]
    rng.shuffle(able)
    for s, verb in able:
        what = fitting(rng, s, verb)
        if what is not None:
            return Spoken(s.actor, verb, s.state.id, s.state.seq, {**what, **wrong})
    return None


def handed_to(rng: random.Random, code: str, rows: list[Loop], at: datetime) -> Spoken | None:
    """A hand-over to someone it may not go to: away, of another duty, of another centre."""
    book = directory.current()
    for s in situations(rows, at):
        if "hand_over" not in allowed(s) or s.state.turn != "performer":
            continue
        for member in book.people.values():
            away, has = book.away(member.id, at), s.state.duty in member.duties(s.at)
            near, leads = s.state.centre in member.centres(s.at), is_leader(member.id, s.state, s.at)
            wrong = {
                "to_away": away,
                "to_duty": not away and not has,
                "to_centre": not away and has and not near,
            }[code]
            if wrong and not leads and member.id != s.state.owner and member.held(s.at):
                return Spoken(
                    s.actor, "hand_over", s.state.id, s.state.seq, {"to": member.id, "reason": "workload"}
                )
    return None
