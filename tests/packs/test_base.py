"""The packs that ship: they load, their cases hold, and what nobody approved does not happen."""

from datetime import date
from pathlib import Path

import pytest

from yishe.policy import pack_cases, packs
from yishe.policy.loop_kinds import LoopKind
from yishe.policy.pack_fields import Source
from yishe.policy.refusals import Invalid

PACKS = Path(__file__).resolve().parents[2] / "packs"
BASE, DEMO, XICHENG = PACKS / "base", PACKS / "demo", PACKS / "xicheng"
LIBRARY = Path(__file__).parent / "library_corner"
DAY = date(2026, 3, 2)
TO_SOCIAL, TO_DOCTOR = "referral.doctor_to_social_worker", "referral.social_worker_to_doctor"


@pytest.fixture(scope="module")
def base() -> packs.PackSet:
    return packs.load([BASE])


@pytest.fixture(scope="module")
def demo() -> packs.PackSet:
    return packs.load([BASE, DEMO])


@pytest.mark.parametrize("paths", [[BASE], [BASE, DEMO], [BASE, XICHENG], [BASE, LIBRARY]], ids=str)
def test_every_case_of_every_pack_holds(paths: list[Path]) -> None:
    assert [str(result) for result in pack_cases.run(paths) if not result.ok] == []


def test_every_kind_and_reaction_has_cases() -> None:
    assert pack_cases.uncovered([BASE]) == []


def test_every_kind_has_a_positive_and_a_boundary_case() -> None:
    counted: dict[str, int] = {}
    for result in pack_cases.run([BASE]):
        counted[result.about] = counted.get(result.about, 0) + 1
    assert min(counted.values()) >= 2


def test_a_wrong_case_says_what_came_out(tmp_path: Path) -> None:
    pack = tmp_path / "wrong"
    (pack / "cases").mkdir(parents=True)
    (pack / "pack.yaml").write_text('id: wrong\ntitle: 错\nversion: "1"\noverlays: base\n', encoding="utf-8")
    (pack / "cases" / "calendar.yaml").write_text(
        "- name: a Saturday is worked\n  day: 2026-11-21\n  workday: true\n", encoding="utf-8"
    )
    wrong = [str(result) for result in pack_cases.run([BASE, pack]) if not result.ok]
    assert wrong == [
        "wrong/cases/calendar.yaml:1: calendar: a Saturday is worked: workday is False; expected True"
    ]


def test_all_reasons_of_both_directions_are_there(demo: packs.PackSet) -> None:
    assert list(demo.loop_kind(TO_SOCIAL, DAY).reasons) == [f"D{n:02}" for n in range(1, 23)]
    assert list(demo.loop_kind(TO_DOCTOR, DAY).reasons) == [f"S{n:02}r" for n in range(1, 23)]


def test_colours_are_those_of_the_source(demo: packs.PackSet) -> None:
    to_social, to_doctor = demo.loop_kind(TO_SOCIAL, DAY).reasons, demo.loop_kind(TO_DOCTOR, DAY).reasons
    assert [code for code, reason in to_social.items() if reason.urgency == "red"] == ["D01", "D02", "D03"]
    assert [code for code, reason in to_social.items() if reason.urgency == "green"] == ["D18", "D19"]
    assert [code for code, reason in to_doctor.items() if reason.urgency == "red"] == [
        f"S0{n}r" for n in range(1, 6)
    ]
    assert [code for code, reason in to_doctor.items() if reason.urgency == "green"] == ["S20r", "S22r"]


def test_reasons_that_shame_are_sensitive(demo: packs.PackSet) -> None:
    reasons = demo.loop_kind(TO_SOCIAL, DAY).reasons
    assert {code for code, reason in reasons.items() if reason.sensitive} == {"D01", "D02", "D13", "D22"}


def test_every_red_reason_has_steps_on_the_screen_and_climbs_in_minutes(demo: packs.PackSet) -> None:
    for kind in demo.loop_kinds(DAY):
        for code, reason in kind.reasons.items():
            if reason.urgency == "red":
                first = kind.ladder("accept", "red")[0]
                assert reason.steps, code
                assert first.after is not None
                assert first.after.exact().total_seconds() <= 900
                assert not any(rung.auto_confirm for rung in kind.ladder("confirm", "red"))


def test_in_the_base_nothing_that_is_a_house_rule_is_approved(base: packs.PackSet) -> None:
    for kind in base.loop_kinds(DAY):
        assert kind.reasons == {}, kind.code
    drafts = {kind.code: kind for kind in base.loop_kinds(DAY, drafts=True)}
    assert len(drafts[TO_SOCIAL].reasons) == 22


def test_a_draft_kind_cannot_be_promised(base: packs.PackSet) -> None:
    with pytest.raises(Invalid, match="尚未批准"):
        base.loop_kind("medication.acknowledgement", DAY)


def test_a_draft_reaction_never_triggers_until_an_overlay_approves_it(
    base: packs.PackSet, demo: packs.PackSet
) -> None:
    alone = {"diseases": 0, "living_alone": True, "disabled": False, "without_support": False}
    assert base.reacting_to("needs_recorded", alone, DAY) == ()
    (rule,) = demo.reacting_to("needs_recorded", alone, DAY)
    assert rule.promise is not None
    assert rule.promise.kind == "assessment.dual_track"


def test_an_undeclared_fact_is_refused(demo: packs.PackSet) -> None:
    with pytest.raises(Invalid, match="没有声明事实"):
        demo.reacting_to("moon_rose", {}, DAY)
    with pytest.raises(Invalid, match="corrects 应为 bool"):
        demo.reacting_to("medication_changed", {"action": "stop"}, DAY)
    with pytest.raises(Invalid, match="不能是 paused"):
        demo.reacting_to("medication_changed", {"action": "paused", "corrects": False}, DAY)


