"""What a resident needs, as a fact that packs may react to: several diseases, living alone, disabled, unsupported."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from yishe.loops import reactions
from yishe.people.actors import Actor
from yishe.people.packs import in_force
from yishe.people.placements import Placement
from yishe.trust.commit import Bundle

FACT = "needs_recorded"
CIRCUMSTANCES = ("living_alone", "disabled", "without_support")


def tell(
    bundle: Bundle,
    actor: Actor,
    where: Placement,
    recorded: UUID,
    standing: Iterable[tuple[str, str, str]],
    at: datetime,
) -> None:
    """Let reactions see what is known now. ``standing`` are (kind, code, title) of every condition, the new one included.

    Roster traits and recorded conditions count together; the same disease from both counts once.
    """
    if where.gone:
        return
    have, diseases = known(where.traits, standing)
    data = {"diseases": len(diseases), **{name: name in have for name in CIRCUMSTANCES}}
    reactions.apply(reactions.Fact(FACT, recorded, data), actor, where, at, bundle)


def known(traits: Iterable[str], standing: Iterable[tuple[str, str, str]]) -> tuple[set[str], set[str]]:
    """The traits of the roster and of recorded conditions together, and the diseases among them, each once."""
    have = set(traits)
    diseases = {code for code in have if in_force().traits[code].counts_as_disease} if have else set()
    for kind, code, title in standing:
        trait = _trait(code, title)
        if trait:
            have.add(trait)
        # a pregnancy or a child's age is no disease, nor is anything of ICD-10's chapter Z
        if kind == "disease" and not code.startswith("Z") and _counts(trait):
            diseases.add(trait or code or title)
    return have, diseases


def traits(listed: Iterable[str], standing: Iterable[tuple[str, str, str]]) -> frozenset[str]:
    """Every trait that is known: listed in the roster, or meant by a condition that stands."""
    meant = {_trait(code, title) for _, code, title in standing}
    return frozenset(listed) | (meant - {""})


def _counts(trait: str) -> bool:
    return not trait or in_force().traits[trait].counts_as_disease


def _trait(code: str, title: str) -> str:
    """The pack's trait that a condition's code or title means; empty when none."""
    for name, trait in in_force().traits.items():
        if {code, title} & {name, trait.title.zh, *trait.synonyms}:
            return name
    return ""
