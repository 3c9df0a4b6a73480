"""Facts a pack knows and what follows from them: a fact, a condition, then a promise or a telling."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, Self

from pydantic import model_validator

from .pack_fields import Said, Sourced, Strict

FieldType = Literal["string", "int", "double", "bool", "strings"]


class FactField(Strict):
    """`values` closes a string field: a condition may compare it with these only."""

    type: FieldType
    title: Said
    values: tuple[str, ...] = ()


class FactKind(Strict):
    """Something a writer records. Fields carry codes and numbers, never personal text."""

    title: Said
    fields: dict[str, FactField]


class FactSheet(Sourced):
    facts: dict[str, FactKind]


class Promise(Strict):
    """Open a loop of `kind`; `reason` when the kind has reasons."""

    kind: str
    reason: str | None = None


class Tell(Strict):
    """Tell people in these roles (`performer_of` names a duty to be resolved for the resident) this text."""

    to: tuple[str, ...]
    text: str


class Reaction(Sourced):
    """When `fact` is recorded and `when` (CEL; empty = always) holds between `since` and `until`, do one thing."""

    title: Said
    fact: str
    when: str = ""
    since: date
    until: date | None = None
    promise: Promise | None = None
    tell: Tell | None = None
    says: Said | None = None

    @model_validator(mode="after")
    def does_one_thing(self) -> Self:
        if (self.promise is None) == (self.tell is None):
            raise ValueError("a reaction does one thing; expected either promise or tell")
        return self

    def in_force(self, on: date, *, drafts: bool = False) -> bool:
        """Approved (with `drafts` also not yet), begun and not ended; `until` is the last day."""
        usable = self.status == "approved" or (drafts and self.status == "draft")
        return usable and self.since <= on and (self.until is None or on <= self.until)


class ReactionSheet(Strict):
    reactions: dict[str, Reaction | None]


def sample(fact: FactKind) -> Mapping[str, Any]:
    """An example of each field, for explanations and tests."""
    kinds: dict[str, Any] = {"int": 1, "double": 1.0, "bool": True, "strings": []}
    return {
        name: (field.values[0] if field.values else "") if field.type == "string" else kinds[field.type]
        for name, field in fact.fields.items()
    }
