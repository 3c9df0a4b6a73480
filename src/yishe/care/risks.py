"""Risk of one resident, from what the record knows: age, sex, the newest measurements and answers, traits."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from yishe.care import lives, observations
from yishe.care.models import Observation
from yishe.people import facts, packs
from yishe.people.cards import Card
from yishe.policy import risks
from yishe.policy.risk_rules import Input, RiskModel
from yishe.policy.risks import Outcome, Result, Value


@dataclass(frozen=True)
class Known:
    """What the record knows, by input, and the day each measurement or answer is of."""

    values: Mapping[str, Value]
    days: Mapping[str, date]


def known(
    card: Card | facts.Known, traits: Iterable[str], rows: Sequence[Observation], at: datetime
) -> Known:
    """``rows`` are newest first; ``traits`` those that the reader may know of."""
    values: dict[str, Value] = {"age": card.age(lives.day(at)), "sex": lives.sex(card)}
    days: dict[str, date] = {}
    have = set(traits)
    for name, one in packs.in_force().life.inputs.items():
        if one.traits and have & set(one.traits):
            values[name] = True
        found = _newest(name, one, rows) if one.quantity or one.question else None
        if found is not None:
            row, text = found
            values[name] = text == "1" if one.question else float(text)
            days[name] = lives.day(row.occurred_at)
    return Known(values, days)


def results(found: Known) -> list[Result]:
    """What every approved model says, in the pack's order."""
    life = packs.in_force().life
    return [life.risk(code, found.values) for code, model in life.risks.items() if model.status == "approved"]


def outcomes(found: Sequence[Known]) -> Iterator[tuple[str, RiskModel, list[Outcome]]]:
    """What every approved model says of each of these, in the same order, all worked out together."""
    life, given = packs.in_force().life, [one.values for one in found]
    names = {name for values in given for name in values}
    columns = {name: [values.get(name) for values in given] for name in names}
    for code, model in life.risks.items():
        if model.status == "approved":
            yield code, model, risks.of_population(model, life.inputs, columns, len(given))


def grades(found: Sequence[Known]) -> list[set[str]]:
    """The grades (`model.colour`) that approved models give each of these, all worked out together."""
    told: list[set[str]] = [set() for _ in found]
    for code, model, said in outcomes(found):
        for row, outcome in enumerate(said):
            if model.grading is not None and outcome.grade is not None:
                told[row].add(f"{code}.{model.grading.grades[outcome.grade].level}")
    return told


def _newest(name: str, one: Input, rows: Sequence[Observation]) -> tuple[Observation, str] | None:
    wanted = one.quantity or name
    for row in rows:
        asked = (row.kind == observations.ANSWERS) == bool(one.question)
        if asked and wanted in row.values and (not one.context or row.context == one.context):
            return row, str(row.values[wanted])
    return None
