"""What a pack says about contracts: packages, the rules that apply beside them, their services, and the agreement's text."""

from datetime import date
from itertools import pairwise
from typing import Literal, Self

from pydantic import Field, model_validator

from .pack_fields import Length, Said, Sourced, Status, Strict
from .refusals import Invalid
from .timeline import in_force
from .unreachable import Unreachable

RENEWAL = "renewal"
"""The one promise of every year that no package lists: offering the next."""
NOTE = "note"
"""What is kept by a note in the service record of its duty."""
NO_LONGER, OTHER_INTERVAL, IN_ERROR = "no_longer", "other_interval", "entered_in_error"
"""Why a promise falls when the rest of a year is planned anew."""


class Service(Strict):
    """Something done for a resident. `how` are codes of `encounter_kind` that count; `counts_as` are services that the same
    contact keeps as well, where its way fits them. `code` is what the centre bills it by. `record` is what keeping it is written
    down as: an encounter by whoever may write one, or a note in the service record of `duty`, which alone keeps it then."""

    duty: str
    record: Literal["encounter", "note"] = "encounter"
    how: tuple[str, ...] = Field(min_length=1)
    code: str = ""
    counts_as: tuple[str, ...] = ()


class Package(Sourced):
    """`fee` in yuan a year, None where no authority has set it; `items` are times a year by service."""

    title: Said
    fee: int | None = Field(ge=0)
    items: dict[str, int] = Field(min_length=1)


class YearRule(Sourced):
    """A rule that owes a service to whoever it fits, whatever the package; `when` is CEL over `contract_signed`."""

    title: Said
    since: date
    until: date | None = None
    when: str = ""
    service: str
    times: int = Field(ge=1, le=366)

    def speaks(self, on: date, *, drafts: bool = False) -> bool:
        """Approved (with `drafts` also not yet), begun and not ended; `until` is the last day."""
        usable = self.status == "approved" or (drafts and self.status == "draft")
        return usable and self.since <= on and (self.until is None or on <= self.until)


class End(Strict):
    """Why a contract ends; `closes` is the close reason that its open promises get. `by_rule`: nobody chooses it, an act leads
    to it."""

    title: Said
    closes: str
    by_rule: bool = False


class Replanning(Strict):
    """Why promises of a running year fall when facts change, by `no_longer` (nothing asks for them now) and `other_interval`
    (asked for at another interval); or the whole contract was `entered_in_error`."""

    no_longer: End
    other_interval: End
    entered_in_error: End

    def why(self, code: str) -> End:
        """The reason of this code. KeyError for any other."""
        found: dict[str, End] = {
            NO_LONGER: self.no_longer, OTHER_INTERVAL: self.other_interval, IN_ERROR: self.entered_in_error,
        }  # fmt: skip
        return found[code]


class Countersignature(Strict):
    """What the team is promised to do once the resident has signed online: a loop of `kind`; `voided` says why it falls when her
    signature counts no more."""

    kind: str
    voided: End


class Renewal(Strict):
    """The next year is offered so long `before` the end, as a loop of `kind`, by this duty. `reminders`: so long before the end
    whoever answers is told that it comes; the first of them also opens the page of the resident to it."""

    kind: str
    duty: str
    before: Length
    reminders: tuple[Length, ...] = ()

    @model_validator(mode="after")
    def comes_nearer(self) -> Self:
        lengths = [one.exact() for one in self.reminders]
        if any(later >= sooner for sooner, later in pairwise(lengths)):
            raise ValueError("reminders out of order; expected the earliest first, each nearer to the end")
        return self

    def reminded(self, until: date, today: date) -> Length | None:
        """The nearest reminder whose day has come for a contract that ends before `until`; None before the first."""
        return next((one for one in reversed(self.reminders) if today >= until - one.exact()), None)


class Calling(Strict):
    """Whom the day's call list names: who is owed a service that counts by `way` (a code of `encounter_kind`) and due within
    `ahead`, and who is promised a loop of these `kinds`."""

    way: str
    ahead: Length
    kinds: tuple[str, ...] = ()


class Agreement(Strict):
    """One version of what both sides sign, paragraph by paragraph. A draft is never signed."""

    title: Said
    text: tuple[str, ...] = Field(min_length=1)
    status: Status = "draft"


class ContractSheet(Sourced):
    """`application` and `item` are loop kinds; the services are the reasons of `item`. A contract lasts `months`. `methods`: what
    a way of `encounter_kind` is called in a service record (`service_method`)."""

    application: str
    item: str
    countersignature: Countersignature
    renewal: Renewal
    replanning: Replanning
    unreachable: Unreachable
    calling: Calling
    months: int = Field(ge=1)
    ways: dict[str, Said]
    signatures: dict[str, Said]
    ends: dict[str, End]
    methods: dict[str, str] = Field(default_factory=dict)
    services: dict[str, Service]
    packages: dict[str, Package]
    rules: dict[str, YearRule]
    agreements: dict[date, Agreement]

    @property
    def choosable(self) -> dict[str, End]:
        """The reasons that a person may end a contract for."""
        return {code: one for code, one in self.ends.items() if not one.by_rule}

    @model_validator(mode="after")
    def keeps_its_own_word(self) -> Self:
        if RENEWAL in self.services:
            raise ValueError(f"a service named {RENEWAL}; expected another name, renewing is promised anyway")
        return self

    def package(self, code: str) -> Package:
        """The approved package. Raises Invalid naming what is possible."""
        usable = {name: one for name, one in self.packages.items() if one.status == "approved"}
        if code not in usable:
            known = "、".join(str(one.title) for one in usable.values()) or "（还没有批准的服务包）"
            raise Invalid("package", f"没有批准的服务包“{code}”；可选：{known}。", field="package",
                          possible=list(usable))  # fmt: skip
        return usable[code]

    def agreement(self, day: date) -> tuple[str, Agreement]:
        """Version and text of the approved agreement in force on `day`. Raises Invalid when there is none."""
        approved = [(since, one) for since, one in self.agreements.items() if one.status == "approved"]
        found = in_force(approved, day)
        if found is None:
            raise Invalid("agreement_not_approved", "签约协议文本还没有批准，暂不能签约。")
        return found[0].isoformat(), found[1]
