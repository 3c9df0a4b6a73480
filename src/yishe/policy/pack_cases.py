"""Run the cases that packs ship: each rule shows by example what it does, and stays so.

A layer's cases run against the packs up to that layer, so that an overlay may change what the base's cases say.
Drafts are run as well: a rule is tried out before it is approved.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from . import case_indicators, case_life, case_loops, case_scales, packs
from .access_rules import AccessSheet
from .case_models import (
    AnomalyCase,
    CalendarCase,
    ClassCase,
    ConsentCase,
    ContractCase,
    FieldGroupCase,
    FollowupCase,
    LeftUsCase,
    LoopCase,
    ReactionCase,
    RightsCase,
    ScaleCase,
    UnreachableCase,
)
from .class_rules import Facts
from .contract_year import counted, end_of, year
from .marked import Marked, Place
from .pack_errors import PackErrors, Problem, Problems, one_of
from .pack_fields import Strict
from .pack_files import Layer
from .timeline import Timeline, in_force
from .unreachable import Tried, next_call, standing

_MODELS: dict[str, type[Strict]] = {
    "calendar": CalendarCase,
    "reactions": ReactionCase,
    "consents": ConsentCase,
    "rights": RightsCase,
    "anomalies": AnomalyCase,
    "contracts": ContractCase,
    "unreachable": UnreachableCase,
    "classes": ClassCase,
    **case_life.MODELS,
    case_indicators.ABOUT: case_indicators.IndicatorCase,
    "field_groups": FieldGroupCase,
    "left_us": LeftUsCase,
}


@dataclass(frozen=True)
class Result:
    """One case; `wrong` lists what came out otherwise, empty when all is well."""

    place: Place
    pack: str
    about: str
    name: str
    wrong: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.wrong

    def __str__(self) -> str:
        return f"{self.place}: {self.about}: {self.name}: {'ok' if self.ok else '; '.join(self.wrong)}"


def run(paths: Sequence[Path]) -> list[Result]:
    """Every case of every given pack (and of lower packs found beside). Raises PackErrors when packs do not load."""
    laid = packs.read(paths)[1]
    results: list[Result] = []
    for count, layer in enumerate(laid.layers, start=1):
        names = [name for name in layer.files if name.startswith("cases/")]
        if names:
            pack = packs.load([lower.root for lower in laid.layers[:count]])
            results += [result for name in names for result in _file(pack, layer, name)]
    return results


def check(paths: Sequence[Path]) -> list[Problem]:
    """Cases whose shape is wrong, or that are about a loop kind nobody declares."""
    try:
        run(paths)
    except PackErrors as error:
        return list(error.problems)
    return []


def uncovered(paths: Sequence[Path]) -> list[str]:
    """Loop kinds, reactions and risk models without a single case (`kind x`, `reaction y`, `risk z`), and bands of scales
    whose lowest or highest total no case comes to (`band phq9.total.mild at 5`)."""
    pack, laid = packs.read(paths)
    abouts = {name.removeprefix("cases/") for layer in laid.layers for name in layer.files}
    told = {code for case in _reaction_cases(laid.layers) for code in case.follows}
    kinds = [f"kind {code}" for code in pack.kinds if code not in abouts]
    tried = case_life.tried(laid.layers)
    risks = [f"risk {code}" for code in pack.life.risks if code not in tried]
    reactions = [f"reaction {code}" for code in pack.reactions if code not in told]
    forms = case_scales.uncovered(pack, laid.layers) + case_scales.unconcluded(pack, laid.layers)
    return kinds + reactions + risks + forms + _uncounted(pack, laid.layers)


def _uncounted(pack: packs.PackSet, layers: Sequence[Layer]) -> list[str]:
    cases = [
        case_indicators.IndicatorCase.model_validate(child.plain())
        for layer in layers
        for child in _items(layer.files.get(f"cases/{case_indicators.ABOUT}"))
    ]
    declared = pack.indicators.indicators if pack.indicators else {}
    return [f"indicator {code}" for code in declared if code not in case_indicators.tried(cases)]


def _reaction_cases(layers: Sequence[Layer]) -> Iterator[ReactionCase]:
    for layer in layers:
        for child in _items(layer.files.get("cases/reactions")):
            yield ReactionCase.model_validate(child.plain())


def _items(marked: Marked | None) -> list[Marked]:
    return marked.value if marked and isinstance(marked.value, list) else []


def _file(pack: packs.PackSet, layer: Layer, name: str) -> Iterator[Result]:
    about = name.removeprefix("cases/")
    marked = layer.files[name]
    problems = Problems()
    kind, dot, form = about.partition(".")
    model, forms = _forms(pack, kind) if dot else (None, {})
    if model and form not in forms:
        problems.add(marked.place, f"cases about unknown {kind} {form!r}; {one_of(forms, form)}")
    model = model or _MODELS.get(about, LoopCase)
    if model is LoopCase and about not in pack.kinds:
        problems.add(marked.place, f"cases about unknown loop kind {about!r}; {one_of(pack.kinds, about)}")
    if not isinstance(marked.value, list):
        problems.add(marked.place, "no list of cases; expected `- name: ...`")
    cases = [(child, _read(child, model, problems)) for child in _items(marked)]
    problems.raise_if_any()
    for child, case in cases:
        wrong = (
            case_scales.wrong(forms[form], case) if isinstance(case, ScaleCase) else _wrong(pack, about, case)
        )
        yield Result(child.place, layer.head.id, about, getattr(case, "name", ""), tuple(wrong))


def _forms(pack: packs.PackSet, kind: str) -> tuple[type[Strict] | None, Mapping[str, Timeline[Any]]]:
    """Cases of scales and follow-ups are named `scale.x` and `followups.x`."""
    if kind == "scale":
        return ScaleCase, pack.scales_by_date
    return (FollowupCase, pack.followups_by_date) if kind == "followups" else (None, {})


def _read(child: Marked, model: type[Strict], problems: Problems) -> Strict | None:
    try:
        return model.model_validate(child.plain())
    except ValidationError as error:
        problems.add_invalid(error, child, model)
        return None


def _wrong(pack: packs.PackSet, about: str, case: Strict | None) -> list[str]:
    if isinstance(case, CalendarCase):
        return _calendar(pack, case)
    if isinstance(case, ReactionCase):
        found = tuple(rule for rule in pack.reactions if rule in _following(pack, case))
        return _differ("follows", sorted(case.follows), sorted(found))
    if isinstance(case, ConsentCase):
        return _consent(pack, case)
    if isinstance(case, RightsCase):
        return _right(pack, case)
    if isinstance(case, AnomalyCase):
        rule = pack.anomalies.rules.get(case.rule)
        return _differ("odd", case.odd, rule.odd(case.count, frozenset(case.duties)) if rule else None)
    if isinstance(case, ContractCase):
        return _contract(pack, case)
    if isinstance(case, FieldGroupCase):
        return _field_group(pack.access, case)
    return _of_people(pack, about, case)


def _of_people(pack: packs.PackSet, about: str, case: Strict | None) -> list[str]:
    if isinstance(case, ClassCase):
        return _class(pack, case)
    if isinstance(case, UnreachableCase):
        return _unreachable(pack, case)
    if isinstance(case, LeftUsCase):
        return _differ("left", case.left, case.reason in pack.settings(case.on).left_us)
    if isinstance(case, LoopCase):
        return case_loops.wrong(pack, about, case)
    if isinstance(case, case_indicators.IndicatorCase):
        return case_indicators.wrong(pack, case)
    return case_life.wrong(pack, case)


def _field_group(sheet: AccessSheet, case: FieldGroupCase) -> list[str]:
    if case.group is not None:
        standing = {case.relation: frozenset(case.duties)}
        shown = sheet.shown(case.group, standing, case.purpose).name.lower()
        return _differ("shown", case.shown, shown)
    found: frozenset[str] = frozenset()
    if case.condition is not None:
        found = sheet.of_condition(case.condition, case.title)
    elif case.medicine is not None:
        found = sheet.of_medicine(case.medicine)
    elif case.observation is not None:
        found = sheet.of_observation(case.observation, ())
    elif case.trait is not None:
        found = sheet.of_trait(case.trait)
    elif case.kind is not None:
        found = sheet.of_reason(case.kind, case.reason)
    return _differ("belongs", sorted(case.belongs), sorted(found))


def _following(pack: packs.PackSet, case: ReactionCase) -> set[str]:
    wanted = pack.reacting_to(case.fact, case.data, case.on, drafts=True)
    return {code for code, rule in pack.reactions.items() if rule in wanted}


def _right(pack: packs.PackSet, case: RightsCase) -> list[str]:
    kept = pack.rights.kept.get(case.category)
    wrong = _differ("until", case.until, kept.until(case.last) if kept else "no such category")
    if case.keeps is not None:
        wrong += _differ("keeps", case.keeps, case.category in pack.rights.obliging())
    return wrong


def _consent(pack: packs.PackSet, case: ConsentCase) -> list[str]:
    if case.born is not None:
        return _differ("guardian", case.guardian, pack.consents.needs_guardian(case.born, case.on))
    kind = pack.consents.consents.get(case.consent)
    shown = in_force([*kind.texts.items()], case.on) if kind else None
    return _differ("version", case.version, shown[0].isoformat() if shown else None)


def _contract(pack: packs.PackSet, case: ContractCase) -> list[str]:
    if pack.contracts is None or case.package not in pack.contracts.packages:
        return [f"unknown package {case.package!r}"]
    facts: dict[str, object] = {"age": case.age, "traits": case.traits, "renewed": False, **case.classed}
    claims = pack.owing(case.package, facts, case.on, drafts=True)
    owed = year(pack.contracts, claims, case.on, end_of(case.on, pack.contracts.months))
    wrong = _differ("owes", dict(sorted(case.owes.items())), dict(sorted(counted(owed).items())))
    if case.window:
        found = [one for one in owed if (one.service, one.nth) == (case.window.service, case.window.nth)]
        shown = [(one.starts, one.due, one.ends) for one in found]
        wrong += _differ("window", [(case.window.starts, case.window.due, case.window.ends)], shown)
    return wrong


def _unreachable(pack: packs.PackSet, case: UnreachableCase) -> list[str]:
    if pack.contracts is None:
        return ["no contracts.yaml"]
    rule, tried = pack.contracts.unreachable, [Tried(one.at, one.way) for one in case.tried]
    wrong = (
        [] if case.lacks is None else _differ("lacks", list(case.lacks), standing(rule, tried).lacks(rule))
    )
    if case.now is not None:
        day, parts = next_call(rule, tried, case.now)
        wrong += _differ("next_on", case.next_on, day)
        wrong += _differ("parts", sorted(case.parts or ()), sorted(parts))
    return wrong


def _class(pack: packs.PackSet, case: ClassCase) -> list[str]:
    if pack.classes is None:
        return ["no classes.yaml"]
    found = pack.classes.classify(Facts(**case.facts.model_dump()), case.on, drafts=True)
    said: dict[str, object] = {"class": found.to_class, "medical": found.medical, "social": found.social}
    said["by"] = tuple(one.rule for one in found.reasons)
    wanted = case.then.model_dump(by_alias=True, exclude_none=True)
    return [line for name, one in wanted.items() for line in _differ(name, one, said[name])]


def _calendar(pack: packs.PackSet, case: CalendarCase) -> list[str]:
    calendar, wrong = pack.calendar, []
    if case.add and case.ends:
        start = case.add.start.replace(tzinfo=calendar.zone)
        ends = calendar.add(start, case.add.length, case.add.clock, case.add.share).astimezone(calendar.zone)
        wrong += _differ("ends", case.ends, ends.replace(tzinfo=None))
    if case.day is not None:
        wrong += _differ("workday", case.workday, calendar.is_workday(case.day))
    if case.year is not None:
        wrong += _differ("incomplete", case.incomplete, calendar.incomplete(case.year))
    return wrong


def _differ(what: str, expected: Any, found: Any) -> list[str]:
    return [] if expected == found else [f"{what} is {_shown(found)}; expected {_shown(expected)}"]


def _shown(value: Any) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)
