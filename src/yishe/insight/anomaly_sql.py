"""Counting odd looks over a day's access lines, in the database: one statement for each thing that is measured.

Every statement answers (person, how many). A line's subjects are laid out one by one; whose residents they are, and who
serves them, is joined from the people's own tables as they stand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from yishe.policy.anomaly_rules import Night
from yishe.trust import ids, quick

Counted = dict[UUID, int]


@dataclass(frozen=True)
class Span:
    """The lines filed under `homes` from `since` on and before `until`."""

    homes: tuple[UUID, ...]
    since: datetime
    until: datetime


@dataclass(frozen=True)
class _Part:
    """A piece of SQL with its parameters."""

    sql: str
    values: tuple[Any, ...] = ()


SERVED = """
  (e.doctor_id = k.actor OR e.social_worker_id = k.actor
   OR EXISTS (SELECT 1 FROM people_post p WHERE p.staff_id = k.actor
              AND p.organisation_id = COALESCE(e.team_id, n.team_id)
              AND p.since <= k.at AND (p.until IS NULL OR p.until > k.at))
   OR EXISTS (SELECT 1 FROM people_accessfact f WHERE f.person = k.actor AND f.subject = k.subject
              AND f.relation <> 'break_glass' AND f.since <= k.at AND (f.until IS NULL OR f.until >= k.at)))
"""
WHO = """
  JOIN people_subject s ON s.subject = k.subject JOIN people_resident r ON r.id = s.resident_id
  LEFT JOIN people_empanelment e ON e.resident_id = r.id AND e.until IS NULL
  LEFT JOIN people_neighbourhood n ON n.id = r.neighbourhood_id
