"""From `plans.yaml` and `plans/*.yaml` to the book of care plans, and every check of them."""

from collections.abc import Container, Iterable, Mapping

from pydantic import ValidationError

from . import cel
from .marked import Marked
from .pack_errors import Problems, one_of
from .pack_files import Laid
from .pack_kinds import Kinds
from .pack_sheets import Sheets
from .plan_rules import KNOWN, PlanBook, PlanSheet, Template

FOLDER = "plans"


def build(laid: Laid, sheets: Sheets, kinds: Kinds, problems: Problems) -> PlanBook:
    """Sheet and templates of the packs, checked."""
    book, marked = PlanBook(), laid.sheet(FOLDER)
    if marked is None:
        return book
    try:
        book.sheet = PlanSheet.model_validate(marked.plain())
    except ValidationError as error:
        problems.add_invalid(error, marked, PlanSheet)
        return book
    _sheet(book.sheet, marked, sheets, kinds, problems)
    book.templates = _templates(laid, book.sheet, problems)
    if not problems.found:
        book.conditions = {code: cel.compile(one.when, KNOWN) for code, one in book.templates.items()}
    return book


def _sheet(sheet: PlanSheet, tree: Marked, sheets: Sheets, kinds: Kinds, problems: Problems) -> None:
    for name in ("action", "confirmation", "review"):
        code = getattr(sheet, name)
        _known(problems, tree, (name,), "loop kind", [code], kinds)
        for kind in kinds[code].values if code in kinds else ():
            wanted = sheet.duties() if name == "action" else ()
            _known(problems, tree, ("professions",), f"duty of {code}", wanted, kind.answered_by)
    _known(problems, tree, ("professions",), "duty", sheet.duties(), sheets.duties)
    closing = sheets.codes.get("close_reasons", {})
    for code, end in sheet.ends.items():
        _known(problems, tree, ("ends", code, "closes"), "close reason", [end.closes], closing)


def _templates(laid: Laid, sheet: PlanSheet, problems: Problems) -> Mapping[str, Template]:
    found: dict[str, Template] = {}
    for name in laid.names(FOLDER):
        marked = laid.sheet(name)
        if marked is None:
            continue
        try:
            one = Template.model_validate(marked.plain())
        except ValidationError as error:
            problems.add_invalid(error, marked, Template)
            continue
        code = name.removeprefix(f"{FOLDER}/")
        if one.code != code:
            problems.add(marked.place, f"template is {one.code!r}; expected {code!r}, as the file is named")
        _template(one, marked, sheet, problems)
        found[code] = one
    return found


def _template(one: Template, tree: Marked, sheet: PlanSheet, problems: Problems) -> None:
    for code, goal in one.goals.items():
        _known(problems, tree, ("goals", code), "profession", [goal.profession], sheet.professions)
    for code, action in one.actions.items():
        _known(problems, tree, ("actions", code, "goal"), "goal", [action.goal], one.goals)
        _known(
            problems, tree, ("actions", code, "duty"), "duty of a profession", [action.duty], sheet.duties()
        )
        _known(problems, tree, ("actions", code, "often"), "often", [action.often], sheet.often)
    try:
        cel.compile(one.when, KNOWN)
    except cel.CelError as error:
        problems.add(tree.at(("when",)).place, f"condition: {error}")


def _known(
    problems: Problems, tree: Marked, path: tuple[object, ...], what: str, names: Iterable[str], there: Container[str]
) -> None:  # fmt: skip
    for name in names:
        if name not in there:
            problems.add(tree.at(path).place, f"unknown {what} {name!r}; {one_of(there, name)}")
