"""Who carries a word's fingerprints: bounded, however many share a surname.

The rarest of the word's fingerprints leads, and at most `LED` of those who carry it are looked at; the others are asked of each of them
by index. Where more carry it, one's own panel is searched beside them, and first: nobody's own residents are crowded out by a common name.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from yishe.people.access import Reach, Scope
from yishe.people.models import Resident, SearchToken, Subject
from yishe.trust import columns, quick, shaped

LED = 1000
"""How many of those who carry the rarest fingerprint are looked at."""

Pairs = Sequence[tuple[UUID, bytes]]
"""Fingerprints and the centres under whose keys they were made; one of them is wanted."""


Kept = tuple[tuple[UUID, tuple[bytes, ...]], ...]
"""The same by centre."""
Shown = Callable[[QuerySet[Resident]], QuerySet[Any, Any]]
"""What is asked of whoever is found, as a list of values."""


@dataclass(frozen=True, slots=True)
class Carriers:
    """Residents within somebody's reach who carry what is looked for: a query of one shape, to be read."""

    made: Callable[..., QuerySet[Resident]]
    given: tuple[object, ...]

    def read(self, shown: Shown, most: int) -> list[tuple[Any, ...]]:
        """What `shown` asks of the first `most`. One statement."""
        return shaped.rows(_first, shown, most, self.made, self.given)


def _first(
    shown: Shown, most: int, made: Callable[..., QuerySet[Resident]], given: tuple[object, ...]
) -> QuerySet[Any, Any]:
    return shown(made(*given)[:most])


def within(scope: Scope, groups: Sequence[Pairs], most: int, whole: Pairs = ()) -> list[Carriers]:
    """Residents within the reach of `scope` who carry one fingerprint of each group, to be read in this order. One
    statement is asked here. A record that was merged answers with the one it became.

    Where more carry them than the `most` that are opened, those who carry one of `whole` come first, then one's own panel."""
    counts, reach = _counts(groups), scope.reach()
    ranked = sorted(range(len(groups)), key=lambda n: counts[n])
    kept = tuple(_by_centre(groups[n]) for n in ranked)
    every = Carriers(_led, (reach, LED, kept[0], kept[1:]))
    if counts[ranked[0]] <= min(most, LED):
        return [every]
    named = [Carriers(_led, (reach, LED, _by_centre(whole), ()))] if whole else []
    panelled = counts[ranked[0]] > LED and (scope.teams or scope.named)
    return [*named, *([Carriers(_near, (reach, kept))] if panelled else []), every]


def _led(reach: Reach, led: int, first: Kept, others: Iterable[Kept]) -> QuerySet[Resident]:
    """Those within reach among the first `led` who carry one of these fingerprints, and one of each other group."""
    leading = SearchToken.objects.filter(_any_of(first)).values("resident")[:led]
    rows = _all(Subject.objects.filter(origin__in=leading), others, "origin")
    return reach.residents().filter(pk__in=rows.values("resident"))


def _near(reach: Reach, groups: Iterable[Kept]) -> QuerySet[Resident]:
    return _all(reach.answered_for(), groups, "pk")


def merged(residents: Sequence[UUID], groups: Sequence[Pairs]) -> set[UUID]:
    """Those of them who carry the fingerprints by a record that was merged into theirs. One statement."""
    rows = Subject.objects.filter(resident__in=residents).exclude(origin=F("resident"))
    kept = [_by_centre(one) for one in groups]
    return set(_all(rows, kept, "origin").values_list("resident", flat=True))


def everywhere(pairs: Pairs, most: int) -> list[UUID]:
    """Records that carry one of these fingerprints, whoever may see them."""
    rows = SearchToken.objects.filter(_any_of(_by_centre(pairs))).values_list("resident", flat=True)
    return list(rows.distinct()[:most])


def _by_centre(pairs: Pairs) -> Kept:
    found: dict[UUID, list[bytes]] = {}
    for centre, token in pairs:
        found.setdefault(centre, []).append(token)
    return tuple((centre, tuple(tokens)) for centre, tokens in found.items())


def _any_of(kept: Kept) -> Q:
    found = Q(pk__in=[])
    for centre, fingerprints in kept:
        found |= Q(centre=centre, token__in=fingerprints)
    return found


def _all(rows: QuerySet, groups: Iterable[Kept], whose: str) -> QuerySet:
    for group in groups:
        rows = rows.filter(Exists(SearchToken.objects.filter(_any_of(group), resident=OuterRef(whose))))
    return rows


def _counts(groups: Sequence[Pairs]) -> list[int]:
    """How many carry each group, counted no further than matters. One statement."""
    asked = [_count(group) for group in groups]
    sql = f"SELECT {', '.join(f'({text})' for text, _ in asked)}"
    return list(quick.rows(sql, [one for _, values in asked for one in values])[0])


def _count(group: Pairs) -> tuple[str, list[object]]:
    known = columns.of(SearchToken)
    table, centre, token = SearchToken._meta.db_table, known["centre"], known["token"]
    one = f"SELECT 1 FROM {table} t WHERE t.centre = %s{centre.cast} AND t.token = %s{token.cast}"
    every = " UNION ALL ".join([one] * len(group))
    values: list[object] = [value for pair in group for value in pair]
    return f"SELECT COUNT(*) FROM (SELECT 1 FROM ({every}) p LIMIT {LED + 1}) c", values
