"""No sequence of legal acts gives access after its reason ended: after each act and each jump of time the product and the
oracle are asked about everybody, and must say the same.

The run is the same every time (YISHE_PROOF_EXAMPLES makes it longer, YISHE_PROOF_SEED makes it another).
"""

import os
import random
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.proof.histories import tried
from tests.proof.living import START
from tests.proof.reasons import PART, Given, Held, Reasons, Turn
from tests.rooms.care.world import World, build
from yishe.loops import acts, glass, kinds, knowing, promises, worker
from yishe.loops.models import Loop
from yishe.people import (
    access,
    actors,
    consents,
    directory,
    empanelments,
    glimpses,
    organisations,
    rosters,
)
from yishe.people.actors import SYSTEM, Actor
from yishe.people.break_glass import Command
from yishe.people.consent_checks import Yes
from yishe.people.models import Post
from yishe.people.placements import Placement, placed
from yishe.policy.refusals import Refused
from yishe.trust.commit import Bundle

USUAL, STEPS, LEAST = 10, 30, 10
EXAMPLES = USUAL * int(os.environ.get("YISHE_PROOF_EXAMPLES", "44")) // 44
OTHER = os.environ.get("YISHE_PROOF_SEED", "")
READ, D2S = "resident.read", "referral.doctor_to_social_worker"
WRONGLY = {"reason": "entered_wrongly"}
HOURS = (0.5, 1.5, 2, 9, 26, 24 * 9)
WAYS = ("team", "named", "loop", "guest", "duty", "lead", "glass", "consent")
SEED = st.integers(0, 2**32)
TOWNS: list["Town"] = []
SEEN: Counter[str] = Counter()


class Town:
    """王秀兰's centre with two teams, the far centre, a hospital, a kitchen, and whoever works in them."""

    def __init__(self, at: datetime) -> None:
        self.world: World = build(at)
        world, born = self.world, at - timedelta(days=300)
        self.second = organisations.found(
            SYSTEM, level="team", code="t3", name="德胜二队", parent=world.centre.id, at=born
        )
        self.hospital, self.kitchen = (
            organisations.found(
                SYSTEM, level="partner", code=code, name=name, parent=world.district.id, at=born
            )
            for code, name in (("h", "区医院"), ("k", "助餐点"))
        )
        for name, place, duty in (
            ("薄医生", self.second, "family_doctor"), ("何社工", self.second, "social_worker"),
            ("邹志愿", world.team.id, "volunteer"), ("方专科", self.hospital, "specialist"),
            ("陆师傅", self.kitchen, "community_worker"), ("孙专员", world.centre.id, "privacy_officer"),
        ):  # fmt: skip
            organisations.hire(SYSTEM, name=name, organisation=place, duties=[duty], at=born)
        self.places = [
            world.team.id,
            self.second,
            world.other_team.id,
            world.centre.id,
            self.hospital,
            self.kitchen,
        ]

    def reasons(self, at: datetime) -> Reasons:
        """As it stands when everything begins."""
        world, book = self.world, directory.current()
        found = Reasons(world.centre.id, world.district.id, team=world.team.id)
        found.named = {world.doctor.staff_id, world.social_worker.staff_id}
        for row in Post.objects.all():
            found.posts.append(
                Held(row.since, None, row.staff_id, row.organisation_id, book.centre_of(row.organisation_id), row.duty, row.lead)
            )  # fmt: skip
        return found


