"""Taking back what a workbook brought in: 周主任 imported it; 郑管理员 may as well, 赵护士 and 钱医生 may not."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from tests.rooms.care.test_followups import HIGH, whole
from tests.rooms.care.test_past import (
    CONTRACTS,
    DISEASES,
    FOLLOWUPS,
    ID,
    contract,
    followup,
    her,
    sheet,
    take,
    told,
)
from tests.rooms.care.world import World

from yishe.care import assessment_reading, conditions, entries, past_undo, rebuild, year
from yishe.care.models import Contract, Encounter, Observation, Owed
from yishe.care.past_undo import Undone
from yishe.loops.models import Loop
from yishe.people import placements, residents
from yishe.people.actors import SYSTEM, Actor
from yishe.people.models import ImportRun
from yishe.policy.refusals import Conflict, Forbidden, Invalid, NotFound
from yishe.trust.models import Entry

__all__ = ["her"]
pytestmark = pytest.mark.django_db


def brought(world: World, kind: str, content: bytes, now: datetime) -> UUID:
    report = take(world, kind, content, now)
    assert report.counts["created"], told(report)
    assert report.run
    return report.run


def back(world: World, run: UUID, at: datetime, who: Actor | None = None) -> list[Undone]:
    return past_undo.undo(who or world.director, run, "wrong_file", at)


def test_past_follow_ups_go_with_all_they_left_and_the_same_file_comes_in_again(
    her: World, now: datetime
) -> None:
    who = her.resident.resident
    residents.amend(SYSTEM, who, {"traits": ("hypertension",)}, now)
    take(her, "contracts", sheet(CONTRACTS, contract()), now)
    content = sheet(FOLLOWUPS, followup("2025-10-20"), followup("2026-01-15"))
    run, entries_ = brought(her, "followups", content, now), Entry.objects.count()
    later = now + timedelta(days=1)
    assert [one.refusal for one in past_undo.preview(her.director, run, later)] == ["", ""]
    assert Entry.objects.count() == entries_, "a preview takes nothing back"
    assert [(one.number, one.refusal) for one in back(her, run, later)] == [(3, ""), (2, "")]
    keyed = entries.keyed(placements.placed(who))
    assert not entries.latest(Encounter, keyed).exists()
    assert not entries.latest(Observation, keyed).exists()
    assert not assessment_reading.overview(her.doctor, who, later, followups=True).done
    assert not Owed.objects.exclude(kept_on=None).exists()
    assert Encounter.objects.filter(**entries.of(keyed)).count() == 4, "nothing is deleted"
    assert rebuild.differences() == []
    assert back(her, run, later) == [], "nothing is left to take back"

    again = take(her, "followups", content, later)
    assert again.counts["created"] == 2, told(again)
    assert Owed.objects.exclude(kept_on=None).exists()
    assert take(her, "followups", content, later).counts["unchanged"] == 2
    assert rebuild.differences() == []


def test_a_contract_entered_in_error_never_owed_anything(her: World, now: datetime) -> None:
    content = sheet(CONTRACTS, contract())
    run = brought(her, "contracts", content, now)
    year.open_due(now)
    (done,) = back(her, run, now + timedelta(days=1))
    assert (done.refusal, "团队" in done.hint) == ("", True)
    row = Contract.objects.get()
    assert (row.end_reason, row.ended_at is None) == ("entered_in_error", False)
    assert {one.withdrawn_on for one in row.owed.all()} == {row.since}
    assert not Loop.objects.filter(kind__startswith="contract.", closed_at=None).exists()
    assert rebuild.differences() == []
    assert take(her, "contracts", content, now + timedelta(days=2)).counts["created"] == 1


def test_a_disease_goes_with_the_trait_that_came_with_it(her: World, now: datetime) -> None:
    who = her.resident.resident
    residents.amend(SYSTEM, who, {"traits": ("living_alone",)}, now)
    run = brought(her, "conditions", sheet(DISEASES, ("王秀兰", ID, "高血压", "2019-03-05", "在管")), now)
    assert set(placements.placed(who).traits) == {"living_alone", "hypertension"}
    assert [one.refusal for one in back(her, run, now + timedelta(days=1))] == [""]
    where = placements.placed(who)
    assert (where.traits, conditions.standing(entries.keyed(where), ("disease",))) == (("living_alone",), [])


def test_what_was_built_upon_since_stays_and_says_why(her: World, now: datetime) -> None:
    who = her.resident.resident
    residents.amend(SYSTEM, who, {"traits": ("hypertension",)}, now)
    agreed = brought(her, "contracts", sheet(CONTRACTS, contract()), now)
    year.open_due(now)
    days = ((now - timedelta(days=20)).date().isoformat(), (now - timedelta(days=12)).date().isoformat())
    run = brought(her, "followups", sheet(FOLLOWUPS, *(followup(one, bp="166/96") for one in days)), now)
    later = now + timedelta(hours=2)
    whole(her.nurse, who, HIGH, later)
    said = [one.refusal for one in back(her, run, later)]
    assert len(said) == 2
    assert all("连续两次" in one or "闭环" in one for one in said), said
    assert "履约" in back(her, agreed, later)[0].refusal
    assert Contract.objects.get().ended_at is None
    assert entries.latest(Encounter, entries.keyed(placements.placed(who))).count() == 3
    assert rebuild.differences() == []


def test_only_who_brought_it_or_an_administrator_in_time_and_for_a_reason(her: World, now: datetime) -> None:
    run = brought(her, "followups", sheet(FOLLOWUPS, followup()), now)
    for who in (her.nurse, her.doctor, her.stranger):
        with pytest.raises(Forbidden):
            back(her, run, now, who=who)
    with pytest.raises(Invalid, match="要选一个原因"):
        past_undo.undo(her.director, run, "none", now)
    with pytest.raises(Conflict, match="逐条更正"):
        back(her, run, now + timedelta(days=8))
    assert [one.id for one in past_undo.recent(her.director, her.centre.id, now)] == [run]
    assert past_undo.recent(her.nurse, her.centre.id, now) == []
    preview = take(her, "followups", sheet(FOLLOWUPS, followup("2025-11-20")), now, dry_run=True)
    assert (preview.run, ImportRun.objects.count()) == (None, 1)
    with pytest.raises(NotFound):
        back(her, her.centre.id, now)
    assert back(her, run, now + timedelta(days=7), who=her.administrator)[0].refusal == ""
    assert past_undo.recent(her.director, her.centre.id, now) == []
