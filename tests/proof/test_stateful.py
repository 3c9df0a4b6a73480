"""Design §4, tried: random people say random legal and illegal things while time jumps and the world changes.

After every step the oracle judges what happened by the table and the ledger alone. The run is the same every time
(YISHE_PROOF_EXAMPLES and YISHE_PROOF_SEED make it longer and other).
"""

import os
import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from hypothesis import HealthCheck, Phase
from hypothesis import settings as how
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.proof import oracle, speech
from tests.proof.oracle import Oracle, Seen
from tests.proof.speech import SPOILT, Spoken
from tests.proof.town import Town, build
from yishe.care import medications
from yishe.loops import acts, kinds, promises, worker
from yishe.loops.models import Loop
from yishe.people import actors, directory, organisations, residents, rosters
from yishe.people.models import Post, Staff
from yishe.policy.loop_table import table
from yishe.policy.refusals import Refused
from yishe.trust import keys

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
EXAMPLES = int(os.environ.get("YISHE_PROOF_EXAMPLES", "44"))
STEPS = 100
LEAST = 20
WHY = {
    "referral.doctor_to_social_worker": ("医生", ["D01", "D04", "D10", "D12", "D18"]),
    "referral.social_worker_to_doctor": ("社工", ["S01r", "S09r", "S12r"]),
    "assessment.dual_track": ("医生", [""]),
}
REFUSED = (
    *SPOILT, "to_away", "to_duty", "to_centre", "wrong_state", "not_yours", "unknown_verb", "stale", "key_reused",
    "no_such_loop", "already_open", "resident_gone", "wrong_duty", "no_relation", "reason.unknown", "red_never_held",
    "children_open", "reopen_too_late",
)  # fmt: skip
AT_WORK = ("requested", "seen", "accepted", "in-progress")
SEED = st.integers(0, 2**32)
TOWN: Town
SEEN = Seen()