class Reasoning(RuleBasedStateMachine):
    """One resident, some months, and everybody who may come to have a reason."""

    def __init__(self) -> None:
        super().__init__()
        self.point = transaction.savepoint()
        self.town, self.at = TOWNS[-1], START
        directory.forget()
        self.said = self.town.reasons(START)
        self.resident = self.town.world.resident.resident
        self.people = sorted({one.person for one in self.said.posts})
        self.turn = 0

    def teardown(self) -> None:
        transaction.savepoint_rollback(self.point)
        directory.forget()

    @rule(seed=SEED)
    def something_happens(self, seed: int) -> None:
        self.turn += 1
        dice = random.Random(f"{OTHER}{seed}:{self.turn}")
        dice.choice(ACTS)(self, dice)

    def done(self, act: Callable[[], Any]) -> Any:
        """What the act answers; None when it was refused, which changes nothing."""
        try:
            return act()
        except Refused as refused:
            SEEN[f"refused {refused.code}"] += 1
            return None

    def actor(self, person: UUID) -> Actor:
        return actors.actor_of(person)

    def time_passes(self, dice: random.Random) -> None:
        self.at += timedelta(hours=dice.choice(HOURS))

    def the_clocks_are_answered(self, dice: random.Random) -> None:
        worker.sweep_all(self.at)

    def a_team_is_given_her(self, dice: random.Random) -> None:
        world = self.town.world
        team, doctor = dice.choice([world.team.id, self.town.second]), dice.choice([None, *self.people])
        worker_ = dice.choice([None, *self.people])
        changed = self.done(
            lambda: empanelments.empanel(
                SYSTEM, self.resident, team, self.at, doctor=doctor, social_worker=worker_
            )
        )
        if changed is not None:
            self.said.team, self.said.named = team, {one for one in (doctor, worker_) if one}

    def somebody_is_put_on_duty(self, dice: random.Random) -> None:
        person, begins = dice.choice(self.people), self.at + timedelta(hours=dice.choice((0, 0, 2)))
        ends = begins + timedelta(hours=dice.choice((2, 12)))
        duty = min(self.said.duties(person, begins), default="nurse")
        if self.done(
            lambda: rosters.put_shift(
                SYSTEM, self.said.centre, duty, person, starts_at=begins, ends_at=ends, at=self.at
            )
        ):
            self.said.turns.append(Turn(begins, ends, person, duty))

    def somebody_takes_leave(self, dice: random.Random) -> None:
        person, ends = dice.choice(self.people), self.at + timedelta(hours=dice.choice((2, 30)))
        if self.done(lambda: rosters.take_leave(SYSTEM, person, starts_at=self.at, ends_at=ends, at=self.at)):
            self.said.leaves.append(Turn(self.at, ends, person))

    def somebody_changes_his_post(self, dice: random.Random) -> None:
        """Ends one, and often begins another, the same duty elsewhere or another duty."""
        person = dice.choice(self.people)
        row = Post.objects.filter(staff=person, until=None).first()
        if row is None:
            return
        if dice.random() < 0.7:
            rosters.end_post(SYSTEM, row.id, self.at)
            for one in self.said.posts:
                if (one.person, one.place, one.duty, one.until) == (
                    person,
                    row.organisation_id,
                    row.duty,
                    None,
                ):
                    one.until = self.at
        place, duty = dice.choice(self.town.places), dice.choice([row.duty, row.duty, "volunteer", "nurse"])
        if organisations.appoint(SYSTEM, person, place, duty, self.at):
            centre = directory.current().centre_of(place)
            self.said.posts.append(Held(self.at, None, person, place, centre, duty))

    def somebody_leaves_the_service(self, dice: random.Random) -> None:
        if dice.random() > 0.3:
            return
        person = dice.choice(self.people)
        rosters.leave_service(SYSTEM, person, self.at)
        for post in self.said.posts:
            post.until = min(post.until or self.at, self.at) if post.person == person else post.until
        self.people.remove(person)

    def loops(self) -> list[Loop]:
        """Her loops, the open ones last."""
        rows = Loop.objects.filter(subject=self.town.world.resident.subject).order_by("promised_at", "id")
        return sorted(rows, key=lambda row: row.closed_at is None)

    def promised(self, dice: random.Random) -> None:
        world, reason = self.town.world, dice.choice(["D10", "D12", "D16", "D18"])
        by = dice.choice([world.doctor.staff_id, world.nurse.staff_id, *self.people])
        self.done(
            lambda: promises.promise(
                self.actor(by), kind=D2S, resident=self.resident, reason=reason, note="少出门", at=self.at,
                command_id=uuid.UUID(int=dice.getrandbits(128)).hex,
            )
        )  # fmt: skip

    def a_promise_is_made(self, dice: random.Random) -> None:
        self.promised(dice)

    def a_promise_moves(self, dice: random.Random) -> None:
        """Accepted, handed over, opened again, made void: whatever its people may say."""
        rows = self.loops()
        if not rows:
            return
        row = dice.choice(rows)
        verb = dice.choice(["accept", "hand_over", "reopen", "void"])
        by, to = dice.choice([row.sender, row.performer, *self.people]), dice.choice(self.people)
        said: dict[str, Any] = {"hand_over": {"to": to, "reason": "better_placed"}, "accept": {}}.get(
            verb, WRONGLY
        )
        self.done(lambda: acts.act(self.actor(by), verb, row.id, seq=row.seq, at=self.at, **said))

    def a_promise_is_taken_back(self, dice: random.Random) -> None:
        row = next(reversed(self.loops()), None)
        if row is not None:
            by = self.actor(row.sender)
            self.done(lambda: acts.act(by, "cancel", row.id, seq=row.seq, at=self.at, **WRONGLY))

    def a_hospital_takes_part(self, dice: random.Random) -> None:
        """Somebody without a reason is drawn into an open loop; his part ends with it."""
        if not any(row.closed_at is None for row in self.loops()):
            self.promised(dice)
        rows = [row for row in self.loops() if row.closed_at is None]
        strangers = [
            one
            for one in self.people
            if not self.said.why(one, self.at) and self.said.duties(one, self.at) & PART
        ]
        person = dice.choice(strangers or [None])
        if (
            rows
            and person
            and not any(one.to == person and one.of == rows[-1].id for one in self.said.guests)
        ):
            bundle, world = Bundle(), self.town.world
            access.facts(
                bundle, home=world.resident.home, person=person, subject=world.resident.subject,
                relation=access.PARTICIPANT, source=f"loop:{rows[-1].id}", since=self.at,
            )  # fmt: skip
            bundle.commit()
            if person not in (rows[-1].sender, rows[-1].performer, rows[-1].owner):
                self.said.guests.append(Given(self.at, None, person, rows[-1].id))

    def a_consent_is_given(self, dice: random.Random) -> None:
        basis = dice.choice(["volunteer", "partner"])
        volunteers = [one for one in self.people if "volunteer" in self.said.duties(one, self.at)]
        to = dice.choice(
            [self.town.hospital, self.town.kitchen] if basis == "partner" else volunteers or [None]
        )
        if to is None:
            return
        until = self.at + timedelta(hours=dice.choice((3, 30, 24 * 20)))
        yes = Yes(
            basis=basis, sha256=consents.text(basis, self.at).sha256, grantee=to, scope=(dice.choice(["contact", "address"]),),
            purpose="meals" if basis == "partner" else "", until=until,
        )  # fmt: skip
        number = self.done(lambda: consents.give(SYSTEM, self.resident, yes, self.at))
        if number is not None and not any(one.of == number for one in self.said.consents):
            for one in self.said.consents:
                one.until = min(one.until or self.at, self.at) if one.to == to else one.until
            self.said.consents.append(Given(self.at, until, to, number))

    def a_consent_is_taken_back(self, dice: random.Random) -> None:
        standing = [one for one in self.said.consents if one.holds(self.at)]
        if standing:
            one = dice.choice(standing)
            assert one.of is not None
            consents.withdraw(SYSTEM, self.resident, one.of, "unsaid", self.at)
            one.until = self.at

    def a_glass_is_broken(self, dice: random.Random) -> None:
        person = dice.choice(self.people)
        had = self.said.why(person, self.at)
        found = self.done(
            lambda: glass.break_(Command(self.actor(person), "life", "", self.at), self.resident)
        )
        if found:
            assert not had, "who has a reason breaks no glass"
            self.said.glasses.append(Given(self.at, self.at + timedelta(hours=2), person, found[0]))

    def a_glass_is_given_back(self, dice: random.Random) -> None:
        standing = [one for one in self.said.glasses if one.holds(self.at)]
        if not standing:
            self.a_glass_is_broken(dice)
        else:
            one = dice.choice(standing)
            glass.end(self.actor(one.to), self.resident, self.at)
            one.until = self.at

    @invariant()
    def the_product_says_what_the_reasons_say(self) -> None:
        """Everybody who ever worked here is asked about; by list, by consent and by stream some of them at a time, in turn."""
        self._follow_the_loops()
        everyone = sorted({one.person for one in self.said.posts})
        in_turn = {everyone[(self.turn + n) % len(everyone)] for n in range(3)}
        with directory.one_picture():
            stands = placed(self.resident)
            for person in everyone:
                self._judged(person, stands, thoroughly=person in in_turn)
        SEEN["asked"] += 1

    def _judged(self, person: UUID, stands: Placement, *, thoroughly: bool) -> None:
        actor, why = self.actor(person), self.said.why(person, self.at)
        permission = access.may(actor, READ, stands, self.at)
        assert permission.allowed == bool(why), (actor.name, why, permission.relation)
        glimpse = self.said.glimpsed(person, self.at)
        SEEN.update([*why, *(["consent"] if glimpse else []), *([] if why else ["nobody"])])
        if thoroughly or glimpse:
            assert bool(glimpses.of(person, self.resident, self.at)) == glimpse, actor.name
        if thoroughly:
            listed = access.within(actor, READ, [stands.subject], self.at)
            assert bool(listed) == bool(why), (actor.name, why)
            assert knowing.hears(actor, None, stands.subject, self.at) == bool(why), actor.name

    def _follow_the_loops(self) -> None:
        """Whose turn a loop is says the loop (tests/proof/test_stateful.py judges that); guests go with its end."""
        rows = list(Loop.objects.filter(subject=self.town.world.resident.subject))
        open_ = [row for row in rows if row.closed_at is None]
        self.said.sides = {one for row in open_ for one in (row.sender, row.performer, row.owner) if one}
        for one in self.said.guests:
            if one.until is None and one.of not in {row.id for row in open_}:
                one.until = self.at


