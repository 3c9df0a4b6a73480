"""A text made once for a shape finds what the query itself finds, for other values of the same shape."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db.models import QuerySet

from yishe.people.models import Resident
from yishe.trust import shaped
from yishe.trust.models import AccessLine
from yishe.trust.scoping import Unscoped

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def looks(people: tuple[UUID, ...], since: datetime, action: str) -> QuerySet[Any, Any]:
    found = AccessLine.objects.filter(actor__in=people, at__gte=since, action=action)
    return found.order_by("at").values_list("actor", "at", "action")


def everybody_at_all(_: datetime) -> QuerySet[Any, Any]:
    return Resident.objects.filter(deceased_at=None).values_list("id")


def of_nobody(_: datetime) -> QuerySet[Any, Any]:
    return AccessLine.objects.filter(pk__in=[]).values_list("actor")


def reckoned(since: datetime) -> QuerySet[Any, Any]:
    return AccessLine.objects.filter(at__gte=since - timedelta(days=1)).values_list("actor")


def looked(person: UUID, at: datetime, action: str) -> None:
    AccessLine.objects.create(home=uuid4(), at=at, id=uuid4(), actor=person, action=action, subjects=[])


def test_the_same_text_finds_what_the_query_finds_for_each_one_s_values() -> None:
    owner, colleague, stranger = uuid4(), uuid4(), uuid4()
    for n, person in enumerate((owner, colleague, stranger)):
        looked(person, NOW + timedelta(hours=n), "read.timeline")
        looked(person, NOW + timedelta(hours=n), "read.loops")
    for people, since, action in (
        ((owner, colleague), NOW, "read.timeline"),
        ((colleague, stranger), NOW, "read.timeline"),
        ((colleague, stranger), NOW + timedelta(hours=2), "read.loops"),
        ((owner, owner), NOW, "read.loops"),
        ((), NOW, "read.loops"),
    ):
        wanted = list(looks(people, since, action))
        assert shaped.rows(looks, people, since, action) == wanted
    assert shaped.rows(looks, (owner, colleague), NOW, "read.loops") == [
        (owner, NOW, "read.loops"), (colleague, NOW + timedelta(hours=1), "read.loops"),
    ]  # fmt: skip


def test_what_can_find_nobody_is_not_asked() -> None:
    assert shaped.rows(of_nobody, NOW) == []


def test_a_query_of_nobody_in_particular_is_refused_by_its_text_too() -> None:
    with pytest.raises(Unscoped):
        shaped.rows(everybody_at_all, NOW)


def test_a_query_that_reckons_with_a_value_is_refused_and_not_kept_with_it() -> None:
    with pytest.raises(shaped.Misshaped):
        shaped.rows(reckoned, NOW)


def test_lists_of_ids_are_filled_up_to_few_lengths() -> None:
    three = (uuid4(), uuid4(), uuid4())
    assert shaped.padded(three) == (*three, three[2])
    assert [len(shaped.padded((three * 7)[:n])) for n in (0, 1, 2, 5, 20)] == [0, 1, 2, 8, 32]
