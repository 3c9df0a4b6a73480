"""Policy packs: read folders, check them whole, look rules up by date.

`load([base, overlay])` answers a `PackSet` or raises `PackErrors` with every mistake at once. What is not approved
never leaves here unless asked for with `drafts=True`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from . import (
    cel,
    class_checks,
    class_rules,
    contract_checks,
    indicator_checks,
    pack_checks,
    pack_followups,
    pack_kinds,
    pack_life,
    pack_plans,
    pack_scales,
    pack_sheets,
)
from .access_rules import AccessSheet
from .anomaly_rules import AnomalySheet
from .calendars import Calendar
from .consent_rules import ConsentSheet
from .contract_rules import ContractSheet
from .contract_year import Claim
from .export_rules import ExportSheet
from .followup_rules import Followup
from .indicator_rules import Indicator, IndicatorSheet
from .loop_kinds import LoopKind
from .pack_errors import PackErrors, Problem, Problems
from .pack_fields import Words
from .pack_files import NOWHERE, Laid, read_layers
from .plan_rules import PlanBook
from .reactions import FactKind, Reaction
from .refusals import Invalid
from .research_rules import ResearchSheet
from .rights_rules import RightsSheet
from .scale_rules import RefusedScale, Scale
from .sheets import Duty, Quantity, Roster, SettingsVersion, TeamShape, Trait
from .sign_in_rules import SignInVersion
from .timeline import NotInForce, Timeline

__all__ = ["Calendar", "LoopKind", "NotInForce", "PackErrors", "PackSet", "Problem", "load", "read"]

SIGNED = contract_checks.FACT


@dataclass(frozen=True)
class PackSet:
    """What is in force, of all given packs together. Mappings are read-only by convention.

    `id` joins the packs' ids (`base+demo`); `sha256` is over the bytes of every file of every pack.
    """

    id: str
    version: str
    sha256: str
    title: Words
    duties: Mapping[str, Duty]
    traits: Mapping[str, Trait]
    team_shapes: Mapping[str, TeamShape]
    access: AccessSheet
    calendar: Calendar
    roster: Roster
    consents: ConsentSheet
    rights: RightsSheet
    exports: ExportSheet
    anomalies: AnomalySheet
    research: ResearchSheet | None
    contracts: ContractSheet | None
    year_conditions: Mapping[str, cel.Condition]
    classes: class_rules.Reader | None
    indicators: IndicatorSheet | None
    life: pack_life.Life
    plans: PlanBook
    codes: Mapping[str, Mapping[str, Words]]
    texts: Mapping[str, Words]
    facts: Mapping[str, FactKind]
    reactions: Mapping[str, Reaction]
    conditions: Mapping[str, cel.Condition]
    kinds: Mapping[str, Timeline[LoopKind]]
    usable: Mapping[str, Timeline[LoopKind]]
    scales_by_date: Mapping[str, Timeline[Scale]]
    followups_by_date: Mapping[str, Timeline[Followup]]
    bounds_by_date: Timeline[Mapping[str, Quantity]]
    settings_by_date: Timeline[SettingsVersion]
    sign_in_by_date: Timeline[SignInVersion]
    refused_scales: Mapping[str, RefusedScale] = field(default_factory=dict)

    def loop_kind(self, code: str, on: date, *, drafts: bool = False) -> LoopKind:
        """The kind in force on that day, with approved reasons only.

        Raises Invalid for an unknown kind or one that is not approved, NotInForce (naming kind and day) outside
        its life. With `drafts` everything declared is answered.
        """
        timeline = self.kinds.get(code)
        if timeline is None:
            raise Invalid(
                "kind.unknown", f"没有“{code}”这种闭环；可用：{'、'.join(sorted(self.kinds))}", kind=code
            )
        kind = timeline.on(on)
        if drafts:
            return kind
        if kind.status != "approved":
            raise Invalid("kind.not_approved", f"“{kind.title}”尚未批准，不能发起", kind=code)
        return self.usable[code].on(on)

    def loop_kinds(self, on: date, *, drafts: bool = False) -> tuple[LoopKind, ...]:
        """Every kind in force on that day; without `drafts` the approved ones, with their approved reasons."""
        kinds = self.kinds if drafts else self.usable
        living = [timeline.on(on) for timeline in kinds.values() if timeline.alive(on)]
        return tuple(kind for kind in living if drafts or kind.status == "approved")

    def scale(self, code: str, on: date) -> Scale:
        """The approved scale in force on that day. Raises Invalid for an unknown or unapproved one, NotInForce."""
        timeline = self.scales_by_date.get(code)
        if timeline is None:
            self._refuse(code)
            known = "、".join(str(one.title) for one in self.scales(on))
            raise Invalid("scale.unknown", f"没有“{code}”这份量表；可用：{known}。", scale=code)
        scale = timeline.on(on)
        if scale.status != "approved":
            raise Invalid("scale.not_approved", f"《{scale.title}》尚未批准，不能使用。", scale=code)
        return scale

    def _refuse(self, code: str) -> None:
        """Raises Invalid, with the reason, for a scale that must not be built in."""
        one = self.refused_scales.get(code)
        if one is not None:
            raise Invalid(
                "scale.refused", f"《{one.title}》不能内置：{one.why}{self.instead(one)}。", scale=code
            )

    def instead(self, one: RefusedScale) -> str:
        """`；可用《…》` where another scale stands in its place."""
        timeline = self.scales_by_date.get(one.instead)
        return f"；可用《{timeline.values[-1].title}》" if timeline else ""

    def scales(self, on: date) -> tuple[Scale, ...]:
        """Every approved scale in force on that day."""
        living = [timeline.on(on) for timeline in self.scales_by_date.values() if timeline.alive(on)]
        return tuple(scale for scale in living if scale.status == "approved")

    def followup(self, code: str, on: date) -> Followup:
        """The approved follow-up form of that day. Raises Invalid for an unknown or unapproved one, NotInForce."""
        timeline = self.followups_by_date.get(code)
        if timeline is None:
            known = "、".join(str(one.title) for one in self.followups(on))
            raise Invalid("followup.unknown", f"没有“{code}”这种随访；可用：{known}。", followup=code)
        form = timeline.on(on)
        if form.status != "approved":
            raise Invalid("followup.not_approved", f"《{form.title}》尚未批准，不能使用。", followup=code)
        return form

    def followups(self, on: date) -> tuple[Followup, ...]:
        """Every approved follow-up form in force on that day."""
        living = [timeline.on(on) for timeline in self.followups_by_date.values() if timeline.alive(on)]
        return tuple(form for form in living if form.status == "approved")

    def bounds(self, on: date) -> Mapping[str, Quantity]:
        """Quantities that may be entered by hand, with their limits on that day; what is older than the pack is held to its first."""
        return self.bounds_by_date.always(on)

    def settings(self, on: date) -> SettingsVersion:
        """Delivery, search and other running values of that day."""
        return self.settings_by_date.on(on)

    def sign_in(self, on: date) -> SignInVersion:
        """What a sign-in asks for and what guards it on that day."""
        return self.sign_in_by_date.on(on)

    def text(self, key: str, **fills: object) -> str:
        """A text of the pack in Chinese with its braces filled. A key nobody declared answers itself."""
        words = self.texts.get(key)
        return words.zh.format_map(_Open(fills)) if words else key

    def reacting_to(
        self, fact: str, data: Mapping[str, object], on: date, *, drafts: bool = False
    ) -> tuple[Reaction, ...]:
        """Approved reactions to a fact whose condition holds, in the order declared; with `drafts` all in force.

        Raises Invalid when the fact is undeclared or a field is missing or of another type.
        """
        declared = self.facts.get(fact)
        if declared is None:
            raise Invalid("fact.unknown", f"政策包没有声明事实“{fact}”", fact=fact)
        fields = cel.require(declared, data, fact)
        return tuple(
            reaction
            for code, reaction in self.reactions.items()
            if reaction.fact == fact
            and reaction.in_force(on, drafts=drafts)
            and self.conditions[code].holds(fields)
        )

    def owing(
        self,
        package: str,
        data: Mapping[str, object],
        on: date,
        *,
        drafts: bool = False,
        signed: bool = False,
        items: Mapping[str, int] | None = None,
    ) -> tuple[Claim, ...]:
        """Who asks for what in a year that begins on that day: the package, and every rule that fits these facts. With
        `signed` the package holds although nobody may choose it any more; `items` are its yearly counts as they were signed, which
        hold whatever the pack says of it now, but for services that it no longer has.

        Class and tiers, where they are not given, are what the rules make of age and traits alone. Raises Invalid when another
        field of the fact `contract_signed` is missing or the package is not approved."""
        if self.contracts is None:
            raise Invalid("no_contracts", "政策包没有签约的规定：请管理员补上 contracts.yaml。")
        fields = cel.require(self.facts[SIGNED], {**self.classed(data, on, drafts=drafts), **data}, SIGNED)
        if not items:
            known = drafts or signed
            items = (self.contracts.packages[package] if known else self.contracts.package(package)).items
        asked = [
            Claim(f"package:{package}", service, times)
            for service, times in items.items()
            if service in self.contracts.services
        ]
        rules = [
            Claim(code, rule.service, rule.times)
            for code, rule in self.contracts.rules.items()
            if rule.speaks(on, drafts=drafts) and self.year_conditions[code].holds(fields)
        ]
        return (*asked, *rules)

    def classed(self, data: Mapping[str, object], on: date, *, drafts: bool = False) -> dict[str, str]:
        """Class and tiers as rules of the year read them, from age and traits alone."""
        if self.classes is None or "resident_class" in data:
            return dict.fromkeys(("resident_class", "medical", "social"), "")
        age, traits = data.get("age"), {one for one in self.traits if one in (data.get("traits") or ())}  # type: ignore[operator]
        diseases = sum(self.traits[one].counts_as_disease for one in traits)
        facts = class_rules.facts(age if isinstance(age, int) else None, "", traits, diseases, set(), set())
        found = self.classes.classify(facts, on, drafts=drafts)
        return {"resident_class": found.to_class, "medical": found.medical, "social": found.social}

    def indicator(self, code: str) -> Indicator:
        """An indicator that is counted. Invalid for one that nobody declares or that is retired."""
        found = self.indicators.indicators.get(code) if self.indicators else None
        if found is None or found.status == "retired":
            raise Invalid(
                "indicator_unknown", f"没有“{code[:40]}”这个指标：请从指标页重新选择。", field="code"
            )
        return found

    def turned(self, then: date, now: date) -> bool:
        """Whether a rule of years or classes speaks on one of these days and not on the other."""
        sheets = (self.contracts, self.classes.sheet if self.classes else None)
        rules = [rule for sheet in sheets if sheet for rule in sheet.rules.values()]
        return any(rule.speaks(then) != rule.speaks(now) for rule in rules)

    @property
    def imports(self) -> Roster:
        """Roster header synonyms."""
        return self.roster


class _Open(dict[str, object]):
    """Leaves an unfilled brace as it stands."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def load(paths: Sequence[Path]) -> PackSet:
    """Read, merge and check packs, lowest first. Raises PackErrors naming file and line of every mistake."""
    return _read(paths, cases=False)[0]


