"""What was counted, as managers read it: by their own scope, beside the quarter before, down to the residents behind a number."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
from django.conf import settings
from django.db.models import Q, QuerySet, Sum

from yishe.insight import scopes
from yishe.insight.models import IndicatorSnapshot, IndicatorValue
from yishe.insight.scopes import Scope
from yishe.people import access, directory, packs
from yishe.people.actors import Actor
from yishe.people.cards import Card, cards
from yishe.policy.indicator_rules import Indicator, Quarter
from yishe.policy.refusals import Invalid

SEE = "resident.read"
MOST = 200
SIDES = {"numerator": "算作分子", "denominator": "全部（分母）", "rest": "没算作分子"}
Pair = tuple[int, int]


@dataclass(frozen=True)
class Standing:
    """How one indicator stood: `now` and `before` are numerator and denominator, `before` None without a quarter to compare by the
    same version. `teams` by id, None for those who have none."""

    code: str
    declared: Indicator
    now: Pair
    before: Pair | None
    teams: Mapping[UUID | None, Pair]
    small: bool
    small_before: bool

    @property
    def share(self) -> float | None:
        return self.now[0] / self.now[1] if self.now[1] else None

    @property
    def change(self) -> float | None:
        """Percentage points since the quarter before; None where one of both is too small to compare."""
        if self.share is None or self.before is None or self.small or self.small_before:
            return None
        return 100 * (self.share - self.before[0] / self.before[1])


@dataclass(frozen=True)
class Counted:
    """What a person may read of a quarter; `snapshot` None when it was never counted."""

    scope: Scope
    quarter: Quarter
    quarters: Sequence[Quarter]
    snapshot: IndicatorSnapshot | None
    rows: Sequence[Standing]


def standing(
    actor: Actor, at: datetime, *, quarter: str = "", centre: UUID | None = None, team: UUID | None = None
) -> Counted:
    """Every indicator of a quarter (the newest counted one) for the widest scope, or a narrower one in it. Forbidden outside of
    it, Invalid for a quarter that cannot be read."""
    scope = _scope(actor, at, centre, team)
    known = [Quarter.parse(one) for one in _newest().values_list("quarter", flat=True).distinct()]
    quarters = sorted(set(known), reverse=True)
    asked = Quarter.parse(quarter) if quarter else (quarters[0] if quarters else Quarter.ended(at.date()))
    snapshot = _of(asked)
    return Counted(scope, asked, quarters, snapshot, _rows(scope, snapshot, asked) if snapshot else ())


def behind(
    actor: Actor, at: datetime, code: str, *, quarter: str, side: str, centre: UUID | None = None,
    team: UUID | None = None,
) -> tuple[Counted, Sequence[Card], int]:  # fmt: skip
    """The residents behind a number whom this person may read, at most 200, and how many persons there are in all.

    Nobody when that was never counted. Invalid for an unknown side or indicator."""
    if side not in SIDES:
        raise Invalid("side", f"没有“{side[:20]}”这个清单：可选 {'、'.join(SIDES)}。", field="side")
    found = standing(actor, at, quarter=quarter, centre=centre, team=team)
    packs.in_force().indicator(code)
    file = folder(found.snapshot.id) / f"{code}.parquet" if found.snapshot else None
    people = _people(file, found.scope, side) if file and file.exists() else []
    mine = access.within(actor, SEE, people, at)
    shown = cards(mine[:MOST])
    return found, [shown[one] for one in mine[:MOST] if one in shown], len(people)


def members_root() -> Path:
    return Path(settings.HOME) / "analytics" / "members"


def folder(snapshot: UUID) -> Path:
    """Where the lists behind a snapshot's numbers are."""
    return members_root() / str(snapshot)


def _scope(actor: Actor, at: datetime, centre: UUID | None, team: UUID | None) -> Scope:
    small = packs.in_force().settings(at.date()).small_number
    return scopes.scope_of(actor, at, small=small, centre=centre, team=team)


def _newest() -> QuerySet[IndicatorSnapshot]:
    return IndicatorSnapshot.objects.order_by("-taken_at", "-id")


def _of(quarter: Quarter) -> IndicatorSnapshot | None:
    return _newest().filter(quarter=str(quarter)).first()


def _rows(scope: Scope, snapshot: IndicatorSnapshot, quarter: Quarter) -> list[Standing]:
    sheet = packs.in_force().indicators
    earlier = _of(quarter.before)
    now, before = _values(scope, snapshot), _values(scope, earlier) if earlier else {}
    found = []
    for code, one in sheet.indicators.items() if sheet else ():
        teams = now.get((code, one.version), {})
        whole = _summed(teams.values())
        past = before.get((code, one.version))
        then = _summed(past.values()) if past else None
        few = [pair is not None and pair[1] < scope.small for pair in (whole, then)]
        found.append(Standing(code, one, whole, then, teams, *few))
    return [one for one in found if one.now[1] or one.declared.status == "approved"]


def _values(scope: Scope, snapshot: IndicatorSnapshot) -> dict[tuple[str, int], dict[UUID | None, Pair]]:
    rows = IndicatorValue.objects.filter(_within(scope), snapshot=snapshot).values("code", "version", "team")
    found: dict[tuple[str, int], dict[UUID | None, Pair]] = {}
    for one in rows.annotate(top=Sum("numerator"), bottom=Sum("denominator")).order_by("code", "team"):
        found.setdefault((one["code"], one["version"]), {})[one["team"]] = (one["top"], one["bottom"])
    return found


def _summed(pairs: Iterable[Pair]) -> Pair:
    told = list(pairs)
    return sum(top for top, _ in told), sum(bottom for _, bottom in told)


def _units(scope: Scope) -> tuple[str, list[UUID]]:
    """Which column narrows, to which organisations; all there are for the system."""
    for level in (scopes.TEAM, scopes.CENTRE):
        if level in scope.filter:
            return level, [UUID(one) for one in scope.filter[level].split(",")]
    return scopes.CENTRE, [one.id for one in directory.current().units(scopes.CENTRE)]


def _within(scope: Scope) -> Q:
    level, named = _units(scope)
    return Q(**{f"{level}__in": named})


def _people(file: Path, scope: Scope, side: str) -> list[UUID]:
    """Each person once, in a fixed order."""
    level, named = _units(scope)
    only = {"numerator": "AND hit", "rest": "AND NOT hit", "denominator": ""}[side]
    asked = f"SELECT DISTINCT person FROM read_parquet(?) WHERE {level} IN (SELECT unnest(?)) {only} ORDER BY person"
    values: list[Any] = [str(file), [one.hex for one in named]]
    with duckdb.connect(config={"threads": 1, "memory_limit": "256MB"}) as engine:
        return [UUID(one) for (one,) in engine.execute(asked, values).fetchall()]
