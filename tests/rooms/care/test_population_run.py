"""A whole population's years, completed at once: what a batch writes is what the verb writes for each, and twice is once."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from tests.rooms.care.test_contracts import signed
from tests.rooms.care.world import World
from tests.rooms.trust import places

from yishe.care import (
    assessments,
    class_run,
    classes,
    conditions,
    marks,
    observations,
    population,
    rebuild,
    replanning,
    year,
    year_changes,
)
from yishe.care.class_models import ClassOf
from yishe.care.models import Contract, Owed
from yishe.lab import crowd
from yishe.loops.models import Loop
from yishe.people import facts, packs, residents
from yishe.people.actors import SYSTEM
from yishe.people.models import AccessFact, Resident, Subject
from yishe.policy.class_rules import ClassRule, Reader
from yishe.policy.class_state import ASSIGNED
from yishe.policy.contract_state import REPLANNED
from yishe.talk.models import Outbox
from yishe.trust import batch, commit, ledger, verification
from yishe.trust.batch import Batch
from yishe.trust.models import Entry

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
SAID = ("service", "nth", "times", "starts", "due", "ends", "duty", "kind", "covers")


def years_written() -> dict[UUID, set[Any]]:
    found: dict[UUID, set[Any]] = {}
    for contract, *said in Owed.objects.values_list("contract", *SAID):
        found.setdefault(contract, set()).add((*said[:-1], tuple(said[-1])))
    return found


def entries_written() -> Counter[Any]:
    """What was said to the ledger, without the ids that are drawn."""
    found = Counter[Any]()
    for one in Entry.objects.filter(kind=REPLANNED):
        said = ledger.facts_of(one)
        said["year"] = [
            {name: value for name, value in item.items() if name != "id"} for item in said["year"]
        ]
        found[one.stream, one.seq, one.actor, one.subject, one.home, one.pack, ledger.canonical(said)] += 1
    return found


def classes_written() -> Counter[Any]:
    """Every class with what its entries said, without the ids that are drawn."""
    rows = ClassOf.objects.values_list("subject", "home", "to_class", "medical", "social", "next_on", "seq")
    said = Entry.objects.filter(kind=ASSIGNED).values_list("subject", "home", "seq", "actor", "pack", "data")
    return Counter([*rows, *said])


def resident_of(row: Contract) -> UUID:
    return Subject.objects.get(subject=row.subject).resident_id


def sound() -> bool:
    return rebuild.differences() == [] and verification.verify(rebuild.heads()).broken is None


@pytest.fixture(scope="module")
def many(django_db_setup: None, django_db_blocker: Any) -> Iterator[Any]:
    """Forty invented residents; whatever a test writes is taken back."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield crowd.gather(40, 3, NOW)
        transaction.set_rollback(True)


@pytest.fixture
def made(many: crowd.Crowd) -> Iterator[crowd.Crowd]:
    before = transaction.savepoint()
    yield many
    transaction.savepoint_rollback(before)


def test_what_the_batch_writes_is_what_the_verb_writes_for_each(made: crowd.Crowd) -> None:
    assert made.contracts == Contract.objects.count() > 20
    before = transaction.savepoint()
    found = population.run(NOW)
    assert found.looked == found.planned == made.contracts
    assert found.promises == Owed.objects.exclude(service="renewal").count()
    by_batch, said, classed = years_written(), entries_written(), classes_written()
    assert (found.classing.classified, found.classing.alone) == (made.residents, 0)
    assert sound()

    transaction.savepoint_rollback(before)
    assert not Owed.objects.exclude(service="renewal").exists()
    for row in Contract.objects.order_by("id"):
        who = Subject.objects.get(subject=row.subject).resident_id
        assert replanning.replan(SYSTEM, who, NOW)
        assert not replanning.replan(SYSTEM, who, NOW)
    for who in Subject.objects.values_list("resident", flat=True):
        assert classes.look(who, NOW) is not None
    assert (years_written(), entries_written(), classes_written()) == (by_batch, said, classed)
    assert population.run(NOW).planned == 0
    assert sound()


def test_a_dry_run_counts_the_same_and_writes_nothing(made: crowd.Crowd) -> None:
    before = Owed.objects.count()
    dry = population.run(NOW, dry=True)
    assert (Owed.objects.count(), Entry.objects.filter(kind=population.RAN).count()) == (before, 0)
    found = population.run(NOW)
    assert (dry.planned, dry.promises, dry.services) == (found.planned, found.promises, found.services)
    assert dry.classing == found.classing


