"""Deleting a person on request: reviewed by somebody else, everything that leads to her gone, what law keeps kept sealed.

李敏 takes the request of 王秀兰 down, 周主任 reviews it; 赵护士 is a colleague, 钱医生 a stranger.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from tests.rooms.care.world import World

from yishe.care import encounters, entries, erasures, notes, observations
from yishe.care.models import Held
from yishe.loops import acts, promises, reading, rebuild, worker
from yishe.loops.models import Loop
from yishe.people import access, actors, import_held, residents, search
from yishe.people.cards import cards
from yishe.people.import_headers import Line
from yishe.people.import_report import Done, Report
from yishe.people.import_rows import Read
from yishe.people.models import AccessFact, Empanelment, ImportRow, Resident, SearchToken, Subject
from yishe.people.particulars import Particulars
from yishe.policy.refusals import Conflict, Forbidden, Invalid, NotFound, Unavailable
from yishe.talk.models import Notice, Outbox
from yishe.trust import ledger, tombstones, verification
from yishe.trust.models import AccessLine, Erasure, SubjectKey
from yishe.trust.scoping import everybody

WORDS = {"name": "王秀兰", "phone": "13986271504", "address": "翠屏巷七十三号院丙单元"}


@pytest.fixture(autouse=True)
def places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The list of tombstones lies in folders of this test."""
    for name, folder in (("HOME", "home"), ("BACKUP_DIR", "backups")):
        (tmp_path / folder).mkdir()
        monkeypatch.setattr(settings, name, tmp_path / folder)
    return tmp_path


@pytest.fixture
def lived(world: World, now: datetime) -> World:
    """She was seen, visited, measured, and her referral has come to its end."""
    at, who = now - timedelta(days=30), world.resident.resident
    residents.amend(world.doctor, who, {"phone": WORDS["phone"], "address": WORDS["address"]}, at)
    encounters.record(
        world.doctor,
        who,
        kind="1",
        summary="血压控制不佳",
        diagnoses=[("I10", "高血压")],
        at=at,
        command_id="e",
    )
    notes.record(world.social_worker, who, stage="planning", text="女儿在外地", at=at, command_id="n")
    observations.record(
        world.nurse, who, kind="bp", values={"sbp": "158", "dbp": "92"}, at=at, command_id="o"
    )
    return world


@pytest.fixture
def ask(lived: World, now: datetime) -> Callable[..., UUID]:
    """The request, taken along to where it can be decided."""

    def asked(*verbs: str) -> UUID:
        loop = promises.promise(
            lived.social_worker, kind="rights.erasure", resident=lived.resident.resident, note="不想再被联系",
            at=now, command_id=uuid4().hex,
        )  # fmt: skip
        for verb in verbs:
            acts.act(lived.director, verb, loop, seq=Loop.objects.get(id=loop).seq, at=now)
        return loop

    return asked


def approve(world: World, loop: UUID, now: datetime, by: str = "director") -> list[erasures.Holding]:
    seq, actor = Loop.objects.get(id=loop).seq, getattr(world, by)
    kept = list(erasures.erase(actor, loop, seq=seq, at=now, command_id=f"erase-{loop}"))
    tombstones.write_out()  # as after the commit, which this test's own transaction never comes to
    return kept


def test_after_an_approved_request_nothing_leads_to_her(
    lived: World, ask: Callable[..., UUID], now: datetime
) -> None:
    her, loop = lived.resident, ask("accept", "start")

    approve(lived, loop, now)

    assert search.find(lived.doctor, WORDS["name"], now) == []
    assert search.find(lived.director, WORDS["phone"], now) == []
    assert cards([her.subject]) == {}
    assert not Subject.objects.exists()
    assert not SearchToken.objects.exists()
    assert not SubjectKey.objects.filter(subject=her.subject).exists()
    assert not AccessFact.objects.exists()
    assert not Notice.objects.exists()
    assert not Outbox.objects.filter(subject=her.subject).exclude(loop=loop).exists()
    row = Resident.objects.get(id=lived.resident.resident)
    assert (bytes(row.name_sealed), row.phone_sealed, row.address_sealed, row.birth_date) == (
        b"",
        None,
        None,
        None,
    )
    assert (row.id_blind, row.person_blind, row.contact_blind, row.traits) == (None, None, None, [])
    assert row.erased_at == now
    for wanted in (residents.placed, entries.whose):
        with pytest.raises(NotFound):
            wanted(her.resident)


