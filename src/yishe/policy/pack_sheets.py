"""From laid-over files to the sheets of a pack: duties, access, calendar and so on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ValidationError

from .access_rules import AccessSheet
from .anomaly_rules import AnomalySheet
from .calendars import Calendar, Hours
from .class_rules import ClassSheet
from .consent_rules import ConsentSheet
from .contract_rules import ContractSheet
from .export_rules import ExportSheet
from .indicator_rules import IndicatorSheet
from .marked import Place
from .pack_errors import Problems
from .pack_fields import Strict, Words
from .pack_files import Laid, lay_versions
from .reactions import FactKind, FactSheet, Reaction, ReactionSheet
from .research_rules import ResearchSheet
from .rights_rules import RightsSheet
from .sheets import (
    BoundsVersion,
    CalendarSheet,
    CodeSheet,
    Duty,
    DutySheet,
    ImportSheet,
    Quantity,
    Roster,
    SettingsVersion,
    TeamShape,
    TeamSheet,
    TextSheet,
    Trait,
    TraitSheet,
)
from .sign_in_rules import SignInVersion
from .timeline import Timeline

Model = TypeVar("Model", bound=Strict)


_NO_ACCESS = AccessSheet.model_validate(
    {"source": {"id": "none"}, "purposes": {}, "relations": {}, "actions": {}, "fields": {}}
)
_NO_RIGHTS = RightsSheet.model_validate({"source": {"id": "none"}, "copies": {"valid": "1 d"}})
_NO_EXPORTS = ExportSheet.model_validate(
    {"source": {"id": "none"}, "purpose_letters": 1, "links": {"valid": "1 min"}, "exports": {}}
)
_NO_ANOMALIES = AnomalySheet.model_validate(
    {"source": {"id": "none"}, "every": "1 d", "kind": "", "looks": ["none"], "rules": {}}
)
_NO_CALENDAR = Calendar(ZoneInfo("Asia/Shanghai"), (), {}, frozenset())


class Unread(dict[str, Any]):
    """Stands for a sheet that could not be read: knows every name, so that one mistake is told once."""

    def __contains__(self, name: object) -> bool:
        return True

    def get(self, name: str, default: Any = None) -> "Unread":
        return self


_NO_CONSENTS = ConsentSheet.model_construct(
    guardian_below=0, givers={}, ways={}, withdrawals={}, consents=Unread()
)


@dataclass
class Sheets:
    """Everything besides loop kinds. A sheet that could not be read stays `Unread`; the problem is noted."""

    duties: Mapping[str, Duty] = field(default_factory=Unread)
    traits: Mapping[str, Trait] = field(default_factory=Unread)
    team_shapes: Mapping[str, TeamShape] = field(default_factory=dict)
    access: AccessSheet = field(default_factory=lambda: _NO_ACCESS)
    calendar: Calendar = field(default_factory=lambda: _NO_CALENDAR)
    roster: Roster = field(default_factory=lambda: Roster(columns={}))
    codes: Mapping[str, Mapping[str, Words]] = field(default_factory=Unread)
    texts: Mapping[str, Words] = field(default_factory=Unread)
    facts: Mapping[str, FactKind] = field(default_factory=Unread)
    reactions: Mapping[str, Reaction | None] = field(default_factory=dict)
    bounds: Timeline[Mapping[str, Quantity]] = field(default_factory=lambda: Timeline("bounds", ()))
    consents: ConsentSheet = field(default_factory=lambda: _NO_CONSENTS)
    rights: RightsSheet = field(default_factory=lambda: _NO_RIGHTS)
    exports: ExportSheet = field(default_factory=lambda: _NO_EXPORTS)
    anomalies: AnomalySheet = field(default_factory=lambda: _NO_ANOMALIES)
    research: ResearchSheet | None = None
    contracts: ContractSheet | None = None
    classes: ClassSheet | None = None
    indicators: IndicatorSheet | None = None
    settings: Timeline[SettingsVersion] = field(default_factory=lambda: Timeline("settings", ()))
    sign_in: Timeline[SignInVersion] = field(default_factory=lambda: Timeline("sign_in", ()))

    def quantities(self) -> Mapping[str, Quantity]:
        """Every quantity of any day."""
        return {code: one for version in self.bounds.values for code, one in version.items()}


# file name → model; the one field besides its source goes to the same-named part of Sheets
_UNDATED: dict[str, tuple[type[Strict], str, str]] = {
    "duties": (DutySheet, "duties", "duties"),
    "traits": (TraitSheet, "traits", "traits"),
    "teams": (TeamSheet, "shapes", "team_shapes"),
    "imports": (ImportSheet, "roster", "roster"),
    "codes": (CodeSheet, "books", "codes"),
    "texts": (TextSheet, "texts", "texts"),
    "facts": (FactSheet, "facts", "facts"),
    "reactions": (ReactionSheet, "reactions", "reactions"),
}


def build(laid: Laid, problems: Problems) -> Sheets:
    """Read every sheet; a required one that no layer brings is a problem."""
    sheets = Sheets()
    for name, (model, part, target) in _UNDATED.items():
        if sheet := _one(laid, name, model, problems):
            setattr(sheets, target, getattr(sheet, part))
    sheets.access = _one(laid, "access", AccessSheet, problems) or sheets.access
    sheets.consents = _one(laid, "consents", ConsentSheet, problems) or sheets.consents
    sheets.rights = _one(laid, "rights", RightsSheet, problems) or sheets.rights
    sheets.exports = _one(laid, "exports", ExportSheet, problems) or sheets.exports
    sheets.research = _one(laid, "research", ResearchSheet, problems)
    sheets.contracts = _one(laid, "contracts", ContractSheet, problems)
    if laid.sheet("classes"):
        sheets.classes = _one(laid, "classes", ClassSheet, problems)
    if laid.sheet("indicators"):
        sheets.indicators = _one(laid, "indicators", IndicatorSheet, problems)
    sheets.anomalies = _one(laid, "anomalies", AnomalySheet, problems) or sheets.anomalies
    sheets.calendar = _calendar(laid, problems) or sheets.calendar
    bounds = _dated(laid, "bounds", BoundsVersion, problems)
    steps = tuple((day, version.quantities if version else None) for day, version in bounds)
    sheets.bounds = Timeline("bounds", steps)
    sheets.settings = Timeline("settings", tuple(_dated(laid, "settings", SettingsVersion, problems)))
    sheets.sign_in = Timeline("sign_in", tuple(_dated(laid, "sign_in", SignInVersion, problems)))
    return sheets


def _one(laid: Laid, name: str, model: type[Model], problems: Problems) -> Model | None:
    marked = laid.sheet(name)
    if marked is None:
        head = laid.layers[0]
        problems.add(_head_place(laid), f"pack {head.head.id!r} has no {name}.yaml; expected one")
        return None
    try:
        return model.model_validate(marked.plain())
    except ValidationError as error:
        problems.add_invalid(error, marked, model)
        return None


def _dated(laid: Laid, name: str, model: type[Model], problems: Problems) -> list[tuple[date, Model | None]]:
    steps: list[tuple[date, Model | None]] = []
    for day, body in lay_versions(laid.steps(name, problems)):
        try:
            steps.append((day, model.model_validate(body.plain()) if body else None))
        except ValidationError as error:
            problems.add_invalid(error, body or laid.header(name), model)
    if not steps and not problems.found:
        problems.add(_head_place(laid), f"no dated {name}; expected {name}.yaml with versions")
    return steps


def _head_place(laid: Laid) -> Place:
    return Place(f"{laid.layers[0].root.name}/pack.yaml", 1)


def _calendar(laid: Laid, problems: Problems) -> Calendar | None:
    sheet = _one(laid, "calendar", CalendarSheet, problems)
    marked = laid.sheet("calendar")
    if sheet is None or marked is None:
        return None
    holidays: dict[date, str] = {}
    for year, announced in sheet.years.items():
        for name, written in announced.holidays.items():
            place = marked.at(("years", year, "holidays", name)).place
            holidays.update(_holidays(name, year, written, place, problems))
    try:
        zone = ZoneInfo(sheet.zone)
    except (ZoneInfoNotFoundError, ValueError):
        problems.add(
            marked.at(("zone",)).place, f"unknown zone {sheet.zone!r}; expected such as Asia/Shanghai"
        )
        return None
    hours = tuple(
        Hours(since, tuple((span.opens, span.closes) for span in spans))
        for since, spans in sorted(sheet.hours.items())
    )
    makeup = frozenset(day for year in sheet.years.values() for day in year.makeup)
    return Calendar(zone, hours, holidays, makeup, frozenset(sheet.years))


def _holidays(
    name: str, year: int, written: tuple[str, ...], place: Place, problems: Problems
) -> dict[date, str]:
    found: dict[date, str] = {}
    for text in written:
        days = _days(text)
        if not days:
            problems.add(place, f"{text!r} names no days; expected 2026-10-01 or 2026-10-01..2026-10-07")
        elif any(day.year != year for day in days):
            problems.add(place, f"{text} stands under {year}; expected days of that year")
        found.update((day, name) for day in days)
    return found


def _days(text: str) -> list[date]:
    first, _, last = text.partition("..")
    try:
        start = date.fromisoformat(first.strip())
        end = date.fromisoformat(last.strip()) if last else start
    except ValueError:
        return []
    return [start + timedelta(days=step) for step in range((end - start).days + 1)]