def test_the_next_run_looks_only_where_something_changed(made: crowd.Crowd) -> None:
    population.run(NOW)
    again = population.run(NOW + timedelta(minutes=5))
    assert (again.looked, again.planned, again.classing.looked) == (0, 0, 0)
    everyone = population.run(NOW + timedelta(minutes=6), everybody=True)
    assert (everyone.looked, everyone.planned) == (made.contracts, 0)
    assert (everyone.classing.looked, everyone.classing.classified) == (made.residents, 0)

    grown = Contract.objects.exclude(owed__service="smi_followup").order_by("id").first()
    assert grown is not None
    later = NOW + timedelta(days=1)
    residents.amend(SYSTEM, resident_of(grown), {"traits": ("smi",)}, later)
    found = population.run(later + timedelta(minutes=1))
    assert found.planned == 1
    assert found.services["smi_followup"] in range(1, 5)
    assert all(one.due >= date(2026, 3, 3) for one in grown.owed.filter(service="smi_followup"))

    residents.amend(SYSTEM, resident_of(grown), {"traits": ()}, later + timedelta(hours=1))
    assert population.run(later + timedelta(hours=2)).withdrawn == found.services["smi_followup"]
    assert sound()


def test_a_birthday_or_another_pack_is_a_change_too(made: crowd.Crowd) -> None:
    """Whoever turns 65 in the night is owed the yearly examination in the morning."""
    row = Contract.objects.exclude(owed__service="annual_exam").order_by("id").first()
    assert row is not None
    residents.amend(
        SYSTEM, resident_of(row), {"id_number": None, "birth_date": date(1961, 3, 3), "traits": ()}, NOW
    )
    population.run(NOW + timedelta(minutes=1))
    assert not row.owed.filter(service="annual_exam").exists()
    found = population.run(NOW + timedelta(days=1))
    assert found.looked in range(1, made.contracts)
    assert row.owed.filter(service="annual_exam").count() == 1

    last = marks.last(row.home, population.RAN)
    assert last is not None
    assert marks.holds(last, last.at + timedelta(minutes=1))
    assert not marks.holds(replace(last, pack="other"), last.at + timedelta(minutes=1))
    assert not marks.holds(replace(last, at=datetime(2001, 1, 1, tzinfo=UTC)), last.at), (
        "rules began since then"
    )


def test_a_disease_that_stands_in_the_record_counts_though_the_roster_is_silent(
    world: World, now: datetime
) -> None:
    who = world.resident.resident
    residents.amend(world.doctor, who, {"birth_date": date(1980, 1, 5)}, now - timedelta(days=1))
    contract = signed(world, who, now)
    conditions.record(
        world.doctor,
        who,
        kind="disease",
        code="hypertension",
        title="高血压",
        occurred_at=now,
        at=now,
        command_id="c1",
    )
    Owed.objects.filter(contract=contract, service="htn_followup").update(times=3)
    found = population.run(now + timedelta(minutes=1))
    assert (found.planned, found.services["htn_followup"]) == (1, 4)
    assert dict(found.classing.classes) == {"chronic": 1}
    assert (found.classing.alone, found.classing.moved) == (0, {who}), (
        "read with others, planned by her class"
    )


def opened() -> Counter[Any]:
    """What opening promises wrote, without the ids that are drawn and the order in which contracts came."""
    said = Counter[Any]()
    for one in Entry.objects.filter(command_id__startswith="owed:"):
        facts = {**ledger.facts_of(one), **ledger.changes_of(one)}
        drawn = ("id", "promised_by")
        said[
            one.command_id, one.kind, ledger.canonical({k: v for k, v in facts.items() if k not in drawn})
        ] += 1
    rows = Loop.objects.values_list("subject", "kind", "reason", "owner", "due_at", "next_at", "seq")
    facts_of = AccessFact.objects.filter(source__startswith="loop:").values_list("person", "subject")
    told = Outbox.objects.values_list("person", "subject", "topic", "channel")
    return Counter([*said.items(), *rows, *facts_of, *told, *Contract.objects.values_list("id", "seq")])


def test_promises_opened_together_are_those_opened_one_by_one(made: crowd.Crowd) -> None:
    population.run(NOW)
    before = transaction.savepoint()
    count = year.open_due(NOW)
    together = opened()
    assert count == Owed.objects.exclude(loop=None).count() > 2 * made.contracts > 0
    assert year.open_due(NOW) == 0
    assert sound()

    transaction.savepoint_rollback(before)
    day = NOW.date()
    for one in Owed.objects.filter(starts__lte=day, ends__gte=day).order_by("starts", "id"):
        assert year._opened(one, NOW)
    assert opened() == together
    assert sound()