ACTS: tuple[Callable[[Reasoning, random.Random], None], ...] = (
    Reasoning.time_passes,
    Reasoning.time_passes,
    Reasoning.time_passes,
    Reasoning.the_clocks_are_answered,
    Reasoning.a_team_is_given_her,
    Reasoning.somebody_is_put_on_duty,
    Reasoning.somebody_is_put_on_duty,
    Reasoning.somebody_is_put_on_duty,
    Reasoning.somebody_takes_leave,
    Reasoning.somebody_changes_his_post,
    Reasoning.somebody_leaves_the_service,
    Reasoning.a_promise_is_made,
    Reasoning.a_promise_is_made,
    Reasoning.a_promise_moves,
    Reasoning.a_promise_is_taken_back,
    Reasoning.a_promise_is_taken_back,
    Reasoning.a_hospital_takes_part,
    Reasoning.a_hospital_takes_part,
    Reasoning.a_consent_is_given,
    Reasoning.a_consent_is_given,
    Reasoning.a_consent_is_taken_back,
    Reasoning.a_glass_is_broken,
    Reasoning.a_glass_is_broken,
    Reasoning.a_glass_is_given_back,
    Reasoning.a_glass_is_given_back,
    Reasoning.a_consent_is_taken_back,
)


@pytest.mark.django_db
def test_no_sequence_of_legal_acts_gives_access_after_its_reason_ended() -> None:
    kinds.forget()
    TOWNS.append(Town(START))
    tried(Reasoning, max(1, EXAMPLES), STEPS)
    if EXAMPLES >= USUAL:
        assert not {way: SEEN[way] for way in WAYS if SEEN[way] < LEAST}
