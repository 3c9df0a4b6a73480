"""JSON Schema of every pack file, generated from the models, for editors that check YAML while it is written."""

from typing import Any

from pydantic import BaseModel, Field, create_model

from .access_rules import AccessSheet
from .anomaly_rules import AnomalySheet
from .case_indicators import IndicatorCase
from .case_life import GrowthCase, RiskCase, ScheduleCase, VaccineCase
from .case_models import (
    AnomalyCase,
    CalendarCase,
    ClassCase,
    ConsentCase,
    ContractCase,
    FollowupCase,
    LoopCase,
    ReactionCase,
    RightsCase,
    ScaleCase,
    UnreachableCase,
)
from .class_rules import ClassSheet
from .consent_rules import ConsentSheet
from .contract_rules import ContractSheet
from .export_rules import ExportSheet
from .followup_rules import Followup
from .growth_rules import GrowthSheet
from .indicator_rules import IndicatorSheet
from .loop_kinds import LoopKind
from .pack_fields import Source, Strict
from .pack_kinds import BOOKS
from .plan_rules import PlanSheet, Template
from .reactions import FactSheet, ReactionSheet
from .research_rules import ResearchSheet
from .rights_rules import RightsSheet
from .risk_rules import InputSheet, RiskModel
from .scale_rules import RefusedSheet, Scale
from .schedule_rules import Schedule
from .sheets import (
    BoundsVersion,
    CalendarSheet,
    CodeSheet,
    DutySheet,
    ImportSheet,
    PackHead,
    SettingsVersion,
    TeamSheet,
    TextSheet,
    TraitSheet,
)
from .sign_in_rules import SignInVersion
from .vaccine_rules import VaccineSheet

_FILES: dict[str, type[BaseModel]] = {
    "pack.yaml": PackHead,
    "duties.yaml": DutySheet,
    "traits.yaml": TraitSheet,
    "teams.yaml": TeamSheet,
    "access.yaml": AccessSheet,
    "calendar.yaml": CalendarSheet,
    "imports.yaml": ImportSheet,
    "codes.yaml": CodeSheet,
    "texts.yaml": TextSheet,
    "facts.yaml": FactSheet,
    "reactions.yaml": ReactionSheet,
    "consents.yaml": ConsentSheet,
    "rights.yaml": RightsSheet,
    "exports.yaml": ExportSheet,
    "anomalies.yaml": AnomalySheet,
    "research.yaml": ResearchSheet,
    "contracts.yaml": ContractSheet,
    "classes.yaml": ClassSheet,
    "indicators.yaml": IndicatorSheet,
    "scales.yaml": RefusedSheet,
    "plans.yaml": PlanSheet,
    "plans/<template>.yaml": Template,
    "vaccines.yaml": VaccineSheet,
    "growth.yaml": GrowthSheet,
    "risk_inputs.yaml": InputSheet,
    "risks/<model>.yaml": RiskModel,
    "schedules/<schedule>.yaml": Schedule,
}
_DATED: dict[str, type[BaseModel]] = {
    "bounds.yaml": BoundsVersion,
    "settings.yaml": SettingsVersion,
    "sign_in.yaml": SignInVersion,
}
_CASES: dict[str, type[BaseModel]] = {
    "cases/calendar.yaml": CalendarCase,
    "cases/reactions.yaml": ReactionCase,
    "cases/consents.yaml": ConsentCase,
    "cases/rights.yaml": RightsCase,
    "cases/anomalies.yaml": AnomalyCase,
    "cases/contracts.yaml": ContractCase,
    "cases/unreachable.yaml": UnreachableCase,
    "cases/classes.yaml": ClassCase,
    "cases/indicators.yaml": IndicatorCase,
    "cases/vaccines.yaml": VaccineCase,
    "cases/growth.yaml": GrowthCase,
    "cases/risks.yaml": RiskCase,
    "cases/schedules.yaml": ScheduleCase,
    "cases/scale.<scale>.yaml": ScaleCase,
    "cases/followups.<form>.yaml": FollowupCase,
    "cases/<loop kind>.yaml": LoopCase,
}
_HEADER = ("kind", "scale", "followup", "code", "version", "title", "source", "confidence", "status")


def json_schema() -> dict[str, Any]:
    """File name in a pack folder → its JSON Schema.

    Nothing but cases has required names: an overlay may leave anything out, and an editor cannot tell what lies
    below. `packs.check` says what is missing.
    """
    schemas = {name: model.model_json_schema(by_alias=True) for name, model in _FILES.items()}
    schemas |= {name: _dated(model) for name, model in _DATED.items()}
    schemas |= {name: {"type": "array", "items": model.model_json_schema()} for name, model in _CASES.items()}
    schemas["loops/<loop kind>.yaml"] = _loop_file()
    schemas["loop_defaults.yaml"] = _loop_file()
    schemas["scales/<scale>.yaml"] = _headed(Scale.model_json_schema(by_alias=True), "ScaleFile")
    schemas["followups/<form>.yaml"] = _headed(Followup.model_json_schema(by_alias=True), "FollowupFile")
    return {name: schema if name in _CASES else _optional(schema) for name, schema in schemas.items()}


def _optional(schema: Any) -> Any:
    """The schema with every name allowed to be absent."""
    if isinstance(schema, dict):
        return {
            key: _optional(value)
            for key, value in schema.items()
            if not (key == "required" and isinstance(value, list))
        }
    return [_optional(item) for item in schema] if isinstance(schema, list) else schema


def _dated(version: type[BaseModel]) -> dict[str, Any]:
    file = create_model(
        version.__name__.replace("Version", "File"),
        __base__=Strict,
        source=(Source, ...),
        confidence=(str, "M"),
        status=(str, "draft"),
        versions=(dict[str, version | None], Field(description="from which day")),  # type: ignore[valid-type]
    )
    return file.model_json_schema()


def _loop_file() -> dict[str, Any]:
    """A loop file: header beside dated versions; lists of codes may stand where words may."""
    whole = LoopKind.model_json_schema(by_alias=True)
    fields = whole["properties"]
    for book in BOOKS:
        words = fields[book]
        fields[book] = {"anyOf": [words, {"type": "array", "items": {"type": "string"}}]}
    reason = whole["$defs"]["Reason"]
    reason["required"] = [name for name in reason["required"] if name != "code"]
    return _headed(whole, "LoopFile")


def _headed(whole: dict[str, Any], title: str) -> dict[str, Any]:
    """A dated file of a folder: what stands above, and the rest under its dates."""
    fields = whole["properties"]
    version = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: schema for name, schema in fields.items() if name not in _HEADER},
    }
    header = {name: fields[name] for name in _HEADER if name in fields and name != "version"}
    day = r"^\d{4}-\d{2}-\d{2}$"
    versions = {"type": "object", "patternProperties": {day: {"anyOf": [version, {"type": "null"}]}}}
    return {
        "type": "object",
        "title": title,
        "additionalProperties": False,
        "properties": {**header, "title": {"$ref": "#/$defs/Words"}, "versions": versions},
        "required": ["versions"],
        "$defs": whole["$defs"],
    }