def test_one_that_is_opened_meanwhile_hinders_no_other_and_is_not_opened_twice(made: crowd.Crowd) -> None:
    population.run(NOW)
    (waiting,) = year._blocks(Owed.objects.filter(starts__lte=NOW.date(), ends__gte=NOW.date(), loop=None))
    part = next(batch.apart(waiting))

    def acts(ids: Any) -> Iterator[batch.Act]:
        found = list(year._openings(ids, NOW))
        if len(ids) == len(part):  # a colleague opens one after it was read
            assert year._opened(Owed.objects.get(id=part[3]), NOW)
        yield from found

    assert batch.together(part, acts) == len(part) - 1
    assert Owed.objects.filter(id__in=part, loop=None).count() == 0
    assert Entry.objects.filter(command_id=f"owed:{part[3]}").count() == 1
    assert sound()


def test_who_died_ended_or_has_no_birth_date_is_promised_nothing(made: crowd.Crowd) -> None:
    one, other, third = Contract.objects.order_by("id")[:3]
    residents.die(SYSTEM, resident_of(one), NOW, NOW)
    Contract.objects.filter(id=other.id).update(ended_at=NOW)
    Resident.objects.filter(id=resident_of(third)).update(birth_date=None)
    found = population.run(NOW)
    assert (found.no_birth_date, found.planned) == (1, made.contracts - 3)
    assert not Owed.objects.filter(contract__in=(one, other, third)).exclude(service="renewal").exists()


def test_a_contract_somebody_writes_to_meanwhile_is_not_overwritten(made: crowd.Crowd) -> None:
    """Both plan the same year: the batch comes second and writes nothing at all."""
    stale = list(Contract.objects.order_by("id")[:2])
    assert replanning.replan(SYSTEM, resident_of(stale[0]), NOW)
    before, batch = Owed.objects.count(), Batch()
    for row in stale:
        known = facts.of([row.subject])[row.subject]
        said = year_changes.facts_of(row, known.birth_date, known.traits, NOW.date())
        assert said is not None
        year_changes.into(batch, SYSTEM, row, [], year_changes.decided(row, [], said, NOW), NOW)
    with pytest.raises(commit.Stale):
        batch.commit()
    assert Owed.objects.count() == before
    assert population.run(NOW).planned == made.contracts - 1
    assert sound()


