"""Risk over everybody: of whom each approved model says what, counted; what is missing is named, and nothing is guessed.

Nothing is kept of it: what a model says follows from record, packs and day, and how much of it somebody may see from who he is. So
whoever is stopped in the middle loses nothing and begins again.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from yishe.care import conditions, needs, observations, risks
from yishe.people import facts, packs
from yishe.people.facts import Known
from yishe.policy.risk_rules import RiskModel
from yishe.policy.risks import Outcome, lacking

WHY = "risks of a whole population are reckoned"
SIZE = 1000
Progress = Callable[[str, int, int], None]


@dataclass
class Told:
    """What one model says: how many by `states` (done, missing, not_for, draft), by number of the grade, and of how many each
    input is missing that must be measured or asked."""

    model: RiskModel
    states: Counter[str] = field(default_factory=Counter)
    grades: Counter[int] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)


@dataclass
class Reckoned:
    """`residents` are here (who died, moved or was erased is left out); `measured` of them have a measurement or an answer, and
    `unreadable` one that is no number: of these no model says anything. `models` by code, in the pack's order."""

    residents: int = 0
    unreadable: int = 0
    measured: int = 0
    models: dict[str, Told] = field(default_factory=dict)


def run(at: datetime, *, progress: Progress = lambda *_: None) -> Reckoned:
    """Reckon every approved model for whoever is here, a thousand at a time. Reads only."""
    known, found = facts.of_everybody(WHY), Reckoned()
    whose = defaultdict[UUID, list[UUID]](list)
    for subject, one in known.items():
        whose[one.resident].append(subject)
    here = [one for subject, one in known.items() if subject == one.subject and not one.gone]
    for n in range(0, len(here), SIZE):
        part = here[n : n + SIZE]
        _count(found, _known(found, part, whose, at))
        found.residents += len(part)
        progress("风险", found.residents, len(here))
    return found


def _known(
    found: Reckoned, part: Sequence[Known], whose: Mapping[UUID, Sequence[UUID]], at: datetime
) -> list[risks.Known]:
    """What the record knows of each of a part. Three statements."""
    subjects = [subject for one in part for subject in whose[one.resident]]
    measured = observations.latest_of_all(subjects)
    standing = conditions.standing_within(WHY, subjects, conditions.NEEDS)
    told = []
    for one in part:
        rows = [row for subject in whose[one.resident] for row in measured.get(subject, ())]
        if len(whose[one.resident]) > 1:
            rows.sort(key=lambda row: (row.occurred_at, row.id), reverse=True)
        stands = [each for subject in whose[one.resident] for each in standing.get(subject, ())]
        traits = needs.traits(one.traits, ((each.kind, each.code, each.title) for each in stands))
        found.measured += bool(rows)
        try:
            told.append(risks.known(one, traits, rows, at))
        except (
            ValueError
        ):  # what an import or a fault left: it hinders no other, and nothing is put in its place
            found.unreadable += 1
    return told


def _count(found: Reckoned, told: Sequence[risks.Known]) -> None:
    inputs = packs.in_force().life.inputs
    for code, model, outcomes in risks.outcomes(told):
        one = found.models.setdefault(code, Told(model))
        one.states.update(each.state for each in outcomes)
        one.grades.update(each.grade for each in outcomes if each.grade is not None)
        for known, short in _short(told, outcomes):
            one.missing.update(lacking(inputs, known.values, short))


def _short(
    told: Sequence[risks.Known], outcomes: Sequence[Outcome]
) -> Iterator[tuple[risks.Known, Sequence[str]]]:
    for known, outcome in zip(told, outcomes, strict=True):
        if outcome.state == "missing":
            yield known, outcome.names
