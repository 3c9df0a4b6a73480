"""Cases of what is worked out over a life: `cases/risks.yaml`. Each names where its numbers come from."""

from collections.abc import Sequence
from typing import Any

from . import packs, risks
from .pack_fields import Strict
from .pack_files import Layer
from .refusals import Invalid


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


MODELS: dict[str, type[Strict]] = {"risks": RiskCase}


def tried(layers: Sequence[Layer]) -> set[str]:
    """Risk models that some case is about."""
    files = [layer.files["cases/risks"] for layer in layers if "cases/risks" in layer.files]
    return {str(case.get("model")) for marked in files for case in marked.plain()}


def wrong(pack: packs.PackSet, case: Strict | None) -> list[str]:
    """What came out otherwise."""
    if isinstance(case, RiskCase):
        return _risk(pack, case)
    return []


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
