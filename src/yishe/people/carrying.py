"""Who carries a word's fingerprints: bounded, however many share a surname.

The rarest of the word's fingerprints leads, and at most `LED` of those who carry it are looked at; the others are asked of each of them
by index. Where more carry it, one's own panel is searched beside them, and first: nobody's own residents are crowded out by a common name.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from yishe.people.access import Scope
from yishe.people.models import Resident, SearchToken, Subject
from yishe.trust import columns, quick

LED = 1000
"""How many of those who carry the rarest fingerprint are looked at."""

Pairs = Sequence[tuple[UUID, bytes]]
"""Fingerprints and the centres under whose keys they were made; one of them is wanted."""


def within(scope: Scope, groups: Sequence[Pairs], most: int, whole: Pairs = ()) -> list[QuerySet[Resident]]:
    """Residents within the reach of `scope` who carry one fingerprint of each group, as queries to be read in this order. One
    statement is asked here. A record that was merged answers with the one it became.

    Where more carry them than the `most` that are opened, those who carry one of `whole` come first, then one's own panel."""
    counts, reach = _counts(groups), scope.residents()
    ranked = sorted(range(len(groups)), key=lambda n: counts[n])
    every = _led(reach, groups[ranked[0]], [groups[n] for n in ranked[1:]])
    if counts[ranked[0]] <= min(most, LED):
        return [every]
    named = [_led(reach, whole)] if whole else []
    near = [_near(scope, groups)] if counts[ranked[0]] > LED and (scope.teams or scope.named) else []
    return [*named, *near, every]


def _led(reach: QuerySet[Resident], first: Pairs, others: Iterable[Pairs] = ()) -> QuerySet[Resident]:
    """Those within reach among the first `LED` who carry one of these fingerprints, and one of each other group."""
    leading = SearchToken.objects.filter(_any_of(first)).values("resident")[:LED]
    rows = _all(Subject.objects.filter(origin__in=leading), others, "origin")
    return reach.filter(pk__in=rows.values("resident"))


def merged(residents: Sequence[UUID], groups: Sequence[Pairs]) -> set[UUID]:
    """Those of them who carry the fingerprints by a record that was merged into theirs. One statement."""
    rows = Subject.objects.filter(resident__in=residents).exclude(origin=F("resident"))
    return set(_all(rows, groups, "origin").values_list("resident", flat=True))


def everywhere(pairs: Pairs, most: int) -> list[UUID]:
    """Records that carry one of these fingerprints, whoever may see them."""
    rows = SearchToken.objects.filter(_any_of(pairs)).values_list("resident", flat=True)
    return list(rows.distinct()[:most])


def _any_of(pairs: Pairs) -> Q:
    by_centre: dict[UUID, list[bytes]] = {}
    for centre, token in pairs:
        by_centre.setdefault(centre, []).append(token)
    found = Q(pk__in=[])
    for centre, fingerprints in by_centre.items():
        found |= Q(centre=centre, token__in=fingerprints)
    return found


def _near(scope: Scope, groups: Iterable[Pairs]) -> QuerySet[Resident]:
    return _all(scope.answered_for(), groups, "pk")


def _all(rows: QuerySet, groups: Iterable[Pairs], whose: str) -> QuerySet:
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
