"""A doubtful row waits for a person, who says: the same, or someone new."""

from pathlib import Path

import pytest

from tests.fixtures.rosters.messy import number
from tests.rooms.people.conftest import LI, World
from yishe.people import import_, import_held, residents, search
from yishe.people.models import ImportRow, Resident
from yishe.policy.refusals import Conflict, Forbidden, Invalid


def held(world: World, tmp_path: Path) -> tuple[Path, ImportRow]:
    """周秀英 is known with her ID number; the roster has her name and birth date with another telephone."""
    residents.register(world.actor("gong"), {"name": "周秀英", "id_number": number("19470305", 2)}, world.now)
    path = tmp_path / "r.csv"
    path.write_text("姓名,出生日期,电话,病种\n周秀英,1947-03-05,13900139000,高血压\n")
    import_.run(world.actor("gong"), path, at=world.now)
    (row,) = import_held.waiting(world.actor("gong"), world.spring, world.now)
    return path, row


def test_the_same_person_gets_what_the_row_adds_and_the_file_is_settled(world: World, tmp_path: Path) -> None:
    path, row = held(world, tmp_path)

    found = import_held.resolve(world.actor("gong"), row.id, "same", world.now)

    (card,) = search.find(world.actor("xu"), "周秀英", world.now)
    assert (card.resident, card.phone, card.traits) == (found, "13900139000", ("hypertension",))
    assert card.id_number == number("19470305", 2)
    assert import_.run(world.actor("gong"), path, at=world.now).unchanged == 1
    assert import_held.waiting(world.actor("gong"), world.spring, world.now) == []


def test_someone_new_is_registered_and_the_file_is_settled(world: World, tmp_path: Path) -> None:
    path, row = held(world, tmp_path)

    import_held.resolve(world.actor("gong"), row.id, "new", world.now)

    assert Resident.objects.count() == 2
    assert import_.run(world.actor("gong"), path, at=world.now).unchanged == 1


def test_what_was_said_is_forgotten_once_decided_and_decided_once(world: World, tmp_path: Path) -> None:
    _, row = held(world, tmp_path)
    assert import_held.opened(row).phone == "13900139000"

    import_held.resolve(world.actor("gong"), row.id, "new", world.now)

    assert ImportRow.objects.get().cells_sealed is None
    with pytest.raises(Conflict, match="已经处理"):
        import_held.resolve(world.actor("gong"), row.id, "new", world.now)


def test_an_unknown_answer_is_refused(world: World, tmp_path: Path) -> None:
    _, row = held(world, tmp_path)

    with pytest.raises(Invalid):
        import_held.resolve(world.actor("gong"), row.id, "maybe", world.now)


@pytest.mark.parametrize("name", ["sun", "wei", "dao"])
def test_a_nurse_and_strangers_neither_see_nor_decide(world: World, tmp_path: Path, name: str) -> None:
    _, row = held(world, tmp_path)

    with pytest.raises(Forbidden):
        import_held.waiting(world.actor(name), world.spring, world.now)
    with pytest.raises(Forbidden):
        import_held.resolve(world.actor(name), row.id, "new", world.now)


def test_a_person_known_in_another_centre_waits(world: World, tmp_path: Path) -> None:
    world.resident()
    path = tmp_path / "r.csv"
    path.write_text(f"姓名,身份证号,电话\n李秀兰,{LI['id_number']},13800138000\n")

    report = import_.run(world.actor("dao"), path, at=world.now)
    assert (report.held, "另一个中心" in report.problems[0]["reason"]) == (1, True)
