"""Cases of what is worked out over a life: `cases/risks.yaml`, `cases/growth.yaml`, `cases/vaccines.yaml`.

Each names where its numbers come from.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal

from . import packs, risks, schedules, vaccines
from .growth import Measured
from .pack_fields import Strict
from .pack_files import Layer
from .refusals import Invalid
from .schedule_rules import Schedule
from .vaccine_rules import VaccineSheet

ROUNDED = 0.0101


class RiskCase(Strict):
    """What is `given` of a person, and what the `model` says: `state`, `value` (to within `within`), `grade` (its title)
    or what is `missing`. `source`: the published example, or own arithmetic."""

    name: str
    model: str
    given: dict[str, float | bool | str | None]
    state: risks.State = "done"
    value: float | None = None
    within: float = 0
    grade: str = ""
    missing: tuple[str, ...] = ()
    drafts: bool = False
    source: str = ""


class Child(Strict):
    """As measured: age in days, kg, cm, weeks of gestation."""

    sex: Literal["male", "female"]
    days: int
    weight: float | None = None
    length: float | None = None
    head: float | None = None
    lying: bool | None = None
    weeks: int | None = None


class GrowthCase(Strict):
    """A child and the z-score (to within 0.01) and grade of one `indicator`; `z` null when there is none."""

    name: str
    indicator: str
    given: Child
    z: float | None
    grade: str = ""
    doubtful: bool = False
    source: str = ""


class VaccineCase(Strict):
    """A child `born` then, with doses `given` (`{DTaP: [dates]}`), on a day. `then`: series and number (`dtap.3`) → state;
    `earliest` days, `vaccine` to give, `why` words that are in what is said, `days_late`. What does not count has number 0."""

    name: str
    born: date
    sex: Literal["male", "female"] = "male"
    today: date
    given: dict[str, tuple[date, ...]] = {}
    flags: tuple[str, ...] = ()
    held: dict[str, str] = {}
    then: dict[str, str]
    earliest: dict[str, date] = {}
    vaccine: dict[str, str] = {}
    why: dict[str, str] = {}
    days_late: dict[str, int] = {}
    never: tuple[str, ...] = ()
    source: str = ""


class ScheduleCase(Strict):
    """Somebody `born` then on the day `today`, with `traits`, `anchors` (condition code → its day) and what was `kept` (visit,
    service, observation or form → days). `then`: visit → state; with an empty one nothing at all is owed."""

    name: str
    born: date
    sex: Literal["male", "female"] = "male"
    today: date
    traits: tuple[str, ...] = ()
    anchors: dict[str, date] = {}
    kept: dict[str, tuple[date, ...]] = {}
    then: dict[str, str | None]


MODELS: dict[str, type[Strict]] = {
    "risks": RiskCase, "growth": GrowthCase, "vaccines": VaccineCase, "schedules": ScheduleCase,
}  # fmt: skip


def tried(layers: Sequence[Layer]) -> set[str]:
    """Risk models that some case is about."""
    files = [layer.files["cases/risks"] for layer in layers if "cases/risks" in layer.files]
    return {str(case.get("model")) for marked in files for case in marked.plain()}


def wrong(pack: packs.PackSet, case: Strict | None) -> list[str]:
    """What came out otherwise."""
    if isinstance(case, RiskCase):
        return _risk(pack, case)
    if isinstance(case, GrowthCase):
        return _growth(pack, case)
    if isinstance(case, VaccineCase) and pack.life.vaccines:
        return _vaccines(pack.life.vaccines, case)
    if isinstance(case, ScheduleCase):
        return _schedules(pack.life.schedules, case)
    return []


def _schedules(found: Mapping[str, Schedule], case: ScheduleCase) -> list[str]:
    person = schedules.Person(case.born, case.sex, case.anchors, case.kept, frozenset(case.traits))
    states = {one.code: one.state for one in schedules.lines(found, person, case.today, drafts=True)}
    if not case.then:
        return [f"{code} is owed; expected nothing" for code in states]
    told = [(code, states.get(code), wanted) for code, wanted in case.then.items()]
    return [f"{code} is {got}; expected {wanted}" for code, got, wanted in told if got != wanted]


def _vaccines(sheet: VaccineSheet, case: VaccineCase) -> list[str]:
    given = tuple(vaccines.Given(code, day) for code, days in case.given.items() for day in days)
    held = tuple(vaccines.Held(code, reason) for code, reason in case.held.items())
    child = vaccines.Child(case.born, case.sex, given, held, frozenset(case.flags))
    found = {dose.code: dose for dose in vaccines.schedule(sheet, child, case.today)}
    told: list[tuple[str, str, Any, Any]] = []
    for what, wanted in (("state", case.then), ("earliest", case.earliest), ("vaccine", case.vaccine)):
        told += [(code, what, one, getattr(found.get(code), what, None)) for code, one in wanted.items()]
    told += [
        (code, "days_late", days, getattr(found.get(code), "days_late", None))
        for code, days in case.days_late.items()
    ]
    differing = [f"{code}: {what} is {got}; expected {one}" for code, what, one, got in told if one != got]
    for code, words in case.why.items():
        said = found[code].why if code in found else ""
        differing += [] if words in said else [f"{code}: why is {said!r}; expected {words!r} in it"]
    begun = {code.partition(".")[0] for code in found}
    return differing + [f"{code} is there; expected nothing of it" for code in case.never if code in begun]


def _growth(pack: packs.PackSet, case: GrowthCase) -> list[str]:
    if pack.life.growth is None or case.indicator not in pack.life.growth.sheet.indicators:
        return [f"no indicator {case.indicator!r}; expected one of growth.yaml"]
    found = pack.life.growth.score(case.indicator, Measured(**case.given.model_dump()))
    grade = str(found.grade.title) if found.grade else ""
    wrong = [] if grade == case.grade else [f"grade is {grade!r}; expected {case.grade!r}"]
    if found.doubtful != case.doubtful:
        wrong.append(f"doubtful is {found.doubtful}; expected {case.doubtful}")
    if (found.z is None) != (case.z is None) or abs((found.z or 0) - (case.z or 0)) > ROUNDED:
        wrong.append(f"z is {found.z}; expected {case.z}")
    return wrong


def _risk(pack: packs.PackSet, case: RiskCase) -> list[str]:
    try:
        found = pack.life.risk(case.model, case.given)
    except Invalid as refused:
        return [refused.title]
    value: float | None = found.value
    if case.drafts:
        model, columns = pack.life.risks[case.model], {name: [one] for name, one in case.given.items()}
        value = risks.of_population(model, pack.life.inputs, columns, 1, drafts=True)[0].value
    told: list[tuple[str, Any, Any]] = [
        ("state", case.state, found.state),
        ("missing", set(case.missing), set(found.missing)),
    ]
    if case.grade:
        told.append(("grade", case.grade, str(found.grade.title) if found.grade else ""))
    differing = [f"{what} is {got}; expected {wanted}" for what, wanted, got in told if wanted != got]
    if case.value is not None and (value is None or abs(value - case.value) > case.within + 1e-9):
        differing.append(f"value is {value}; expected {case.value} within {case.within}")
    return differing
