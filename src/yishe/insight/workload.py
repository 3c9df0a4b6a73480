"""预计工作量: what the pack in force, or one that may be switched on, asks of the contracts there are, by month and duty, and which
visits of a life's schedule come beside them.

Each is counted by what is known today: age, traits and recorded conditions, and the class as it stands. However many there are, it is
asked in the same few statements."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from yishe.care import class_stream, conditions, lives, needs
from yishe.care.conditions import Standing
from yishe.care.models import Contract
from yishe.insight import scopes
from yishe.people import directory, facts, packs, placements
from yishe.people.actors import Actor
from yishe.people.particulars import ZONE
from yishe.policy import contract_load, contract_year, schedules
from yishe.policy.contract_load import Alike, Cell, Load
from yishe.policy.contract_rules import RENEWAL
from yishe.policy.packs import PackSet
from yishe.policy.schedules import Person

WHY = "how many contacts a pack asks for is counted over all contracts"
MONTHS = 12
CLASS = "resident_class"


@dataclass(frozen=True)
class Forecast:
    """Both loads over the same contracts and months; `without_age` were left out, as their year cannot be laid. `visits` are those
    of schedules that fall due, by month and schedule, as `pack` says; `classes` how many contracts are of each class that stands."""

    title: str
    since: date
    present: Load
    wanted: Load
    pack: PackSet
    without_age: int
    visits: Counter[Cell]
    classes: Counter[str]

    @property
    def months(self) -> Sequence[str]:
        whole = self.since.year * 12 + self.since.month - 1
        return [f"{n // 12}-{n % 12 + 1:02d}" for n in range(whole, whole + MONTHS)]

    @property
    def schedules(self) -> Sequence[str]:
        """Those of which a visit comes, in the pack's order."""
        coming = {schedule for _, schedule in self.visits}
        return [code for code in self.pack.life.schedules if code in coming]

    @property
    def duties(self) -> Sequence[str]:
        return sorted({*self.present.duties(), *self.wanted.duties()})

    def behind(self, month: str, duty: str) -> Sequence[tuple[str, int]]:
        """Who asks for the contacts of one number, most first, each in the pack's words."""
        asked = Counter({by: n for (m, d, by), n in self.wanted.behind.items() if (m, d) == (month, duty)})
        return [(self.title_of(by), n) for by, n in asked.most_common()]

    def title_of(self, by: str) -> str:
        sheet = self.pack.contracts
        if sheet is None or by == RENEWAL:
            return by
        package = sheet.packages.get(by.removeprefix("package:"))
        rule = sheet.rules.get(by)
        return str(package.title if by.startswith("package:") and package else rule.title if rule else by)


def of_scope(actor: Actor, at: datetime, *, small: int, drafts: bool = False) -> Forecast:
    """For the widest scope this person has: the packs in force, beside the same with every draft switched on when
    `drafts`. Forbidden for who leads and belongs to nothing."""
    scope = scopes.scope_of(actor, at, small=small)
    return _forecast(scope.title, _within(scope), packs.in_force(), at, drafts=drafts)


def of_everybody(pack: PackSet, at: datetime, *, drafts: bool = False) -> Forecast:
    """For all contracts of this database: the packs in force beside another."""
    return _forecast("全部签约", Contract.objects.all(), pack, at, drafts=drafts)


def _forecast(title: str, rows: QuerySet[Contract], pack: PackSet, at: datetime, *, drafts: bool) -> Forecast:
    since = _next_month(at.astimezone(ZONE).date())
    held = _held(rows, at)
    people = [replace(one, count=n) for one, n in held.alike.items()]
    present = contract_load.asked(packs.in_force(), people, since, MONTHS)
    same = pack is packs.in_force() and not drafts
    wanted = present if same else contract_load.asked(pack, people, since, MONTHS, drafts=drafts)
    visits = _visits(pack, held.people.values(), since, drafts=drafts)
    return Forecast(title, since, present, wanted, pack, held.without_age, visits, held.classes)


@dataclass
class _Held:
    """The contracts in force, those that no rule can tell apart as one, and who is behind them, each once."""

    alike: Counter[Alike] = field(default_factory=Counter)
    people: dict[UUID, Person] = field(default_factory=dict)
    classes: Counter[str] = field(default_factory=Counter)
    without_age: int = 0


def _held(rows: QuerySet[Contract], at: datetime) -> _Held:
    today = at.astimezone(ZONE).date()
    running = rows.filter(ended_at=None, signed_at__isnull=False, until__gt=today)
    mine = placements.mapped_with(running.values("subject"))
    known = facts.of_everybody(WHY)
    steps_of = class_stream.standing_within(mine, today)
    classed = {known[subject].resident: steps for subject, steps in steps_of.items() if subject in known}
    recorded: dict[UUID, list[Standing]] = {}
    for subject, standing in conditions.standing_within(WHY, mine, conditions.NEEDS).items():
        recorded.setdefault(known[subject].resident, []).extend(standing)
    held = _Held()
    columns = ("subject", "package", "since", "renews", "items")
    for subject, package, since, renews, items in running.values_list(*columns):
        of = known.get(subject)
        if of is None or of.gone:
            continue
        age, standing = of.age(today), recorded.get(of.resident, [])
        if age is None or since is None or of.birth_date is None:
            held.without_age += 1
            continue
        coded = [(one.kind, one.code, one.title) for one in standing]
        traits = tuple(sorted(needs.traits(of.traits, coded))) if coded else of.traits
        steps = classed.get(of.resident, {})
        said = (("age", age), ("renewed", renews is not None), ("traits", traits), *sorted(steps.items()))
        held.alike[Alike(package, said, since, items=tuple(sorted(items.items())))] += 1
        held.classes.update([steps[CLASS]] if CLASS in steps else [])
        anchors = {one.code: lives.day(one.since) for one in standing if one.code}
        held.people[of.resident] = Person(of.birth_date, lives.sex(of) or "", anchors)
    return held


def _visits(pack: PackSet, people: Iterable[Person], since: date, *, drafts: bool) -> Counter[Cell]:
    until = contract_year.end_of(since, MONTHS)
    due = (schedules.coming(pack.life.schedules, one, since, until, drafts=drafts) for one in people)
    return Counter((f"{day:%Y-%m}", code) for coming in due for code, day in coming)


def _within(scope: scopes.Scope) -> QuerySet[Contract]:
    given = [UUID(one) for value in scope.filter.values() for one in value.split(",")]
    if not given:
        return Contract.objects.all()
    if scopes.TEAM in scope.filter:
        return Contract.objects.filter(team__in=given)
    book = directory.current()
    return Contract.objects.filter(Q(team__in=[unit.id for one in given for unit in book.units("team", one)]))


def _next_month(today: date) -> date:
    return date(today.year + today.month // 12, today.month % 12 + 1, 1)
