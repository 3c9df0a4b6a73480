"""From laid-over files to what is worked out over a life: risk models and what they read, growth,
vaccines."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import ValidationError

from .growth import Standard
from .growth_rules import GrowthSheet, Table
from .marked import Marked
from .pack_errors import Problems, one_of
from .pack_fields import Strict
from .pack_files import NOWHERE, Laid
from .refusals import Invalid
from .risk_rules import Input, InputSheet, RiskModel, needs_of
from .risks import Given, Result, of_person
from .schedule_rules import Schedule
from .sheets import Quantity
from .vaccine_rules import VaccineSheet

Model = TypeVar("Model", bound=Strict)

SEX, AGE = "sex", "age"


@dataclass
class Life:
    """`risks` in the order in which they are shown; `growth`, `vaccines` None when no pack says anything of them."""

    inputs: Mapping[str, Input] = field(default_factory=dict)
    risks: Mapping[str, RiskModel] = field(default_factory=dict)
    growth: Standard | None = None
    vaccines: VaccineSheet | None = None
    schedules: Mapping[str, Schedule] = field(default_factory=dict)

    def risk(self, code: str, given: Given) -> Result:
        """What one risk model says about one person. Raises Invalid for an unknown model."""
        model = self.risks.get(code)
        if model is None:
            raise Invalid(
                "risk.unknown", f"没有“{code}”这种风险计算；可用：{'、'.join(self.risks)}", risk=code
            )
        return of_person(code, model, self.inputs, given)


def build(laid: Laid, quantities: Mapping[str, Quantity], traits: Container[str], problems: Problems) -> Life:
    """Read them, and note every input that nobody declares and every quantity that is no measurement."""
    life = Life()
    if marked := laid.sheet("risk_inputs"):
        sheet = _read(marked, InputSheet, problems)
        life.inputs = sheet.inputs if sheet else {}
        _inputs(life.inputs, marked, quantities, traits, problems)
    found: dict[str, RiskModel] = {}
    for name in laid.names("risks"):
        marked = laid.sheet(name) or NOWHERE
        model = _read(marked, RiskModel, problems)
        if model:
            if life.inputs:
                _model(model, marked, life.inputs, problems)
            found[name.removeprefix("risks/")] = model
    life.risks = dict(sorted(found.items(), key=lambda one: (one[1].order, one[0])))
    life.growth = _growth(laid, problems)
    if marked := laid.sheet("vaccines"):
        life.vaccines = _read(marked, VaccineSheet, problems)
        _vaccines(life.vaccines, marked, problems)
    life.schedules = _schedules(laid, traits, problems)
    return life


def _schedules(laid: Laid, traits: Container[str], problems: Problems) -> dict[str, Schedule]:
    found: dict[str, Schedule] = {}
    for name in laid.names("schedules"):
        marked = laid.sheet(name) or NOWHERE
        one = _read(marked, Schedule, problems)
        if one is None:
            continue
        found[name.removeprefix("schedules/")] = one
        for trait in one.traits:
            if trait not in traits:
                problems.add(
                    marked.at(("traits",)).place, f"unknown trait {trait!r}; {one_of(traits, trait)}"
                )
    return dict(sorted(found.items(), key=lambda one: (one[1].order, one[0])))


def _vaccines(sheet: VaccineSheet | None, tree: Marked, problems: Problems) -> None:
    """Every series gives vaccines that there are, after series that come before it, under flags that there are."""
    for code, series in sheet.series.items() if sheet else ():
        place = tree.at(("series", code)).place
        known = sheet.vaccines if sheet else {}
        for name in sorted(series.vaccines() - set(known)):
            problems.add(place, f"unknown vaccine {name!r}; {one_of(known, name)}")
        flags = sheet.flags if sheet else {}
        for one in series.uncounted:
            if one.flag not in flags:
                problems.add(place, f"unknown flag {one.flag!r}; {one_of(flags, one.flag)}")
        before = list(sheet.series)[: list(sheet.series).index(code)] if sheet else []
        for name in sorted(series.leans_on() - set(before)):
            problems.add(place, f"{code} leans on {name!r}; expected a series that stands before it")


def _growth(laid: Laid, problems: Problems) -> Standard | None:
    marked = laid.sheet("growth")
    sheet = _read(marked, GrowthSheet, problems) if marked else None
    if marked is None or sheet is None:
        return None
    tables = {
        name: Table(path, f"{layer.root.name}/growth/{name}.csv")
        for layer in laid.layers
        for name, path in layer.tables.items()
    }
    for code, indicator in sheet.indicators.items():
        for use in indicator.tables:
            if use.name not in tables:
                place = marked.at(("indicators", code, "tables")).place
                problems.add(place, f"unknown table {use.name!r}; {one_of(tables, use.name)}")
    return Standard(sheet, tables)


def _read(marked: Marked, model: type[Model], problems: Problems) -> Model | None:
    try:
        return model.model_validate(marked.plain())
    except ValidationError as error:
        problems.add_invalid(error, marked, model)
        return None


def _inputs(
    inputs: Mapping[str, Input],
    tree: Marked,
    quantities: Mapping[str, Quantity],
    traits: Container[str],
    problems: Problems,
) -> None:
    for name, one in inputs.items():
        place = tree.at(("inputs", name)).place
        if one.quantity and one.quantity not in quantities:
            problems.add(place, f"unknown quantity {one.quantity!r}; {one_of(quantities, one.quantity)}")
        for trait in one.traits:
            if trait not in traits:
                problems.add(place, f"unknown trait {trait!r}; {one_of(traits, trait)}")
        for part in one.formula.names if one.formula else ():
            if part not in inputs:
                problems.add(place, f"unknown input {part!r}; {one_of(inputs, part)}")


def _model(model: RiskModel, tree: Marked, inputs: Mapping[str, Input], problems: Problems) -> None:
    read = [*model.needs, *model.not_when, *(name for one in model.variants for name in needs_of(one))]
    for name in dict.fromkeys(read):
        if name not in inputs:
            problems.add(tree.place, f"unknown input {name!r}; {one_of(inputs, name)}")
