"""Lives of loops: a pool of histories, each lived once through the real policy by people who behave as `lab.habits` says.

A life is told for stand-ins (`stamps.STANDINS`) at real moments: promised, answered, reminded, escalated, finished or still open at
the end. What it leaves is exactly what `loops.recording` writes for it, so every clock and next moment is the policy's own.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from yishe.lab import habits, hours, words
from yishe.lab.daily import URGENCY_SHARE
from yishe.lab.world import stamps
from yishe.lab.world.stamps import STANDINS, Noting, Stamp
from yishe.loops.models import Loop
from yishe.loops.projection import Track, columns
from yishe.loops.promises import beginning
from yishe.loops.recording import Said, born, carry
from yishe.people import packs
from yishe.people.models import AccessFact
from yishe.policy.loop_decisions import Cast, Step, decide
from yishe.policy.loop_escalation import Company, passed
from yishe.policy.loop_kinds import LoopKind
from yishe.policy.loop_roles import Command, Situation
from yishe.policy.loop_state import LoopState, applied
from yishe.policy.refusals import Refused
from yishe.trust import ids

SHARES = {
    "medication.acknowledgement": 0.30, "case.contact": 0.20, "followup.again": 0.14, "followup.outcome": 0.05,
    "referral.doctor_to_social_worker": 0.13, "referral.social_worker_to_doctor": 0.07, "referral.upward": 0.04,
    "assessment.social": 0.04, "assessment.review": 0.03,
}  # fmt: skip
"""Kinds that stand alone (no year, plan or paper has to know of them), and how many of a hundred loops are such."""
BY_RULE = {"medication.acknowledgement": "family_doctor", "case.contact": "social_worker"}
"""Whose doing made a rule ask, where not the nurse's."""
FOR = {"htn": "hypertension", "dm": "diabetes", "elder": "elder"}
"""Reasons that are only for some; other reasons of their kinds are for nobody here."""
ONLY_FOR = ("followup.again", "followup.outcome", "referral.upward")
NOTE_SHARE = 0.6
TURNS = 40
PROMPT = (0.02, 0.45)
"""In which part of the time allowed the prompt answer: before the first reminder."""
WITHDRAWN_AFTER = (0.01, 0.3)
"""The same for those who take back what they asked."""
PLAIN, WITHDRAWN, LIVELY, WAITING, STANDING = "plain", "withdrawn", "lively", "waiting", "standing"
"""Sorts of lives: done at once by somebody prompt; taken back by who asked; as `habits` has it, finished, open; open and untouched."""
OPEN = (WAITING, STANDING)
SOONER = {STANDING: 0.5}
"""What nobody had to be reminded of was asked lately."""
MOST = {PLAIN: 4, WITHDRAWN: 2, STANDING: 1}
"""Entries of such a life; others may be as long as they like."""
TRY_AGAIN = timedelta(hours=20)
RED = "red"


@dataclass(frozen=True, slots=True)
class Life:
    """`key` is what there may be only one open of, where the kind says so; `trait` whom it is for. `ended` is empty while open; `millis`
    is when it began, as ids tell it."""

    stamp: Stamp
    key: tuple[str, str] | None
    trait: str
    began: datetime
    ended: datetime | None
    millis: int


def kinds_of(until: datetime) -> list[tuple[LoopKind, float]]:
    """The kinds in force that lives are told of, with their shares."""
    found = packs.in_force().loop_kinds(until.astimezone(hours.ZONE).date())
    return [(kind, SHARES[kind.code]) for kind in found if kind.code in SHARES]