"""


def strangers(span: Span, looks: Sequence[str]) -> Counted:
    """Residents looked at by somebody who does not serve them by contract, loop or consent."""
    return _ask(
        _looks(span, looks),
        f"SELECT k.actor, COUNT(DISTINCT r.id) FROM k {WHO} WHERE ({SERVED}) IS NOT TRUE GROUP BY k.actor",
    )


def marked(span: Span, looks: Sequence[str], traits: Sequence[str], *, protected: bool) -> Counted:
    """The same, of residents with one of the traits, and of those protected by the verb when they count."""
    each = _each("r.traits", "t")
    among = ", ".join(["%s"] * len(traits))
    verb = " OR r.protected_at IS NOT NULL" if protected else ""
    return _ask(
        _looks(span, looks),
        f"SELECT k.actor, COUNT(DISTINCT r.id) FROM k {WHO} WHERE ({SERVED}) IS NOT TRUE "
        f"AND (EXISTS (SELECT 1 FROM {each} WHERE t.value IN ({among})){verb}) GROUP BY k.actor",
        *traits,
    )


def night(span: Span, looks: Sequence[str], hours: Night) -> Counted:
    """Residents looked at by night by somebody whom no roster names then."""
    clock = (
        "(k.at AT TIME ZONE 'Asia/Shanghai')::time"
        if connection.vendor == "postgresql"
        else "time(k.at, '+8 hours')"
    )
    cast = "::time" if connection.vendor == "postgresql" else ""
    joined = "OR" if hours.begins > hours.ends else "AND"
    return _ask(
        _looks(span, looks),
        f"SELECT k.actor, COUNT(DISTINCT k.subject) FROM k WHERE ({clock} >= %s{cast} {joined} {clock} < %s{cast}) "
        "AND NOT EXISTS (SELECT 1 FROM people_shift h WHERE h.staff_id = k.actor AND h.starts_at <= k.at AND h.ends_at > k.at) "
        "GROUP BY k.actor",
        hours.begins.isoformat(), hours.ends.isoformat(),
    )  # fmt: skip


def on_leave(span: Span, looks: Sequence[str]) -> Counted:
    """Residents looked at by somebody on leave at that moment."""
    return _ask(
        _looks(span, looks),
        "SELECT k.actor, COUNT(DISTINCT k.subject) FROM k WHERE EXISTS (SELECT 1 FROM people_leave v "
        "WHERE v.staff_id = k.actor AND v.starts_at <= k.at AND v.ends_at > k.at) GROUP BY k.actor",
    )


def refusals(span: Span) -> Counted:
    """Lines that say somebody was refused."""
    where = _within(span)
    return _counted(
        f"SELECT l.actor, COUNT(*) FROM trust_accessline l WHERE {where.sql} AND l.outcome <> '' GROUP BY l.actor",
        where.values,
    )


def exported_rows(span: Span) -> Counted:
    """Rows taken out."""
    where = _within(span)
    return _counted(
        f"SELECT l.actor, SUM(l.rows) FROM trust_export l WHERE {where.sql} GROUP BY l.actor", where.values
    )


def uncared(span: Span, relations: Sequence[str], care: Sequence[str], until: datetime) -> Counted:
    """Residents looked at under one of `relations` for whom the same person did nothing that is `care` before `until`."""
    done = _doing("c.action", care)
    about = (
        "c.subjects @> jsonb_build_array(k.said)"
        if connection.vendor == "postgresql"
        else "instr(c.subjects, k.said) > 0"
    )
    among = ", ".join(["%s"] * len(relations))
    return _ask(
        _looks(span, ()),
        f"SELECT k.actor, COUNT(DISTINCT k.subject) FROM k WHERE k.relation IN ({among}) AND NOT EXISTS ("
        f"SELECT 1 FROM trust_accessline c WHERE c.actor = k.actor AND c.at >= k.at AND c.at < %s AND c.outcome = '' "
        f"AND {done.sql} AND {about}) GROUP BY k.actor",
        *relations, until, *done.values,
    )  # fmt: skip


def pairs(span: Span, looks: Sequence[str], people: Sequence[UUID]) -> set[tuple[UUID, UUID]]:
    """(person, resident) of every look of these people."""
    k, among = _looks(span, looks), quick.among("k.actor", people)
    sql = (
        f"WITH k AS ({k.sql}) SELECT DISTINCT k.actor, s.resident_id FROM k "
        f"JOIN people_subject s ON s.subject = k.subject WHERE {among[0]}"
    )
    found = quick.rows(sql, [*k.values, *among[1]])
    return {(one, other) for a, b in found if (one := quick.uid(a)) and (other := quick.uid(b))}


def lookers(span: Span, looks: Sequence[str]) -> list[UUID]:
    """Everybody who looked at anybody."""
    k = _looks(span, looks)
    found = quick.rows(f"WITH k AS ({k.sql}) SELECT DISTINCT k.actor FROM k", list(k.values))
    return [one for (row,) in found if (one := quick.uid(row))]


# Parts


def _looks(span: Span, looks: Sequence[str]) -> _Part:
    """Each look at each subject: who, whom (`said` as the line says it), when, under which relation."""
    where, subject = (
        _within(span),
        "s.value::uuid" if connection.vendor == "postgresql" else "replace(s.value, '-', '')",
    )
    doing = _doing("l.action", looks) if looks else _Part("1 = 1")
    return _Part(
        f"SELECT l.actor, l.at, l.relation, {subject} AS subject, s.value AS said FROM trust_accessline l "
        f"CROSS JOIN {_each('l.subjects', 's')} WHERE {where.sql} AND l.outcome = '' AND l.actor <> %s AND {doing.sql}",
        (*where.values, ids.SYSTEM, *doing.values),
    )


def _within(span: Span) -> _Part:
    homes, values = quick.among("l.home", span.homes)
    return _Part(f"{homes} AND l.at >= %s AND l.at < %s", (*values, span.since, span.until))


def _doing(column: str, deeds: Sequence[str]) -> _Part:
    """The action is one of these codes, or begins with one of these words."""
    sql = " OR ".join([f"{column} = %s OR {column} LIKE %s"] * len(deeds))
    return _Part(f"({sql})", tuple(said for deed in deeds for said in (deed, f"{deed}.%")))


def _each(column: str, name: str) -> str:
    """The members of a JSON list as rows with a `value`."""
    if connection.vendor == "postgresql":
        return f"jsonb_array_elements_text({column}) AS {name}(value)"
    return f"json_each({column}) AS {name}"


def _ask(looks: _Part, sql: str, *values: Any) -> Counted:
    return _counted(f"WITH k AS ({looks.sql}) {sql}", (*looks.values, *values))


def _counted(sql: str, values: Sequence[Any]) -> Counted:
    return {person: int(count) for row, count in quick.rows(sql, list(values)) if (person := quick.uid(row))}
