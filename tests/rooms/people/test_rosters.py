"""Leave, shifts and leaving: the directory knows at once, and the loops are told in the same transaction."""

from datetime import timedelta

import pytest

from tests.rooms.people.conftest import World
from yishe.people import directory, organisations, rosters
from yishe.people.actors import SYSTEM, actor_of
from yishe.people.models import Change, Post, Shift
from yishe.policy.refusals import Conflict, Forbidden, Invalid, NotFound

DAY = timedelta(days=1)


def leave(world: World, by: str, who: str, instead: str | None = None) -> None:
    rosters.take_leave(
        world.actor(by), world.staff[who], starts_at=world.now, ends_at=world.now + DAY, at=world.now,
        substitute=world.staff[instead] if instead else None,
    )  # fmt: skip


def test_leave_hands_over_to_the_substitute_until_its_end(world: World) -> None:
    made = world.resident(doctor=world.staff["chen"])

    leave(world, "chen", "chen", "bo")

    book = directory.current()
    assert book.performer("family_doctor", made, world.now).member.id == world.staff["bo"]
    assert book.performer("family_doctor", made, world.now + DAY).member.id == world.staff["chen"]
    change = Change.objects.get(kind="leave")
    assert (change.about, change.data["substitute"]) == (world.staff["chen"], str(world.staff["bo"]))


def test_coming_back_early_ends_the_leave_and_is_told(world: World) -> None:
    leave(world, "chen", "chen")

    rosters.return_early(world.actor("chen"), world.staff["chen"], world.now + DAY / 2)

    assert not directory.current().away(world.staff["chen"], world.now + DAY / 2)
    assert Change.objects.filter(kind="returned", about=world.staff["chen"]).exists()
    with pytest.raises(Conflict, match="没有休假"):
        rosters.return_early(world.actor("chen"), world.staff["chen"], world.now + DAY / 2)


def test_a_leader_gives_leave_a_colleague_and_a_stranger_may_not(world: World) -> None:
    leave(world, "xu", "sun")

    for name in ("lin", "wei"):
        with pytest.raises(Forbidden):
            leave(world, name, "chen")
    assert Change.objects.count() == 1


@pytest.mark.parametrize(("who", "instead", "says"), [("chen", "chen", "本人"), ("chen", "sun", "也在休假")])
def test_a_substitute_must_be_someone_else_who_is_there(
    world: World, who: str, instead: str, says: str
) -> None:
    leave(world, "xu", "sun")

    with pytest.raises(Invalid, match=says):
        leave(world, who, who, instead)


def test_two_leaves_do_not_overlap_and_time_runs_forward(world: World) -> None:
    leave(world, "chen", "chen")

    with pytest.raises(Conflict, match="已经登记"):
        leave(world, "chen", "chen")
    with pytest.raises(Invalid, match="不能早于"):
        rosters.take_leave(
            world.actor("lin"), world.staff["lin"], starts_at=world.now, ends_at=world.now, at=world.now
        )


def shift(world: World, by: str, who: str = "bo", duty: str = "family_doctor") -> None:
    rosters.put_shift(
        world.actor(by), world.spring, duty, world.staff[who],
        starts_at=world.now, ends_at=world.now + DAY / 3, at=world.now,
    )  # fmt: skip


def test_a_shift_puts_on_duty_once_however_often_it_is_said(world: World) -> None:
    shift(world, "xu")
    shift(world, "xu")

    assert Shift.objects.count() == 1
    found = directory.current().on_duty(world.spring, "family_doctor", world.now)
    assert found is not None
    assert (found[0].id, found[1]) == (world.staff["bo"], world.now + DAY / 3)


def test_nobody_is_rostered_for_a_duty_he_does_not_hold(world: World) -> None:
    with pytest.raises(Invalid, match="没有这项职责"):
        shift(world, "xu", "lin")


def test_a_doctor_and_a_stranger_may_not_make_the_roster(world: World) -> None:
    for name in ("bo", "dao"):
        with pytest.raises(Forbidden):
            shift(world, name)


def test_a_shift_that_runs_ends_now_and_one_to_come_is_gone(world: World) -> None:
    shift(world, "xu")
    row = Shift.objects.get()

    rosters.drop_shift(world.actor("xu"), row.id, world.now + timedelta(hours=1))

    assert directory.current().on_duty(world.spring, "family_doctor", world.now + timedelta(hours=1)) is None
    with pytest.raises(Conflict, match="已经结束"):
        rosters.drop_shift(world.actor("xu"), row.id, world.now + timedelta(hours=2))
    with pytest.raises(NotFound):
        rosters.drop_shift(world.actor("xu"), world.spring, world.now)


def test_an_ended_post_is_held_no_more_and_told(world: World) -> None:
    post = Post.objects.get(staff=world.staff["sun"])

    rosters.end_post(world.actor("xu"), post.id, world.now)

    assert directory.current().staff(world.staff["sun"]).duties(world.now) == frozenset()
    assert Change.objects.get(kind="post_ended").data["duty"] == "nurse"
    with pytest.raises(NotFound):
        rosters.end_post(world.actor("xu"), post.id, world.now)


def test_who_left_is_nowhere_any_more(world: World) -> None:
    shift(world, "xu")

    rosters.leave_service(world.actor("xu"), world.staff["bo"], world.now)

    assert directory.current().on_duty(world.spring, "family_doctor", world.now) is None
    assert not directory.current().present(directory.current().staff(world.staff["bo"]), world.now)
    assert Change.objects.filter(kind="staff_left", about=world.staff["bo"]).exists()


def test_nobody_signs_himself_off(world: World) -> None:
    with pytest.raises(Forbidden, match="管理员"):
        rosters.leave_service(world.actor("xu"), world.staff["xu"], world.now)


def test_the_directory_is_read_once_until_something_changes(world: World) -> None:
    book = directory.current()
    assert directory.current() is book

    organisations.hire(SYSTEM, name="新人", organisation=world.one, duties=["nurse"], at=world.now)

    assert directory.current() is not book
    assert len(directory.current().people) == len(book.people) + 1


def test_the_districts_administrator_hires_anywhere_a_director_only_at_home(world: World) -> None:
    for name, place in (("guo", world.far), ("xu", world.one)):
        organisations.hire(world.actor(name), name="新人", organisation=place, duties=["nurse"], at=world.now)
    with pytest.raises(Forbidden):
        organisations.hire(
            world.actor("xu"), name="新人", organisation=world.far, duties=["nurse"], at=world.now
        )


def test_an_unknown_person_is_not_an_actor(world: World) -> None:
    with pytest.raises(NotFound):
        actor_of(world.spring)
