"""Cross-references of a pack: every code named somewhere exists, every ladder holds, every condition is typed."""

from collections.abc import Container, Iterable
from itertools import pairwise
from typing import get_args

from . import access_checks, cel, contract_checks
from .loop_kinds import HIGHEST, ClockName, LoopKind, Rung, Verb
from .marked import Marked, Place
from .pack_errors import Problems, one_of
from .pack_files import NOWHERE, Laid
from .pack_kinds import Kinds, Trees
from .pack_sheets import Sheets, Unread
from .reactions import Reaction

ROLES = ("owner", "sender", "performer")
ENDINGS = ("close_reasons", "decline_reasons", "fail_reasons", "cancel_reasons")
"""Code books of why a promise ended."""
NEEDED_CLOCKS = ("accept", "finish", "confirm", "supply")
Path = tuple[object, ...]


def check(laid: Laid, sheets: Sheets, kinds: Kinds, trees: Trees, problems: Problems) -> None:
    """Note every dangling reference and every ladder that could let a promise fall silent."""
    for code, timeline in kinds.items():
        for kind in timeline.values:
            one = _KindCheck(kind, trees.get((code, kind.version), NOWHERE), sheets, kinds, problems)
            one.everything()
    reactions = laid.sheet("reactions") or NOWHERE
    for code, reaction in sheets.reactions.items():
        if reaction:
            _reaction(reaction, reactions.at(("reactions", code)), sheets, kinds, problems)
    access_checks.check(laid.sheet("access") or NOWHERE, sheets, kinds, problems)
    _consents(laid.sheet("consents") or NOWHERE, sheets, problems)
    _exports(laid.sheet("exports") or NOWHERE, sheets, problems)
    _anomalies(laid.sheet("anomalies") or NOWHERE, sheets, kinds, problems)
    _research(laid.sheet("research") or NOWHERE, sheets, kinds, problems)
    contract_checks.check(laid.sheet("contracts") or NOWHERE, sheets, kinds, problems)
    _other_sheets(laid, sheets, problems)


