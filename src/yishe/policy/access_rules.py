"""Who may do what with a resident's record, and what for, as a pack declares it. Deny by default."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from .pack_fields import Said, Sourced, Strict

Standing = Mapping[str, frozenset[str]]
"""How someone stands to a resident: each relation with the duties he holds where it comes from."""


class Purpose(Strict):
    """What a look is for. `duties` are those whose natural purpose it is; without any, everybody's."""

    title: Said
    duties: tuple[str, ...] = ()


class Relation(Strict):
    """A way of standing to a resident. `words` tell the person why she may. `purposes` are what one may look for by it;
    when none is stated, the first that fits the duty is meant."""

    title: Said
    words: Said
    purposes: tuple[str, ...] = ()


class Grant(Strict):
    """A relation, narrowed to duties when any are named."""

    relation: str
    duties: tuple[str, ...] = ()


class Action(Strict):
    """`grants`: any one suffices. `refused` is the sentence for those who have none, with what is possible instead."""

    title: Said
    grants: tuple[Grant, ...]
    refused: Said


class FieldGroup(Strict):
    """Detail shown by profession: `grants` see `detail`; the others see `instead` (or nothing).

    The relation `author` means the person who wrote the entry.
    """

    title: Said
    grants: tuple[Grant, ...]
    instead: Said | None = None


class Granted(NamedTuple):
    """By which relation, and for which purpose."""

    relation: str
    purpose: str


class AccessSheet(Sourced):
    purposes: dict[str, Purpose]
    relations: dict[str, Relation]
    actions: dict[str, Action]
    fields: dict[str, FieldGroup]

    def granting(self, action: str, standing: Standing, purpose: str | None = None) -> Granted | None:
        """The first relation by which someone who stands so may do `action`, and what for. None when there is none, or
        none that serves the `purpose` stated."""
        rule = self.actions.get(action)
        for relation in _relations(rule.grants if rule else (), standing):
            known = self.relations[relation].purposes
            if purpose is None:
                return Granted(relation, self._natural(known, standing[relation]))
            if purpose in known:
                return Granted(relation, purpose)
        return None

    def sees(self, group: str, standing: Standing) -> bool:
        """Whether the detail of a field group is shown. An undeclared group is shown to nobody."""
        rule = self.fields.get(group)
        return rule is not None and any(_relations(rule.grants, standing))

    def _natural(self, purposes: Iterable[str], duties: frozenset[str]) -> str:
        """What someone of these duties looks for when he does not say."""
        fitting = (code for code in purposes if not duties.isdisjoint(self.purposes[code].duties))
        common = (code for code in purposes if not self.purposes[code].duties)
        return next(fitting, next(common, next(iter(purposes), "")))


def _relations(grants: Iterable[Grant], standing: Standing) -> Iterable[str]:
    """The relations of `standing` that these grants ask for, in the order of the pack."""
    for grant in grants:
        duties = standing.get(grant.relation)
        if duties is not None and (not grant.duties or not duties.isdisjoint(grant.duties)):
            yield grant.relation
