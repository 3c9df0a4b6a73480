"""Packs explain themselves to those who approve them, and give editors a schema."""

import json
from datetime import date
from pathlib import Path

import pytest

from yishe.policy import pack_explain, pack_schema, packs
from yishe.policy.refusals import Invalid
from yishe.policy.timeline import NotInForce

PACKS = Path(__file__).resolve().parents[2] / "packs"
BOTH = [PACKS / "base", PACKS / "demo"]


def test_the_whole_pack_is_told_with_what_is_approved() -> None:
    told = pack_explain.explain(BOTH)
    assert "转介社工（2025-01-01 起，已批准，原因 22 个（已批准 22 个））" in told
    assert "草案（不触发）" in pack_explain.explain([PACKS / "base"])


def test_a_reason_is_told_with_clocks_ladder_and_source() -> None:
    told = pack_explain.explain(BOTH, "D12")
    assert "接单：3 个工作日，按工作时间计" in told
    assert "时限的 150%：告知当前负责人、团队长、中心主任" in told
    assert "依据：content 10.4；把握：机构规则；状态：已批准" in told
    assert told == pack_explain.explain(BOTH, "referral.doctor_to_social_worker/D12")


def test_a_scale_is_told_with_licence_answers_and_what_a_result_opens() -> None:
    told = pack_explain.explain(BOTH, "epds")
    assert "Cox JL, Holden JM, Sagovsky R." in told
    assert "已验证的原文，不得改写" in told
    assert "填到即刻：有伤害自己的念头（e10 != '0'） → 发起“转介医生：" in told
    assert "13 起 很可能有产后抑郁；医生 24 小时内联系。 → 发起“评估结果复核：24 小时内由医生联系”" in told
    whole = pack_explain.explain(BOTH)
    assert "MMSE：PAR 公司授权收费；可用《" in whole


def test_a_scale_that_must_not_be_built_in_is_refused_with_the_reason() -> None:
    with pytest.raises(Invalid, match="不能内置：华盛顿大学只许"):
        packs.load(BOTH).scale("ad8", date(2026, 3, 2))


def test_kinds_and_reactions_are_told() -> None:
    assert "须全部完成的子任务：医生评估（双轨）、社工评估（双轨）" in pack_explain.explain(
        BOTH, "assessment.dual_track"
    )
    assert "则发起“用药变更知悉”" in pack_explain.explain(BOTH, "medication_change_reaches_social_worker")


def test_what_nobody_declared_is_refused_with_what_there_is() -> None:
    with pytest.raises(Invalid, match="dual_track"):
        pack_explain.explain(BOTH, "moonrise")
    with pytest.raises(NotInForce, match="2020-01-01"):
        pack_explain.explain(BOTH, "assessment.dual_track", date(2020, 1, 1))


def test_there_is_a_schema_for_every_kind_of_file() -> None:
    schema = json.loads(json.dumps(pack_schema.json_schema()))
    files = {path.relative_to(PACKS / "base") for path in (PACKS / "base").rglob("*.yaml")}
    known = {str(file) for file in files if file.parent == Path()}
    assert known <= set(schema)
    loop = schema["loops/<loop kind>.yaml"]
    version = next(iter(loop["properties"]["versions"]["patternProperties"].values()))["anyOf"][0]
    assert "clocks" in version["properties"]
    assert loop["$defs"]["Clock"]["properties"]["within"]["pattern"]


def test_the_schema_lets_an_overlay_leave_anything_out() -> None:
    schema = pack_schema.json_schema()
    assert "required" not in schema["loops/<loop kind>.yaml"]
    assert "required" not in schema["duties.yaml"]["$defs"]["Duty"]
    assert "name" in schema["cases/calendar.yaml"]["items"]["required"]


def test_a_schedule_that_nobody_has_confirmed_says_so() -> None:
    told = pack_explain.explain(BOTH, "school")
    assert "状态：草案（不触发）" in told
    assert "待核" in told
    assert "满 7 岁起，未满 19 岁，每年 1 次" in told
    quarterly = pack_explain.explain(BOTH, "chronic_htn")
    assert "对象：高血压；按年龄，每个自然年" in quarterly
    assert "每年 4 次，平均分在年内" in quarterly
    assert "school  学龄儿童和青少年（草案（不触发））" in pack_explain.explain(BOTH)