class _KindCheck:
    """One version of one kind."""

    def __init__(
        self, kind: LoopKind, tree: Marked, sheets: Sheets, kinds: Kinds, problems: Problems
    ) -> None:
        self.kind = kind
        self.tree = tree
        self.sheets = sheets
        self.kinds = kinds
        self.problems = problems
        self.roles = _roles(sheets)

    def everything(self) -> None:
        self.duties()
        self.children()
        self.evidence()
        self.clocks()
        self.ladders()

    def add(self, path: Path, message: str) -> None:
        self.problems.add(self.tree.at(path).place, f"{self.kind.code}: {message}")

    def known(self, path: Path, what: str, names: Iterable[str], known: Container[str]) -> None:
        _known(
            names,
            known,
            what,
            place=self.tree.at(path).place,
            problems=self.problems,
            of=f"{self.kind.code}: ",
        )

    def duties(self) -> None:
        for place in ("asked_by", "answered_by"):
            self.known((place,), "duty", getattr(self.kind, place), self.sheets.duties)
        if not (self.kind.asked_by or self.kind.by_rule):
            self.add(("asked_by",), "nobody may promise it; expected a duty in asked_by, or by_rule: true")

    def children(self) -> None:
        for number, child in enumerate(self.kind.children):
            self.known(("children", number), "loop kind", [child.kind], self.kinds)
            self.known(("children", number), "duty", [child.answered_by], self.sheets.duties)
            if child.kind == self.kind.code:
                self.add(("children", number), "is its own child; expected another kind")

    def evidence(self) -> None:
        known = self.kind.evidence
        required = self.kind.evidence_required
        named = [
            *required.complete,
            *required.ours,
            *(one for wanted in required.by_outcome.values() for one in wanted),
        ]
        self.known(("evidence_required",), "evidence", named, known)
        self.known(("evidence_required", "by_outcome"), "outcome", required.by_outcome, self.kind.outcomes)
        attachments = self.sheets.codes.get("attachments", {})
        bases = self.sheets.consents.consents
        self.known(
            ("consent",), "consent basis", [self.kind.consent.basis] if self.kind.consent else [], bases
        )
        for code, reason in self.kind.reasons.items():
            self.known(("reasons", code, "needs"), "attachment", reason.needs, attachments)

    def clocks(self) -> None:
        for name in NEEDED_CLOCKS:
            for code in [None, *self.kind.reasons] if name not in self.kind.clocks else []:
                missing = self.kind.clock(name, code) is None
                if missing and (code is not None or not self.kind.reasons):
                    where: Path = ("reasons", code) if code else ("clocks",)
                    of = f" of reason {code}" if code else ""
                    self.add(where, f"clock {name}{of} is missing; expected within: and a length")

    def ladders(self) -> None:
        for name, rungs in self.kind.ladders.items():
            self.ladder(("ladders", name), name, rungs)
        for urgency, ladders in self.kind.ladders_by_urgency.items():
            for name, rungs in ladders.items():
                path = ("ladders_by_urgency", urgency, name)
                self.ladder(path, name, rungs)
                if urgency == "red" and any(rung.auto_confirm for rung in rungs):
                    self.add(path, "auto_confirm in a red ladder; expected a person to confirm what is red")
        for running in self._running():
            if running not in self.kind.ladders:
                self.add(
                    ("ladders",), f"clock {running} has no ladder; expected one that ends with again_every"
                )

        self.moments()
        self.words()

    def moments(self) -> None:
        """Rungs by time and rungs by share, side by side, must still come one after the other."""
        named: list[tuple[str | None, str, ClockName]] = [
            (None, self.kind.urgency, name) for name in self.kind.clocks
        ]
        named += [(code, one.urgency, name) for code, one in self.kind.reasons.items() for name in one.clocks]
        for code, urgency, name in named:
            clock = self.kind.clock(name, code)
            if clock is None or clock.clock == "working":
                continue
            whole = clock.within.exact()
            rungs = self.kind.ladder(name, urgency)
            if len({rung.percent is None for rung in rungs}) < 2:
                continue
            comes = [
                rung.after.exact() if rung.after else whole * (rung.percent or 0) / 100 for rung in rungs
            ]
            if any(a > b for a, b in pairwise(comes)):
                where: Path = ("reasons", code, "clocks", name) if code else ("clocks", name)
                self.add(
                    where,
                    f"{name} within {clock.within} is too short for its {urgency} ladder; expected more",
                )

    def words(self) -> None:
        """Every verb has words for its button."""
        missing = [verb for verb in get_args(Verb) if verb not in self.kind.verbs]
        if missing:
            self.add(("verbs",), f"no words for {', '.join(missing)}; expected them under verbs")

    def _running(self) -> set[str]:
        own = {name for reason in self.kind.reasons.values() for name in reason.clocks}
        return own | set(self.kind.clocks)

    def ladder(self, path: Path, name: str, rungs: tuple[Rung, ...]) -> None:
        if not rungs:
            self.add(path, f"ladder {name} has no rungs; expected at least one with again_every")
            return
        for number, rung in enumerate(rungs):
            self.known((*path, number), "role", rung.reaches, self.roles)
            if rung.auto_confirm and name != "confirm":
                self.add(
                    (*path, number), f"auto_confirm in ladder {name}; expected it in the confirm ladder only"
                )
        self.order(path, name, rungs)
        last = (*path, len(rungs) - 1)
        if rungs[-1].again_every is None:
            self.add(last, f"ladder {name} ends without again_every; expected the last rung to repeat")
        if not set(rungs[-1].reaches) & set(HIGHEST):
            self.add(
                last,
                f"ladder {name} ends below centre_director; expected {' or '.join(HIGHEST)} on its last rung",
            )

    def order(self, path: Path, name: str, rungs: tuple[Rung, ...]) -> None:
        shares = [rung.percent for rung in rungs if rung.percent is not None]
        waits = [rung.after.exact() for rung in rungs if rung.after is not None and rung.after.is_exact]
        if any(a >= b for a, b in pairwise(shares)) or any(a >= b for a, b in pairwise(waits)):
            self.add(
                path, f"rungs of ladder {name} are out of order; expected each later than the one before"
            )


def _reaction(rule: Reaction, tree: Marked, sheets: Sheets, kinds: Kinds, problems: Problems) -> None:
    fact = sheets.facts.get(rule.fact)
    if isinstance(fact, Unread):
        pass
    elif fact is None:
        problems.add(
            tree.at(("fact",)).place, f"unknown fact {rule.fact!r}; {one_of(sheets.facts, rule.fact)}"
        )
    else:
        try:
            cel.compile(rule.when, fact)
        except cel.CelError as error:
            problems.add(tree.at(("when",)).place, f"condition: {error}")
    if rule.promise:
        _promised(rule, tree, kinds, problems)
    if rule.tell:
        place = tree.at(("tell",)).place
        _known(rule.tell.to, _roles(sheets), "role", place=place, problems=problems)
        _known([rule.tell.text], sheets.texts, "text", place=place, problems=problems)


def _promised(rule: Reaction, tree: Marked, kinds: Kinds, problems: Problems) -> None:
    if rule.promise is None:
        return
    place = tree.at(("promise",)).place
    timeline = kinds.get(rule.promise.kind)
    if timeline is None:
        problems.add(place, f"unknown loop kind {rule.promise.kind!r}; {one_of(kinds, rule.promise.kind)}")
        return
    for kind in timeline.values:
        if not kind.by_rule:
            problems.add(place, f"{kind.code} is promised by a rule; expected by_rule: true in its file")
        if rule.promise.reason and rule.promise.reason not in kind.reasons:
            wanted = one_of(kind.reasons, rule.promise.reason)
            problems.add(place, f"unknown reason {rule.promise.reason!r}; {wanted}")


