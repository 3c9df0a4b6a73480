"""Vaccinations: recorded once, refused in words, and what is due follows; measures and answers that growth and risk read."""

from datetime import UTC, date, datetime, timedelta

import pytest
from tests.rooms.care.world import World

from yishe.care import entries, growth, immunizations, observations, risks, timeline
from yishe.care.models import Immunization
from yishe.people import actors, residents
from yishe.people.cards import Card, cards
from yishe.people.placements import Placement
from yishe.policy.refusals import Conflict, Forbidden, Invalid

pytestmark = pytest.mark.django_db


def child(world: World, now: datetime, born: date, sex: str = "1") -> Placement:
    """李小宝, of the same team."""
    about = {
        "name": "李小宝", "sex": sex, "birth_date": born, "team": world.team.id, "doctor": world.doctor.staff_id,
        "social_worker": world.social_worker.staff_id,
    }  # fmt: skip
    return residents.register(actors.SYSTEM, about, now - timedelta(days=1), centre=world.centre.id)


def card_of(placed: Placement) -> Card:
    return cards([placed.subject])[placed.subject]


def give(
    world: World, placed: Placement, now: datetime, vaccine: str, on: date, **more: object
) -> Immunization:
    early = datetime(on.year, on.month, on.day, 0, 30, tzinfo=UTC)
    return immunizations.record(
        world.nurse, placed.resident, vaccine=vaccine, at=now, command_id=f"{vaccine}{on}{more}", occurred_at=early, **more  # type: ignore[arg-type]
    )  # fmt: skip


def states(placed: Placement, now: datetime) -> dict[str, str]:
    rows = immunizations.standing(entries.keyed(placed))
    return {dose.code: dose.state for dose in immunizations.schedule(card_of(placed), rows, now)}


def test_a_dose_that_was_given_is_due_no_more_and_stands_on_the_timeline(world: World, now: datetime) -> None:
    today = now.date()
    baby = child(world, now, today - timedelta(days=70))
    assert states(baby, now)["polio.1"] == "due"
    give(world, baby, now, "IPV", today - timedelta(days=1), batch="2026-A7")
    assert states(baby, now)["polio.1"] == "done"
    (shown,) = timeline.page(world.social_worker, baby.resident, at=now, kinds=["immunization"]).items
    assert shown.title == "接种：脊灰灭活疫苗"
    assert shown.text == "批号 2026-A7"


def test_the_batch_is_sealed(world: World, now: datetime) -> None:
    row = give(
        world, child(world, now, now.date() - timedelta(days=70)), now, "IPV", now.date(), batch="2026-A7"
    )
    assert b"2026-A7" not in bytes(row.sealed)


def test_the_same_dose_twice_is_refused_and_corrected_once(world: World, now: datetime) -> None:
    today = now.date()
    baby = child(world, now, today - timedelta(days=70))
    first = give(world, baby, now, "IPV", today)
    with pytest.raises(Conflict, match="已经记过"):
        give(world, baby, now, "IPV", today, batch="x")
    give(world, baby, now, "IPV", today, batch="y", supersedes=first.id)
    assert len(immunizations.standing(entries.keyed(baby))) == 1


def test_the_same_press_twice_is_one_dose(world: World, now: datetime) -> None:
    baby = child(world, now, now.date() - timedelta(days=70))
    assert give(world, baby, now, "IPV", now.date()).id == give(world, baby, now, "IPV", now.date()).id


@pytest.mark.parametrize(
    ("vaccine", "days", "more", "code"),
    [
        ("Moonshot", 0, {}, "vaccine_unknown"),
        ("MMR", 0, {"reason": "bored"}, "hold_unknown"),
        ("IPV", -3, {}, "in_the_future"),
        ("IPV", 400, {}, "before_birth"),
        ("IPV", 0, {"until": date(2031, 1, 1)}, "until_without_reason"),
        ("IPV", 0, {"reason": "ill", "until": date(2020, 1, 1)}, "until_past"),
    ],
)
def test_what_can_not_be_is_refused(
    world: World, now: datetime, vaccine: str, days: int, more: dict[str, object], code: str
) -> None:
    baby = child(world, now, now.date() - timedelta(days=300))
    with pytest.raises(Invalid) as refused:
        give(world, baby, now, vaccine, now.date() - timedelta(days=days), **more)
    assert refused.value.code == code
    assert not Immunization.objects.exists()


def test_a_reason_holds_a_vaccine_until_its_day(world: World, now: datetime) -> None:
    today = now.date()
    baby = child(world, now, today - timedelta(days=300))
    give(world, baby, now, "MMR", today, reason="ill", until=today + timedelta(days=7))
    assert states(baby, now)["mmr.1"] == "held"
    assert states(baby, now + timedelta(days=8))["mmr.1"] in ("due", "late")
    (shown,) = timeline.page(world.nurse, baby.resident, at=now, kinds=["immunization"]).items
    assert shown.title.startswith("未接种：麻腮风疫苗（发热或急性病")


def test_after_her_death_nothing_is_given_any_more(world: World, now: datetime) -> None:
    baby = child(world, now, now.date() - timedelta(days=300))
    residents.die(actors.SYSTEM, baby.resident, now - timedelta(hours=1))
    with pytest.raises(Conflict, match="居民已故"):
        immunizations.record(world.nurse, baby.resident, vaccine="IPV", at=now, command_id="after")


