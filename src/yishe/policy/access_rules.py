"""Who may do what with a resident's record, and what for, as a pack declares it. Deny by default.

A field group is detail that not everybody who may read the record sees: whole, or that there is something, or nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from functools import cached_property
from typing import Literal, NamedTuple

from pydantic import Field

from .pack_fields import Length, Said, Source, Sourced, Strict
from .protection_rules import ProtectionRule
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
    """A relation, narrowed to duties and to purposes when any are named."""

    relation: str
    duties: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()


class Action(Strict):
    """`grants`: any one suffices. `refused` is the sentence for those who have none, with what is possible instead."""

    title: Said
    grants: tuple[Grant, ...]
    refused: Said


class Marks(Strict):
    """By which coded facts a field group is recognised.

    `conditions` are beginnings of ICD-10 codes, `words` parts of the name of a condition or diagnosis (codes are not always
    given), `medicines` parts of a drug's name, `observations` kinds and quantities, `traits` codes of traits.yaml, `reasons`
    the sensitive reasons of each loop kind. A note belongs to the group that its writer names.
    """

    conditions: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    medicines: tuple[str, ...] = ()
    observations: tuple[str, ...] = ()
    traits: tuple[str, ...] = ()
    reasons: dict[str, tuple[str, ...]] = Field(default_factory=dict)


class Shown(IntEnum):
    """How much of a field group somebody sees."""

    NOTHING = 0
    TOLD = 1
    DETAIL = 2


class FieldGroup(Strict):
    """Detail shown by profession, relation and purpose: `grants` see it, `told` see `instead`, the others nothing.

    Without `told` everybody who may read the record is told. `marks` say what belongs to the group; a group without them
    is a part of an entry that the program knows. The relation `author` means the person who wrote the entry.
    """

    title: Said
    grants: tuple[Grant, ...]
    told: tuple[Grant, ...] | None = None
    instead: Said | None = None
    marks: Marks | None = None
    source: Source | None = None


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
    protection: ProtectionRule | None = None
    break_glass: GlassRule | None = None

    def granting(self, action: str, standing: Standing, purpose: str | None = None) -> Granted | None:
        """The first relation by which someone who stands so may do `action`, and what for. None when there is none, or
        none that serves the `purpose` stated."""
        rule = self.actions.get(action)
        for relation in self._relations(rule.grants if rule else (), standing, purpose):
            known = self.relations[relation].purposes
            if purpose is None:
                return Granted(relation, self._natural(known, standing[relation]))
            if purpose in known:
                return Granted(relation, purpose)
        return None

    def sees(self, group: str, standing: Standing, purpose: str | None = None) -> bool:
        """Whether the detail of a field group is shown. An undeclared group is shown to nobody."""
        return self.shown(group, standing, purpose) is Shown.DETAIL

    def shown(self, group: str, standing: Standing, purpose: str | None = None) -> Shown:
        """How much of a field group is shown to someone who stands so and looks for that purpose."""
        rule = self.fields.get(group)
        if rule is None:
            return Shown.NOTHING
        if any(self._relations(rule.grants, standing, purpose)):
            return Shown.DETAIL
        told = rule.told is None or any(self._relations(rule.told, standing, purpose))
        return Shown.TOLD if told else Shown.NOTHING

    def of_condition(self, code: str, title: str) -> frozenset[str]:
        """The groups that a disease, a circumstance or a diagnosis belongs to."""
        plain, said = code.strip().upper().replace(".", ""), title.casefold()
        return frozenset(
            group
            for group, marks in self._marked
            if any(plain.startswith(one.replace(".", "")) for one in marks.conditions)
            or any(word.casefold() in said for word in marks.words)
        )

    def of_medicine(self, drug: str) -> frozenset[str]:
        said = drug.casefold()
        return frozenset(
            group for group, marks in self._marked if any(one.casefold() in said for one in marks.medicines)
        )

    def of_observation(self, kind: str, quantities: Iterable[str]) -> frozenset[str]:
        named = {kind, *quantities}
        return frozenset(group for group, marks in self._marked if named.intersection(marks.observations))

    def of_trait(self, trait: str) -> frozenset[str]:
        return frozenset(group for group, marks in self._marked if trait in marks.traits)

    def of_reason(self, kind: str, reason: str) -> frozenset[str]:
        return frozenset(group for group, marks in self._marked if reason in marks.reasons.get(kind, ()))

    @cached_property
    def labels(self) -> dict[str, str]:
        """What the writer of a note may say that it is about: group → title."""
        return {group: str(self.fields[group].title) for group, _ in self._marked}

    @cached_property
    def _marked(self) -> tuple[tuple[str, Marks], ...]:
        return tuple((group, rule.marks) for group, rule in self.fields.items() if rule.marks)

    def _relations(
        self, grants: Iterable[Grant], standing: Standing, purpose: str | None = None
    ) -> Iterator[str]:
        """The relations of `standing` that these grants ask for, in the order of the pack."""
        for grant in grants:
            duties = standing.get(grant.relation)
            if duties is None or (grant.duties and duties.isdisjoint(grant.duties)):
                continue
            known = self.relations[grant.relation].purposes
            if not grant.purposes or (purpose or self._natural(known, duties)) in grant.purposes:
                yield grant.relation

    def _natural(self, purposes: Iterable[str], duties: frozenset[str]) -> str:
        """What someone of these duties looks for when he does not say."""
        fitting = (code for code in purposes if not duties.isdisjoint(self.purposes[code].duties))
        common = (code for code in purposes if not self.purposes[code].duties)
        return next(fitting, next(common, next(iter(purposes), "")))
