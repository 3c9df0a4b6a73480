"""The sheets of a pack besides loop kinds: duties, traits, team shapes, calendar, imports, bounds, codes, texts.

Each file of a pack is one model here; the file name says which (`FILES` in `pack_files`).
"""

from datetime import date, time
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from .durations import Duration
from .pack_fields import Length, Said, Source, Sourced, Strict
from .refusals import Invalid

RecordType = Literal[
    "encounter", "medication_change", "service_note", "observation", "condition", "assessment", "immunization"
]

MOST_KEYS_KEPT = 35
"""Days; design 9."""


class PackHead(Strict):
    """`pack.yaml`: who this pack is, and what it lies upon."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: Said
    version: str
    overlays: str | None = None
    approved_by: str = ""


class Duty(Strict):
    """A duty a person can hold. `profession` groups duties for per-profession detail of the record."""

    title: Said
    profession: Literal["medical", "nursing", "public_health", "social", "community", "management"]
    answers_for: tuple[str, ...] = ()


class DutySheet(Sourced):
    duties: dict[str, Duty]


class Trait(Strict):
    """What a row says of a resident (独居, 高血压). `group` keeps diseases apart from circumstances."""

    title: Said
    group: Literal["circumstance", "disease", "population"]
    synonyms: tuple[str, ...] = ()
    counts_as_disease: bool = False


class TraitSheet(Sourced):
    traits: dict[str, Trait]


class Members(Strict):
    """How many people of a duty a team of this shape has; `at_most` open when missing."""

    at_least: int = Field(ge=0)
    at_most: int | None = None


class TeamShape(Strict):
    """A team template. `support` lists organisations or people that stand behind the team."""

    title: Said
    members: dict[str, Members]
    support: tuple[str, ...] = ()


class TeamSheet(Sourced):
    shapes: dict[str, TeamShape]


class Opening(Strict):
    """One span of opening hours, local time."""

    opens: time
    closes: time

    @model_validator(mode="after")
    def opens_first(self) -> Self:
        if self.opens >= self.closes:
            raise ValueError(f"opens {self.opens} and closes {self.closes}; expected opens before closes")
        return self


class Year(Strict):
    """One announced year: `holidays` by name, each a list of days or `first..last` spans; `makeup` days worked."""

    source: Source
    holidays: dict[str, tuple[str, ...]]
    makeup: tuple[date, ...] = ()


class CalendarSheet(Sourced):
    zone: str
    hours: dict[date, tuple[Opening, ...]] = Field(min_length=1)
    years: dict[int, Year] = Field(default_factory=dict)


class Column(Strict):
    """A roster column: `synonyms` are header texts seen in the field, compared without spaces and brackets."""

    title: Said
    synonyms: tuple[str, ...]
    required: bool = False
    trait: str | None = None


class Founding(Strict):
    """What the first district is called, and the first centre when no roster names it."""

    district: Said
    centre: Said


class Past(Strict):
    """A workbook of what was before the system: who is told by columns of the roster, the rest is its own."""

    title: Said
    columns: dict[str, Column] = Field(min_length=1)


class Undoing(Strict):
    """What was taken in may be taken back `within` so long, for one of the `reasons`."""

    within: Length
    reasons: dict[str, Said] = Field(min_length=1)


class Roster(Strict):
    """`columns` of residents' rosters, `staff` of staff lists. A row beginning with one of `footers` is not data.

    `past` are workbooks of what was before the system; `who` are the columns of the roster by which they name somebody."""

    columns: dict[str, Column]
    staff: dict[str, Column] = Field(default_factory=dict)
    footers: tuple[str, ...] = ()
    values: dict[str, dict[str, tuple[str, ...]]] = Field(default_factory=dict)
    header_within_rows: int = Field(default=20, ge=1)
    founding: Founding | None = None
    who: tuple[str, ...] = ()
    undo: Undoing | None = None
    past: dict[Literal["contracts", "conditions", "followups"], Past] = Field(default_factory=dict)

    @model_validator(mode="after")
    def known_by_the_roster(self) -> Self:
        unknown = set(self.who) - set(self.columns)
        if unknown:
            raise ValueError(f"who names {', '.join(sorted(unknown))}; expected columns of the roster")
        return self

    def of_past(self, kind: str) -> "Roster":
        """The same for a workbook of that kind. Invalid for an unknown kind, naming those there are."""
        if kind not in self.past:
            known = "、".join(f"{one.title}（{code}）" for code, one in self.past.items())
            raise Invalid("past_kind", f"没有“{kind}”这种历史资料；可导入：{known}。", field="kind")
        own = {**{code: self.columns[code] for code in self.who}, **self.past[kind].columns}
        return self.model_copy(update={"columns": own, "staff": {}})


class ImportSheet(Sourced):
    roster: Roster


class Range(Strict):
    """Inclusive."""

    low: float
    high: float

    @model_validator(mode="after")
    def low_first(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low {self.low:g} and high {self.high:g}; expected low below high")
        return self

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


def _range(value: object) -> object:
    if isinstance(value, list | tuple) and len(value) == 2:
        return {"low": value[0], "high": value[1]}
    return value


Span = Annotated[Range, BeforeValidator(_range)]


class Conversion(Strict):
    """A value in another unit: (value - less) * times / over + plus."""

    less: float = 0
    times: float = 1
    over: float = 1
    plus: float = 0

    def of(self, value: float) -> float:
        return (value - self.less) * self.times / self.over + self.plus


class Quantity(Strict):
    """A measurable. Outside `hard` it is refused into a question; outside `soft` a repeat is asked for.

    `unit` is UCUM, `shown` what people write; `exceeds` a quantity this one must exceed, by `exceeds_by`; `units` how others
    are turned into it.
    """

    title: Said
    unit: str
    shown: str
    hard: Span
    soft: Span
    decimals: int = Field(default=0, ge=0, le=3)
    loinc: str = ""
    exceeds: str | None = None
    exceeds_by: float = 0
    units: dict[str, Conversion] = Field(default_factory=dict)

    @model_validator(mode="after")
    def soft_within_hard(self) -> Self:
        if self.soft.low < self.hard.low or self.soft.high > self.hard.high:
            raise ValueError("soft limits outside the hard ones; expected soft within hard")
        return self


class BoundsVersion(Strict):
    quantities: dict[str, Quantity]


class CodeSheet(Sourced):
    """Code books: book → code → words. Loop kinds refer to them by listing codes."""

    books: dict[str, dict[str, Said]]


class TextSheet(Sourced):
    """Everything the system says by itself; names in braces are filled in by code, never personal text."""

    texts: dict[str, Said]


class Delivery(Strict):
    """Notices: how long a lease holds, how often and with which waits a delivery is tried again."""

    lease: Length
    attempts: int = Field(ge=1)
    backoff: tuple[Length, ...] = Field(min_length=1)
    group_within: Length


class Search(Strict):
    """`limit` shown, `candidates` decrypted at most, `letters` from which pinyin searches leave one's own panel."""

    limit: int = Field(ge=1)
    candidates: int = Field(ge=1)
    letters: int = Field(ge=1)