class Loops(RuleBasedStateMachine):
    """One district, some months."""

    def __init__(self) -> None:
        super().__init__()
        self.point = transaction.savepoint()
        self.town, self.at, self.oracle = TOWN, START, Oracle(SEEN)
        self.number, self.said, self.rows = 0, list[tuple[Spoken, str]](), list[Loop]()
        kinds.forget()
        keys.forget()
        settings.PACKS = PLAIN

    def teardown(self) -> None:
        self.oracle.whole()
        settings.PACKS = PLAIN
        transaction.savepoint_rollback(self.point)
        directory.forget()

    # Saying

    def command(self, act: Callable[[], Any]) -> bool:
        """Try it; a refusal is counted by its code and must have changed nothing."""
        SEEN.steps += 1
        SEEN.tried += 1
        try:
            with directory.one_picture():
                act()
        except Refused as refused:
            SEEN.refusals[refused.code] += 1
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
        return random.Random(f"{seed}:{self.number}:{len(self.said)}:{len(self.rows)}")

    @initialize(seed=SEED)
    def begin(self, seed: int) -> None:
        rng = self.rng(seed)
        for kind in WHY:
            self.promise(rng, kind)

    @rule(seed=SEED)
    def somebody_promises(self, seed: int) -> None:
        rng = self.rng(seed)
        wrong = rng.choice(
            [
                {},
                {},
                {"reason": "D99"},
                {"actor": self.town.staff["护士3"]},
                {"actor": self.town.staff["主任1"]},
            ]
        )
        if (len(self.rows) < 14 and len([r for r in self.rows if r.closed_at is None]) < 8) or wrong:
            kind = "referral.doctor_to_social_worker" if wrong else None
            self.promise(rng, kind, **wrong)

    @rule(seed=SEED)
    def a_medicine_changes(self, seed: int) -> None:
        rng = self.rng(seed)
        number = rng.randrange(2)
        where = residents.placed(self.town.residents[number].resident)
        if where.gone or len(self.rows) > 11:
            return
        self.number += 1
        change = {"action": "start", "drug": f"药{self.number}", "dose": "5mg", "frequency": "每日一次"}
        doctor = self.town.actor("医生1")
        self.command(
            lambda: medications.record(
                doctor, where.resident, at=self.at, command_id=f"m{self.number}", **change
            )
        )

    @rule(seed=SEED)
    def people_say_what_they_may(self, seed: int) -> None:
        for turn in range(4):
            self._legal(seed + turn)
            self.everything_holds()

    @rule(seed=SEED)
    def others_say_what_they_may(self, seed: int) -> None:
        self.people_say_what_they_may(seed + 9)

    def _legal(self, seed: int) -> None:
        spoken = speech.legal(self.rng(seed), self.rows, self.at)
        if spoken is None:
            return
        if not self.say(spoken):
            self._may_be_refused(spoken)

    def _may_be_refused(self, spoken: Spoken) -> None:
        """Late is never forbidden. What is allowed fails only on another loop of the kind, or a resident who is gone."""
        row = Loop.objects.get(id=spoken.loop)
        others = Loop.objects.filter(
            subject=row.subject, kind=row.kind, reason=row.reason, closed_at=None, single=True
        )
        clash = others.exclude(id=row.id).exists()
        where = residents.placement_of_subject(row.subject)
        gone = where is not None and where.gone
        assert spoken.verb in ("reopen", "refer_on"), spoken
        assert clash or gone, spoken

    @rule(seed=SEED)
    def anybody_says_anything(self, seed: int) -> None:
        rng = self.rng(seed)
        for _ in range(2):
            spoken = speech.anything(rng, self.rows, self.town.everyone)
            if spoken:
                self.say(spoken)
                self.everything_holds()

    @rule(seed=SEED)
    def somebody_gets_one_thing_wrong(self, seed: int) -> None:
        rng = self.rng(seed)
        code = rng.choice(
            [*SPOILT, "evidence_missing", "hold_until", "to_away", "to_away", "to_duty", "to_centre"]
        )
        self.make_ready(rng, code)
        make = speech.spoilt if code in SPOILT else speech.handed_to
        spoken = make(rng, code, self.rows, self.at)
        if spoken:
            before = SEEN.refusals[code]
            assert not self.say(spoken), (code, spoken)
            assert SEEN.refusals[code] == before + 1, (code, spoken)

    def make_ready(self, rng: random.Random, code: str) -> None:
        """Bring a loop to where that mistake can be made."""
        kind = "referral.doctor_to_social_worker"
        row = self.one(
            rng,
            lambda r: (
                r.kind == kind and r.state in ("requested", "seen", "asked", "accepted") and not r.closed_at
            ),
        )
        if code == "to_away" and not directory.current().away(self.town.staff["社工甲"], self.at):
            admin, mate = self.town.actor("郑管理员"), self.town.staff["社工甲"]
            self.quietly(
                lambda: rosters.take_leave(
                    admin, mate, starts_at=self.at, ends_at=self.at + timedelta(hours=20), at=self.at
                )
            )
            self.sweep()
        if row is None and code in (
            "evidence",
            "evidence_missing",
            "outcome",
            "hold_until",
            "to_away",
            "to_centre",
        ):
            self.promise(
                rng,
                kind,
                reason="D10",
                resident=self.town.residents[1].resident,
                actor=self.town.staff["医生1"],
            )
        elif row is not None and code in ("evidence", "evidence_missing", "outcome"):
            self.drive(row, "supply", "accept", "start")
        elif row is not None and code == "hold_until":
            self.drive(row, "supply", "accept")
        self.everything_holds()

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

    @rule(seed=SEED)
    def somebody_holds_a_red_one(self, seed: int) -> None:
        rng = self.rng(seed)
        row = self.one(rng, lambda r: r.urgency == "red" and r.state in AT_WORK and not r.closed_at)
        if row is None:
            first = {"resident": self.town.residents[0].resident, "actor": self.town.staff["医生1"]}
            self.promise(rng, "referral.doctor_to_social_worker", reason="D01", **first)
        else:
            row = self.drive(row, "accept")
            soon = {"reason": "resident_away", "until": self.at + timedelta(hours=1)}
            assert not self.say(Spoken(row.performer, "hold", row.id, row.seq, soon))

    @rule(seed=SEED)
    def a_parent_is_completed_too_early(self, seed: int) -> None:
        rng = self.rng(seed)
        early = ("requested", "seen", "accepted", "in-progress", "on-hold")
        row = self.one(
            rng, lambda r: r.kind == "assessment.dual_track" and r.state in early and not r.closed_at
        )
        if row is None:
            self.promise(rng, "assessment.dual_track")
            return
        row = self.drive(row, "resume", "accept", "start")
        children = [c for c in self.rows if c.parent == row.id]
        if row.state == "in-progress" and not all(c.closed_as == "served" for c in children):
            assert not self.say(Spoken(row.performer, "complete", row.id, row.seq, {"outcome": "assessed"}))
        for child in children if rng.random() < 0.6 else ():
            self.drive(child, "resume", "accept", "start", "complete")

    @rule(seed=SEED)
    def nobody_confirms(self, seed: int) -> None:
        rng = self.rng(seed)
        row = self.one(
            rng,
            lambda r: (
                r.closed_at is None
                and r.urgency != "red"
                and r.state not in ("rejected", "failed", "cancelled")
            ),
        )
        if row is None:
            return
        row = self.drive(row, "supply", "resume", "accept", "start", "complete")
        ends = rng.random()
        if ends < 0.25:
            self.drive(row, "confirm")
        elif ends < 0.5:
            self.drive(row, "reopen")
        elif ends < 0.75:
            self.at += timedelta(days=12)
            self.sweep()

    @rule(seed=SEED)
    def somebody_reopens_late_or_asks_again(self, seed: int) -> None:
        rng = self.rng(seed)
        closed = self.one(rng, lambda r: r.closed_at is not None and r.closed_as != "void")
        open_ = self.one(rng, lambda r: r.closed_at is None and r.single)
        if closed and rng.random() < 0.3:
            assert closed.closed_at is not None
            self.at = max(self.at, closed.closed_at + timedelta(days=91))
            self.sweep()
            self.oracle.look(self.at)
            closed = Loop.objects.get(id=closed.id)
            if closed.sender in directory.current().people:
                assert not self.say(
                    Spoken(closed.sender, "reopen", closed.id, closed.seq, {"reason": "came_back"})
                )
        elif open_:
            where = residents.placement_of_subject(open_.subject)
            assert where is not None
            self.promise(rng, open_.kind, resident=where.resident, reason=open_.reason, actor=open_.sender)

    @rule(seed=SEED)
    def somebody_has_an_old_page(self, seed: int) -> None:
        rng = self.rng(seed)
        row = self.one(rng, lambda r: True)
        if row is not None:
            loop = row.id if rng.random() < 0.6 else uuid.uuid4()
            self.say(Spoken(rng.choice(self.town.everyone), "note", loop, row.seq - 1, {"note": "旧页面"}))

    @rule(seed=SEED)
    def a_tablet_sends_its_command_again(self, seed: int) -> None:
        """The same command has one effect and one answer; the same key with another body is refused."""
        rng = self.rng(seed)
        if not self.said:
            return
        spoken, key = rng.choice(self.said[-20:])
        before = [(r.id, r.seq) for r in Loop.objects.order_by("id")]
        actor, same = actors.actor_of(spoken.actor), rng.random() < 0.5
        self.command(lambda: acts.act(actor, spoken.verb, spoken.loop, seq=spoken.seq, at=self.at, command_id=key,
                                      digest=None if same else b"other", **spoken.what))  # fmt: skip
        assert [(r.id, r.seq) for r in Loop.objects.order_by("id")] == before

    @rule(seed=SEED)
    def a_colleague_follows(self, seed: int) -> None:
        rng = self.rng(seed)
        if self.rows:
            promises.track(self.town.actor("护士1"), rng.choice(self.rows).id, self.at)

    # Time and the world

    @rule(seed=SEED)
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

    @rule(seed=SEED)
    def the_clock_is_set_back(self, seed: int) -> None:
        rng = self.rng(seed)
        earlier, now = self.at - timedelta(hours=rng.randint(1, 48)), self.at
        self.at = earlier
        spoken = speech.legal(rng, self.rows, now)
        if spoken and spoken.verb in ("note", "heard", "receive", "accept"):
            self.say(spoken)
        self.at = now

    @rule(seed=SEED)
    def a_new_holiday_table_arrives(self, seed: int) -> None:
        if self.rng(seed).random() < 0.4:
            settings.PACKS = WIDE if settings.PACKS is PLAIN else PLAIN
            self.sweep()

    @rule(seed=SEED)
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

    @rule(seed=SEED)
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

    @rule(seed=SEED)
    def a_shift_is_put_in(self, seed: int) -> None:
        rng = self.rng(seed)
        admin, staff = self.town.actor("郑管理员"), self.town.staff["值班社工"]
        hours = timedelta(hours=rng.choice([2, 6]))
        self.quietly(lambda: rosters.put_shift(admin, self.town.centres[0], "social_worker", staff, starts_at=self.at,
                                               ends_at=self.at + hours, at=self.at))  # fmt: skip
        self.promise(
            rng,
            "referral.doctor_to_social_worker",
            resident=self.town.residents[4].resident,
            actor=self.town.staff["主任1"],
        )
        self.sweep()

    @rule(seed=SEED)
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
        elif what < 0.1:
            self.quietly(lambda: residents.die(admin, who, self.at))
        elif what < 0.18:
            self.quietly(lambda: residents.move(admin, who, self.at))
        elif what < 0.3:
            self.quietly(lambda: residents.move(admin, who, self.at, centre=rng.choice(self.town.centres)))
        elif what < 0.4:
            self.quietly(lambda: residents.merge(admin, who, others, self.at))
        else:
            team = rng.choice(self.town.teams)
            self.quietly(lambda: residents.empanel(admin, who, team, self.at))
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


