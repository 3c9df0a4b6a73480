"""The contracts of the invented district: signed day after day through a year and more, kept early, late or never, renewed or let
run out. Every step is one call of a verb by the person who would do it.

Staff keep a promise on the day the rates below say; like real ones they tick off in the same contact whatever else is open.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from uuid import UUID, uuid4

from yishe.care import contracts, signing, year
from yishe.care.agreements import Signature
from yishe.care.models import Contract, Owed
from yishe.lab import founding, hours, words
from yishe.lab.caring import Caring
from yishe.lab.founding import District
from yishe.lab.population import Person
from yishe.people import packs
from yishe.people.actors import Actor
from yishe.policy.contract_rules import NOTE, RENEWAL

Push = Callable[[datetime, Callable[[datetime], object]], None]
SHARE = 0.2
"""Of those whom a team answers for: signed on this platform. The others' agreements lie on paper, as before it came."""
APPLYING_NOW = 0.008
"""Share whose application of the last days nobody has reviewed or signed yet."""
PACKAGES = ((0.78, "basic"), (0.17, "personal"), (0.05, "premium"))
SUPPORTED, NEEDING = (0.4, "support"), frozenset({"living_alone", "disabled", "without_support"})
"""Share of those with one of these circumstances who take the package with the social worker's part."""
WAYS = ((0.7, "centre"), (0.2, "home"), (0.1, "online"))
KEEPING = ((0.62, 0.05, 0.75), (0.20, 0.75, 1.0), (0.11, 1.05, 1.5), (0.07, 0.0, 0.0))
"""Share of promises, and between which shares of their window they are kept; past 1 is late, the last are forgotten."""
RENEWING = 0.82
STAFF_HOURS = (time(8, 30), time(16, 30))
ADULT = 18