class Limit(Strict):
    """At most `count` within any stretch of `within`."""

    count: int = Field(ge=1)
    within: Length


class Streams(Strict):
    """So many live streams may be open at once: of one browser session or token, one person, one address."""

    session: int = Field(ge=1)
    person: int = Field(ge=1)
    address: int = Field(ge=1)


class Limits(Strict):
    """How often. By person: any request, a search, an export. By address: a try at the door, a request of nobody known."""

    person: Limit
    search: Limit
    export: Limit
    sign_in: Limit
    anonymous: Limit
    streams: Streams


class Wait(Strict):
    """How many seconds one statement may run, and how many it may stand in line for what another holds: on PostgreSQL a row or a
    table (`lock`), on SQLite the one line of all who write to the file (`queue`)."""

    statement: int = Field(ge=1)
    lock: int = Field(ge=1)
    queue: int = Field(ge=1)

    @model_validator(mode="after")
    def gives_up_in_line_first(self) -> "Wait":
        if self.lock > self.statement:
            raise ValueError("lock must not be longer than statement, which ends both")
        return self


class Patience(Strict):
    """By what a process is for: pages, API and streams; clocks and delivery. Commands wait as long as it takes."""

    web: Wait
    worker: Wait


class Backup(Strict):
    """The daily backup: from which local time on, how long after a failure again; how many are kept, and for how long
    their key files (design 9: so that an erased person stays erased); at what age of the newest proven one to warn."""

    begin: time
    again_after: Length
    keep: int = Field(ge=1)
    keys_kept: Length
    proven_within: Length

    @field_validator("keys_kept")
    @classmethod
    def not_for_ever(cls, kept: Duration) -> Duration:
        if not kept.is_exact or kept.exact().days > MOST_KEYS_KEPT:
            raise ValueError(
                f"keys kept {kept}; expected at most {MOST_KEYS_KEPT} d, or an erasure would not hold"
            )
        return kept


class Watch(Strict):
    """`again_after`: when work for everybody that broke is tried again. The doctor speaks of a worker that was `silent` so long, of a
    ledger not `sealed_within`, of a transaction `held` so long, and of a disk with less than `disk_free` percent."""

    again_after: Length
    silent: Length
    sealed_within: Length
    held: Length
    disk_free: int = Field(ge=0, le=99)


class Clocks(Strict):
    """How the worker takes loops whose moment has come: `chunk` of them in one transaction, and after at most `chunks` of those it
    delivers what was told. While a chunk is written nobody else can act on its loops; the fewer, the shorter."""

    chunk: int = Field(ge=1, le=5000)
    chunks: int = Field(ge=1)


class Together(Strict):
    """Residents in one act: on the panel, and asking for contracts. More are asked for in several."""

    panel: int = Field(ge=1)
    contracts: int = Field(ge=1)


class SettingsVersion(Strict):
    """`attach_from`: what a reason asks to attach → the types of records that answer it.

    `clock_skew`: how far ahead of ours another clock may be; `worker_late`: how long a due clock may wait before the
    duty page says so; `left_us`: close reasons (death, moving away) that are shown apart from the closing rate; `near`: how
    long before its day a promise is offered along with whatever else somebody is seen for."""

    delivery: Delivery
    search: Search
    limits: Limits
    patience: Patience
    backup: Backup
    small_number: int = Field(ge=0)
    clock_skew: Length
    worker_late: Length
    near: Length
    watch: Watch
    clocks: Clocks
    together: Together
    left_us: tuple[str, ...]
    age_bands: tuple[int, ...] = ()
    attach_from: dict[str, tuple[RecordType, ...]] = Field(default_factory=dict)
