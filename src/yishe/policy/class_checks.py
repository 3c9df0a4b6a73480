"""Cross-references of `classes.yaml`: rules are typed, only ask whether a code is there, and name codes that exist."""

from collections.abc import Iterator, Mapping

from . import cel
from .class_rules import FACT, ClassSheet
from .marked import Marked
from .pack_errors import Problems, one_of
from .pack_kinds import Kinds
from .pack_sheets import Sheets
from .risk_rules import RiskModel
from .scale_rules import Scale
from .timeline import Timeline


def check(
    tree: Marked, sheets: Sheets, kinds: Kinds, risks: Mapping[str, RiskModel],
    scales: Mapping[str, Timeline[Scale]], problems: Problems,
) -> None:  # fmt: skip
    """Note every condition that cannot be asked and every code that nobody declares; of codes nothing while another file
    could not be read, so that one mistake is told once."""
    sheet = sheets.classes
    if sheet is None:
        return
    if sheet.correction.kind not in kinds:
        problems.add(
            tree.at(("correction", "kind")).place,
            f"unknown loop kind {sheet.correction.kind!r}; {one_of(kinds, sheet.correction.kind)}",
        )
    whole = not problems.found
    known = {"", "male", "female", *_bands(scales), *_grades(risks)}
    traits = sheets.traits
    for code, rule in sheet.rules.items():
        place = tree.at(("rules", code, "when")).place
        for wrong in _wrong(sheet, code):
            problems.add(place, wrong)
        for literal in rule.literals if whole else ():
            if literal not in known and literal not in traits:
                problems.add(
                    place, f"unknown code {literal!r}; {one_of(sorted({*known, *traits} - {''}), literal)}"
                )


def _wrong(sheet: ClassSheet, code: str) -> Iterator[str]:
    when = sheet.rules[code].when
    try:
        cel.compile(when, FACT)
    except cel.CelError as error:
        yield f"condition: {error}"
    if any(f"{name}(" in when for name in ("size", "contains", "startsWith", "endsWith", "matches")):
        yield "asks for more than whether a code is there; expected `'code' in traits` and comparisons"


def _bands(scales: Mapping[str, Timeline[Scale]]) -> Iterator[str]:
    for code, timeline in scales.items():
        for scale in timeline.values:
            for score, one in scale.scores.items():
                yield from (f"{code}.{score}.{band}" for band in one.bands)


def _grades(risks: Mapping[str, RiskModel]) -> Iterator[str]:
    for code, model in risks.items():
        yield from (f"{code}.{grade.level}" for grade in (model.grading.grades if model.grading else ()))
