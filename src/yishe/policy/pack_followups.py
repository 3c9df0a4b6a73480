"""From laid-over files of `followups/` to dated forms, checked as scales are, and what they have beside a scale."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pydantic import ValidationError

from .contract_rules import NOTE
from .followup_rules import Followup
from .marked import Marked
from .pack_errors import Problems, one_of
from .pack_files import NOWHERE, Laid, lay_versions
from .pack_kinds import Kinds
from .pack_scales import Checked, Scales
from .pack_sheets import Sheets
from .reactions import FactKind
from .scale_rules import ABOUT
from .schedule_rules import Schedule
from .sheets import Quantity
from .timeline import NotInForce, Timeline

FOLDER = "followups"
OF_A_QUANTITY = {"unit", "shown", "hard", "soft", "decimals", "units"}
Followups = dict[str, Timeline[Followup]]


def build(
    laid: Laid, sheets: Sheets, kinds: Kinds, scales: Scales, schedules: Mapping[str, Schedule], problems: Problems
) -> Followups:  # fmt: skip
    """Every follow-up form of the packs, checked."""
    found: Followups = {}
    for name in laid.names(FOLDER):
        code, header = name.removeprefix(f"{FOLDER}/"), laid.header(name)
        written = header.get("followup")
        if written is None or written.value != code or code in scales:
            problems.add(
                header.place, f"followup {code!r} is not named as its file, or a scale has that name"
            )
        steps: list[tuple[date, Followup | None]] = []
        for day, body in lay_versions(laid.steps(name, problems)):
            form = _version(header, day, body, sheets, problems) if body else None
            if form or not body:
                steps.append((day, form))
            if form and body:
                _Check(form, body, problems, schedules).whole(sheets, kinds, scales)
        found[code] = Timeline(code, tuple(steps))
    return found


def _version(header: Marked, day: date, body: Marked, sheets: Sheets, problems: Problems) -> Followup | None:
    whole = Marked({**header.value, **dict(body.items())}, body.place)
    plain = {**whole.plain(), "version": str(day)}
    plain["items"] = {
        code: _measured(one, code, _quantities(sheets, day), body, problems)
        for code, one in (plain.get("items") or {}).items()
    }
    try:
        return Followup.model_validate(plain)
    except ValidationError as error:
        problems.add_invalid(error, whole, Followup)
        return None


def _quantities(sheets: Sheets, day: date) -> Mapping[str, Quantity]:
    try:
        return sheets.bounds.on(day)
    except NotInForce:
        return {}


def _measured(item: Any, code: str, known: Mapping[str, Quantity], tree: Marked, problems: Problems) -> Any:
    """An item with unit and limits of its quantity."""
    name = item.get("quantity") if isinstance(item, dict) else None
    if name is None:
        return item
    if name not in known:
        problems.add(tree.at(("items", code)).place, f"unknown quantity {name!r}; {one_of(known, name)}")
        return item
    return {"type": "number", **known[name].model_dump(include=OF_A_QUANTITY), **item}


class _Check(Checked):
    """What a form says beside a scale."""

    form: Followup

    def __init__(
        self, form: Followup, tree: Marked, problems: Problems, schedules: Mapping[str, Schedule]
    ) -> None:
        super().__init__(form, tree or NOWHERE, problems)
        self.form, self.schedules = form, schedules

    def whole(self, sheets: Sheets, kinds: Kinds, scales: Scales) -> None:
        self.everything(sheets, kinds, scales)
        self.more_conditions()
        self.known_names(sheets)
        for code, measure in self.form.measures.items():
            for item in filter(None, (*measure.values.values(), measure.context_of)):
                if item not in self.form.items:
                    self.add(("measures", code), f"unknown item {item!r}; {one_of(self.form.items, item)}")
        for code, one in self.form.classes.items():
            if one.refer and one.refer.kind not in kinds:
                wanted = one_of(kinds, one.refer.kind)
                self.add(("classes", code, "refer"), f"unknown loop kind {one.refer.kind!r}; {wanted}")

    def known_names(self, sheets: Sheets) -> None:
        """Services of the contract and schedules that the packs have."""
        services = sheets.contracts.services if sheets.contracts else {}
        for part, names, known in (
            ("services", self.form.services, services),
            ("visits", self.form.visits, self.schedules),
            ("corrected", tuple(filter(None, (self.form.corrected,))), sheets.codes.get("close_reasons", {})),
        ):
            for name in names:
                if name not in known:
                    self.add((part,), f"unknown name {name!r}; {one_of(known, name)}")
        note = self.form.entry == "service_note"
        for name in self.form.services:
            if name in services and (services[name].record == NOTE) != note:
                wanted = f"expected services written down as the form's entry, {self.form.entry}"
                self.add(("services",), f"{name!r} is written down otherwise; {wanted}")
        if note and self.form.visits:
            self.add(
                ("visits",), "a service record makes no visit of a schedule; expected the entry encounter"
            )

    def more_conditions(self) -> None:
        if self.form.meant:
            self.typed(("meant",), self.form.meant, FactKind(title=self.form.title, fields=ABOUT))
        answered, finished = self.form.known(scores=False), self.form.known(scores=True)
        for code, check in self.form.checks.items():
            self.typed(("checks", code, "when"), check.when, answered)
        for code, one in self.form.classes.items():
            self.typed(("classes", code, "when"), one.when, finished)
        for code, target in self.form.targets.items():
            self.typed(("targets", code, "when"), target.when, finished)
            if target.for_:
                self.typed(("targets", code, "for"), target.for_, finished)
