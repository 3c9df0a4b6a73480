"""Live a loop of a case through: the same decisions as the engine, a worker that is never late, no database."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from .case_models import Given, LoopCase
from .loop_decisions import Cast, after, decide, opening
from .loop_escalation import Company, passed
from .loop_kinds import LoopKind
from .loop_roles import Command, Situation
from .loop_state import LoopState
from .loop_table import table
from .packs import PackSet
from .refusals import Refused

_SPACE = uuid.UUID("5f5e7b0e-6f0c-4c7f-8d3b-0d3f5b1a9c11")
MANY = 10_000  # steps after which a case is taken to run in circles


def wrong(pack: PackSet, code: str, case: LoopCase) -> list[str]:
    """What came out otherwise than the case says."""
    try:
        life = _Life(pack, code, case)
        life.live()
    except Refused as refusal:
        return [f"refused: {refusal.title}"]
    found = life.found()
    return [
        f"{name} is {_shown(found[name])}; expected {_shown(expected)}"
        for name, expected in _expected(case).items()
        if found[name] != expected
    ]


class _Life:
    """One loop, from promise to `when`."""

    def __init__(self, pack: PackSet, code: str, case: LoopCase) -> None:
        self.pack, self.case = pack, case
        self.names: dict[uuid.UUID, str] = {}
        promised = case.given[0]
        kind = pack.loop_kind(code, promised.at.date(), drafts=True)
        self.told: list[str] = []
        self.situation = self._open(kind, promised)

    def person(self, name: str) -> uuid.UUID:
        found = uuid.uuid5(_SPACE, name)
        self.names[found] = name
        return found

    def at(self, local: datetime) -> datetime:
        return local.replace(tzinfo=self.pack.calendar.zone).astimezone(UTC)

    def _open(self, kind: LoopKind, promised: Given) -> Situation:
        sender = self.person(promised.sender or "sender")
        performer = self.person(promised.owner or "performer")
        at, centre = self.at(promised.at), uuid.uuid5(_SPACE, "centre")
        state = LoopState(
            id=uuid.uuid5(_SPACE, self.case.name), home=centre, centre=centre, team=None, kind=kind.code,
            kind_version=kind.version, pack="", reason=self.case.reason, urgency=kind.urgency_of(self.case.reason),
            sensitive=False, subject=centre, sender=sender, performer=performer, owner=performer,
            duty=kind.answered_by[0], promised_at=at, promised_by=at, seq=1,
        )  # fmt: skip
        dates = self._dates(kind, promised)
        fixed = opening(state, kind, self.pack.calendar, dates, None)
        return Situation(replace(state, **fixed), kind, self.pack.calendar, at, performer)

    def _dates(self, kind: LoopKind, promised: Given) -> dict[str, datetime]:
        """The day the promise is bound to ends its finish clock, and the accept clock where that is bound too."""
        if promised.until is None:
            return {}
        accept = kind.clock("accept", self.case.reason)
        bound = ("accept", "finish") if accept and accept.date_bound else ("finish",)
        return dict.fromkeys(bound, self.at(promised.until))

    def live(self) -> None:
        for given in self.case.given[1:]:
            self._sweep(self.at(given.at))
            self._act(given)
        self._sweep(self.at(self.case.when))

    def _sweep(self, until: datetime) -> None:
        company = Company(role=self.person, relief=lambda: None)
        for _ in range(MANY):
            coming = self.situation.state.next_at
            if coming is None or coming > until:
                break
            system = replace(self.situation, at=coming, is_system=True)
            steps = passed(system, company)
            for step in steps:
                self.situation = after(self.situation, step)
                self.told += [self.names[one] for one in step.told]
            if not steps:
                break
        self.situation = replace(self.situation, at=until)

    def _act(self, given: Given) -> None:
        state, kind = self.situation.state, self.situation.kind
        named = [edge for edge in table().edges if given.event in (edge.event, edge.verb)]
        edges = [edge for edge in named if state.place in edge.origin] or named
        verb = edges[0].verb if edges else given.event
        standing = {"sender": state.sender, "owner": state.owner, "performer": state.performer}
        roles = [role for edge in edges for role in edge.by if role in standing]
        actor = self.person(given.by) if given.by else standing[roles[0] if roles else "owner"]
        ours = kind.evidence_required.ours
        brought = given.evidence or kind.evidence_required.complete
        command = Command(
            verb,
            given.reason,
            given.outcome or (next(iter(kind.outcomes)) if verb == "complete" else ""),
            tuple({"type": one} for one in brought if one not in ours),
            given.note,
            self.person(given.to) if given.to else None,
            self.at(given.until) if given.until else None,
            proofs=tuple({"type": one} for one in brought if one in ours),
        )
        situation = replace(self.situation, actor=actor or state.performer, at=self.at(given.at))
        for step in decide(situation, command, Cast(leader=self.person("team_lead"))):
            situation = after(situation, step)
        self.situation = situation

    def found(self) -> dict[str, Any]:
        state = self.situation.state
        when = self.at(self.case.when)
        return {
            "late": state.is_open and state.due_at is not None and state.due_at < when,
            "state": state.place,
            "owner": self.names.get(state.owner) if state.owner else None,
            "told": sorted(set(self.told)),
            "next_at": self._local(state.next_at),
            "due": self._local(state.due_at),
            "promised_by": self._local(state.promised_by),
            "closed_as": state.closed_as,
            "confirmed_by": state.confirmed_by,
        }

    def _local(self, at: datetime | None) -> datetime | None:
        return at.astimezone(self.pack.calendar.zone).replace(tzinfo=None) if at else None


def _expected(case: LoopCase) -> dict[str, Any]:
    said = case.then.model_dump(exclude_unset=True)
    if case.then.told is not None:
        said["told"] = sorted(set(case.then.told))
    return said


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "nobody"
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)
