"""The shape of pack cases: `cases/calendar.yaml`, `cases/reactions.yaml`, `cases/consents.yaml`,
`cases/rights.yaml`, `cases/anomalies.yaml`, `cases/contracts.yaml`, `cases/unreachable.yaml`, `cases/classes.yaml`,
`cases/field_groups.yaml`, `cases/left_us.yaml`, one file per loop kind, and `cases/scale.<scale>.yaml`.

Times are local (`2026-03-02 09:00`). People are names the case makes up, besides the roles `sender`, `performer`,
`team_lead`, `centre_director`, `<duty>_on_duty`, each of whom is somebody else.
"""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field, field_validator

from .pack_fields import Length, Strict


class Given(Strict):
    """Something that happened. The first is `promised`; `by` is whoever the table lets do it unless said."""

    at: datetime
    event: str
    by: str | None = None
    owner: str | None = None
    sender: str | None = None
    reason: str = ""
    outcome: str = ""
    evidence: tuple[str, ...] = ()
    note: str = ""
    to: str | None = None
    until: datetime | None = None


class Expected(Strict):
    """What must be so; only what is written is looked at. `told` is everyone the clock has told so far."""

    late: bool | None = None
    state: str | None = None
    owner: str | None = None
    told: tuple[str, ...] | None = None
    next_at: datetime | None = None
    due: datetime | None = None
    promised_by: datetime | None = None
    closed_as: str | None = None
    confirmed_by: str | None = None


class LoopCase(Strict):
    """A loop of the kind the file is named after, lived through to `when`."""

    name: str
    reason: str = ""
    given: tuple[Given, ...]
    when: datetime
    then: Expected

    @field_validator("given")
    @classmethod
    def begins_promised(cls, given: tuple[Given, ...]) -> tuple[Given, ...]:
        if not given or given[0].event != "promised":
            raise ValueError("the first event is not promised; expected {at: ..., event: promised}")
        return given


class Sum(Strict):
    """`share` of `length` on `clock`, from `start`."""

    start: datetime
    length: Length
    clock: Literal["wall", "working"]
    share: float = 1.0


class CalendarCase(Strict):
    """Either a sum (`add` → `ends`), a day (`day` → `workday`), or a year (`year` → `incomplete`)."""

    name: str
    add: Sum | None = None
    ends: datetime | None = None
    day: date | None = None
    workday: bool | None = None
    year: int | None = None
    incomplete: bool | None = None


class ReactionCase(Strict):
    """A fact with its fields, and the codes of the reactions that follow (approved or not)."""

    name: str
    fact: str
    data: dict[str, Any]
    on: date
    follows: tuple[str, ...]


class ConsentCase(Strict):
    """Either somebody `born` then (→ `guardian`), or the `version` of the text of `consent`, on a day."""

    name: str
    on: date
    born: date | None = None
    guardian: bool | None = None
    consent: str = ""
    version: str = ""


class AnomalyCase(Strict):
    """So many of what the `rule` counts, by someone with these `duties`, and whether that is `odd`."""

    name: str
    rule: str
    count: int
    duties: tuple[str, ...] = ()
    odd: bool


class Window(Strict):
    """When the `nth` of a service may be done, should be, and can be at the latest."""

    service: str
    nth: int
    starts: date
    due: date
    ends: date


class ContractCase(Strict):
    """Someone of this `age` with these `traits` signs a `package` on a day: times a year by service, and one window. `classed`:
    class and tiers where age and traits alone do not make them."""

    name: str
    package: str
    age: int
    traits: tuple[str, ...]
    classed: dict[str, str] = {}
    on: date
    owes: dict[str, int]
    window: Window | None = None


class TriedCase(Strict):
    """One attempt of a case, local time."""

    at: datetime
    way: str


class UnreachableCase(Strict):
    """After these attempts in vain: what is still wanted (`lacks`), and from when on and at which parts of the day the next call
    counts, asked at `now`."""

    name: str
    tried: tuple[TriedCase, ...]
    lacks: tuple[str, ...] | None = None
    now: datetime | None = None
    next_on: date | None = None
    parts: tuple[str, ...] | None = None


class ClassFacts(Strict):
    """What is known of a person; age unknown when left out."""

    age: int = -1
    sex: Literal["", "male", "female"] = ""
    diseases: int = 0
    traits: tuple[str, ...] = ()
    bands: tuple[str, ...] = ()
    grades: tuple[str, ...] = ()


class ClassSays(Strict):
    """Where the rules put her, and which spoke (`by`); only what is written is looked at."""

    to_class: str | None = Field(default=None, alias="class")
    medical: str | None = None
    social: str | None = None
    by: tuple[str, ...] | None = None


class ClassCase(Strict):
    """Coded facts of a person on a day and the class and tiers they lead to, drafts included."""

    name: str
    on: date = date(2026, 3, 2)
    facts: ClassFacts
    then: ClassSays


class FieldGroupCase(Strict):
    """Either one fact (→ the `belongs` groups), or a `group` looked at by somebody who stands in `relation` with `duties`
    (→ how much is `shown`). `kind` and `reason` name a loop's reason; `title` goes with `condition`."""

    name: str
    condition: str | None = None
    title: str = ""
    medicine: str | None = None
    observation: str | None = None
    trait: str | None = None
    kind: str | None = None
    reason: str = ""
    belongs: tuple[str, ...] = ()
    group: str | None = None
    relation: str = ""
    duties: tuple[str, ...] = ()
    purpose: str | None = None
    shown: Literal["detail", "told", "nothing"] | None = None


class LeftUsCase(Strict):
    """Whether a promise that ended for `reason` counts among those who left us, on a day."""

    name: str
    on: date
    reason: str
    left: bool


class ScaleAbout(Strict):
    """What is known of the one who is asked; nothing of what is left out. `months` say the age in years as well."""

    age: int | None = None
    months: int | None = None
    sex: Literal["", "male", "female"] = ""
    traits: tuple[str, ...] = ()


class ScaleSays(Strict):
    """What must come out; only what is written is looked at. `opens` are loops as `kind` or `kind/reason`."""

    scores: dict[str, float | None] | None = None
    bands: dict[str, str] | None = None
    rules: tuple[str, ...] | None = None
    undecided: tuple[str, ...] | None = None
    flags: tuple[str, ...] | None = None
    missing: tuple[str, ...] | None = None
    opens: tuple[str, ...] | None = None
    fits: bool | None = None
    refused: str | None = None


class ScaleCase(Strict):
    """Answers to a scale and what follows; `rest` is the answer to every other question that has it, `confirmed` are items
    whose unusual value was checked."""

    name: str
    on: date = date(2026, 3, 2)
    answers: dict[str, Any] = {}
    rest: str = ""
    confirmed: tuple[str, ...] = ()
    about: ScaleAbout = ScaleAbout()
    then: ScaleSays


class FollowupSays(ScaleSays):
    """And of a follow-up: its class, within how many days the next is due, what is proposed, which aims are met."""

    falls: str | None = None
    next_in: int | None = None
    proposes: str | None = None
    meets: dict[str, bool] | None = None


class FollowupCase(ScaleCase):
    """Answers to a follow-up form, after one that was classified as `before`; `usual` are those many cases share."""

    before: str = "none"
    usual: dict[str, Any] = {}
    then: FollowupSays


class RightsCase(Strict):
    """Until when a `category` is kept whose `last` entry is of that day; no `until` while no term is said. `keeps`: whether it
    obliges at all in this pack."""

    name: str
    category: str
    last: date
    until: date | None = None
    keeps: bool | None = None
