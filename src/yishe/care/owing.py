"""本年应有, 已做, 待做: the promises of a resident's contracts as they stand on a day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from yishe.care import agreements, contracts
from yishe.care.contract_rows import state_of
from yishe.care.guarded import DIAGNOSIS
from yishe.care.models import Contract, Owed
from yishe.loops.models import Loop
from yishe.people import packs, sight
from yishe.people.actors import Actor
from yishe.people.particulars import ZONE
from yishe.people.placements import Placement, subjects_of
from yishe.policy.contract_rules import RENEWAL

KEPT, KEPT_LATE, OPEN, OVERDUE, COMING, MISSED, FAILED, FALLEN, WITHDRAWN = (
    "kept", "kept_late", "open", "overdue", "coming", "missed", "failed", "fallen", "withdrawn",
)  # fmt: skip
HUSHED = "敏感项目（由医护查看）"
DONE, TO_DO = (KEPT, KEPT_LATE), (OPEN, OVERDUE, COMING)


@dataclass(frozen=True)
class Line:
    """One promise. `covers` says in words what asks for it; `loop` is there once its window has opened. `withdrawn_on`: when it
    fell because facts changed, and `why` in words."""

    id: UUID
    subject: UUID
    service: str
    title: str
    nth: int
    times: int
    starts: date
    due: date
    ends: date
    duty: str
    covers: tuple[str, ...]
    loop: UUID | None
    state: str
    kept_on: date | None
    kept_by: UUID | None
    sensitive: bool = False
    withdrawn_on: date | None = None
    why: str = ""

    @property
    def hushed(self) -> "Line":
        """As somebody sees it who is shown no diagnosis: what asks for it names diseases, and some services do."""
        bare = replace(self, covers=())
        return replace(bare, service="", title=HUSHED) if self.sensitive else bare


@dataclass(frozen=True)
class Year:
    """A contract with its year. `due` are the promises whose day has come (the renewal apart), `in_time` those of them that
    were kept by it."""

    contract: Contract
    stage: str
    lines: Sequence[Line]
    due: int
    in_time: int

    def count(self, *states: str) -> int:
        """How many promises stand so; the renewal is none of the year's services."""
        return sum(one.state in states for one in self.lines if one.service != RENEWAL)

    @property
    def services(self) -> int:
        return sum(one.service != RENEWAL and one.state != WITHDRAWN for one in self.lines)


def of_resident(actor: Actor, stands: Placement, at: datetime) -> list[Year]:
    """Every contract with its year, newest first, cut to what this reader sees. The caller has asked access."""
    today, whole = at.astimezone(ZONE).date(), sight.of(actor, stands, at).sees(DIAGNOSIS)
    years = [of_contract(row, today) for row in contracts.of_resident(stands.resident)]
    return years if whole else [replace(one, lines=[each.hushed for each in one.lines]) for one in years]


def services_left(stands: Placement, at: datetime) -> frozenset[str]:
    """The services of her running contracts that are not all kept."""
    today, subjects = at.astimezone(ZONE).date(), subjects_of(stands.resident)
    left = Owed.objects.filter(subject__in=subjects, kept_on=None, withdrawn_on=None, ends__gte=today)
    return frozenset(left.values_list("service", flat=True).distinct())


def of_contract(row: Contract, today: date) -> Year:
    """One contract's year on that local day, in order of when each promise is due."""
    owed = sorted(row.owed.all(), key=lambda one: (one.service == RENEWAL, one.due, one.service, one.nth))
    closed = unserved([one.loop for one in owed if one.loop])
    lines = [line(one, row, closed, today) for one in owed]
    over = row.ended_at.astimezone(ZONE).date() if row.ended_at else today
    due = [
        one
        for one in owed
        if one.service != RENEWAL and one.due < min(over, today, one.withdrawn_on or date.max)
    ]
    in_time = sum(one.kept_on is not None and one.kept_on <= one.due for one in due)
    return Year(row, state_of(row).stage(today), lines, len(due), in_time)


def unserved(loops: Sequence[UUID]) -> frozenset[UUID]:
    """Of these loops, those that ended without having been done."""
    ended = Loop.objects.filter(id__in=loops, closed_at__isnull=False).exclude(closed_as="served")
    return frozenset(ended.values_list("id", flat=True))


def line(owed: Owed, row: Contract, closed: frozenset[UUID], today: date) -> Line:
    """A promise in the words of the screen."""
    return Line(
        owed.id, owed.subject, owed.service, agreements.title(owed.service), owed.nth, owed.times, owed.starts, owed.due,
        owed.ends, owed.duty, tuple(asked_by(one) for one in owed.covers), owed.loop,
        _state(owed, row, closed, today), owed.kept_on, owed.kept_by, sensitive(owed.service),
        owed.withdrawn_on, _withdrawn(owed.withdrawn_why),
    )  # fmt: skip


def _withdrawn(why: str) -> str:
    sheet = packs.in_force().contracts
    return str(sheet.replanning.why(why).title) if sheet and why else why


def sensitive(service: str) -> bool:
    """Whether its name tells a diagnosis that few may see."""
    pack = packs.in_force()
    reasons = pack.kinds[pack.contracts.item].values[-1].reasons if pack.contracts else {}
    return service in reasons and reasons[service].sensitive


def _state(owed: Owed, row: Contract, closed: frozenset[UUID], today: date) -> str:
    if owed.kept_on is not None:
        return KEPT if owed.kept_on <= owed.due else KEPT_LATE
    if owed.withdrawn_on is not None:
        return WITHDRAWN
    if row.ended_at is not None:
        return FALLEN
    if owed.loop in closed:
        return FAILED
    if today > owed.ends:
        return MISSED
    if today < owed.starts:
        return COMING
    return OVERDUE if today > owed.due else OPEN


def asked_by(code: str) -> str:
    """What asks for a promise: the package, or a rule, as the pack calls it."""
    sheet = packs.in_force().contracts
    if sheet is None:
        return code
    package = sheet.packages.get(code.removeprefix("package:"))
    named: Mapping[str, object] = sheet.rules
    found = package if code.startswith("package:") else named.get(code)
    return str(getattr(found, "title", "到期前商量下一年"))