@dataclass
class Year:
    """Who signs when, and what follows. `push` puts a happening into the queue of simulated time."""

    made: District
    rng: Random
    push: Push
    caring: Caring

    def plan(self, since: date, until: date) -> None:
        """Spread the signings over the days before `until`; a few more have only been applied for."""
        days = (until - since).days
        for resident, person in list(self.made.people.items()):
            if person.contracted and self.rng.random() < SHARE:
                fresh = self.rng.random() < APPLYING_NOW / SHARE
                back = self.rng.randint(0, 1) if fresh else self.rng.randint(2, max(days - 1, 2))
                self._apply_on(resident, until - timedelta(days=back), fresh)
        for number, person in enumerate(self.made.coming):
            self._born(person, number)

    def _born(self, person: Person, number: int) -> None:
        """Registered some days after birth; most are signed for in the same weeks."""
        signs = person.contracted and self.rng.random() < SHARE
        day = person.birth_date + timedelta(days=self.rng.randint(2, 12))

        def comes(at: datetime) -> None:
            resident = founding.register(self.made, person, number, at)
            if signs:
                self._apply_on(resident, at.date() + timedelta(days=self.rng.randint(1, 20)), fresh=False)

        self.push(self._moment(day), comes)

    def _apply_on(self, resident: UUID, day: date, fresh: bool) -> None:
        package, way = drawn(self.rng, PACKAGES), drawn(self.rng, WAYS)
        share, supporting = SUPPORTED
        if NEEDING & set(self.made.people[resident].traits) and self.rng.random() < share:
            package = supporting
        step = timedelta(minutes=self.rng.randint(15, 90))

        def applies(at: datetime) -> None:
            doctor = self._doctor(resident, at)
            contract = contracts.apply(doctor, resident, package=package, way=way, at=at)
            if not fresh:
                self.push(at + step, lambda then: self._review(contract, resident, then))

        self.push(self._moment(day), applies)

    def _review(self, contract: UUID, resident: UUID, at: datetime) -> None:
        contracts.review(
            self._doctor(resident, at), contract, findings=self.rng.choice(words.FINDINGS), at=at
        )
        self.push(
            at + timedelta(minutes=self.rng.randint(10, 60)),
            lambda then: self._sign(contract, resident, then),
        )

    def _sign(self, contract: UUID, resident: UUID, at: datetime) -> None:
        person, doctor = self.made.people[resident], self._doctor(resident, at)
        grown = person.age(at.date()) >= ADULT
        name = person.name if grown else self._guardian(person, at.date())
        sides = signing.Sides("resident" if grown else "guardian", Signature(name), Signature(doctor.name))
        signing.sign(doctor, contract, sides, at)
        for owed in Owed.objects.filter(contract=contract).order_by("due", "service", "nth"):
            self._look_after(owed, resident, at)
        self.caring.begins(resident, at, again=Contract.objects.get(id=contract).renews is not None)

    def _look_after(self, owed: Owed, resident: UUID, at: datetime) -> None:
        """When this promise will be kept, if it ever is."""
        if owed.service == RENEWAL:
            if self.rng.random() < RENEWING:
                self.push(
                    self._moment(self._within(owed, 0.2, 0.9)), lambda then: self._renew(owed, resident, then)
                )
            return
        _, soonest, latest = self.rng.choices(KEEPING, [share for share, *_ in KEEPING])[0]
        if latest:
            when = self._moment(min(self._within(owed, soonest, latest), owed.ends))
            self.push(max(when, at + timedelta(hours=1)), lambda then: self._keep(owed.id, resident, then))

    def _keep(self, owed_id: UUID, resident: UUID, at: datetime) -> None:
        """One contact, which keeps everything of its kind that is open."""
        owed = Owed.objects.get(id=owed_id)
        if owed.kept_on is not None:
            return
        sheet, today = contracts.sheet_now(), at.astimezone(hours.ZONE).date()
        how = self.rng.choice(sheet.services[owed.service].how)
        open_now = Owed.objects.filter(
            contract=owed.contract_id, duty=owed.duty, kept_on=None, starts__lte=today, ends__gte=today
        ).exclude(service=RENEWAL)
        others = {one.service for one in open_now if how in sheet.services[one.service].how}
        actor = self.caring.performer(owed.duty, resident, at)
        form = self.caring.form_for(owed, resident, how, at)
        if form is not None:
            self.caring.follow_up(actor, resident, form, how, at)
            return
        note = sheet.services[owed.service].record == NOTE
        summary = self.rng.choice(words.NOTES["intervention"] if note else words.ENCOUNTERS)
        year.keep(
            actor, resident, services=sorted({owed.service, *others}), how=how, summary=summary, at=at,
            command_id=f"demo:year:{uuid4()}",
        )  # fmt: skip

    def _renew(self, owed: Owed, resident: UUID, at: datetime) -> None:
        before = Contract.objects.get(id=owed.contract_id)
        doctor = self._doctor(resident, at)
        contract = contracts.apply(doctor, resident, package=before.package, way="centre", at=at)
        self.push(at + timedelta(minutes=20), lambda then: self._review(contract, resident, then))

    # Who, whom and when

    def _doctor(self, resident: UUID, at: datetime) -> Actor:
        return self.caring.performer("family_doctor", resident, at)

    def _guardian(self, child: Person, today: date) -> str:
        """An adult of the same household, or an invented one of the same surname."""
        same = (p for p in self.made.people.values() if p.household == child.household)
        return next((p.name for p in same if p.age(today) >= ADULT), f"{child.name[0]}建华")

    def _within(self, owed: Owed, soonest: float, latest: float) -> date:
        span = max((owed.due - owed.starts).days, 1)
        return owed.starts + timedelta(days=round(span * self.rng.uniform(soonest, latest)))

    def _moment(self, day: date) -> datetime:
        opens, closes = (hours.local(day, one) for one in STAFF_HOURS)
        when = opens + (closes - opens) * self.rng.random()
        return hours.at_desk(self.rng, packs.in_force().calendar, when)


def drawn(rng: Random, shares: tuple[tuple[float, str], ...]) -> str:
    return rng.choices([what for _, what in shares], [share for share, _ in shares])[0]


def kinds() -> Iterator[str]:
    """The loop kinds that people here look after by contract, not one by one."""
    sheet = contracts.sheet_now()
    yield from (sheet.item, sheet.renewal.kind, sheet.application, sheet.countersignature.kind)
    rules = packs.in_force().plans.rules()
    yield from (rules.confirmation, rules.review)