def test_one_that_is_written_to_between_reading_and_writing_leaves_the_others_of_its_part_alone(
    made: crowd.Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, met = year_changes.into, list[UUID]()

    def meanwhile(bundle: Any, actor: Any, row: Contract, *said: Any) -> None:
        if not met:
            met.append(row.id)
            assert replanning.replan(SYSTEM, resident_of(row), NOW), "a colleague is quicker"
        write(bundle, actor, row, *said)

    monkeypatch.setattr(year_changes, "into", meanwhile)
    found = population.run(NOW)
    assert (found.planned, found.busy) == (made.contracts - 1, 0)
    assert Entry.objects.filter(kind=REPLANNED, stream=met[0]).count() == 1
    assert sound()


def test_one_who_is_classified_between_reading_and_writing_leaves_the_others_together(
    made: crowd.Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, met = class_run._assign, list[UUID]()

    def meanwhile(written: Any, one: Any, *said: Any) -> None:
        if not met:
            met.append(one.subject)
            assert classes.look(one.resident, NOW) is not None, "a colleague is quicker"
        write(written, one, *said)

    monkeypatch.setattr(class_run, "_assign", meanwhile)
    found = population.run(NOW).classing
    assert (found.looked, found.classified, found.alone) == (made.residents, made.residents - 1, 0)
    assert Entry.objects.filter(kind=ASSIGNED, stream=ClassOf.objects.get(subject=met[0]).id).count() == 1
    assert sound()


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_a_part_is_committed_while_the_next_is_prepared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replanning, "SIZE", 5)
    monkeypatch.setattr(class_run, "SIZE", 5)
    made = crowd.gather(24, 3, NOW)
    told = list[tuple[str, int, int]]()
    found = population.run(NOW, progress=lambda *said: told.append(said))
    assert (found.planned, found.classing.classified) == (made.contracts, 24)
    assert told[-1] == ("签约年度", made.contracts, made.contracts)
    assert population.run(NOW, everybody=True).planned == 0
    assert sound()


def test_a_run_that_is_killed_loses_nothing_and_the_next_one_doubles_nothing(tmp_path: Path) -> None:
    """The process dies by SIGKILL between the rows of its second part and their commit: one that plans, then one that opens."""
    place = places.fresh(tmp_path / "centre")
    cut = place.run("tests.rooms.care.dying", "begin")
    assert cut.returncode == -9, cut.stderr
    done = place.run("tests.rooms.care.dying", "finish")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["before"] == 20, "the first part was kept, the second was not"
    assert said["planned"] == said["contracts"] - 20
    assert said["alone"] == said["years"]
    assert (said["killed"], said["kept"], said["again"]) == (9, 20, 0)
    assert said["opened"] == said["due"] == said["loops"] == said["entries"] > 40
    assert (said["differences"], said["broken"]) == (0, None)


def another_pack(monkeypatch: pytest.MonkeyPatch, **rules: ClassRule) -> None:
    """The packs in force with these rules of classes instead of their own."""
    have = packs.in_force()
    assert have.classes is not None
    sheet = have.classes.sheet
    sheet = sheet.model_copy(update={"rules": {**sheet.rules, **rules}})
    changed = replace(have, classes=Reader(sheet), sha256=have.sha256[::-1])
    monkeypatch.setattr(packs, "in_force", lambda: changed)


def test_another_pack_touches_only_those_whom_its_rules_put_elsewhere(
    made: crowd.Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Age alone makes no key group any more: a dry run says whom that moves, the run says it of them alone, and of nobody twice."""
    population.run(NOW)
    before = dict(ClassOf.objects.values_list("subject", "seq"))
    old = {row.subject for row in ClassOf.objects.all() if "elderly" in row.by}
    elderly = packs.in_force().classes.sheet.rules["elderly"]  # type: ignore[union-attr]
    another_pack(monkeypatch, elderly=elderly.model_copy(update={"status": "draft"}))
    later = NOW + timedelta(minutes=5)
    dry = population.run(later, dry=True).classing
    assert (dry.looked, dry.classified, dry.alone) == (made.residents, len(old), len(old))
    assert len(old) in range(1, made.residents)
    found = population.run(later).classing
    assert (found.classified, found.alone, found.busy) == (len(old), len(old), 0)
    seqs = dict(ClassOf.objects.values_list("subject", "seq"))
    assert {subject for subject, seq in seqs.items() if seq != before[subject]} == old
    again = population.run(later + timedelta(minutes=1), everybody=True).classing
    assert (again.looked, again.classified, again.alone) == (made.residents, 0, 0)
    assert sound()


def recorded(world: World, now: datetime) -> list[UUID]:
    """Ill; measured high; with a form; with a form that was amended; fit and measured."""
    people = [world.another(name, now).resident for name in ("孙海", "吴桂芳", "周建国", "郑秀英", "何强")]
    ill, high, asked, amended, fit = people
    for who in people:
        residents.amend(world.doctor, who, {"birth_date": date(1980, 1, 5), "sex": "1"}, now)
    conditions.record(
        world.doctor, ill, kind="disease", title="高血压", at=now, occurred_at=now, command_id="c1"
    )
    for who, sbp, dbp in ((high, 185, 112), (fit, 112, 70)):
        observations.record(
            world.nurse, who, kind="bp", values={"sbp": sbp, "dbp": dbp}, at=now, command_id=f"{who}",
            repeated=True,
        )  # fmt: skip
    for who in (asked, amended):
        form = assessments.start(world.nurse, who, scale="phq9", at=now, command_id=f"{who}s").response
        answers = {f"p{n}": "2" for n in range(1, 9)} | {"p9": "0"}
        assessments.answer(world.nurse, who, form, answers, at=now, command_id=f"{who}a")
        assessments.submit(world.nurse, who, form, at=now, command_id=f"{who}f")
    return people


def test_those_of_whom_something_is_recorded_are_read_together_and_classified_as_one_by_one(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    people, later = recorded(world, now), now + timedelta(minutes=1)
    before = transaction.savepoint()
    found = population.run(later).classing
    assert (found.looked, found.classified, found.busy) == (6, 6, 0)
    assert found.alone <= 2, "only for whom something follows"
    together = classes_written()
    transaction.savepoint_rollback(before)
    for who in (*people, world.resident.resident):
        assert classes.look(who, later) is not None
    assert classes_written() == together
    another_pack(monkeypatch)
    with CaptureQueriesContext(connection) as asked:
        again = population.run(later + timedelta(minutes=1)).classing
    assert (again.looked, again.classified) == (6, 0)
    assert again.alone == ClassOf.objects.exclude(owing=False, until=None).count()
    assert not [one for one in asked if 'UPDATE "care_classof"' in one["sql"]], "nobody is touched"
    assert classes_written() == together
