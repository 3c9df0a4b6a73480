"""A whole population's years, completed at once: what a batch writes is what the verb writes for each, and twice is once."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from tests.rooms.trust import places

from yishe.care import population, rebuild, years
from yishe.care.models import Contract, Owed
from yishe.lab import crowd
from yishe.people import facts, residents
from yishe.people.actors import SYSTEM
from yishe.people.models import Resident, Subject
from yishe.trust import commit, ledger
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
    for one in Entry.objects.filter(kind="contract.item_added"):
        said = [
            {name: value for name, value in item.items() if name != "id"}
            for item in ledger.facts_of(one)["year"]
        ]
        found[one.stream, one.seq, one.actor, one.subject, one.home, one.pack, ledger.canonical(said)] += 1
    return found


def sound() -> bool:
    return rebuild.differences() == [] and ledger.verify(rebuild.heads()).broken is None


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
    assert found.looked == found.completed == made.contracts
    assert found.promises == Owed.objects.count()
    by_batch, said = years_written(), entries_written()
    assert sound()

    transaction.savepoint_rollback(before)
    assert Owed.objects.count() == 0
    for contract in Contract.objects.order_by("id").values_list("id", flat=True):
        assert years.complete(contract, NOW) > 0
        assert years.complete(contract, NOW) == 0
    assert (years_written(), entries_written()) == (by_batch, said)
    assert sound()


def test_a_dry_run_counts_the_same_and_writes_nothing(made: crowd.Crowd) -> None:
    dry = population.run(NOW, dry=True)
    assert (Owed.objects.count(), Entry.objects.filter(kind=population.RAN).count()) == (0, 0)
    found = population.run(NOW)
    assert (dry.completed, dry.promises, dry.services) == (found.completed, found.promises, found.services)


def test_the_next_run_looks_only_where_something_changed(made: crowd.Crowd) -> None:
    population.run(NOW)
    again = population.run(NOW + timedelta(minutes=5))
    assert (again.looked, again.completed) == (0, 0)
    everyone = population.run(NOW + timedelta(minutes=6), everybody=True)
    assert (everyone.looked, everyone.completed) == (made.contracts, 0)

    grown = Contract.objects.exclude(owed__service="smi_followup").order_by("id").first()
    assert grown is not None
    who, later = Subject.objects.get(subject=grown.subject).resident_id, NOW + timedelta(days=1)
    residents.amend(SYSTEM, who, {"traits": ("smi",)}, later)
    found = population.run(later + timedelta(minutes=1))
    assert found.completed == 1
    assert found.services["smi_followup"] in range(1, 5)
    assert all(one.due >= date(2026, 3, 3) for one in grown.owed.filter(service="smi_followup"))
    assert sound()


def test_who_died_ended_or_has_no_birth_date_is_owed_nothing(made: crowd.Crowd) -> None:
    one, other, third = Contract.objects.order_by("id")[:3]
    residents.die(SYSTEM, Subject.objects.get(subject=one.subject).resident_id, NOW, NOW)
    Contract.objects.filter(id=other.id).update(ended_at=NOW)
    Resident.objects.filter(id=Subject.objects.get(subject=third.subject).resident_id).update(birth_date=None)
    assert [years.complete(row.id, NOW) for row in (one, other, third)] == [0, 0, 0]
    found = population.run(NOW)
    assert found.no_birth_date_or_package == 2
    assert not Owed.objects.filter(contract__in=(one, other, third)).exists()


def test_a_contract_somebody_writes_to_meanwhile_is_not_overwritten(made: crowd.Crowd) -> None:
    """Both added the same year: the batch comes second, and each contract of its part is tried alone."""
    first = Contract.objects.order_by("id").first()
    assert first is not None
    stale = Contract.objects.get(id=first.id)
    years.complete(first.id, NOW)
    batch = Batch()
    asked = years.asked_of(stale, facts.of([stale.subject])[stale.subject], NOW.date())
    assert asked is not None
    years.add(batch, stale, years.lacking(asked, frozenset(), NOW.date()), NOW)
    with pytest.raises(commit.Stale):
        batch.commit()
    assert population.run(NOW).completed == made.contracts - 1
    assert sound()


def test_a_run_that_is_killed_loses_nothing_and_the_next_one_doubles_nothing(tmp_path: Path) -> None:
    """The process dies by SIGKILL between the rows of its second part and their commit."""
    place = places.fresh(tmp_path / "centre")
    cut = place.run("tests.rooms.care.dying", "begin")
    assert cut.returncode == -9, cut.stderr
    done = place.run("tests.rooms.care.dying", "finish")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["before"] == 20, "the first part was kept, the second was not"
    assert said["completed"] == said["contracts"] - 20
    assert said["alone"] == said["years"]
    assert (said["differences"], said["broken"]) == (0, None)
