"""Who may do what with a resident's record, as a pack declares it. Deny by default."""

from .pack_fields import Said, Sourced, Strict


class Relation(Strict):
    """A way of standing to a resident. `words` tell the person why she may; `why_not` tells what would help."""

    title: Said
    words: Said


class Grant(Strict):
    """A relation, narrowed to duties when any are named."""

    relation: str
    duties: tuple[str, ...] = ()


class Action(Strict):
    """`grants`: any one suffices. `refused` is the sentence for those who have none."""

    title: Said
    grants: tuple[Grant, ...]
    refused: Said


class FieldGroup(Strict):
    """Detail shown by profession: `grants` see `detail`; the others see `instead` (or nothing).

    The relation `author` means the person who wrote the entry; `staff_in_case` one who takes part in an open loop.
    """

    title: Said
    grants: tuple[Grant, ...]
    instead: Said | None = None


class AccessSheet(Sourced):
    relations: dict[str, Relation]
    actions: dict[str, Action]
    fields: dict[str, FieldGroup]

    def granting(self, action: str, relations: frozenset[str], duties: frozenset[str]) -> str | None:
        """The first relation by which someone standing in `relations` with `duties` may do `action`, or None."""
        rule = self.actions.get(action)
        return _first(rule.grants, relations, duties) if rule else None

    def sees(self, group: str, relations: frozenset[str], duties: frozenset[str]) -> bool:
        """Whether the detail of a field group is shown. An undeclared group is shown to nobody."""
        rule = self.fields.get(group)
        return bool(rule and _first(rule.grants, relations, duties))


def _first(grants: tuple[Grant, ...], relations: frozenset[str], duties: frozenset[str]) -> str | None:
    for grant in grants:
        if grant.relation in relations and (not grant.duties or duties & set(grant.duties)):
            return grant.relation
    return None
