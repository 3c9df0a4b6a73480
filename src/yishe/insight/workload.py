"""预计工作量: what the pack in force, or one that may be switched on, asks of the contracts there are, by month and duty."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from yishe.care.models import Contract
from yishe.insight import scopes
from yishe.people import directory, facts, packs
from yishe.people.actors import Actor
from yishe.people.particulars import ZONE
from yishe.policy import contract_load
from yishe.policy.contract_load import Alike, Load
from yishe.policy.contract_rules import RENEWAL
from yishe.policy.packs import PackSet

WHY = "how many contacts a pack asks for is counted over all contracts"
MONTHS = 12


@dataclass(frozen=True)
class Forecast:
    """Both loads over the same contracts and months; `without_age` were left out, as their year cannot be laid."""

    title: str
    since: date
    present: Load
    wanted: Load
    pack: PackSet
    without_age: int

    @property
    def months(self) -> Sequence[str]:
        whole = self.since.year * 12 + self.since.month - 1
        return [f"{n // 12}-{n % 12 + 1:02d}" for n in range(whole, whole + MONTHS)]

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
    people, without = _alike(rows, at)
    present = contract_load.asked(packs.in_force(), people, since, MONTHS)
    same = pack is packs.in_force() and not drafts
    wanted = present if same else contract_load.asked(pack, people, since, MONTHS, drafts=drafts)
    return Forecast(title, since, present, wanted, pack, without)


def _alike(rows: QuerySet[Contract], at: datetime) -> tuple[list[Alike], int]:
    """The contracts in force, those that no rule can tell apart as one; and how many have no birth date."""
    today = at.astimezone(ZONE).date()
    held = list(
        rows.filter(ended_at=None, signed_at__isnull=False, until__gt=today)
        .values_list("subject", "package", "since", "renews")
    )  # fmt: skip
    known = facts.of_everybody(WHY)
    found: Counter[Alike] = Counter()
    without = 0
    for subject, package, since, renews in held:
        of = known.get(subject)
        if of is None or of.gone:
            continue
        age = of.age(today)
        if age is None or since is None:
            without += 1
            continue
        said = (("age", age), ("renewed", renews is not None), ("traits", of.traits))
        found[Alike(package, said, since)] += 1
    return [Alike(one.package, one.facts, one.since, n) for one, n in found.items()], without


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