def test_the_ledger_still_verifies_and_replay_still_equals_the_rows(
    lived: World, ask: Callable[..., UUID], now: datetime
) -> None:
    loop = ask("accept", "start")
    before = [bytes(entry.hash) for entry in ledger.entries(loop)]

    approve(lived, loop, now)

    assert verification.verify(rebuild.heads()).broken is None
    assert rebuild.differences() == []
    assert [bytes(entry.hash) for entry in ledger.entries(loop)][: len(before)] == before
    row = Loop.objects.get(id=loop)
    assert (row.outcome, row.closed_as) == ("erased", "served")
    first = ledger.entries(loop)[0]
    assert first.sealed is not None
    assert "不想再被联系" not in str(reading.detail(lived.director, loop, now).entries)


def test_what_law_obliges_to_keep_is_sealed_until_its_date_and_the_answer_says_so(
    lived: World, ask: Callable[..., UUID], now: datetime
) -> None:
    loop = ask("accept", "start")
    kept = approve(lived, loop, now)

    until = {one.code: one.until for one in kept}
    assert until["outpatient_record"] == date(2041, 1, 31)
    assert until["casework"] >= date(2031, 1, 31)
    told = "\n".join(erasures.answer(kept))
    assert "《医疗机构病历管理规定（2013 年版）》" in told
    assert "封存到 2041-01-31" in told
    held = Held.objects.get(category="outpatient_record")
    assert "血压".encode() not in bytes(held.sealed)
    opened = erasures.open_held(lived.director, held.id, "某法院调查令", now)
    assert opened["whose"][0]["name"] == WORDS["name"]
    assert any("血压控制不佳" in str(one) for one in opened["entries"])
    assert AccessLine.objects.get(action="rights.held").purpose == "某法院调查令"
    with pytest.raises(Invalid, match="依据什么要求"):
        erasures.open_held(lived.director, held.id, " ", now)


def test_on_its_day_what_was_kept_goes_too(lived: World, ask: Callable[..., UUID], now: datetime) -> None:
    approve(lived, ask("accept", "start"), now)
    kept = list(Held.objects.order_by("until"))

    day = datetime.combine(kept[-1].until, now.timetz()) - timedelta(days=1)
    assert erasures.due(actors.SYSTEM, day) == len(kept) - 1
    assert erasures.due(actors.SYSTEM, day + timedelta(days=1)) == 1

    assert not Held.objects.exists()
    assert not SubjectKey.objects.filter(subject__in=[one.id for one in kept]).exists()
    assert erasures.due(actors.SYSTEM, day + timedelta(days=2)) == 0


def test_with_nothing_that_must_be_kept_nothing_is(world: World, now: datetime) -> None:
    newcomer = residents.register(
        actors.SYSTEM, {"name": "孙新来", "team": None}, now - timedelta(days=1), centre=world.centre.id
    )
    loop = promises.promise(
        world.director, kind="rights.erasure", resident=newcomer.resident, at=now, command_id="new"
    )
    assert erasures.review(world.director, loop, now).kept == [
        one for one in erasures.review(world.director, loop, now).kept if one.code == "casework"
    ]
    assert "没有依法必须继续保存的部分" in erasures.answer([])[-1]


def test_the_one_who_took_it_down_does_not_review_it_himself(lived: World, now: datetime) -> None:
    loop = promises.promise(
        lived.director, kind="rights.erasure", resident=lived.resident.resident, at=now, command_id="own"
    )
    for verb in ("accept", "start"):
        acts.act(lived.director, verb, loop, seq=Loop.objects.get(id=loop).seq, at=now)
    with pytest.raises(Forbidden, match="不能自己复核"):
        approve(lived, loop, now)


