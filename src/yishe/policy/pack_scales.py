"""From laid-over files of `scales/` to dated scales, and every check of them: names, scores, bands, conditions, effects."""

from collections.abc import Mapping
from datetime import date

from pydantic import ValidationError

from . import cel
from .marked import Marked
from .pack_errors import Problems, one_of
from .pack_files import NOWHERE, Laid, lay_versions
from .pack_kinds import Kinds
from .pack_sheets import Sheets
from .scale_rules import Effect, RefusedScale, RefusedSheet, Scale
from .timeline import Timeline

FOLDER = "scales"
Scales = dict[str, Timeline[Scale]]


def build(laid: Laid, sheets: Sheets, kinds: Kinds, problems: Problems) -> Scales:
    """Every scale of the packs, checked."""
    scales: Scales = {}
    trees: dict[tuple[str, str], Marked] = {}
    for name in laid.names(FOLDER):
        code, header = name.removeprefix(f"{FOLDER}/"), laid.header(name)
        _named(code, header, problems)
        steps: list[tuple[date, Scale | None]] = []
        for day, body in lay_versions(laid.steps(name, problems)):
            scale = _version(header, day, body, problems) if body else None
            if scale or not body:
                steps.append((day, scale))
            if body:
                trees[code, str(day)] = body
        if not steps and not problems.found:
            problems.add(header.place, f"scale {code!r} has no versions; expected versions with a date")
        scales[code] = Timeline(code, tuple(steps))
    for timeline in scales.values():
        for scale in timeline.values:
            Checked(scale, trees.get((scale.code, scale.version), NOWHERE), problems).everything(
                sheets, kinds, scales
            )
    return scales


def refused(laid: Laid, scales: Scales, problems: Problems) -> Mapping[str, RefusedScale]:
    """What must not be built in; a file of that name is a problem, so that nobody brings it by mistake."""
    marked = laid.sheet(FOLDER)
    if marked is None:
        return {}
    try:
        sheet = RefusedSheet.model_validate(marked.plain())
    except ValidationError as error:
        problems.add_invalid(error, marked, RefusedSheet)
        return {}
    for code, one in sheet.refused.items():
        place = marked.at(("refused", code)).place
        if code in scales:
            problems.add(
                laid.header(f"{FOLDER}/{code}").place,
                f"scale {code!r} must not be built in; expected no such file: {one.why}",
            )
        if one.instead and one.instead not in scales:
            problems.add(place, f"unknown scale {one.instead!r}; {one_of(scales, one.instead)}")
    return sheet.refused


def _named(code: str, header: Marked, problems: Problems) -> None:
    written = header.get("scale")
    if written is None or written.value != code:
        place = written.place if written else header.place
        said = written.value if written else None
        problems.add(place, f"scale is {said!r}; expected {code!r}, as the file is named")


def _version(header: Marked, day: date, body: Marked, problems: Problems) -> Scale | None:
    whole = Marked({**header.value, **dict(body.items())}, body.place)
    try:
        return Scale.model_validate({**whole.plain(), "version": str(day)})
    except ValidationError as error:
        problems.add_invalid(error, whole, Scale)
        return None


class Checked:
    """One version of one scale."""

    def __init__(self, scale: Scale, tree: Marked, problems: Problems) -> None:
        self.scale, self.tree, self.problems = scale, tree, problems

    def add(self, path: tuple[object, ...], message: str) -> None:
        self.problems.add(self.tree.at(path).place, f"{self.scale.code}: {message}")

    def everything(self, sheets: Sheets, kinds: Kinds, scales: Scales) -> None:
        for duty in self.scale.filled_by.staff:
            if duty not in sheets.duties:
                self.add(("filled_by",), f"unknown duty {duty!r}; {one_of(sheets.duties, duty)}")
        groups = sheets.access.fields
        for group in self.scale.fields if groups else ():
            if group not in groups:
                self.add(("fields",), f"unknown field group {group!r}; {one_of(groups, group)}")
        self.items()
        self.scores()
        self.conditions()
        for path, effect in self.scale.effects():
            self.effect(path, effect, kinds, scales)

    def items(self) -> None:
        for code, item in self.scale.items.items():
            choosing = item.type in ("choice", "multi")
            if item.choice and item.choice not in self.scale.choices:
                wanted = one_of(self.scale.choices, item.choice)
                self.add(("items", code, "choice"), f"unknown choice {item.choice!r}; {wanted}")
            elif choosing and not self.scale.options(code):
                self.add(("items", code), f"{code} has nothing to choose; expected choice or options")

    def scores(self) -> None:
        for code, score in self.scale.scores.items():
            at = ("scores", code)
            for part in ("of", "reversed", "weights"):
                known = self.scale.items if part == "of" else score.of
                for item in getattr(score, part):
                    if item not in known:
                        self.add((*at, part), f"unknown item {item!r}; {one_of(known, item)}")
                    elif part == "of" and self.scale.points(item) is None:
                        self.add(
                            ("items", item), f"{item} counts in {code}; expected a score in every answer"
                        )
            if all(item in self.scale.items for item in score.of):
                self.bands(code)

    def bands(self, code: str) -> None:
        """The bands cover everything the score can be, and nothing else."""
        score = self.scale.scores[code]
        low, high = self.scale.range(score)
        for number, (name, band) in enumerate(score.bands.items()):
            at = ("scores", code, "bands", name)
            if number == 0 and band.at_least != low:
                self.add(at, f"{code} can be {low:g}; expected the first band to begin there")
            if band.at_least > high:
                self.add(at, f"{code} is at most {high:g}; expected a band that it can reach")

    def conditions(self) -> None:
        """Items look at those before them; rules at everything; flags at answers, for they act before there is a score."""
        before = self.scale.known(scores=False)
        items = list(self.scale.items)
        for number, code in enumerate(items):
            later = set(items[number:])
            fields = {name: one for name, one in before.fields.items() if name not in later}
            self.typed(
                ("items", code, "when"),
                self.scale.items[code].when,
                before.model_copy(update={"fields": fields}),
            )
        about = {name: one for name, one in before.fields.items() if name not in self.scale.items}
        if self.scale.fits:
            self.typed(("fits", "when"), self.scale.fits.when, before.model_copy(update={"fields": about}))
        for code, flag in self.scale.flags.items():
            self.typed(("flags", code, "when"), flag.when, before)
        for code, rule in self.scale.rules.items():
            self.typed(("rules", code, "when"), rule.when, self.scale.known(scores=True))

    def typed(self, path: tuple[object, ...], expression: str, known: cel.FactKind) -> None:
        try:
            cel.compile(expression, known)
        except cel.CelError as error:
            self.add(path, f"condition: {error}")

    def effect(self, path: tuple[object, ...], effect: Effect, kinds: Kinds, scales: Scales) -> None:
        if effect.scale and effect.scale not in scales:
            self.add(path, f"unknown scale {effect.scale!r}; {one_of(scales, effect.scale)}")
        if effect.promise is None:
            return
        timeline = kinds.get(effect.promise.kind)
        if timeline is None:
            self.add(path, f"unknown loop kind {effect.promise.kind!r}; {one_of(kinds, effect.promise.kind)}")
            return
        reason = effect.promise.reason
        for kind in timeline.values:
            if not kind.by_rule:
                self.add(path, f"{kind.code} is promised by a rule; expected by_rule: true in its file")
            if (reason or "") not in (kind.reasons or ("",)):
                self.add(path, f"unknown reason {reason!r}; {one_of(kind.reasons, reason)}")
