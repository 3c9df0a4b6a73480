"""An overlay says only what differs, from a day on; everything else stays the base's."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from yishe.policy import followup_classes, pack_cases, packs
from yishe.policy.durations import parse
from yishe.policy.scale_scoring import About

PACKS = Path(__file__).resolve().parents[2] / "packs"
BASE, XICHENG = PACKS / "base", PACKS / "xicheng"
TO_SOCIAL = "referral.doctor_to_social_worker"


@pytest.fixture(scope="module")
def district() -> packs.PackSet:
    return packs.load([XICHENG])


def written(folder: Path, files: dict[str, str]) -> Path:
    head = f'id: {folder.name}\ntitle: 试\nversion: "1"\noverlays: base\n'
    for name, text in {"pack.yaml": head, **files}.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return folder


def test_the_base_is_found_beside_its_overlay(district: packs.PackSet) -> None:
    assert district.id == "base+xicheng"


def test_xicheng_changes_acceptance_of_loneliness_from_2026(district: packs.PackSet) -> None:
    after, before = (district.loop_kind(TO_SOCIAL, day) for day in (date(2026, 1, 1), date(2025, 12, 31)))
    assert after.clock("accept", "D12").within == parse("2 workdays")  # type: ignore[union-attr]
    assert after.clock("first_contact", "D12").within == parse("5 workdays")  # type: ignore[union-attr]
    drafts = district.loop_kind(TO_SOCIAL, date(2025, 12, 31), drafts=True)
    assert drafts.clock("accept", "D12").within == parse("3 workdays")  # type: ignore[union-attr]
    assert before.reasons == {}


def test_xicheng_approves_two_reasons_and_no_others(district: packs.PackSet) -> None:
    assert list(district.loop_kind(TO_SOCIAL, date(2026, 1, 1)).reasons) == ["D07", "D12"]


def test_xicheng_shortens_carers_holds_sessions_and_opens_earlier(district: packs.PackSet) -> None:
    kind = district.loop_kind(TO_SOCIAL, date(2026, 6, 1))
    assert kind.clock("finish", "D07").within == parse("5 d")  # type: ignore[union-attr]
    assert kind.hold_max == parse("2 weeks")
    assert district.sign_in(date(2026, 6, 1)).screen.idle == parse("15 min")
    assert district.sign_in(date(2025, 6, 1)).screen.idle == parse("30 min")
    assert district.sign_in(date(2026, 6, 1)).guessing.failures == 5
    assert district.calendar.work_seconds(date(2026, 6, 1)) == 8.5 * 3600
    assert district.calendar.work_seconds(date(2025, 6, 3)) == 8 * 3600


def test_xicheng_adds_its_streets_beside_the_national_codes(district: packs.PackSet) -> None:
    assert district.codes["street"]["110102010"].zh == "德胜街道"
    assert len(district.codes["street"]) == 15
    assert district.codes["sex"]["2"].zh == "女"


def test_a_patch_lies_over_whatever_the_base_says_later(tmp_path: Path) -> None:
    lower = written(
        tmp_path / "lower",
        {"settings.yaml": "versions:\n  2027-01-01:\n    small_number: 20\n    search: {limit: 9}\n"},
    )
    upper = written(
        tmp_path / "upper", {"settings.yaml": "versions:\n  2026-01-01:\n    search: {limit: 3}\n"}
    )
    pack = packs.load([BASE, lower, upper])
    assert pack.settings(date(2026, 6, 1)).search.limit == 3
    assert pack.settings(date(2027, 6, 1)).search.limit == 3
    assert pack.settings(date(2027, 6, 1)).small_number == 20


def test_null_ends_a_kind_and_asking_later_names_it_and_the_day(tmp_path: Path) -> None:
    ending = written(
        tmp_path / "ending",
        {f"loops/{TO_SOCIAL}.yaml": f"kind: {TO_SOCIAL}\nversions:\n  2027-01-01: null\n"},
    )
    pack = packs.load([BASE, ending])
    assert pack.loop_kind(TO_SOCIAL, date(2026, 12, 31)).code == TO_SOCIAL
    with pytest.raises(packs.NotInForce, match=r"referral\.doctor_to_social_worker.*2027-01-01.*停止"):
        pack.loop_kind(TO_SOCIAL, date(2027, 1, 1))
    assert TO_SOCIAL not in [kind.code for kind in pack.loop_kinds(date(2027, 1, 1))]


def test_an_ended_kind_may_begin_again(tmp_path: Path) -> None:
    body = "{asked_by: [nurse], answered_by: [nurse], outcomes: [completed], clocks: {accept: {within: 1 h}, finish: {within: 1 d}}}"
    pack = packs.load(
        [
            BASE,
            written(
                tmp_path / "again",
                {
                    "loops/visit.yaml": "kind: visit\ntitle: 探访\nsource: {id: t}\nstatus: approved\nversions:\n"
                    f"  2026-01-01: {body}\n  2026-02-01: null\n  2026-03-01: {body}\n"
                },
            ),
        ]
    )
    living = [
        day
        for day in (date(2026, 1, 15), date(2026, 2, 15), date(2026, 3, 15))
        if pack.kinds["visit"].alive(day)
    ]
    assert living == [date(2026, 1, 15), date(2026, 3, 15)]


def test_null_takes_a_reaction_away(tmp_path: Path) -> None:
    quiet = written(
        tmp_path / "quiet",
        {"reactions.yaml": "reactions:\n  medication_change_reaches_social_worker: null\n"},
    )
    pack = packs.load([BASE, quiet])
    assert (
        pack.reacting_to("medication_changed", {"action": "stop", "corrects": False}, date(2026, 3, 2)) == ()
    )


def test_a_new_version_leaves_the_old_definition_as_it_was(district: packs.PackSet) -> None:
    old = district.loop_kind(TO_SOCIAL, date(2025, 6, 1), drafts=True)
    base = packs.load([BASE]).loop_kind(TO_SOCIAL, date(2025, 6, 1), drafts=True)
    new = district.loop_kind(TO_SOCIAL, date(2026, 6, 1), drafts=True)
    assert old.sha256 == base.sha256 != new.sha256
    assert (old.version, new.version) == ("2025-01-01", "2026-01-01")


def test_a_line_of_the_base_is_named_when_the_base_is_wrong(tmp_path: Path) -> None:
    holiday = written(
        tmp_path / "late", {"calendar.yaml": "years:\n  2027:\n    source: {id: t}\n    holidays: {}\n"}
    )
    pack = packs.load([BASE, holiday])
    assert not pack.calendar.incomplete(2027)
    assert pack.calendar.incomplete(2028)
    assert pack.calendar.is_workday(date(2026, 10, 9))
    assert not pack.calendar.is_workday(date(2026, 10, 9) - timedelta(days=2))


def test_cases_run_under_the_packs_up_to_their_own() -> None:
    ran = {(result.pack, result.about) for result in pack_cases.run([XICHENG])}
    assert ("xicheng", TO_SOCIAL) in ran
    assert ("base", TO_SOCIAL) in ran


def held(pack: packs.PackSet, sbp: float) -> followup_classes.Concluded:
    """A follow-up of somebody of 50 with this pressure, on a day after both districts began."""
    day = date(2026, 7, 1)
    answers = {"how": "1", "on": str(day), "sbp": sbp, "dbp": 70.0, "danger": ["none"], "adverse": "1", "complication": "none",
               "adherence": "1"}  # fmt: skip
    about = About(50, "", ("hypertension",))
    return followup_classes.conclude(pack.followup("htn", day), answers, about, "none", day)


def test_a_district_replaces_the_clinical_aims_and_leaves_the_appraisal(tmp_path: Path) -> None:
    aims = written(
        tmp_path / "aims",
        {
            "followups/htn.yaml": "versions:\n  2026-01-01:\n    targets:\n      guide_2025: {status: retired}\n"
            "      ours: {title: <125, source: {id: D1}, status: approved, when: sbp < 125.0}\n"
            "      tried: {title: <115, source: {id: D1}, when: sbp < 115.0}\n"
        },
    )
    pack = packs.load([BASE, aims])
    form, found = pack.followup("htn", date(2026, 7, 1)), held(pack, 128.0)
    assert (form.source.id, found.code) == ("S01", "satisfied")
    assert [(one.source.id, met) for _, one, met in found.aims(form)] == [("D1", False)]


def test_a_district_replaces_the_appraisal_and_leaves_the_clinical_aims(tmp_path: Path) -> None:
    says = "versions:\n  2026-01-01:\n    classes:\n      {}: {{when: {}}}\n      {}: {{when: {}}}\n"
    text = says.format("unsatisfied", "sbp >= 120.0", "satisfied", "sbp < 120.0")
    stricter = written(
        tmp_path / "stricter", {"followups/htn.yaml": "source: {id: D2}\nstatus: approved\n" + text}
    )
    pack = packs.load([BASE, stricter])
    form, found = pack.followup("htn", date(2026, 7, 1)), held(pack, 128.0)
    assert (form.source.id, found.code) == ("D2", "unsatisfied")
    assert [(one.source.id, met) for _, one, met in found.aims(form)] == [("S04", True)]


def test_an_aim_that_the_packs_no_longer_have_is_left_out_of_what_was_found_before() -> None:
    form = packs.load([BASE]).followup("htn", date(2026, 7, 1))
    found = followup_classes.Concluded("satisfied", None, {"gone": False, "guide_2025": True})
    assert [code for code, _, _ in found.aims(form)] == ["guide_2025"]
