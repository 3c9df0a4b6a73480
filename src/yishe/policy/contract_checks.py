"""Cross-references of `contracts.yaml`: services are reasons of their loop kind, rules are typed, counts name services."""

from collections.abc import Callable, Container, Iterable

from . import cel
from .contract_rules import IN_ERROR, NO_LONGER, NOTE, OTHER_INTERVAL, ContractSheet
from .marked import Marked
from .pack_errors import Problems, one_of
from .pack_kinds import Kinds
from .pack_sheets import Sheets, Unread

FACT = "contract_signed"
"""The fact that rules of the year look at."""

Path = tuple[object, ...]
Known = Callable[[Path, str, Iterable[str], Container[str]], None]


def check(tree: Marked, sheets: Sheets, kinds: Kinds, problems: Problems) -> None:
    """Note every name that nobody declared and every condition that cannot be asked."""
    sheet = sheets.contracts
    if sheet is None:
        return

    def known(path: Path, what: str, names: Iterable[str], there: Container[str]) -> None:
        for name in names:
            if name not in there:
                problems.add(tree.at(path).place, f"unknown {what} {name!r}; {one_of(there, name)}")

    for path, code in (
        (("application",), sheet.application),
        (("item",), sheet.item),
        (("renewal", "kind"), sheet.renewal.kind),
        (("countersignature", "kind"), sheet.countersignature.kind),
    ):
        known(path, "loop kind", [code], kinds)
    known(("renewal", "duty"), "duty", [sheet.renewal.duty], sheets.duties)
    _services(tree, sheets, sheet, kinds, known, problems)
    closing = sheets.codes.get("close_reasons", {})
    endings = [(("ends", code, "closes"), end) for code, end in sheet.ends.items()]
    falls = [
        (("replanning", code, "closes"), sheet.replanning.why(code))
        for code in (NO_LONGER, OTHER_INTERVAL, IN_ERROR)
    ]
    void = (("countersignature", "voided", "closes"), sheet.countersignature.voided)
    for where, end in [*endings, *falls, void]:
        known(where, "close reason", [end.closes], closing)
    for code, package in sheet.packages.items():
        known(("packages", code, "items"), "service", package.items, sheet.services)
    _unreachable(sheet, sheets, kinds, known)
    _rules(tree, sheets, problems)


def _services(
    tree: Marked, sheets: Sheets, sheet: ContractSheet, kinds: Kinds, known: Known, problems: Problems
) -> None:
    ways = sheets.codes.get("encounter_kind", {})
    for code, service in sheet.services.items():
        for kind in kinds[sheet.item].values if sheet.item in kinds else ():
            known(("services", code), f"reason of {sheet.item}", [code], kind.reasons)
            known(("services", code, "duty"), f"duty of {sheet.item}", [service.duty], kind.answered_by)
        known(("services", code, "how"), "encounter_kind", service.how, ways)
        known(("services", code, "counts_as"), "service", service.counts_as, sheet.services)
        for other in service.counts_as:
            _within_reach(tree, sheet, code, other, problems)
    known(("methods",), "encounter_kind", sheet.methods, ways)
    known(("methods",), "service_method", sheet.methods.values(), sheets.codes.get("service_method", {}))


def _within_reach(tree: Marked, sheet: ContractSheet, code: str, other: str, problems: Problems) -> None:
    """What only one duty keeps is not kept along by another's service."""
    one, along = sheet.services[code], sheet.services.get(other)
    if along and along.record == NOTE and (one.record, one.duty) != (along.record, along.duty):
        problems.add(
            tree.at(("services", code, "counts_as")).place,
            f"{other!r} is kept by {along.duty} alone; expected services of that duty to count as it",
        )


def _unreachable(sheet: ContractSheet, sheets: Sheets, kinds: Kinds, known: Known) -> None:
    rule, ways = sheet.unreachable, sheets.codes.get("encounter_kind", {})
    for field, codes in (("ways", rule.ways), ("calls", rule.calls.ways), ("visit", rule.visit.ways)):
        known(("unreachable", field), "encounter_kind", codes, ways)
    known(("unreachable", "visit", "kind"), "loop kind", [rule.visit.kind], kinds)
    for kind in kinds[rule.visit.kind].values if rule.visit.kind in kinds else ():
        known(("unreachable", "visit"), "outcome", [rule.visit.found, rule.visit.missed], kind.outcomes)
    known(("calling", "way"), "encounter_kind", [sheet.calling.way], ways)
    known(("calling", "kinds"), "loop kind", sheet.calling.kinds, kinds)
    known(("unreachable", "end"), "end of a contract", [rule.end], sheet.ends)


def _rules(tree: Marked, sheets: Sheets, problems: Problems) -> None:
    fact = sheets.facts.get(FACT)
    for code, rule in sheets.contracts.rules.items() if sheets.contracts else ():
        if rule.service not in (services := sheets.contracts.services if sheets.contracts else {}):
            place = tree.at(("rules", code, "service")).place
            problems.add(place, f"unknown service {rule.service!r}; {one_of(services, rule.service)}")
        if fact is None:
            problems.add(tree.at(("rules",)).place, f"no fact {FACT}; expected it in facts.yaml")
        elif not isinstance(fact, Unread):
            try:
                cel.compile(rule.when, fact)
            except cel.CelError as error:
                problems.add(tree.at(("rules", code, "when")).place, f"condition: {error}")
