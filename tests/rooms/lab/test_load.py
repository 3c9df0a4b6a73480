"""The demo: into an empty database only, alive to the last day, and honest about what people did."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password
from django.db import transaction
from tests.conftest import NOW

from yishe.care import contract_rows, owing
from yishe.care.models import Contract, Immunization, Observation, Plan, QuestionnaireResponse
from yishe.lab import demo
from yishe.loops import worker
from yishe.loops.models import Loop
from yishe.people import consent_checks, own_accounts
from yishe.people.models import Resident
from yishe.policy.refusals import Conflict
from yishe.talk.models import Outbox
from yishe.trust import clock, scoping
from yishe.trust.models import Account, Entry

pytestmark = pytest.mark.django_db
PEOPLE, SEED, DAYS, YEAR = 60, 1, 30, 395


@pytest.fixture(scope="module")
def community(django_db_setup: None, django_db_blocker: Any) -> Iterator[demo.Loaded]:
    """Loaded once; whatever a test writes is taken back."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield demo.load(PEOPLE, SEED, at=NOW, days=DAYS, year=YEAR)
        transaction.set_rollback(True)


@pytest.fixture
def loaded(community: demo.Loaded) -> Iterator[demo.Loaded]:
    before = transaction.savepoint()
    yield community
    transaction.savepoint_rollback(before)


def test_it_leaves_a_living_demo(loaded: demo.Loaded, now: datetime) -> None:
    assert clock.is_demo()
    assert loaded.residents == PEOPLE == Resident.objects.count()
    assert loaded.loops >= PEOPLE // 6
    assert 0 < loaded.open_loops < loaded.loops
    assert not Loop.objects.filter(closed_at=None, next_at__lte=now).exists(), "the worker is up to date"
    assert not Outbox.objects.filter(delivered_at=None, dead_at=None, channel="inbox").exists()
    assert worker.sweep_all(now).events == 0


def test_history_lies_in_the_past_and_in_order(loaded: demo.Loaded, now: datetime) -> None:
    assert not Entry.objects.filter(recorded_at__gt=now).exists()
    last: dict[object, datetime] = {}
    for stream, at in Entry.objects.order_by("stream", "seq").values_list("stream", "recorded_at"):
        assert at >= last.get(stream, now - timedelta(days=YEAR + 2))
        last[stream] = at


def test_people_do_what_people_do(loaded: demo.Loaded) -> None:
    assert {"accept", "start", "complete", "confirm"} <= set(loaded.stirred)
    assert loaded.stirred["accept"] > loaded.stirred.get("decline", 0)


def test_contracts_live_through_their_year(loaded: demo.Loaded, now: datetime) -> None:
    today = now.date()
    assert Contract.objects.exclude(signed_at=None).exists()
    years = [
        owing.of_contract(row, today) for row in Contract.objects.filter(since__lte=today, ended_at=None)
    ]
    assert any(one.count("kept") for one in years), "somebody kept what was promised"
    assert any(one.count("coming", "open") for one in years), "and there is always a next promise"
    assert contract_rows.differences() == []
    filled = scoping.everybody(QuestionnaireResponse, "what the demo filled in").filter(status="completed")
    assert {"htn", "phq2"} <= {row.scale for row in filled}, (
        "they are followed up and assessed on their forms"
    )
    assert Plan.objects.filter(in_force__gt=0).exists(), "both professions stand behind a plan"
    assert scoping.everybody(Immunization, "whether children were vaccinated").exists()
    assert scoping.everybody(Observation, "whether they were weighed").filter(kind="child_weight").exists()


def test_a_second_load_is_refused_and_changes_nothing(loaded: demo.Loaded, now: datetime) -> None:
    with pytest.raises(Conflict) as refused:
        demo.load(PEOPLE, SEED, at=now)
    assert "已经装好" in refused.value.title
    assert Resident.objects.count() == PEOPLE


def test_the_listed_accounts_really_open(loaded: demo.Loaded, now: datetime) -> None:
    rows = demo.accounts(now)
    assert {"username", "password", "duties", "team", "centre"} <= set(rows[0])
    assert len(rows) == Account.objects.count()
    first = Account.objects.get(username=rows[0]["username"])
    assert check_password(rows[0]["password"], first.password)
    doctor = next(row for row in rows if "family_doctor" in row["duties"])
    assert doctor["team"]
    assert doctor["centre"]


def test_a_resident_and_a_relative_can_try_their_own_pages(loaded: demo.Loaded, now: datetime) -> None:
    her, his = demo.own_accounts(now)
    assert (her["who"], his["who"], his["of"]) == ("居民", "家属", her["name"])
    (card,) = own_accounts.with_phone(her["phone"], now)
    assert (card.name, str(card.birth_date)) == (her["name"], her["birth_date"])
    assert own_accounts.known(his["phone"], consent_checks.relative_of(his["name"], his["phone"]), now)
