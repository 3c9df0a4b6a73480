"""What happens on an invented day: visits, measurements, changed medicines, referrals, people away.

Each happening is one call of a verb by the person who would do it. How many there are grows with the population;
the shares below give about fifteen hundred loops in three months for two thousand residents.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from uuid import UUID

from yishe.care import encounters, medications, notes, observations
from yishe.lab import bodies, hours, words
from yishe.lab.founding import District
from yishe.loops import promises
from yishe.people import directory, packs, residents, rosters
from yishe.people.actors import SYSTEM, Actor
from yishe.policy.loop_kinds import LoopKind
from yishe.policy.refusals import Refused

Happening = Callable[[datetime], object]
TO_SOCIAL_WORKER = "referral.doctor_to_social_worker"
TO_DOCTOR = "referral.social_worker_to_doctor"
DUAL_TRACK = "assessment.dual_track"
PER_THOUSAND: dict[str, float] = {
    "visit": 4.5,
    "measure": 4.0,
    "diary": 2.5,
    "refer_to_social_worker": 5.2,
    "refer_to_doctor": 3.0,
    "change_medicine": 3.1,
    "dual_track": 0.45,
    "die": 0.012,
    "move": 0.025,
}
"""Happenings on a working day for a thousand residents; a day off has a twentieth."""
DAY_OFF = 0.05
URGENCY_SHARE = {"red": 0.25, "orange": 1.0, "yellow": 1.6, "green": 0.9}
"""How often a reason is chosen, by its urgency: emergencies are few."""


@dataclass
class Days:
    """One invented person's day after another. `notice` is told each loop a happening opened."""

    made: District
    rng: Random
    notice: Callable[[UUID, datetime], None]
    taking: dict[UUID, list[str]] = field(default_factory=dict)
    serial: int = 0
    book: directory.Directory = field(default_factory=directory.current)

    def of(self, day: date) -> Iterator[tuple[datetime, Happening]]:
        """Everything that happens on `day`, each with its moment."""
        self.book = directory.current()
        share = 1.0 if packs.in_force().calendar.is_workday(day) else DAY_OFF
        thousands = len(self.made.people) / 1000
        for name, rate in PER_THOUSAND.items():
            for _ in range(self._count(rate * share * thousands)):
                yield hours.some_time(self.rng, day), getattr(self, name)

    def fresh(self, now: datetime) -> Iterator[tuple[datetime, Happening]]:
        """What came in during the last hours, so that the boards are alive whatever hour the demo is opened."""
        for number in range(2 + len(self.made.people) // 100):
            at = now - timedelta(minutes=self.rng.randint(2, 240))
            yield at, self.refer_to_doctor if number % 3 == 0 else self.refer_to_social_worker

    def _count(self, expected: float) -> int:
        whole = int(expected)
        return whole + (self.rng.random() < expected - whole)

    def command(self) -> str:
        """A command id nobody else uses; the same seed gives the same ones."""
        self.serial += 1
        return f"demo:{self.serial}"

    # Happenings

    def visit(self, at: datetime) -> None:
        resident, doctor = self._with("family_doctor", at)
        traits = [t for t in words.DIAGNOSES if t in self.made.people[resident].traits] or [""]
        code, title = words.DIAGNOSES[self.rng.choice(traits)]
        encounters.record(
            doctor,
            resident,
            kind="1",
            summary=self.rng.choice(words.ENCOUNTERS),
            diagnoses=[(code, title)],
            at=at,
            command_id=self.command(),
        )

    def measure(self, at: datetime) -> None:
        resident, nurse = self._with("nurse", at, trait=self.rng.choice(["hypertension", "diabetes"]))
        if "diabetes" in self.made.people[resident].traits:
            kind, values = "glucose", bodies.sugar(self.rng, high=True)
        else:
            kind, values = "bp", bodies.pressure(self.rng, high=True)
        observations.record(
            nurse, resident, kind=kind, values=values, repeated=True, at=at, command_id=self.command()
        )

    def diary(self, at: datetime) -> None:
        resident, worker = self._with("social_worker", at)
        stage = self.rng.choice(list(words.NOTES))
        text = self.rng.choice(words.NOTES[stage])
        notes.record(worker, resident, stage=stage, text=text, at=at, command_id=self.command())

    def change_medicine(self, at: datetime) -> None:
        """Start, change or stop; the pack's reaction then tells the social worker."""
        trait = self.rng.choice(["hypertension", "hypertension", "diabetes", ""])
        resident, doctor = self._with("family_doctor", at, trait=trait)
        taken = self.taking.setdefault(resident, [])
        action = self.rng.choice(["change", "change", "stop"]) if taken else "start"
        drug, dose = self.rng.choice(words.MEDICINES[trait])
        if action == "start" and drug in taken:
            return
        drug = drug if action == "start" else self.rng.choice(taken)
        (taken.remove if action == "stop" else taken.append)(drug) if action != "change" else None
        medications.record(
            doctor,
            resident,
            action=action,
            drug=drug,
            dose=dose if action != "stop" else "",
            frequency=self.rng.choice(["每日一次", "每日两次", "每晚一次"]) if action != "stop" else "",
            reason=self.rng.choice(words.CHANGE_REASONS[action]),
            at=at,
            command_id=self.command(),
        )

    def refer_to_social_worker(self, at: datetime) -> None:
        self._refer(TO_SOCIAL_WORKER, self.rng.choice(["family_doctor"] * 4 + ["nurse", "public_health"]), at)

    def refer_to_doctor(self, at: datetime) -> None:
        self._refer(TO_DOCTOR, "social_worker", at)

    def dual_track(self, at: datetime) -> None:
        self._refer(DUAL_TRACK, "family_doctor", at, trait=self.rng.choice(["disabled", "living_alone"]))

    def die(self, at: datetime) -> None:
        oldest = sorted(self.made.people, key=lambda r: self.made.people[r].birth_date)
        residents.die(SYSTEM, self._gone(self.rng.choice(oldest[: len(oldest) // 20 + 1])), at)

    def move(self, at: datetime) -> None:
        residents.move(SYSTEM, self._gone(self.rng.choice(list(self.made.people))), at)

    # Who and whom

    def _gone(self, resident: UUID) -> UUID:
        del self.made.people[resident]
        return resident

    def _refer(self, kind: str, duty: str, at: datetime, trait: str = "") -> None:
        declared = packs.in_force().loop_kind(kind, at.date())
        resident, sender = self._with(duty, at, trait=trait)
        reason = self._reason(declared)
        loop = promises.promise(
            sender,
            kind=kind,
            resident=resident,
            reason=reason,
            note=self.rng.choice(words.REFERRAL_NOTES),
            at=at,
            command_id=self.command(),
        )
        self.notice(loop, at)

    def _reason(self, kind: LoopKind) -> str:
        reasons = [r for r in kind.reasons.values() if r.status == "approved"]
        if not reasons:
            return ""
        return self.rng.choices(reasons, [URGENCY_SHARE[r.urgency] for r in reasons])[0].code

    def _with(self, duty: str, at: datetime, trait: str = "") -> tuple[UUID, Actor]:
        """A resident, the older the likelier, and who of `duty` answers for him."""
        resident = self._somebody(at.date(), trait)
        found = self.book.performer(duty, self.made.placed[resident], at)
        return resident, Actor(found.member.id, found.member.account, found.member.name, found.member)

    def _somebody(self, today: date, trait: str) -> UUID:
        ids = list(self.made.people)
        for _ in range(40):
            resident = self.rng.choice(ids)
            person = self.made.people[resident]
            if (not trait or trait in person.traits) and self.rng.random() < (person.age(today) + 12) / 100:
                return resident
        return self.rng.choice(ids)


def leaves(made: District, rng: Random, since: date, until: date) -> list[tuple[datetime, Happening]]:
    """Some of the staff are away for some days, a nurse of them now; a colleague of the same duty stands in."""
    book = directory.current()
    span = (until - since).days
    planned: list[tuple[datetime, Happening]] = []
    for number, duty in enumerate(
        ["nurse", "family_doctor", "social_worker", "family_doctor", "social_worker"]
    ):
        centre = list(dict.fromkeys(made.centres.values()))[number % 2]
        away, other = rng.sample(made.everyone(centre, duty), 2)
        first = (
            until - timedelta(days=1)
            if number == 0
            else since + timedelta(days=rng.randint(7, max(8, span - 9)))
        )
        begins = hours.local(first, hours.OPENS)
        told = begins - timedelta(days=2)
        planned.append(
            (told, _leave(book.staff(away).id, other, begins, begins + timedelta(days=rng.randint(3, 6))))
        )
    return planned


def _leave(staff: UUID, substitute: UUID, begins: datetime, ends: datetime) -> Happening:
    def happens(at: datetime) -> None:
        rosters.take_leave(
            SYSTEM, staff, starts_at=begins, ends_at=ends, at=at, substitute=substitute, reason="annual"
        )

    return happens


def quietly(happening: Happening, at: datetime) -> bool:
    """Do it; what the house refuses (already open, resident gone) simply does not happen."""
    try:
        happening(at)
    except Refused:
        return False
    return True
