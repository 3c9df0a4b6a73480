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
    known = set(where.traits)
    diseases = {code for code in known if in_force().traits[code].counts_as_disease} if known else set()
    for kind, code, title in standing:
        trait = _trait(code, title)
        if trait:
            known.add(trait)
        if kind == "disease":
            diseases.add(trait or code or title)
    data = {"diseases": len(diseases), **{name: name in known for name in CIRCUMSTANCES}}
    reactions.apply(reactions.Fact(FACT, recorded, data), actor, where, at, bundle)


def traits(listed: Iterable[str], standing: Iterable[tuple[str, str, str]]) -> frozenset[str]:
    """Every trait that is known: listed in the roster, or meant by a condition that stands."""
    meant = {_trait(code, title) for _, code, title in standing}
    return frozenset(listed) | (meant - {""})


def _trait(code: str, title: str) -> str:
    """The pack's trait that a condition's code or title means; empty when none."""
    for name, trait in in_force().traits.items():
        if {code, title} & {name, trait.title.zh, *trait.synonyms}:
            return name
    return ""
