"""What stands now (conditions, medicines, traits), cut to what a reader sees: whole, told that there is something, or left out."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from yishe.care.conditions import Standing
from yishe.care.medications import Medicine
from yishe.people import packs
from yishe.people.sight import Sight
from yishe.policy.access_rules import AccessSheet, Shown

DIAGNOSIS = "diagnosis"
DISEASE, ALLERGY = "disease", "allergy"


def groups_of(sheet: AccessSheet, kind: str, code: str, title: str) -> frozenset[str]:
    """The field groups of a condition. An allergy belongs to none: whoever treats must know it."""
    return frozenset() if kind == ALLERGY else sheet.of_condition(code, title)


def standing(found: Sequence[Standing], seen: Sight) -> list[Standing]:
    """Conditions as this reader sees them; a disease by name only to those to whom the pack shows diagnoses."""
    sheet, shown = packs.in_force().access, []
    for one in found:
        groups = groups_of(sheet, one.kind, one.code, one.title)
        if one.kind == DISEASE:
            groups |= {DIAGNOSIS}
        level = seen.shown(groups, one.author)
        if level is Shown.TOLD:
            shown.append(replace(one, title=seen.instead(groups, one.author), code="", remark=""))
        elif level is Shown.DETAIL:
            shown.append(one)
    return shown


def medicines(found: Iterable[Medicine], seen: Sight) -> list[Medicine]:
    """Medicines as this reader sees them; one only told of has no name, dose or use."""
    sheet, shown = packs.in_force().access, []
    for one in found:
        groups = sheet.of_medicine(one.drug)
        level = seen.shown(groups, one.author)
        if level is Shown.TOLD:
            shown.append(
                replace(one, drug=seen.instead(groups, one.author), dose="", frequency="", protected=True)
            )
        elif level is Shown.DETAIL:
            shown.append(one)
    return shown


def traits(found: Sequence[str], seen: Sight) -> list[str]:
    """The traits this reader sees whole."""
    sheet = packs.in_force().access
    return [one for one in found if seen.shown(sheet.of_trait(one)) is Shown.DETAIL]


def open_traits(found: Sequence[str]) -> list[str]:
    """Those that lists and heads of pages may name to whoever sees them: none of a protected group."""
    sheet = packs.in_force().access
    return [one for one in found if not sheet.of_trait(one)]