def test_an_unknown_kind_or_reason_names_what_there_is(demo: packs.PackSet) -> None:
    with pytest.raises(Invalid, match=TO_SOCIAL):
        demo.loop_kind("referral.to_nobody", DAY)
    with pytest.raises(Invalid, match="D01"):
        demo.loop_kind(TO_SOCIAL, DAY).reason("D99")


def test_before_it_begins_a_kind_is_refused_by_name_and_day(demo: packs.PackSet) -> None:
    with pytest.raises(packs.NotInForce, match=r"referral\.doctor_to_social_worker.*2024-12-31"):
        demo.loop_kind(TO_SOCIAL, date(2024, 12, 31))


def test_a_definition_survives_storage_to_the_last_byte(demo: packs.PackSet) -> None:
    for kind in demo.loop_kinds(DAY):
        stored = LoopKind.from_json(kind.to_json())
        assert stored == kind
        assert stored.sha256 == kind.sha256


def test_medication_is_acknowledged_in_one_press_without_confirmation(demo: packs.PackSet) -> None:
    kind = demo.loop_kind("medication.acknowledgement", DAY)
    assert kind.confirm == "none"
    assert kind.implied == ("accept", "start")
    assert list(kind.outcomes) == ["plan_adjusted", "no_change_needed", "resident_contacted"]
    assert kind.by_rule


def test_dual_track_has_a_child_for_each_profession(demo: packs.PackSet) -> None:
    kind = demo.loop_kind("assessment.dual_track", DAY)
    assert [(child.kind, child.answered_by) for child in kind.children] == [
        ("assessment.dual_track.doctor", "family_doctor"),
        ("assessment.dual_track.social", "social_worker"),
    ]
    assert {demo.loop_kind(child.kind, DAY).confirm for child in kind.children} == {"none"}


def test_psychotherapy_detail_is_for_author_leader_and_social_workers_of_the_case(
    demo: packs.PackSet,
) -> None:
    def sees(relation: str, duty: str) -> bool:
        return demo.access.sees("psychotherapy", {relation: frozenset({duty})})

    assert sees("author", "social_worker")
    assert sees("contract_team", "team_lead")
    assert sees("participant", "social_worker")
    assert not sees("contract_team", "family_doctor")
    assert not sees("contract_team", "nurse")
    assert not sees("on_duty", "social_worker")


def test_nobody_may_do_what_no_pack_names(demo: packs.PackSet) -> None:
    everything = dict.fromkeys(demo.access.relations, frozenset(demo.duties))
    a_doctor = dict.fromkeys(demo.access.relations, frozenset({"family_doctor"}))
    assert demo.access.granting("resident.sell", everything) is None
    assert demo.access.granting("resident.read", {}) is None
    assert demo.access.granting("record.medication", {"contract_team": frozenset({"social_worker"})}) is None
    assert demo.access.granting("record.medication", a_doctor) == ("contract_team", "care")


def test_a_relation_serves_its_purposes_and_no_others(demo: packs.PackSet) -> None:
    stands = {"contract_team": frozenset({"social_worker"}), "centre_lead": frozenset({"centre_director"})}
    assert demo.access.granting("resident.read", stands) == ("contract_team", "social_work")
    assert demo.access.granting("resident.read", stands, "quality_check") == (
        "contract_team",
        "quality_check",
    )
    assert demo.access.granting("resident.read", stands, "research") is None


def test_a_text_leaves_open_what_nobody_fills(demo: packs.PackSet) -> None:
    assert demo.text("notice.promised", kind="转介社工") == "有一件转介社工转给您，请在 {due} 前接单"
    assert demo.text("no.such.text") == "no.such.text"


def test_synonyms_of_columns_and_traits_are_unambiguous(base: packs.PackSet) -> None:
    headers = [text for column in base.roster.columns.values() for text in column.synonyms]
    assert sorted({text for text in headers if headers.count(text) > 1}) == []
    words = [text for trait in base.traits.values() for text in (trait.title.zh, *trait.synonyms)]
    assert sorted({text for text in words if words.count(text) > 1}) == []


def test_the_pack_is_known_by_the_bytes_of_its_files(base: packs.PackSet, demo: packs.PackSet) -> None:
    assert base.sha256 == packs.load([BASE]).sha256
    assert base.sha256 != demo.sha256
    assert demo.id == "base+demo"


def test_an_invented_kind_needs_yaml_alone() -> None:
    kind = packs.load([BASE, LIBRARY]).loop_kind("library.loan", DAY)
    assert list(kind.reasons) == ["B1", "B2"]
    assert str(kind.verbs["accept"]) == "找到书了"
    assert str(kind.verbs["decline"]) == "退回"
    assert kind.ladder("finish", "green")[-1].again_every is not None
    assert "no_capacity" in kind.decline_reasons
    with pytest.raises(Invalid, match="没有原因码 B3"):
        kind.reason("B3")


@pytest.mark.parametrize(("source", "said"), [
    (Source(id="spec", row="B3"), "需求规格 B3"),
    (Source(id="S13", section="content 7.2 重点人群"), "内容依据 7.2 重点人群"),
    (Source(id="S01", section="高血压患者健康管理"), "高血压患者健康管理"),
    (Source(id="S01"), "S01"),
])  # fmt: skip
def test_a_page_names_where_a_rule_comes_from_and_no_file_of_ours(source: Source, said: str) -> None:
    assert source.said == said