def read(paths: Sequence[Path]) -> tuple[PackSet, Laid]:
    """`load`, and the laid-over files as well, with their cases."""
    return _read(paths, cases=True)


def _read(paths: Sequence[Path], *, cases: bool) -> tuple[PackSet, Laid]:
    problems = Problems()
    laid = read_layers(paths, problems, cases=cases)
    if not laid.layers:
        problems.raise_if_any()
        raise PackErrors([Problem("packs", 1, "no pack was given; expected at least one folder")])
    kinds, trees = pack_kinds.build(laid, problems)
    sheets = pack_sheets.build(laid, problems)
    life = pack_life.build(laid, sheets.quantities(), sheets.traits, problems)
    pack_checks.check(laid, sheets, kinds, trees, problems)
    scales = pack_scales.build(laid, sheets, kinds, problems)
    class_checks.check(laid.sheet("classes") or NOWHERE, sheets, kinds, life.risks, scales, problems)
    plans = pack_plans.build(laid, sheets, kinds, problems)
    refused = pack_scales.refused(laid, scales, problems)
    followups = pack_followups.build(laid, sheets, kinds, scales, life.schedules, problems)
    indicator_checks.check(laid.sheet("indicators") or NOWHERE, sheets, kinds, followups, problems)
    problems.raise_if_any()
    whole = _assemble(laid, sheets, kinds, life, scales, plans, followups)
    return replace(whole, refused_scales=refused), laid