@pytest.mark.parametrize("name", ["social_worker", "nurse", "stranger"])
def test_neither_sender_nor_colleague_nor_stranger_approves(
    lived: World, ask: Callable[..., UUID], now: datetime, name: str
) -> None:
    loop = ask("accept", "start")
    with pytest.raises(Forbidden):
        approve(lived, loop, now, by=name)
    assert cards([lived.resident.subject])


def test_other_open_promises_are_named_and_stand_in_the_way(
    lived: World, ask: Callable[..., UUID], now: datetime
) -> None:
    promises.promise(
        lived.doctor, kind="referral.doctor_to_social_worker", resident=lived.resident.resident, reason="D12",
        note="少出门", at=now, command_id="open",
    )  # fmt: skip
    loop = ask("accept", "start")
    with pytest.raises(Conflict, match="还有 1 件答应居民的事没有办完：转介社工"):
        approve(lived, loop, now)
    assert Loop.objects.get(id=loop).closed_at is None


def test_the_proof_of_an_erasure_is_brought_by_the_erasure_alone(
    lived: World, ask: Callable[..., UUID], now: datetime
) -> None:
    loop = ask("accept", "start")
    seq = Loop.objects.get(id=loop).seq
    for evidence in ([{"type": "erasure"}], []):
        with pytest.raises(Invalid):
            acts.act(
                lived.director,
                "complete",
                loop,
                seq=seq,
                at=now,
                outcome="erased",
                evidence=evidence,
                note="已删",
            )
    acts.act(
        lived.director,
        "complete",
        loop,
        seq=seq,
        at=now,
        outcome="erasure_refused",
        note="诉讼未结，依法保存",
    )
    assert cards([lived.resident.subject])
    with pytest.raises(Conflict, match="已经办结"):
        approve(lived, loop, now)


def test_asked_twice_it_is_done_once(lived: World, ask: Callable[..., UUID], now: datetime) -> None:
    loop = ask("accept", "start")
    seq = Loop.objects.get(id=loop).seq
    erasures.erase(lived.director, loop, seq=seq, at=now, command_id="once")
    assert erasures.erase(lived.director, loop, seq=seq, at=now, command_id="once") == []
    assert Erasure.objects.count() == 1
    with pytest.raises(NotFound):
        promises.promise(
            lived.social_worker,
            kind="rights.erasure",
            resident=lived.resident.resident,
            at=now,
            command_id="again",
        )


def test_a_request_that_moved_on_is_not_decided_blindly(
    lived: World, ask: Callable[..., UUID], now: datetime
) -> None:
    loop = ask("accept", "start")
    with pytest.raises(Conflict, match="新进展"):
        erasures.erase(lived.director, loop, seq=1, at=now, command_id="stale")
    assert cards([lived.resident.subject])
    assert not Erasure.objects.exists()


def test_records_merged_into_hers_go_with_her(lived: World, ask: Callable[..., UUID], now: datetime) -> None:
    twin = lived.another("王秀兰", now)
    residents.merge(lived.director, lived.resident.resident, twin.resident, now)
    approve(lived, ask("accept", "start"), now)
    assert not Subject.objects.exists()
    assert set(everybody(Resident, "both").values_list("erased_at", flat=True)) == {now}
    assert {row.subject for row in Erasure.objects.all()} == {lived.resident.subject, twin.subject}


def test_rows_of_rosters_that_still_wait_lose_what_they_say_of_her(
    lived: World, ask: Callable[..., UUID], now: datetime
) -> None:
    report = Report("residents", False, lived.centre.id, "名册.xlsx", "0" * 64)
    for number, name in ((2, "王秀兰"), (3, "赵某")):
        said = Particulars(name=name, phone=WORDS["phone"] if number == 2 else None)
        report.done.append(
            Done(Line("", number, []), "held", read=Read(Line("", number, []), lived.centre.id, said))
        )
    import_held.keep(lived.director, report, now)

    approve(lived, ask("accept", "start"), now)

    assert {row.number: row.cells_sealed is None for row in ImportRow.objects.all()} == {2: True, 3: False}


