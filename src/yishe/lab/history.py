"""A year in two minutes: contracts from its first day, referrals and the rest in its last months.

People act when it is their turn, clocks pass, ladders climb, all by the ordinary verbs. Time is simulated as a queue of
moments. Before each moment the worker sweeps, as it would have done; then whoever's turn it is does what `habits` says,
or finds that the world moved on meanwhile.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from random import Random
from uuid import UUID, uuid4

from yishe.care import class_rounds, departures, encounters, notes, plan_promises, rounds, year
from yishe.lab import caring, contracting, daily, habits, hours, words
from yishe.lab.founding import District
from yishe.loops import acts, kinds, worker
from yishe.loops.projection import found
from yishe.people import directory, packs
from yishe.people.actors import Actor, actor_of
from yishe.policy.loop_kinds import LoopKind
from yishe.policy.loop_state import LoopState
from yishe.policy.refusals import Refused
from yishe.talk import delivery, notices

BEFORE = datetime.min.replace(tzinfo=UTC)
ROUND = timedelta(hours=1)
"""How often the worker looks in simulated time; at red loops it looks to the minute, at changes of people each dawn."""
FRESH = timedelta(days=4)
TRY_AGAIN = timedelta(hours=20)
UNREAD = timedelta(days=2)
SUNDAY = 6
EVERYBODY = 100_000


@dataclass
class History:
    """A run of simulated time. `stirred` counts what happened, by name, for those who ask."""

    made: District
    rng: Random
    queue: list[tuple[datetime, int, daily.Happening]] = field(default_factory=list)
    order: "count[int]" = field(default_factory=count)
    known: set[UUID] = field(default_factory=set)
    stirred: dict[str, int] = field(default_factory=dict)
    looked: datetime = BEFORE
    soonest: list[tuple[datetime, str]] | None = None
    now: datetime = BEFORE
    by_contract: frozenset[str] = field(default_factory=lambda: frozenset(contracting.kinds()))

    def run(self, since: date, lively: date, now: datetime, each_day: Callable[[date], None]) -> None:
        """From the morning of `since` to `now`; until `lively` there are only contracts and what they promise."""
        days = daily.Days(self.made, self.rng, self.notice)
        today = now.astimezone(hours.ZONE).date()
        cared = caring.Caring(self.made, self.rng, self.push)
        contracting.Year(self.made, self.rng, self.push, cared).plan(since, today)
        for at, leave in daily.leaves(self.made, self.rng, lively, today):
            self.push(at, leave)
        self.looked = hours.local(since, hours.OPENS)
        for number in range((today - since).days + 1):
            day = since + timedelta(days=number)
            happenings = days.of(day) if day >= lively else ()
            for at, happening in (*happenings, *(days.fresh(now) if day == today else ())):
                self.push(at, happening)
            self._until(min(now, hours.local(day + timedelta(days=1), hours.DAWN)))
            if day.weekday() == SUNDAY or day >= today - UNREAD:
                class_rounds.keep_up(self.now, EVERYBODY)
                rounds.of_the_day(self.now)
                self._catch_up(self.now, read=day <= today - UNREAD)
            each_day(day)

    def push(self, at: datetime, happening: daily.Happening) -> None:
        heappush(self.queue, (at, next(self.order), happening))

    # Time

    def _until(self, end: datetime) -> None:
        while self.queue and self.queue[0][0] <= end:
            at, _, happening = heappop(self.queue)
            self._sweep_to(at)
            self.now = at
            if not daily.quietly(happening, at):
                self.stirred["refused"] = self.stirred.get("refused", 0) + 1
        self._sweep_to(end)
        self.now = end
        departures.end(end)
        year.open_due(end)
        plan_promises.open_due(end)
        worker.sweep_all(end)
        self._find_new(end)

    def _sweep_to(self, end: datetime) -> None:
        """Sweep as often as a worker would have found something to do, up to `end`."""
        while (at := self._next_look()) is not None and at <= end:
            worker.sweep(at)
            self.looked, self.soonest = at, None
            self._find_new(at)

    def _next_look(self) -> datetime | None:
        """The full hour after the next due moment, or that very moment for a red loop."""
        if self.soonest is None:
            self.soonest = worker.soonest()
        for at, urgency in self.soonest:
            return max(at if urgency == "red" else self._hour(at), self.looked + timedelta(minutes=1))
        return None

    def _hour(self, at: datetime) -> datetime:
        return at.replace(minute=0, second=0, microsecond=0) + ROUND

    def _find_new(self, at: datetime) -> None:
        """Loops that rules opened since the last look."""
        for loop_id in worker.promised_after(at - FRESH):
            if loop_id not in self.known:
                self.notice(loop_id, at)

    def _catch_up(self, now: datetime, *, read: bool) -> None:
        """A week's notices arrive and are read; only the newest are still unread when the story ends."""
        delivery.deliver(now, "demo", limit=100_000)
        for person in self.made.staff.values() if read else ():
            notices.mark_read(person, None, now)

    # Loops

    def notice(self, loop_id: UUID, at: datetime) -> None:
        """Somebody will have to act on this loop: put his next moment into the queue."""
        loop = found(loop_id)
        self.known.add(loop_id)
        self.soonest = None
        if loop.closed_at is None and loop.kind not in self.by_contract:
            self._later(loop, at + habits.delay(self.rng, loop, at))

    def _later(self, loop: LoopState, when: datetime) -> None:
        if loop.urgency != "red":
            when = hours.at_desk(self.rng, packs.in_force().calendar, when)
        loop_id = loop.id
        self.push(when, lambda at: self.turn(loop_id, at))

    def turn(self, loop_id: UUID, at: datetime) -> None:
        """The owner looks at the loop and does something, unless it is closed or he is away."""
        loop = found(loop_id)
        if loop.owner is None:
            return
        if directory.current().away(loop.owner, at):
            self._later(loop, at + TRY_AGAIN)
            return
        answer = self._act(loop, loop.owner, at)
        if answer is None:
            self._later(loop, at + TRY_AGAIN * self.rng.uniform(0.5, 2))
        elif answer != loop_id:
            self.notice(answer, at)
        else:
            self.notice(loop_id, at)

    def _act(self, loop: LoopState, owner: UUID, at: datetime) -> UUID | None:
        actor, kind = actor_of(owner), kinds.opened_under(loop.kind, loop.pack)
        wish = habits.wish(self.rng, loop, kind, at)
        resident = self.made.subjects.get(loop.subject)
        try:
            if wish.evidence and resident:
                wish.said["evidence"] = self._evidence(actor, resident, kind, at)
            answer = acts.act(actor, wish.verb, loop.id, seq=loop.seq, at=at, **wish.said)
        except Refused:
            self.stirred["refused"] = self.stirred.get("refused", 0) + 1
            return None
        self.stirred[wish.verb] = self.stirred.get(wish.verb, 0) + 1
        if wish.verb == "complete" and self.rng.random() < habits.HEARD_SHARE:
            self.push(at + timedelta(days=self.rng.uniform(0.1, 2)), lambda then: self._heard(loop.id, then))
        return answer

    def _heard(self, loop_id: UUID, at: datetime) -> None:
        """The resident is asked whether it helped; the sender writes it down, or the performer himself."""
        loop = found(loop_id)
        person = loop.sender if self.rng.random() < 0.6 else loop.performer
        helped = habits.drawn(self.rng, habits.HEARD)
        acts.act(actor_of(person), "heard", loop_id, seq=loop.seq, at=at, outcome=helped)

    def _evidence(self, actor: Actor, resident: UUID, kind: LoopKind, at: datetime) -> list[dict[str, str]]:
        """Proof of what was done: the note or encounter is really written."""
        wanted = kind.evidence_required.complete or tuple(kind.evidence)[:1]
        return [self._proof(one, actor, resident, at) for one in wanted]

    def _proof(self, kind: str, actor: Actor, resident: UUID, at: datetime) -> dict[str, str]:
        text, command = self.rng.choice(words.RESULTS), f"demo:proof:{uuid4()}"
        made = uuid4()
        if kind == "service_note":
            made = notes.record(
                actor, resident, stage="intervention", text=text, at=at, command_id=command
            ).id
        elif kind == "encounter":
            made = encounters.record(actor, resident, kind="1", summary=text, at=at, command_id=command).id
        return {"type": kind, "id": str(made), "hash": hashlib.sha256(made.bytes).hexdigest()}
