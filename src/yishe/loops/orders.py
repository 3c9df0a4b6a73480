"""In which order the ledger (台账) is read: by age, deadline, team or state, either way round, a page at a time.

Every order ends in a moment and an id, so a page goes on after the last row of the one before it however many rows came
or went meanwhile. Team and state are ranked as people say them: teams by their code, states by how far along they are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from yishe.loops.models import Loop
from yishe.people import directory
from yishe.policy import cursors
from yishe.policy.loop_table import table
from yishe.policy.refusals import Invalid

NEWEST = "-age"
DEADLINE = Coalesce("due_at", "promised_by")
Ranks = Callable[[], Mapping[Q, int]]


@dataclass(frozen=True)
class Order:
    """Rows by `rank` (when there is one), then by `moment`, then by id. `falling` turns rank and moment round."""

    moment: F | Coalesce
    rank: Case | None
    falling: bool

    @property
    def names(self) -> tuple[str, ...]:
        """What the rows are ordered by."""
        turn = "-" if self.falling else ""
        return (*([f"{turn}rank"] if self.rank else []), f"{turn}moment", "id")

    def carried(self, rows: QuerySet[Loop]) -> QuerySet[Loop]:
        """The rows, each carrying what the order and a cursor need."""
        return rows.annotate(moment=self.moment, rank=self.rank or Value(0, output_field=IntegerField()))

    def after(self, rows: QuerySet[Loop], cursor: str) -> QuerySet[Loop]:
        """What follows the row a cursor was written for. Invalid for a forged one."""
        rank, moment, last = _read(cursor)
        beyond = "lt" if self.falling else "gt"
        later = Q(**{f"moment__{beyond}": moment}) | Q(moment=moment, id__gt=last)
        return rows.filter(Q(**{f"rank__{beyond}": rank}) | Q(rank=rank) & later if self.rank else later)


def cursor(row: Loop) -> str:
    """Where the page after this row begins. The row was `carried` by an order."""
    found = vars(row)
    return f"{found['rank']}.{cursors.write(found['moment'], row.id)}"


def _read(text: str) -> tuple[int, datetime, UUID]:
    rank, _, rest = text.partition(".")
    if not rank.isdigit() or len(rank) > 6:
        raise Invalid("bad_cursor", "翻页标记无效：请从第一页重新开始。")
    return int(rank), *cursors.read(rest)


def named(name: str) -> Order:
    """`age` oldest first, `due` soonest first, `team`, `state`; with a minus the other way. Invalid for others."""
    falling, code = name.startswith("-"), name.removeprefix("-")
    if code == "age":
        return Order(F("promised_at"), None, falling)
    if code not in _RANKS:
        known = "、".join(("age", *_RANKS))
        raise Invalid("sort", f"不能按“{name}”排序；可用：{known}，前面加 - 为倒序。", field="sort")
    ranks = _RANKS[code]()
    whens = [When(condition, then=Value(place)) for condition, place in ranks.items()]
    return Order(DEADLINE, Case(*whens, default=Value(len(whens))), falling)


def _open_first() -> Mapping[Q, int]:
    return {Q(closed_at=None): 0}


def _by_team() -> Mapping[Q, int]:
    return {Q(team=unit.id): place for place, unit in enumerate(directory.current().units("team"))}


def _by_state() -> Mapping[Q, int]:
    return {Q(closed_at=None, state=state): place for place, state in enumerate(table().states)}


_RANKS: dict[str, Ranks] = {"due": _open_first, "team": _by_team, "state": _by_state}