def test_the_social_worker_and_a_stranger_give_nothing(world: World, now: datetime) -> None:
    baby = child(world, now, now.date() - timedelta(days=70))
    for person in (world.social_worker, world.stranger):
        with pytest.raises(Forbidden):
            immunizations.record(person, baby.resident, vaccine="IPV", at=now, command_id="o")


def test_who_is_grown_up_has_no_programme(world: World, now: datetime) -> None:
    assert states(child(world, now, date(1990, 1, 1)), now) == {}


def measure(world: World, placed: Placement, now: datetime, kind: str, value: object, **more: object) -> None:
    observations.record(
        world.nurse, placed.resident, kind=kind, values={kind: value}, at=now, command_id=f"{kind}{value}{more}", **more  # type: ignore[dict-item, arg-type]
    )  # fmt: skip


def test_a_child_measured_lying_and_standing_is_reckoned_alike(world: World, now: datetime) -> None:
    born = now.date() - timedelta(days=731)
    baby = child(world, now, born)
    measure(world, baby, now, "child_length", "87.8", context="lying")
    measure(world, baby, now, "child_weight", "12.15")
    (visit,) = growth.visits(card_of(baby), observations.latest(entries.keyed(baby)))
    assert visit.on == now.date()
    length, weight = visit.score("length_for_age"), visit.score("weight_for_age")
    assert length is not None
    assert weight is not None
    assert (length.z, weight.z) == (-0.01, 0.0)


def test_a_baby_is_not_weighed_by_the_limits_of_a_grown_up(world: World, now: datetime) -> None:
    baby = child(world, now, now.date() - timedelta(days=3))
    measure(world, baby, now, "child_weight", "3.2")
    with pytest.raises(Invalid, match="很少见"):
        measure(world, baby, now, "child_weight", "0.9")
    with pytest.raises(Invalid, match="超出可能"):
        measure(world, baby, now, "child_weight", "320")


@pytest.mark.parametrize(
    ("kind", "written", "suggested"),
    [
        ("glucose", "126 mg/dL", "7.0"),
        ("cholesterol", "201.1mg/dL", "5.20"),
        ("triglycerides", "88.57 mg/dL", "1.00"),
        ("creatinine", "1 mg/dL", "88"),
        ("uric_acid", "5mg/dL", "297"),
        ("hba1c", "53 mmol/mol", "7.0"),
        ("temperature", "98.6 ℉", "37.0"),
        ("weight", "120斤", "60.0"),
        ("waist", "27 寸", "90.0"),
    ],
)
def test_another_unit_is_answered_with_what_it_comes_to_and_never_turned_silently(
    world: World, now: datetime, kind: str, written: str, suggested: str
) -> None:
    with pytest.raises(Invalid) as refused:
        measure(world, world.resident, now, kind, written)
    assert refused.value.code == "unit_other"
    assert refused.value.extra["suggestion"] == suggested
    measure(world, world.resident, now, kind, suggested)


def test_its_own_unit_may_be_written_and_pressure_in_kilopascal_is_asked_about(
    world: World, now: datetime
) -> None:
    measure(world, world.resident, now, "glucose", "6.1 mmol/L")
    with pytest.raises(Invalid, match=r"18\.6 kPa 合 140"):
        observations.record(
            world.nurse, world.resident.resident, kind="bp", values={"sbp": "18.6kPa", "dbp": 80}, at=now, command_id="k"
        )  # fmt: skip


def test_risk_reads_the_newest_measures_answers_and_traits(world: World, now: datetime) -> None:
    grown = child(world, now, date(1966, 1, 1))
    for kind, value in (("height", "170"), ("weight", "95"), ("waist", "96")):
        measure(world, grown, now - timedelta(days=2), kind, value)
    measure(world, grown, now - timedelta(days=1), "waist", "90")
    rows = observations.latest(entries.keyed(grown))
    found = risks.known(card_of(grown), ["stroke"], rows, now)
    said = {one.code: one for one in risks.results(found)}
    assert said["waist"].shown == "90.0 cm"
    assert str(said["waist"].grade.title if said["waist"].grade else "") == "中心性肥胖"
    assert said["china_par"].state == "not_for"
    assert set(said["ncdrs"].missing) == {"sbp", "family_diabetes"}
    observations.record(
        world.nurse, grown.resident, kind="answers", values={"family_diabetes": "1"}, at=now, command_id="a"
    )
    observations.record(
        world.nurse, grown.resident, kind="bp", values={"sbp": 165, "dbp": 90}, at=now, command_id="b"
    )
    found = risks.known(card_of(grown), [], observations.latest(entries.keyed(grown)), now)
    ncdrs = next(one for one in risks.results(found) if one.code == "ncdrs")
    assert ncdrs.state == "done"
    assert found.days["waist"] == (now - timedelta(days=1)).date()


@pytest.mark.parametrize("values", [{"horoscope": "1"}, {"smoker": "maybe"}, {}])
def test_an_answer_is_yes_or_no_to_a_question_of_the_pack(
    world: World, now: datetime, values: dict[str, object]
) -> None:
    with pytest.raises(Invalid):
        observations.record(
            world.nurse, world.resident.resident, kind="answers", values=values, at=now, command_id="a"  # type: ignore[arg-type]
        )  # fmt: skip
