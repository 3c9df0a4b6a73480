"""A generated world obeys what a lived one obeys: chains, folding, clocks, relations, one open promise of a kind."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from yishe.care import rebuild
from yishe.care.models import Contract
from yishe.lab.founding import PASSWORD
from yishe.lab.world import making, people
from yishe.lab.world.frame import Employee
from yishe.lab.world.making import Made
from yishe.loops import worker
from yishe.loops.models import Loop
from yishe.people import cards, directory, placements, search
from yishe.people.actors import actor_of
from yishe.people.models import AccessFact, Resident, Subject
from yishe.policy.refusals import Conflict
from yishe.trust import clock, keys, verification
from yishe.trust.models import Entry
from yishe.trust.scoping import everybody

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
RESIDENTS, SEED = 50, 7


def written() -> Counter[Any]:
    """Everything the ledger holds, down to the hash."""
    return Counter((e.stream, e.seq, e.kind, e.data, bytes(e.hash)) for e in Entry.objects.all())


def known() -> set[Any]:
    return set(everybody(Resident, "the same world").values_list("id", "birth_date", "sex"))


@dataclass(frozen=True)
class Twice:
    """A world that stands, and what the first making of it had written before it was taken back."""

    made: Made
    entries: Counter[Any]
    people: set[Any]


@pytest.fixture(scope="module")
def twice(django_db_setup: None, django_db_blocker: Any) -> Iterator[Twice]:
    """Made once for all who look at it: each test ends as it began, and the last one takes the world away."""
    with django_db_blocker.unblock(), transaction.atomic():
        with transaction.atomic():
            making.world(RESIDENTS, SEED, NOW)
            entries, people_ = written(), known()
            transaction.set_rollback(True)
        directory.forget()
        keys.forget()
        yield Twice(making.world(RESIDENTS, SEED, NOW), entries, people_)
        transaction.set_rollback(True)


@pytest.fixture
def made(twice: Twice) -> Made:
    return twice.made


def signed_in(who: Employee) -> Client:
    browser = Client()
    browser.post("/sign-in", {"username": who.username, "password": PASSWORD, "next": "/residents"})
    return browser


def test_every_entry_verifies_and_every_stream_refolds_to_its_row(made: Made) -> None:
    verified = verification.verify(rebuild.heads())
    assert verified.broken is None
    assert verified.entries == made.rows["trust_entry"] > 10 * RESIDENTS
    assert rebuild.differences() == []
    assert Loop.objects.count() == made.rows["loops_loop"]
    assert Loop.objects.filter(closed_at=None).count() > RESIDENTS // 4
    assert Contract.objects.count() == made.rows["care_contract"] > RESIDENTS // 2


def test_no_clock_of_an_open_loop_has_passed_and_the_worker_finds_nothing_to_do(made: Made) -> None:
    assert not Loop.objects.filter(closed_at=None, next_at__lte=NOW).exists()
    swept = worker.sweep_all(NOW)
    assert (swept.events, swept.stuck, swept.retimed) == (0, [], 0)
    swept = worker.sweep_all(NOW + timedelta(days=2))
    assert swept.events > 0
    assert swept.stuck == []
    assert rebuild.differences() == []


def test_who_takes_part_in_an_open_loop_may_see_the_resident_and_nobody_else_gained_by_it(made: Made) -> None:
    for loop in Loop.objects.filter(closed_at=None):
        facts = AccessFact.objects.filter(source=f"loop:{loop.id}", until=None)
        assert set(facts.values_list("person", flat=True)) == {loop.sender, loop.performer, loop.owner}
        assert set(facts.values_list("subject", flat=True)) == {loop.subject}
    assert AccessFact.objects.count() < 3 * Loop.objects.filter(closed_at=None).count()


def test_the_same_seed_makes_the_same_world_to_the_last_hash(twice: Twice) -> None:
    assert written() == twice.entries
    assert known() == twice.people


def test_residents_are_drawn_in_the_same_order_for_whoever_adds_a_table(made: Made) -> None:
    drawn = [one for centre in made.frame.centres for one in people.of(made.frame, centre)]
    assert len(drawn) == RESIDENTS
    assert {(one.subject, one.id) for one in drawn} == set(
        everybody(Subject, "the same world").values_list("subject", "resident")
    )
    assert all(made.frame.opening <= one.since < NOW for one in drawn)


def test_a_name_is_found_and_opened_by_the_team_and_by_nobody_from_another_centre(made: Made) -> None:
    mine, other = made.frame.centres
    one = next(one for one in people.of(made.frame, mine) if one.person.contracted)
    doctor = actor_of(one.team.one("family_doctor"))
    found = [hit.resident for hit in search.find(doctor, one.person.name, NOW)]
    assert one.id in found
    assert placements.placed(one.id).doctor == doctor.staff_id
    assert cards.cards([one.subject])[one.subject].name == one.person.name
    stranger = actor_of(other.teams[0].one("family_doctor"))
    assert one.id not in [hit.resident for hit in search.find(stranger, one.person.name, NOW)]


def test_work_list_resident_page_and_search_open_on_it_for_the_team_and_not_for_a_stranger(
    made: Made,
) -> None:
    mine, other = made.frame.centres
    loop = Loop.objects.filter(centre=mine.id, closed_at=None, duty="social_worker").first()
    assert loop is not None
    team = next(team for team in mine.teams if team.id == loop.team)
    card = cards.cards([loop.subject])[loop.subject]
    page = f"/residents/{card.resident}"
    worker, stranger = (
        signed_in(team.staff["social_worker"]),
        signed_in(other.teams[0].staff["social_worker"]),
    )
    assert str(loop.id) in worker.get("/").content.decode()
    assert card.name in worker.get("/residents", {"q": card.name}, follow=True).content.decode()
    assert card.name in worker.get(page).content.decode()
    assert stranger.get(page).status_code in (403, 404)
    assert str(loop.id) not in stranger.get("/").content.decode()


def test_a_world_goes_into_an_empty_database_only_and_marks_it_demo(made: Made) -> None:
    assert clock.is_demo()
    with pytest.raises(Conflict) as refused:
        making.world(20, SEED, NOW)
    assert "空" in refused.value.title