class Teller:
    """Tells lives that begin somewhere between two moments and are seen at the second."""

    def __init__(self, rng: Random, since: datetime, until: datetime) -> None:
        self._rng, self._since, self._until = rng, since, until
        self._kinds = kinds_of(until)
        self._calendar = packs.in_force().calendar

    def life(self, sort: str) -> Life:
        """One more of that sort."""
        open_ = sort in OPEN
        while True:
            kind, reason = self._what()
            if sort == PLAIN and not kind.implied:
                continue
            back = (
                timedelta(days=_span(kind, reason) * SOONER.get(sort, 1))
                if open_
                else self._until - self._since
            )
            told = _Telling(self._rng, kind, reason, self._until, sort).told(self._moment(back))
            if (
                told is not None
                and (told.ended is None) == open_
                and len(told.stamp.entries) <= MOST.get(sort, TURNS)
            ):
                return told

    def _what(self) -> tuple[LoopKind, str]:
        kind = self._rng.choices([one for one, _ in self._kinds], [share for _, share in self._kinds])[0]
        possible = [one for one in kind.reasons.values() if kind.code not in ONLY_FOR or one.code in FOR]
        if not possible:
            return kind, ""
        weights = [URGENCY_SHARE[one.urgency] for one in possible]
        return kind, self._rng.choices(possible, weights)[0].code

    def _moment(self, back: timedelta) -> datetime:
        """A working moment at most so long before the end."""
        since = max(self._since, self._until - back)
        when = since + (self._until - since) * self._rng.random()
        at = hours.at_desk(self._rng, self._calendar, when)
        return min(at, self._until - timedelta(minutes=1)).replace(microsecond=0)


def _span(kind: LoopKind, reason: str) -> float:
    """Days in which most loops of a kind are finished."""
    clock = kind.clock("finish", reason)
    days = clock.within.exact().days if clock and clock.within.unit != "workday" else 0
    return max(3.0, float(days or (clock.within.amount * 1.5 if clock else 3)))


def company() -> Company:
    """The stand-ins; the family doctor leads the team."""
    return Company(lambda role: STANDINS.get("family_doctor" if role == "team_lead" else role), lambda: None)


