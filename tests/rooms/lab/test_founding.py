"""The demo and the small world in a database that holds nothing, or something already."""

from datetime import datetime

import pytest

from yishe.lab import demo, founding, world
from yishe.people.models import Resident
from yishe.policy.refusals import Conflict, Forbidden
from yishe.trust import clock
from yishe.trust.models import Account

pytestmark = pytest.mark.django_db


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
