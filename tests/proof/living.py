"""The town as a state machine: how things are said and judged in it, and how time and the world around it change."""

import os
import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

from tests.proof import oracle, speech
from tests.proof.oracle import Oracle, Seen
from tests.proof.speech import Spoken
from tests.proof.town import Town
from yishe.loops import acts, kinds, promises, worker
from yishe.loops.models import Loop
from yishe.people import actors, directory, organisations, residents, rosters
from yishe.people.models import Post, Staff
from yishe.policy.refusals import Refused
from yishe.trust import keys

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
OTHER = os.environ.get("YISHE_PROOF_SEED", "")
WHY = {
    "referral.doctor_to_social_worker": ("医生", ["D01", "D04", "D10", "D12", "D18"]),
    "referral.social_worker_to_doctor": ("社工", ["S01r", "S09r", "S12r"]),
    "assessment.dual_track": ("医生", [""]),
}
SEED = st.integers(0, 2**32)
PLAIN = list(settings.PACKS)
WIDE = [*PLAIN[:1], settings.PACKS_ROOT / "xicheng", *PLAIN[1:]]
TOWNS: list[Town] = []
"""Where the machine lives: built once by the test, because hypothesis makes machines without arguments."""
SEEN = Seen()
LAST: list[str] = []


class Living(RuleBasedStateMachine):
    """One district, some months."""

    def __init__(self) -> None:
        super().__init__()
        self.point = transaction.savepoint()
        self.town, self.at, self.oracle = TOWNS[-1], START, Oracle(SEEN)
        self.turn = 0
        self.number, self.said, self.rows = 0, list[tuple[Spoken, str]](), list[Loop]()
        kinds.forget()
        keys.forget()
        settings.PACKS = PLAIN

    def teardown(self) -> None:
        self.oracle.whole()
        settings.PACKS = PLAIN
        transaction.savepoint_rollback(self.point)
        directory.forget()

    def command(self, act: Callable[[], Any]) -> bool:
        """Try it; a refusal is counted by its code and must have changed nothing."""
        SEEN.steps += 1
        SEEN.tried += 1
        try:
            with directory.one_picture():
                act()
        except Refused as refused:
            SEEN.refusals[refused.code] += 1
            LAST[:] = [refused.code, refused.title]
            oracle.explains_itself(refused)
            return False
        SEEN.accepted += 1
        return True

    def say(self, spoken: Spoken, key: str | None = None) -> bool:
        key = key or uuid.uuid4().hex
        actor = actors.actor_of(spoken.actor)
        done = self.command(
            lambda: acts.act(
                actor, spoken.verb, spoken.loop, seq=spoken.seq, at=self.at, command_id=key, **spoken.what
            )
        )
        if done:
            self.said.append((spoken, key))
        return done

    def promise(self, rng: random.Random, kind: str | None = None, **other: Any) -> bool:
        kind = kind or rng.choice(list(WHY))
        side, reasons = WHY[kind]
        number = rng.randrange(4)
        who = f"{side}{'1123'[number]}"
        ask = {
            "kind": kind,
            "resident": self.town.residents[number].resident,
            "reason": rng.choice(reasons),
            **other,
        }
        actor = actors.actor_of(ask.pop("actor", self.town.staff[who]))
        self.number += 1
        return self.command(
            lambda: promises.promise(actor, at=self.at, command_id=f"p{self.number}", note="请跟进", **ask)
        )

    def rng(self, seed: int) -> random.Random:
        """Chance for one happening: hypothesis likes to repeat its numbers, so the turn is part of it."""
        self.turn += 1
        return random.Random(f"{OTHER}:{seed}:{self.turn}")

    def drive(self, row: Loop, *verbs: str) -> Loop:
        """Take a loop along by those whose turn it is, as far as it goes."""
        rng = random.Random(row.seq)
        for verb in verbs:
            views = [s for s in speech.situations([row], self.at) if verb in speech.allowed(s)]
            what = speech.fitting(rng, views[0], verb) if views else None
            if what is not None:
                self.say(Spoken(views[0].actor, verb, row.id, row.seq, what))
                row = Loop.objects.get(id=row.id)
        return row

    def one(self, rng: random.Random, wanted: Callable[[Loop], bool]) -> Loop | None:
        found = [row for row in self.rows if wanted(row)]
        return rng.choice(found) if found else None

    def time_passes(self, seed: int) -> None:
        rng = self.rng(seed)
        coming = [r.next_at for r in self.rows if r.next_at]
        far = rng.random()
        if coming and far < 0.6:
            self.at = max(self.at, rng.choice(coming))
        elif far < 0.97:
            self.at += timedelta(minutes=rng.choice([1, 20, 240, 1440, 4320]))
        else:
            self.at += timedelta(days=rng.choice([9, 95]))
        self.sweep()

    def a_new_holiday_table_arrives(self, seed: int) -> None:
        settings.PACKS = WIDE if settings.PACKS is PLAIN else PLAIN
        self.sweep()

    def somebody_goes_away_or_comes_back(self, seed: int) -> None:
        rng = self.rng(seed)
        name = rng.choice([n for n in self.town.staff if n not in self.town.steady])
        staff, admin = self.town.staff[name], self.town.actor("郑管理员")
        if directory.current().away(staff, self.at):
            self.quietly(lambda: rosters.return_early(admin, staff, self.at))
        else:
            until = self.at + timedelta(hours=rng.choice([4, 30, 100]))
            mate = rng.choice([None, self.town.staff[rng.choice(list(self.town.staff))]])
            self.quietly(
                lambda: rosters.take_leave(
                    admin, staff, starts_at=self.at, ends_at=until, at=self.at, substitute=mate
                )
            )
        self.sweep()

    def somebody_loses_or_gets_a_post(self, seed: int) -> None:
        rng = self.rng(seed)
        name = rng.choice(["社工1", "社工2", "社工甲", "医生2", "护士1", "主任2"])
        staff, admin = self.town.staff[name], self.town.actor("郑管理员")
        post = Post.objects.filter(staff=staff).order_by("-since").first()
        assert post is not None
        if post.until is None:
            ends = rosters.end_post if rng.random() < 0.7 else None
            act = (
                (lambda: ends(admin, post.id, self.at))
                if ends
                else (lambda: rosters.leave_service(admin, staff, self.at))
            )
            self.quietly(act)
        else:
            Staff.objects.filter(id=staff).update(active_until=None)
            lead = name.startswith(("医生", "主任"))
            self.quietly(
                lambda: organisations.appoint(
                    admin, staff, post.organisation_id, post.duty, self.at, lead=lead
                )
            )
        self.sweep()

    def a_resident_changes(self, seed: int) -> None:
        rng = self.rng(seed)
        number = rng.randrange(4)
        who, admin = self.town.residents[number].resident, actors.SYSTEM
        where = residents.placed(who)
        what = rng.random()
        others = self.town.residents[4].resident
        if where.merged_into:
            self.quietly(lambda: residents.unmerge(admin, who, self.at))
        elif where.gone:
            self.quietly(lambda: residents.revive(admin, who, self.at))
        elif what < 0.15:
            self.quietly(lambda: residents.die(admin, who, self.at))
        elif what < 0.25:
            self.quietly(lambda: residents.move(admin, who, self.at))
        elif what < 0.35:
            self.quietly(lambda: residents.move(admin, who, self.at, centre=rng.choice(self.town.centres)))
        elif what < 0.45:
            self.quietly(lambda: residents.merge(admin, who, others, self.at))
        else:
            team = rng.choice(
                self.town.teams[2:] if where.centre == self.town.centres[1] else self.town.teams[:2]
            )
            self.quietly(lambda: residents.empanel(admin, who, team, self.at))
        if residents.placed(who).gone:
            kind, doctor = "referral.doctor_to_social_worker", self.town.staff[f"医生{'1123'[number]}"]
            self.promise(rng, kind, resident=who, actor=doctor)
        self.sweep()

    def quietly(self, act: Callable[[], Any]) -> None:
        """A change of the world, which may be refused by its own rules."""
        SEEN.steps += 1
        try:
            act()
            SEEN.other["accepted"] += 1
        except Refused as refused:
            SEEN.other[refused.code] += 1

    def sweep(self) -> None:
        SEEN.steps += 1
        worker.sweep_all(self.at)
        self.oracle.swept(self.at)

    @invariant()
    def everything_holds(self) -> None:
        with directory.one_picture():
            self.rows = self.oracle.look(self.at)
