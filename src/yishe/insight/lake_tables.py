"""What leaves the database for counting, table by table: codes, days, numbers and random ids; no words, no identifiers.

Of a person her random subject, sex, month of birth, coded traits, team. Reasons of promises, authors, names, free text and all
that is sealed stay where they are. Who was erased has no subject any more and is in none of these.
A month is that of Shanghai, as are the days.
"""

from dataclasses import dataclass

from yishe.policy.indicators import SCHEMAS

READINGS = ("bp", "glucose", "hba1c")
"""Kinds of measurements that an indicator can ask for."""
_PERSON = "JOIN people_subject s ON s.subject = {of}.subject JOIN people_subject own ON own.origin_id = s.resident_id"
"""A record that was merged counts for the one it was merged into."""


@dataclass(frozen=True)
class Table:
    """`columns` by name, as SQL in the few words of `lake_reading`; `source` is FROM with its joins, `home` and `day` say where a row
    belongs, `where` what is left out. `changed` are the aliases whose rows, when they change, change the row; none: nothing tells,
    and all is read every time. `key` orders the rows."""

    name: str
    columns: dict[str, str]
    source: str
    home: str
    day: str
    changed: tuple[str, ...]
    key: str
    where: str = ""
    dated: bool = False
    """Whether `day` is a day already, no moment."""


def _uid(column: str) -> str:
    return f"[uid {column}]"


def _day(column: str) -> str:
    return f"[day {column}]"


def _at(column: str) -> str:
    return f"[at {column}]"


def _codes(column: str) -> str:
    return f"[codes {column}]"


def _number(name: str) -> str:
    return f"[number {name}]"


RESIDENTS = Table(
    "residents",
    {
        "person": _uid("own.subject"), "centre": _uid("r.centre_id"), "team": _uid("e.team_id"), "sex": "r.sex",
        "born": "[month r.birth_date]", "traits": _codes("r.traits"), "created_on": _day("r.created_at"),
        "deceased_on": _day("r.deceased_at"), "moved_on": _day("r.moved_at"),
    },
    "people_resident r JOIN people_subject own ON own.origin_id = r.id "
    "LEFT JOIN people_empanelment e ON e.resident_id = r.id AND e.until IS NULL",
    "r.home", "r.created_at", (), "own.subject", "r.merged_into_id IS NULL AND r.erased_at IS NULL",
)  # fmt: skip
CONTRACTS = Table(
    "contracts",
    {
        "contract": _uid("c.id"), "person": _uid("own.subject"), "centre": _uid("t.parent_id"), "team": _uid("c.team"),
        "package": "c.package", "since": "c.since", "until": "c.until", "over_on": _day("c.ended_at"),
    },
    f"care_contract c {_PERSON.format(of='c')} LEFT JOIN people_organisation t ON t.id = c.team",
    "c.home", "c.applied_at", ("c", "s", "own", "t"), "c.id", "c.since IS NOT NULL",
)  # fmt: skip
OWED = Table(
    "owed",
    {
        "promise": _uid("o.id"), "person": _uid("own.subject"), "centre": _uid("t.parent_id"), "team": _uid("c.team"),
        "service": "o.service", "duty": "o.duty", "starts": "o.starts", "due": "o.due", "ends": "o.ends",
        "kept_on": "o.kept_on", "withdrawn_on": "o.withdrawn_on", "over_on": _day("c.ended_at"),
    },
    f"care_owed o JOIN care_contract c ON c.id = o.contract_id {_PERSON.format(of='o')} "
    "LEFT JOIN people_organisation t ON t.id = c.team",
    "o.home", "o.due", ("o", "c", "s", "own", "t"), "o.id", dated=True,
)  # fmt: skip
LOOPS = Table(
    "loops",
    {
        "loop": _uid("l.id"), "person": _uid("own.subject"), "centre": _uid("l.centre"), "team": _uid("l.team"),
        "kind": "l.kind", "urgency": "l.urgency", "status": "l.status", "confirmed_by": "l.confirmed_by",
        "closed_as": "l.closed_as", "gone": "l.gone", "close_reason": "l.close_reason",
        "promised_on": _day("l.promised_at"), "due_on": _day("l.promised_by"), "closed_on": _day("l.closed_at"),
        "promised_by": _at("l.promised_by"), "completed_at": _at("l.completed_at"),
    },
    f"loops_loop l {_PERSON.format(of='l')}", "l.home", "l.promised_at", ("l", "s", "own"), "l.id",
)  # fmt: skip
_STANDING = "NOT {a}.withdrawn AND NOT EXISTS (SELECT 1 FROM {of} n WHERE n.home = {a}.home AND n.supersedes = {a}.id)"
OBSERVATIONS = Table(
    "observations",
    {
        "reading": _uid("o.id"), "person": _uid("own.subject"), "kind": "o.kind", "context": "o.context",
        "day": _day("o.occurred_at"), "at": _at("o.occurred_at"),
        **{one: _number(one) for one in ("sbp", "dbp", "glucose", "hba1c")},
    },
    f"care_observation o {_PERSON.format(of='o')}", "o.home", "o.occurred_at", ("o", "s", "own"), "o.id",
    "o.kind IN (" + ", ".join(f"'{one}'" for one in READINGS) + ") AND "
    + _STANDING.format(a="o", of="care_observation"),
)  # fmt: skip
VISITS = Table(
    "visits",
    {"visit": _uid("v.id"), "person": _uid("own.subject"), "way": "v.kind", "day": _day("v.occurred_at")},
    f"care_encounter v {_PERSON.format(of='v')}", "v.home", "v.occurred_at", ("v", "s", "own"), "v.id",
    _STANDING.format(a="v", of="care_encounter"),
)  # fmt: skip
FOLLOWUPS = Table(
    "followups",
    {"form": _uid("q.response"), "person": _uid("own.subject"), "followup": "q.scale", "day": _day("q.occurred_at")},
    f"care_questionnaire_response q {_PERSON.format(of='q')}", "q.home", "q.occurred_at", ("q", "s", "own"), "q.id",
    "q.status IN ('completed', 'amended') AND " + _STANDING.format(a="q", of="care_questionnaire_response"),
)  # fmt: skip
CLASSES = Table(
    "classes",
    {
        "person": _uid("own.subject"), "to_class": "COALESCE(NULLIF(k.corrected_class, ''), k.to_class)",
        "medical": "COALESCE(NULLIF(k.corrected_medical, ''), k.medical)",
        "social": "COALESCE(NULLIF(k.corrected_social, ''), k.social)", "rules": _codes("k.by"),
    },
    f"care_classof k {_PERSON.format(of='k')}", "k.home", "k.assigned_at", ("k", "s", "own"), "k.id",
    "own.subject = k.subject",
)  # fmt: skip
ENTRIES = Table(
    "entries",
    {
        "stream": _uid("n.stream"), "seq": "n.seq", "person": _uid("own.subject"), "kind": "n.kind",
        "day": _day("n.recorded_at"), "at": _at("n.recorded_at"),
    },
    f"trust_entry n {_PERSON.format(of='n')}", "n.home", "n.recorded_at", ("n", "s", "own"), "n.stream, n.seq",
)  # fmt: skip
TABLES = (RESIDENTS, CONTRACTS, OWED, LOOPS, OBSERVATIONS, VISITS, FOLLOWUPS, CLASSES, ENTRIES)
if any(list(one.columns) != list(SCHEMAS[one.name]) for one in TABLES):
    raise RuntimeError("a table of the lake has other columns than its indicators ask for")
