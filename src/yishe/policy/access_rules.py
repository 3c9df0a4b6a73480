"""Who may do what with a resident's record, and what for, as a pack declares it. Deny by default."""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from pydantic import Field

from .pack_fields import Length, Said, Sourced, Strict
from .refusals import Invalid

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


class GlassReason(Strict):
    """Why somebody looks without a relation. `words`: the code alone does not say it."""

    title: Said
    words: bool = False


class GlassRule(Sourced):
    """紧急查看: `duties` may look at a resident they stand in no relation to, for one of `reasons`, for as long as `lasts`.

    What it opens stands under actions and fields, as grants of the relation `break_glass`. `letters` is how long the words
    must be where a reason wants them; `review` the kind of loop in which somebody else says whether it was right; `tells`
    the people of the resident who hear of it at once (doctor, social_worker, team_lead, centre_director).
    """

    duties: tuple[str, ...] = Field(min_length=1)
    lasts: Length
    letters: int = Field(ge=1)
    reasons: dict[str, GlassReason] = Field(min_length=1)
    review: str
    tells: tuple[Literal["doctor", "social_worker", "team_lead", "centre_director"], ...] = Field(
        min_length=1
    )

    def reason(self, code: str, words: str) -> GlassReason:
        """The reason of that code. Invalid when there is none, or when its words are missing or too few."""
        found = self.reasons.get(code)
        if found is None:
            known = "、".join(str(one.title) for one in self.reasons.values())
            raise Invalid(
                "reason", f"请选择紧急查看的理由：{known}。", field="reason", possible=list(self.reasons)
            )
        if found.words and len(words) < self.letters:
            raise Invalid("words", f"“{found.title}”要写明情况，至少 {self.letters} 个字。", field="words")
        return found


class Granted(NamedTuple):
    """By which relation, and for which purpose."""

    relation: str
    purpose: str


class AccessSheet(Sourced):
    purposes: dict[str, Purpose]
    relations: dict[str, Relation]
    actions: dict[str, Action]
    fields: dict[str, FieldGroup]
    break_glass: GlassRule | None = None

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
