"""Cross-references of `access.yaml`: relations, duties, purposes, what marks a field group, whom the glass and protection name."""

from collections.abc import Container, Iterable, Mapping

from .access_rules import Grant, Marks
from .marked import Marked, Place
from .pack_errors import Problems, one_of
from .pack_kinds import Kinds
from .pack_sheets import Sheets, Unread
from .protection_rules import GROUP


def check(tree: Marked, sheets: Sheets, kinds: Kinds, problems: Problems) -> None:
    """Note every name that nobody declared."""
    _access(tree, sheets, kinds, problems)
    _glass(tree, sheets, kinds, problems)
    _protection(tree, sheets, problems)


def _access(tree: Marked, sheets: Sheets, kinds: Kinds, problems: Problems) -> None:
    for code, purpose in sheets.access.purposes.items():
        place = tree.at(("purposes", code, "duties")).place
        _known(purpose.duties, sheets.duties, "duty", place=place, problems=problems)
    for code, relation in sheets.access.relations.items():
        place = tree.at(("relations", code, "purposes")).place
        _known(relation.purposes, sheets.access.purposes, "purpose", place=place, problems=problems)
    for part in ("actions", "fields"):
        rules: Mapping[str, object] = getattr(sheets.access, part)
        for code, rule in rules.items():
            for name in ("grants", "told"):
                grants: tuple[Grant, ...] = getattr(rule, name, None) or ()
                for number, grant in enumerate(grants):
                    _grant(grant, tree.at((part, code, name, number)).place, sheets, problems)
    for code, group in sheets.access.fields.items():
        if group.marks:
            _marks(group.marks, tree.at(("fields", code, "marks")), sheets, kinds, problems)


def _grant(grant: Grant, place: Place, sheets: Sheets, problems: Problems) -> None:
    _known([grant.relation], sheets.access.relations, "relation", place=place, problems=problems)
    _known(grant.duties, sheets.duties, "duty", place=place, problems=problems)
    _known(grant.purposes, sheets.access.purposes, "purpose", place=place, problems=problems)


def _marks(marks: Marks, tree: Marked, sheets: Sheets, kinds: Kinds, problems: Problems) -> None:
    """A group is known by traits that there are, and by reasons that are kept out of lists."""
    _known(marks.traits, sheets.traits, "trait", place=tree.at(("traits",)).place, problems=problems)
    for code, reasons in marks.reasons.items():
        place, timeline = tree.at(("reasons", code)).place, kinds.get(code)
        if timeline is None:
            problems.add(place, f"unknown loop kind {code!r}; {one_of(kinds, code)}")
            continue
        for kind in timeline.values:
            _known(reasons, kind.reasons, "reason", place=place, problems=problems)
            for reason in reasons:
                if reason in kind.reasons and not kind.reasons[reason].sensitive:
                    problems.add(
                        place, f"reason {reason} of {code} is named in lists; expected sensitive: true"
                    )


def _glass(tree: Marked, sheets: Sheets, kinds: Kinds, problems: Problems) -> None:
    """Who may break the glass is a duty, and the review is a loop that the system opens about a matter."""
    rule = sheets.access.break_glass
    if rule is None:
        return
    place = tree.at(("break_glass",)).place
    _known(rule.duties, sheets.duties, "duty", place=place, problems=problems)
    _known([rule.review], kinds, "loop kind", place=place, problems=problems)
    _known(["break_glass"], sheets.access.relations, "relation", place=place, problems=problems)
    for kind in kinds[rule.review].values if rule.review in kinds else ():
        if not kind.by_rule or kind.about != "matter":
            problems.add(
                place, f"{kind.code} is opened by the system; expected by_rule: true and about: matter"
            )


def _protection(tree: Marked, sheets: Sheets, problems: Problems) -> None:
    """What protects is a trait that there is; what it closes is a scope of some consent; somebody still sees."""
    rule = sheets.access.protection
    if rule is None:
        return
    scopes = [code for kind in sheets.consents.consents.values() for code in kind.scopes]
    place = tree.at(("protection",)).place
    _known(rule.traits, sheets.traits, "trait", place=place, problems=problems)
    if not isinstance(sheets.consents.consents, Unread):
        _known(rule.closes, scopes, "scope", place=place, problems=problems)
    _known([GROUP], sheets.access.fields, "field group", place=place, problems=problems)
    if not rule.longest.is_exact:
        problems.add(place, f"longest {rule.longest}; expected days or weeks")


def _known(
    names: Iterable[str], known: Container[str], what: str, *, place: Place, problems: Problems
) -> None:
    for name in names:
        if name not in known:
            problems.add(place, f"unknown {what} {name!r}; {one_of(known, name)}")