PLAIN = list(settings.PACKS)
WIDE = [*PLAIN[:1], settings.PACKS_ROOT / "xicheng", *PLAIN[1:]]


def report() -> str:
    lines = [
        f"steps {SEEN.steps}, commands {SEEN.tried}, accepted {SEEN.accepted} ({SEEN.accepted / max(1, SEEN.tried):.0%})",
        f"changes of the world {SEEN.other['accepted']}",
        "", "| edge | times |", "|---|---|", *(f"| {oracle.label(e)} | {SEEN.edges[oracle.label(e)]} |" for e in table().edges),
        "", f"verb and state pairs reached: {len(SEEN.from_states)}",
        "", "| refusal | times |", "|---|---|", *(f"| {c} | {SEEN.refusals[c]} |" for c in sorted({*REFUSED, *SEEN.refusals})),
    ]  # fmt: skip
    return "\n".join(lines)


@pytest.mark.django_db
def test_whatever_people_say_and_whatever_happens_the_promises_hold(
    capsys: pytest.CaptureFixture[str],
) -> None:
    global TOWN  # noqa: PLW0603 - the state machine is made by hypothesis, without arguments
    TOWN = build(START)
    seed = os.environ.get("YISHE_PROOF_SEED")
    run = how(
        max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, database=None, derandomize=seed is None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
    )  # fmt: skip
    try:
        run_state_machine_as_test(Loops, settings=run)
    finally:
        with capsys.disabled():
            print("\n" + report())
    if EXAMPLES >= 44:
        assert SEEN.steps >= 5000
        assert SEEN.accepted / SEEN.tried >= 0.4
        assert not oracle.missing(SEEN.edges, [oracle.label(e) for e in table().edges], LEAST)
        assert not oracle.missing(SEEN.refusals, REFUSED, LEAST)