class _Telling:
    """One life being lived."""

    def __init__(self, rng: Random, kind: LoopKind, reason: str, until: datetime, sort: str) -> None:
        self._rng, self._kind, self._reason, self._until, self._sort = rng, kind, reason, until, sort
        self._calendar = packs.in_force().calendar
        self._noting, self._words = Noting(), list[dict[str, str]]()

    def told(self, began: datetime) -> Life | None:
        """Lived until its end or the end of time; None when it goes round and round."""
        track, at = self._born(began), began
        for _ in range(TURNS):
            if not track.state.is_open:
                break
            at = self._when(track.state, at)
            track = self._swept(track, min(at, self._until))
            if at > self._until:
                break
            if track.state.is_open:
                track = self._acted(track, at)
        else:
            return None
        return self._life(track)

    def _born(self, at: datetime) -> Track:
        """As a promise opens it; a referral may say a word."""
        sender, performer = self._sides()
        reason = self._kind.reasons.get(self._reason)
        fields = {
            "id": STANDINS["stream"], "home": STANDINS["home"], "centre": STANDINS["home"], "team": STANDINS["team"],
            "kind": self._kind.code, "kind_version": self._kind.version, "pack": self._kind.sha256,
            "reason": self._reason, "urgency": self._kind.urgency_of(self._reason or None),
            "sensitive": reason.sensitive if reason else False, "subject": STANDINS["subject"], "sender": sender,
            "performer": performer, "owner": performer, "duty": self._kind.answered_by[0], "promised_at": at,
            "promised_by": at, "single": self._kind.single,
        }  # fmt: skip
        full = beginning(applied(None, 0, fields), self._kind, {}, None)
        note = self._rng.choice(words.REFERRAL_NOTES) if self._rng.random() < NOTE_SHARE else ""
        self._words.append({"note": note} if note and self._kind.asked_by else {})
        return born(self._noting, full, Said(sender, at), None, {}, {})

    def _sides(self) -> tuple[UUID, UUID]:
        asking = [STANDINS[duty] for duty in self._kind.asked_by if duty in STANDINS]
        sender = self._rng.choice(asking) if asking else STANDINS[BY_RULE.get(self._kind.code, "nurse")]
        return sender, STANDINS[self._kind.answered_by[0]]

    def _when(self, state: LoopState, at: datetime) -> datetime:
        """When somebody comes to it."""
        when = at + self._delay(state, at)
        when = when if state.urgency == RED else hours.at_desk(self._rng, self._calendar, when)
        return when.replace(microsecond=0)

    def _delay(self, state: LoopState, at: datetime) -> timedelta:
        if self._sort == STANDING:
            return self._until - at + TRY_AGAIN
        if self._sort not in (PLAIN, WITHDRAWN):
            return habits.delay(self._rng, state, at)
        part = self._rng.uniform(*(PROMPT if self._sort == PLAIN else WITHDRAWN_AFTER))
        return max((state.due_at or at) - at, timedelta(minutes=4)) * part

    def _swept(self, track: Track, upto: datetime) -> Track:
        """The clock's own hands, at the very moments."""
        while track.state.next_at is not None and track.state.next_at <= upto:
            at = track.state.next_at
            steps = passed(self._situation(track.state, at, ids.SYSTEM), company())
            track = self._carried(
                track, steps, Said(ids.SYSTEM, at, f"clock:{track.state.id}:{track.state.seq}")
            )
        return track

    def _acted(self, track: Track, at: datetime) -> Track:
        """The owner does what he is minded to, or who asked takes it back; nothing when it is refused."""
        owner = track.state.sender if self._sort == WITHDRAWN else track.state.owner
        if owner is None:
            return track
        s = self._situation(track.state, at, owner)
        try:
            steps = decide(s, self._command(track.state, at), Cast(leader=STANDINS["centre_director"]))
        except Refused:
            return track
        return self._carried(track, steps, Said(owner, at))

    def _command(self, state: LoopState, at: datetime) -> Command:
        if self._sort == WITHDRAWN:
            return Command("cancel", reason=self._rng.choice(habits.reasons("cancel", state, self._kind)))
        wish = habits.wish(self._rng, state, self._kind, at)
        verb = "confirm" if wish.verb == "refer_on" else wish.verb
        return Command(verb, **wish.said)

    def _situation(self, state: LoopState, at: datetime, actor: UUID) -> Situation:
        return Situation(state, self._kind, self._calendar, at, actor, is_system=actor == ids.SYSTEM)

    def _carried(self, track: Track, steps: list[Step], said: Said) -> Track:
        self._words += [dict(step.words) for step in steps]
        return carry(self._noting, track, [replace(step, words={}) for step in steps], said, None)

    def _life(self, track: Track) -> Life:
        state = track.state
        told = zip(self._noting.entries, self._words, strict=True)
        entries = tuple(stamps.entry(noted, spoken) for noted, spoken in told)
        row = stamps.row(Loop, columns(state, replace(track.head, hash=stamps.HEAD)))
        seen = facts(self._noting) if state.is_open else []
        rows = {Loop: (row,), AccessFact: tuple(stamps.row(AccessFact, one) for one in seen)}
        return Life(
            Stamp(entries, rows, len(seen)), (state.kind, state.reason) if state.single else None,
            FOR.get(self._reason, "") if self._kind.code in ONLY_FOR else "", state.promised_at, state.closed_at,
            int(state.promised_at.timestamp() * 1000),
        )  # fmt: skip


def facts(noting: Noting) -> list[dict[str, Any]]:
    """The relations that what was noted leaves. What ended with its loop grants nothing any more and is asked of open ones only."""
    found: dict[UUID, dict[str, Any]] = {}
    for model, said in noting.inserts:
        if model is AccessFact:
            found.setdefault(said["person"], dict(said))
    for model, where, values in noting.updates:
        for fact in found.values() if model is AccessFact else ():
            if where.get("person") in (None, fact["person"]):
                fact.update(values)
    return [{**one, "id": STANDINS[f"spare{n}"]} for n, one in enumerate(found.values())]