def _assemble(
    laid: Laid, sheets: pack_sheets.Sheets, kinds: pack_kinds.Kinds, life: pack_life.Life, scales: pack_scales.Scales,
    plans: PlanBook, followups: pack_followups.Followups,
) -> PackSet:  # fmt: skip
    reactions = {code: reaction for code, reaction in sheets.reactions.items() if reaction}
    return PackSet(
        id="+".join(layer.head.id for layer in laid.layers),
        version="+".join(layer.head.version for layer in laid.layers),
        sha256=_digest(laid),
        title=laid.layers[-1].head.title,
        duties=sheets.duties,
        traits=sheets.traits,
        team_shapes=sheets.team_shapes,
        access=sheets.access,
        calendar=sheets.calendar,
        roster=sheets.roster,
        consents=sheets.consents,
        rights=sheets.rights,
        exports=sheets.exports,
        anomalies=sheets.anomalies,
        research=sheets.research,
        contracts=sheets.contracts,
        year_conditions=_year_conditions(sheets),
        classes=class_rules.Reader(sheets.classes) if sheets.classes else None,
        indicators=sheets.indicators,
        life=life,
        plans=plans,
        codes=sheets.codes,
        texts=sheets.texts,
        facts=sheets.facts,
        reactions=reactions,
        conditions=_conditions(reactions, sheets),
        kinds=kinds,
        usable={code: _usable(timeline) for code, timeline in kinds.items()},
        scales_by_date=scales,
        followups_by_date=followups,
        bounds_by_date=sheets.bounds,
        settings_by_date=sheets.settings,
        sign_in_by_date=sheets.sign_in,
    )


def _digest(laid: Laid) -> str:
    return hashlib.sha256("".join(layer.digest for layer in laid.layers).encode()).hexdigest()


def _year_conditions(sheets: pack_sheets.Sheets) -> dict[str, cel.Condition]:
    rules = sheets.contracts.rules if sheets.contracts else {}
    return {code: cel.compile(rule.when, sheets.facts[SIGNED]) for code, rule in rules.items()}


def _conditions(reactions: Mapping[str, Reaction], sheets: pack_sheets.Sheets) -> dict[str, cel.Condition]:
    return {code: cel.compile(rule.when, sheets.facts[rule.fact]) for code, rule in reactions.items()}


def _usable(timeline: Timeline[LoopKind]) -> Timeline[LoopKind]:
    return Timeline(
        timeline.name, tuple((day, kind and kind.approved_only()) for day, kind in timeline.steps)
    )


def check(paths: Sequence[Path]) -> list[str]:
    """Every mistake as `file:line: what was wrong; expected what`; empty when the packs hold."""
    try:
        pack = read(paths)[0]
        if pack.life.growth:
            pack.life.growth.read()
    except PackErrors as error:
        return [str(problem) for problem in error.problems]
    return []
