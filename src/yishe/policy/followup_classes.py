"""What a follow-up comes to: its class, the next day, what is proposed, which clinical aims are met.

Nothing is guessed: when a condition speaks of something not known, no class after it is taken either.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from . import scale_scoring
from .followup_rules import NONE, Class, Followup, Target
from .refusals import Invalid
from .scale_scoring import About


@dataclass(frozen=True)
class Concluded:
    """`code` of the class, empty when it could not be decided; `next` the day by which the next one is due. `targets` says of
    every clinical aim that is for her whether it is met."""

    code: str = ""
    next: date | None = None
    targets: Mapping[str, bool] | None = None

    def of(self, form: Followup) -> Class | None:
        return form.classes.get(self.code)

    def aims(self, form: Followup) -> list[tuple[str, Target, bool]]:
        """The aims it was held against, and whether each is met; one that the packs have since taken back is left out."""
        held = (self.targets or {}).items()
        return [(code, form.targets[code], met) for code, met in held if code in form.targets]


def meant(form: Followup, about: About) -> bool:
    """Whether it is usual for her."""
    return bool(form.meant) and scale_scoring.holds(form.meant, scale_scoring.known(form, {}, about)) is True


def conclude(
    form: Followup, answers: Mapping[str, Any], about: About, before: str, on: date, *, drafts: bool = False
) -> Concluded:
    """`before` is the class of her last follow-up of this kind, `none` without one or when the pack has dropped that class. With
    `drafts` it is held against aims that nobody approved yet as well."""
    given = scale_scoring.counted(form, answers, about)
    known = scale_scoring.known(form, given, about)
    result = scale_scoring.result(form, answers, about)
    known["before"] = before if before in form.classes else NONE
    known |= {"urgent": bool(result.flags), "found": list(result.rules)}
    code = _first(form, known)
    found = form.classes.get(code)
    due = on + found.next.exact() if found and found.next else None
    return Concluded(code, due, _targets(form, known, drafts))


def _first(form: Followup, known: Mapping[str, Any]) -> str:
    for code, one in form.classes.items():
        holds = scale_scoring.holds(one.when, known)
        if holds is None:
            return ""
        if holds:
            return code
    return ""


def _targets(form: Followup, known: Mapping[str, Any], drafts: bool) -> dict[str, bool]:
    meant = {
        code: scale_scoring.holds(one.when, known)
        for code, one in form.targets.items()
        if (drafts or one.status == "approved") and (not one.for_ or scale_scoring.holds(one.for_, known))
    }
    return {code: met for code, met in meant.items() if met is not None}


def check(form: Followup, answers: Mapping[str, Any], about: About) -> None:
    """Invalid, as a question, for answers that cannot stand together."""
    known = scale_scoring.known(form, scale_scoring.counted(form, answers, about), about)
    for code, one in form.checks.items():
        if scale_scoring.holds(one.when, known):
            raise Invalid("value_impossible", str(one.says), check=code)
