"""What people say in the town: what they may, what they may not, and what they get wrong in one named way."""

import random
import uuid
from datetime import timedelta

from hypothesis.stateful import initialize, rule

from tests.proof import speech
from tests.proof.living import LAST, SEED, SEEN, WHY, Living
from tests.proof.speech import SPOILT, Spoken
from yishe.care import medications
from yishe.loops import acts, knowing, promises
from yishe.loops.models import Loop
from yishe.people import actors, directory, residents, rosters

AT_WORK = ("requested", "seen", "accepted", "in-progress")


HAPPENS: dict[str, float] = {
    "people_say_what_they_may": 7, "somebody_gets_one_thing_wrong": 9, "anybody_says_anything": 3,
    "somebody_promises": 3, "a_medicine_changes": 1, "somebody_holds_a_red_one": 1.6, "a_parent_is_completed_too_early": 2,
    "nobody_confirms": 3, "somebody_reopens_late_or_asks_again": 2, "somebody_has_an_old_page": 1,
    "a_tablet_sends_its_command_again": 1, "a_colleague_follows": 0.4, "the_clock_is_set_back": 0.6, "time_passes": 3,
    "a_new_holiday_table_arrives": 0.6, "somebody_goes_away_or_comes_back": 1.2, "somebody_loses_or_gets_a_post": 0.5,
    "a_shift_is_put_in": 0.4, "a_resident_changes": 1.6,
}  # fmt: skip
"""What may happen next, and how often beside the others."""
AIMS = {
    "somebody_promises": "wrong_duty", "somebody_holds_a_red_one": "red_never_held",
    "a_parent_is_completed_too_early": "children_open", "somebody_reopens_late_or_asks_again": "reopen_too_late",
    "somebody_has_an_old_page": "stale", "a_tablet_sends_its_command_again": "key_reused",
    "anybody_says_anything": "unknown_verb", "a_resident_changes": "cancel by system from any → not_served",
    "a_new_holiday_table_arrives": "retime by system from any → same",
    "nobody_confirms": "auto_confirm by system from completed → served",
}  # fmt: skip
"""What a happening is there to reach; until it was seen often enough, it happens more often."""


class Talking(Living):
    """The same district, with everybody in it speaking."""

    @rule(seed=SEED)
    def something_happens(self, seed: int) -> None:
        """One rule that weighs all: hypothesis would leave whole rules out of an example, and the rare ones with them."""
        names = list(HAPPENS)
        seen = SEEN.edges + SEEN.refusals
        weights = [w * (speech.rarely(seen, AIMS[n]) if n in AIMS else 1) for n, w in HAPPENS.items()]
        name = self.rng(seed).choices(names, weights)[0]
        getattr(self, name)(seed)

    @initialize(seed=SEED)
    def begin(self, seed: int) -> None:
        rng = self.rng(seed)
        for kind in WHY:
            self.promise(rng, kind)

    def somebody_promises(self, seed: int) -> None:
        rng = self.rng(seed)
        wrong = rng.choice(
            [
                {},
                {},
                {"reason": "D99"},
                {"reason": "D99"},
                {"actor": self.town.staff["护士3"]},
                {"actor": self.town.staff["主任1"]},
            ]
        )
        if (len(self.rows) < 14 and len([r for r in self.rows if r.closed_at is None]) < 8) or wrong:
            kind = "referral.doctor_to_social_worker" if wrong else None
            self.promise(rng, kind, **wrong)

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

    def people_say_what_they_may(self, seed: int) -> None:
        for turn in range(4):
            self._legal(seed + turn)
            self.everything_holds()

    def _legal(self, seed: int) -> None:
        spoken = speech.legal(self.rng(seed), self.rows, self.at, SEEN.edges)
        if spoken is None:
            return
        if not self.say(spoken):
            self._may_be_refused(spoken)

    def _may_be_refused(self, spoken: Spoken) -> None:
        """Late is never forbidden. What is allowed fails only on another loop of the kind, on a resident who is gone, or
        for somebody who left and may not know of the loop any more."""
        row = Loop.objects.get(id=spoken.loop)
        if not knowing.hears(actors.actor_of(spoken.actor), row.id, row.subject, self.at):
            return
        others = Loop.objects.filter(
            subject=row.subject, kind=row.kind, reason=row.reason, closed_at=None, single=True
        )
        clash = others.exclude(id=row.id).exists()
        where = residents.placement_of_subject(row.subject)
        gone = where is not None and where.gone
        assert spoken.verb in ("reopen", "refer_on"), spoken
        assert clash or gone, (spoken, *LAST)

    def anybody_says_anything(self, seed: int) -> None:
        rng = self.rng(seed)
        for _ in range(2):
            spoken = speech.anything(rng, self.rows, self.town.everyone)
            if spoken:
                self.say(spoken)
                self.everything_holds()

    def somebody_gets_one_thing_wrong(self, seed: int) -> None:
        rng = self.rng(seed)
        codes = [*SPOILT, "to_away", "to_duty", "to_centre"]
        code = rng.choices(codes, [speech.rarely(SEEN.refusals, one) for one in codes])[0]
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
        tracks = list(Loop.objects.filter(parent=row.id))
        children = [c for c in tracks if c.id not in {other.follows for other in tracks}]
        if row.state == "in-progress" and not all(c.closed_as == "served" for c in children):
            assert not self.say(Spoken(row.performer, "complete", row.id, row.seq, {"outcome": "assessed"}))
        for child in children if rng.random() < 0.6 else ():
            self.drive(child, "resume", "accept", "start", "complete")

    def nobody_confirms(self, seed: int) -> None:
        rng = self.rng(seed)
        row = self.one(
            rng,
            lambda r: (
                r.closed_at is None
                and r.urgency != "red"
                and r.kind.startswith("referral")
                and r.state not in ("rejected", "failed", "cancelled")
            ),
        )
        if row is None:
            return
        row = self.drive(row, "supply", "resume", "accept", "start", "complete")
        ends = rng.random()
        if ends < 0.2:
            self.drive(row, "confirm")
        elif ends < 0.4:
            self.drive(row, "reopen")
        elif row.state == "completed":
            self.at += timedelta(days=12)
            self.sweep()

    def somebody_reopens_late_or_asks_again(self, seed: int) -> None:
        rng = self.rng(seed)
        closed = self.one(rng, lambda r: r.closed_at is not None and r.closed_as != "void")
        open_ = self.one(rng, lambda r: r.closed_at is None and r.single)
        if closed and rng.random() < 0.4:
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

    def somebody_has_an_old_page(self, seed: int) -> None:
        rng = self.rng(seed)
        row = self.one(rng, lambda r: True)
        if row is not None:
            loop = row.id if rng.random() < 0.6 else uuid.uuid4()
            self.say(Spoken(rng.choice(self.town.everyone), "note", loop, row.seq - 1, {"note": "旧页面"}))

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

    def a_colleague_follows(self, seed: int) -> None:
        rng = self.rng(seed)
        if self.rows:
            nurse, loop = self.town.actor("护士1"), rng.choice(self.rows).id
            self.quietly(lambda: promises.track(nurse, loop, self.at))

    def the_clock_is_set_back(self, seed: int) -> None:
        rng = self.rng(seed)
        earlier, now = self.at - timedelta(hours=rng.randint(1, 48)), self.at
        self.at = earlier
        spoken = speech.legal(rng, self.rows, now, SEEN.edges)
        if spoken and spoken.verb in ("note", "heard", "receive", "accept"):
            self.say(spoken)
        self.at = now

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