def _consents(tree: Marked, sheets: Sheets, problems: Problems) -> None:
    """What a consent opens must be a relation that access knows."""
    for code, kind in sheets.consents.consents.items():
        wanted = [kind.relation] if kind.relation else []
        place = tree.at(("consents", code, "relation")).place
        _known(wanted, sheets.access.relations, "relation", place=place, problems=problems)


def _exports(tree: Marked, sheets: Sheets, problems: Problems) -> None:
    for code, kind in sheets.exports.exports.items():
        for number, limit in enumerate(kind.limits):
            place = tree.at(("exports", code, "limits", number, "duties")).place
            _known(limit.duties, sheets.duties, "duty", place=place, problems=problems)


def _anomalies(tree: Marked, sheets: Sheets, kinds: Kinds, problems: Problems) -> None:
    """A rule opens a kind that stands, for a reason that the kind has, about duties and traits that there are."""
    sheet = sheets.anomalies
    timeline = kinds.get(sheet.kind)
    if sheet.rules and timeline is None:
        problems.add(
            tree.at(("kind",)).place, f"unknown loop kind {sheet.kind!r}; {one_of(kinds, sheet.kind)}"
        )
    for code, rule in sheet.rules.items():
        at = ("rules", code)
        for kind in timeline.values if timeline else ():
            _known(
                [rule.reason], kind.reasons, "reason", place=tree.at((*at, "reason")).place, problems=problems
            )
        place = tree.at((*at, "except_duties")).place
        _known(rule.except_duties, sheets.duties, "duty", place=place, problems=problems)
        _known(rule.traits, sheets.traits, "trait", place=tree.at((*at, "traits")).place, problems=problems)


def _research(tree: Marked, sheets: Sheets, kinds: Kinds, problems: Problems) -> None:
    """A request and its ethics step are loops that stand, on a consent that there is."""
    if sheets.research is None:
        return
    for name in ("kind", "review"):
        code = getattr(sheets.research, name)
        if code not in kinds:
            problems.add(tree.at((name,)).place, f"unknown loop kind {code!r}; {one_of(kinds, code)}")
    place = tree.at(("consent",)).place
    _known(
        [sheets.research.consent], sheets.consents.consents, "consent basis", place=place, problems=problems
    )


def _roles(sheets: Sheets) -> Container[str]:
    """Whom a ladder may name: people of the loop, duties, and `<duty>_on_duty`."""
    if isinstance(sheets.duties, Unread):
        return sheets.duties
    return [*ROLES, *sheets.duties, *(f"{duty}_on_duty" for duty in sheets.duties)]


def _other_sheets(laid: Laid, sheets: Sheets, problems: Problems) -> None:
    teams = laid.sheet("teams") or NOWHERE
    for code, shape in sheets.team_shapes.items():
        for duty in shape.members:
            place = teams.at(("shapes", code, "members", duty)).place
            _known([duty], sheets.duties, "duty", place=place, problems=problems)
    imports = laid.sheet("imports") or NOWHERE
    for code, column in sheets.roster.columns.items():
        place = imports.at(("roster", "columns", code)).place
        _known([column.trait] if column.trait else [], sheets.traits, "trait", place=place, problems=problems)
    bounds = laid.sheet("bounds") or NOWHERE
    for day, version in sheets.bounds.steps:
        for code, quantity in (version or {}).items():
            place = bounds.at(("versions", day, "quantities", code, "exceeds")).place
            wanted = [quantity.exceeds] if quantity.exceeds else []
            _known(wanted, version or {}, "quantity", place=place, problems=problems)
    _sign_in(laid.sheet("sign_in") or NOWHERE, sheets, problems)
    _settings(laid.sheet("settings") or NOWHERE, sheets, problems)


def _sign_in(tree: Marked, sheets: Sheets, problems: Problems) -> None:
    for day, version in sheets.sign_in.steps:
        place = tree.at(("versions", day, "second_factor", "duties")).place
        named = version.second_factor.duties if version else ()
        _known(named, sheets.duties, "duty", place=place, problems=problems)


def _settings(tree: Marked, sheets: Sheets, problems: Problems) -> None:
    """Who left us is told by a reason that some book of endings has, or by what the system itself notes of the resident."""
    books = [sheets.codes.get(book, {}) for book in ENDINGS]
    known = {code for book in books for code in book}
    for day, version in sheets.settings.steps:
        place = tree.at(("versions", day, "left_us")).place
        named = version.left_us if version and known else ()
        _known(named, known, "close reason", place=place, problems=problems)


def _known(
    names: Iterable[str], known: Container[str], what: str, *, place: Place, problems: Problems, of: str = ""
) -> None:
    for name in names:
        if name not in known:
            problems.add(place, f"{of}unknown {what} {name!r}; {one_of(known, name)}")
