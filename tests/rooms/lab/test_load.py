"""The demo: into an empty database only, alive to the last day, and honest about what people did."""

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.hashers import check_password

from yishe.care import contract_rows, owing
from yishe.care.models import Contract
from yishe.lab import demo, founding, world
from yishe.loops import worker
from yishe.loops.models import Loop
from yishe.people import consent_checks, own_accounts
from yishe.people.models import Resident
from yishe.policy.refusals import Conflict, Forbidden
from yishe.talk.models import Outbox
from yishe.trust import clock
from yishe.trust.models import Account, Entry

pytestmark = pytest.mark.django_db
PEOPLE, DAYS, YEAR = 40, 30, 395


@pytest.fixture
def loaded(now: datetime) -> demo.Loaded:
    return demo.load(PEOPLE, 3, at=now, days=DAYS, year=YEAR)


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


def test_a_second_load_is_refused_and_changes_nothing(loaded: demo.Loaded, now: datetime) -> None:
    with pytest.raises(Conflict) as refused:
        demo.load(PEOPLE, 3, at=now)
    assert "已经装好" in refused.value.title
    assert Resident.objects.count() == PEOPLE


def test_a_database_in_use_is_never_mixed_with_a_demo(now: datetime) -> None:
    world.build(2, at=now)
    with pytest.raises(Conflict) as refused:
        demo.load(10, 1, at=now)
    assert "已有数据" in refused.value.title
    assert not clock.is_demo()


def test_an_interrupted_load_leaves_nothing(now: datetime) -> None:
    def interrupt(done: int, total: int, words: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo.load(10, 1, at=now, progress=interrupt)
    assert not Resident.objects.exists()
    assert not clock.is_demo()


def test_progress_only_grows_and_ends_full(now: datetime) -> None:
    seen: list[tuple[int, int]] = []
    demo.load(6, 1, at=now, days=3, year=3, progress=lambda done, total, words: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == seen[-1][1]


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


def test_no_accounts_are_told_outside_a_demo(now: datetime) -> None:
    world.build(2, at=now)
    with pytest.raises(Forbidden):
        demo.accounts(now)
    with pytest.raises(Forbidden):
        demo.own_accounts(now)


def test_each_account_has_a_salt_of_its_own(now: datetime) -> None:
    founding.district(now)
    hashes = list(Account.objects.values_list("password", flat=True))
    assert len(set(hashes)) == len(hashes)


def test_a_small_world_has_the_people_a_test_needs(now: datetime) -> None:
    built = world.build(30, at=now)
    doctor, worker_ = built.one("family_doctor"), built.one("social_worker")
    assert doctor.name == "王建平"
    assert worker_.name == "李敏"
    assert built.contracted()
    assert len(built.people) == 30