# An older backup


def back_again(world: World, now: datetime) -> Callable[[], None]:
    """What a backup of yesterday would bring back: the rows as they are now."""
    resident = Resident.objects.filter(id=world.resident.resident).values().get()
    subject, key = (
        Subject.objects.values().get(),
        SubjectKey.objects.filter(subject=world.resident.subject).values().get(),
    )
    tokens = list(SearchToken.objects.values())

    def restored() -> None:
        Resident.objects.filter(id=resident["id"]).update(**{k: v for k, v in resident.items() if k != "id"})
        SubjectKey.objects.create(**key)
        Subject.objects.create(**subject)
        Empanelment.objects.update(until=None)
        SearchToken.objects.bulk_create(SearchToken(**one) for one in tokens)

    return restored


def test_a_backup_of_yesterday_brings_nobody_back(
    lived: World, ask: Callable[..., UUID], now: datetime, places: Path
) -> None:
    loop = ask("accept", "start")
    restored = back_again(lived, now)
    approve(lived, loop, now)
    Held.objects.all().delete()
    restored()
    assert search.find(lived.doctor, WORDS["name"], now)

    assert erasures.replay(actors.SYSTEM, now + timedelta(days=1)) == 1

    assert search.find(lived.doctor, WORDS["name"], now) == []
    assert not SubjectKey.objects.filter(subject=lived.resident.subject).exists()
    assert Held.objects.filter(category="outpatient_record").exists()
    assert erasures.replay(actors.SYSTEM, now + timedelta(days=1)) == 0
    for place in (places / "home", places / "backups"):
        assert str(lived.resident.subject) in (place / tombstones.FILE).read_text()


def test_what_was_open_in_that_backup_ends_by_rule(
    lived: World, ask: Callable[..., UUID], now: datetime
) -> None:
    loop = ask("accept", "start")
    restored = back_again(lived, now)
    approve(lived, loop, now)
    restored()
    promised = promises.promise(
        lived.doctor, kind="referral.doctor_to_social_worker", resident=lived.resident.resident, reason="D12",
        note="少出门", at=now, command_id="of-yesterday",
    )  # fmt: skip

    erasures.replay(actors.SYSTEM, now)
    worker.sweep_all(now + timedelta(minutes=1))

    row = Loop.objects.get(id=promised)
    assert (row.state, row.gone, row.close_reason) == ("cancelled", "erased", "erased")
    assert rebuild.differences() == []


def test_a_list_that_was_tampered_with_is_refused(
    lived: World, ask: Callable[..., UUID], now: datetime, places: Path
) -> None:
    approve(lived, ask("accept", "start"), now)
    path = places / "home" / tombstones.FILE
    path.write_text(path.read_text().replace(str(lived.resident.subject), str(uuid4())))
    with pytest.raises(Unavailable, match="被改动或不属于这套系统"):
        erasures.replay(actors.SYSTEM, now)


def test_a_place_of_backups_hands_its_list_on(
    lived: World, ask: Callable[..., UUID], now: datetime, places: Path
) -> None:
    approve(lived, ask("accept", "start"), now)
    (places / "home" / tombstones.FILE).unlink()
    tombstones.gather(places / "backups")
    assert (places / "home" / tombstones.FILE).read_text() == (
        places / "backups" / tombstones.FILE
    ).read_text()


def test_nobody_stands_in_a_relation_to_someone_erased(
    lived: World, ask: Callable[..., UUID], now: datetime
) -> None:
    approve(lived, ask("accept", "start"), now)
    assert not access.scope(lived.director, "resident.read", now).residents().exists()
