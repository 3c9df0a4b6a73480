"""What is done for the invented district's residents once they have signed: assessed, planned for, vaccinated, measured, followed up.

Every step is one call of a verb by the person who would do it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from random import Random
from uuid import UUID, uuid4

from yishe.care import (
    assessments,
    entries,
    followups,
    forms,
    immunizations,
    observations,
    plans,
    scales,
)
from yishe.care.models import Owed, Plan
from yishe.care.plans import Wish
from yishe.lab import answers, bodies, hours
from yishe.lab.founding import District
from yishe.lab.population import Person
from yishe.people import cards, directory
from yishe.people.actors import Actor
from yishe.people.packs import in_force
from yishe.policy import scale_scoring
from yishe.policy.followup_rules import HOW, STAGE, Followup
from yishe.policy.plan_content import Goal
from yishe.policy.plan_rules import LEVELS
from yishe.trust import ids

Push = Callable[[datetime, Callable[[datetime], object]], None]
ASSESSED = (("self_care", 0.7, 65, "", "nurse"), ("phq2", 0.3, 18, "", "nurse"), ("steadi", 0.25, 70, "", "nurse"),
            ("ucla3", 0.8, 60, "living_alone", "social_worker"), ("social_needs", 0.2, 60, "", "social_worker"))  # fmt: skip
"""Scale, share of those it is for, from which age, with which trait, and whose duty fills it."""
SOON = (1, 40)
"""Days after signing in which somebody is assessed."""
PLANNED = (("hypertension_elder", 0.3, 65, "hypertension"), ("lonely_elder", 0.6, 65, "living_alone"),
           ("diabetes", 0.3, 18, "diabetes"), ("disability", 0.4, 18, "disabled"))  # fmt: skip
"""Plan template, share of those it is for, from which age, with which trait."""
AIM = "7.0"
"""What doctor and resident agree on where the template leaves it to them."""
CONFIRMED = 0.9
SCORED_AFTER = (60, 110)
FILLED_IN = 0.85
"""Share of the contacts of a chronic disease that are written on its form; of the others only the contact is recorded."""
COURSE = "intervention"
"""The stage in which a case is met most."""
CHILD = 6


@dataclass
class Caring:
    """`push` puts a happening into the queue of simulated time."""

    made: District
    rng: Random
    push: Push

    def begins(self, resident: UUID, at: datetime, *, again: bool) -> None:
        """What follows the signing of a contract; who renews `again` is assessed, and the rest goes on as it was."""
        person, today = self.made.people[resident], at.date()
        age = person.age(today)
        for scale, share, youngest, trait, duty in ASSESSED:
            if age >= youngest and (not trait or trait in person.traits) and self.rng.random() < share:
                when = self._after(at, *SOON)
                self.push(when, partial(self.assess, resident, scale, duty))
        if again:
            return
        for template, share, youngest, trait in PLANNED:
            if age >= youngest and trait in person.traits and self.rng.random() < share:
                self.push(self._after(at, *SOON), partial(self.plan, resident, template))
                break
        if age <= CHILD:
            self._childhood(resident, person, at)

    # Assessing and following up

    def assess(self, resident: UUID, scale: str, duty: str, at: datetime) -> None:
        """Begun, answered at once and submitted."""
        actor, form = self.performer(duty, resident, at), scales.in_force(scale, at)
        row = assessments.start(actor, resident, scale=scale, at=at, command_id=command())
        given = answers.answered(self.rng, form, self._about(resident, at), at.date(), {})
        assessments.answer(
            actor, resident, row.response, given, at=at, command_id=command(), confirmed=list(form.items)
        )
        assessments.submit(actor, resident, row.response, at=at, command_id=command())

    def form_for(self, owed: Owed, resident: UUID, how: str, at: datetime) -> Followup | None:
        """The form on which a contact that keeps this promise is written, if it is."""
        whose = self._about(resident, at)
        fitting = (
            one
            for one in scales.all_followups(at)
            if owed.service in one.services
            and how in one.options(HOW)
            and owed.duty in one.filled_by.staff
            and scale_scoring.fits(one, whose) is not False
        )
        return next(fitting, None) if self.rng.random() < FILLED_IN else None

    def follow_up(self, actor: Actor, resident: UUID, form: Followup, how: str, at: datetime) -> None:
        """One follow-up on its form: the contact, the measurements and the year's promises come with it."""
        response, today = ids.new(), at.astimezone(hours.ZONE).date()
        followups.begin(actor, resident, kind=form.code, response=response, at=at, command_id=command())
        given = answers.answered(self.rng, form, self._about(resident, at), today, {HOW: how, STAGE: COURSE})
        followups.answer(
            actor, resident, response, given, at=at, command_id=command(), confirmed=list(form.items)
        )
        followups.submit(actor, resident, response, at=at, command_id=command())

    # Planning

    def plan(self, resident: UUID, template: str, at: datetime) -> None:
        """Written by the doctor from a template, confirmed by the social worker within days, scored when some months passed."""
        doctor = self.performer("family_doctor", resident, at)
        blank = plans.started(template, at.astimezone(hours.ZONE).date())
        content = replace(blank, goals=tuple(self._measured(goal) for goal in blank.goals))
        plan = plans.write(doctor, resident, Wish(content, 0, template), at)
        if self.rng.random() < CONFIRMED:
            self.push(self._after(at, 1, 5), lambda then: self._confirm(plan, resident, then))

    def _measured(self, goal: Goal) -> Goal:
        """A goal that is a number starts some way above it."""
        if goal.scaled:
            return goal
        target = goal.target or AIM
        return replace(goal, target=target, baseline=f"{float(target) * self.rng.uniform(1.02, 1.3):.1f}")

    def _confirm(self, plan: UUID, resident: UUID, at: datetime) -> None:
        plans.confirm(self.performer("social_worker", resident, at), plan, 1, at)
        self.push(self._after(at, *SCORED_AFTER), lambda then: self._score(plan, resident, then))

    def _score(self, plan: UUID, resident: UUID, at: datetime) -> None:
        worker = self.performer("social_worker", resident, at)
        row = Plan.objects.get(id=plan)
        for goal in plans.started(row.template, at.date()).goals:
            if goal.scaled:
                plans.score(worker, plan, goal.id, self.rng.choice(LEVELS[1:4]), at)

    # Children

    def _childhood(self, resident: UUID, person: Person, at: datetime) -> None:
        """The visits of the first years: those before the contract are copied from the booklet on its day."""
        missed = {month for month in bodies.VISITED if self.rng.random() < bodies.MISSED}
        build = self.rng.uniform(*bodies.BUILD)
        for month in bodies.VISITED:
            day = person.birth_date + timedelta(days=round(month * bodies.MONTH) + self.rng.randint(0, 9))
            if month in missed:
                continue
            moment = hours.some_time(self.rng, day)
            if moment < at:
                self.push(at, partial(self._visited, resident, month, build, moment))
            else:
                self.push(moment, partial(self._visited, resident, month, build, moment))

    def _visited(self, resident: UUID, month: int, build: float, on: datetime, at: datetime) -> None:
        """Weighed, measured, and given what was due on that day."""
        nurse = self.performer("nurse", resident, at)
        for kind, values, context in bodies.grown(month, build):
            observations.record(
                nurse, resident, kind=kind, values=values, context=context, at=at, occurred_at=on,
                repeated=True, command_id=command(),
            )  # fmt: skip
        self._vaccinated(nurse, resident, on, at)

    def _vaccinated(self, nurse: Actor, resident: UUID, on: datetime, at: datetime) -> None:
        where = self.made.placed[resident]
        card = cards.cards([where.subject])[where.subject]
        rows = immunizations.standing(entries.keyed(where))
        for dose in immunizations.schedule(card, rows, on):
            if dose.state in ("due", "late"):
                immunizations.record(
                    nurse, resident, vaccine=dose.vaccine, at=at, occurred_at=on, command_id=command()
                )

    # Who and when

    def performer(self, duty: str, resident: UUID, at: datetime) -> Actor:
        """Who of `duty` answers for the resident."""
        found = directory.current().performer(duty, self.made.placed[resident], at).member
        return Actor(found.id, found.account, found.name, found)

    def _about(self, resident: UUID, at: datetime) -> forms.About:
        return forms.about(self.made.placed[resident], at)

    def _after(self, at: datetime, soonest: int, latest: int) -> datetime:
        when = at + timedelta(days=self.rng.randint(soonest, latest), minutes=self.rng.randint(0, 300))
        return hours.at_desk(self.rng, in_force().calendar, when)


def command() -> str:
    return f"demo:{uuid4()}"
