"""Finding someone by what one knows of him, and only those one may find."""

import pytest

from tests.rooms.people.conftest import LI, World, number
from yishe.people import residents, rosters, search
from yishe.people.actors import SYSTEM
from yishe.policy.refusals import Refused


@pytest.mark.parametrize(
    "words",
    [
        "李秀兰", "秀兰", " 李 秀 兰 ", "lixiulan", "LiXiu", "li xiu lan", "lxl", "lx", "002" + LI["id_number"][-1],
        LI["id_number"], "13800138000", "8000", "0013 8000",
    ],
)  # fmt: skip
def test_by_name_pinyin_initials_id_tail_and_telephone(world: World, words: str) -> None:
    made = world.resident()
    world.resident(name="张伟", id_number=number("11010219600101011"), phone="13900000001")

    assert [card.resident for card in search.find(world.actor("chen"), words, world.now)] == [made.resident]


@pytest.mark.parametrize("words", ["李四光", "zz", "9999", "13800138001", "兰秀", "% OR 1=1", "😀😀"])
def test_what_fits_nobody_finds_nobody(world: World, words: str) -> None:
    world.resident()

    assert search.find(world.actor("chen"), words, world.now) == []


def test_a_surname_is_found_by_its_own_reading_and_the_everyday_one(world: World) -> None:
    made = world.resident(name="单小云", id_number=None)

    for words in ("shanxiao", "sxy", "danxiao"):
        assert [card.resident for card in search.find(world.actor("chen"), words, world.now)] == [
            made.resident
        ]


def test_an_empty_query_is_my_panel(world: World) -> None:
    mine = world.resident()
    world.resident(team=False, name="张伟", id_number=None, phone="13900000001")

    assert [card.resident for card in search.find(world.actor("chen"), "", world.now)] == [mine.resident]


def test_one_letter_searches_only_the_own_panel(world: World) -> None:
    mine = world.resident()
    world.resident(name="黎明", id_number=None, phone="13900000001", team=world.two)

    assert [card.resident for card in search.find(world.actor("chen"), "l", world.now)] == [mine.resident]
    assert [card.resident for card in search.find(world.actor("chen"), "李", world.now)] == [mine.resident]


def test_the_whole_name_comes_before_a_beginning(world: World) -> None:
    longer = world.resident(name="李秀兰花", id_number=None, phone=None)
    exact = world.resident()

    found = search.find(world.actor("chen"), "李秀兰", world.now)

    assert [card.resident for card in found] == [exact.resident, longer.resident]


def test_a_colleague_of_the_team_finds_a_colleague_of_another_team_does_not(world: World) -> None:
    world.resident()

    assert search.find(world.actor("lin"), "李秀兰", world.now)
    assert search.find(world.actor("bo"), "李秀兰", world.now) == []


def test_a_stranger_of_another_centre_finds_nobody_even_by_the_whole_id_number(world: World) -> None:
    world.resident()

    assert search.find(world.actor("wei"), LI["id_number"], world.now) == []


def test_the_director_finds_everyone_of_the_centre(world: World) -> None:
    made = world.resident(team=False)

    assert [card.resident for card in search.find(world.actor("xu"), "李秀兰", world.now)] == [made.resident]


def test_after_moving_to_another_centre_only_its_people_find_him(world: World) -> None:
    made = world.resident()
    residents.move(world.actor("gong"), made.resident, world.now, centre=world.autumn)

    assert search.find(world.actor("chen"), "李秀兰", world.now) == []
    assert [card.resident for card in search.find(world.actor("dao"), "lxl", world.now)] == [made.resident]


def test_a_card_masks_what_a_list_does_not_need(world: World) -> None:
    world.resident()

    (card,) = search.find(world.actor("chen"), "李秀兰", world.now)

    assert (card.masked_name, card.id_tail) == ("李＊兰", LI["id_number"][-4:])
    assert (card.phone_masked, card.id_masked) == ("＊" * 7 + "8000", "＊" * 14 + LI["id_number"][-4:])
    assert card.age(world.now.date()) == 78


def test_who_is_on_duty_finds_until_the_shift_ends(world: World) -> None:
    world.resident()
    rosters.put_shift(
        SYSTEM, world.spring, "family_doctor", world.staff["bo"],
        starts_at=world.now, ends_at=world.now.replace(hour=9), at=world.now,
    )  # fmt: skip

    assert search.find(world.actor("bo"), "李秀兰", world.now)
    assert search.find(world.actor("bo"), "李秀兰", world.now.replace(hour=9)) == []


@pytest.mark.parametrize("words", ["", "李", "李小"])
def test_every_page_follows_on_without_loss_or_doubles(world: World, words: str) -> None:
    made = {
        world.resident(name=f"李小{chr(0x4E00 + n)}", id_number=None, phone=f"139000000{n:02d}").resident
        for n in range(7)
    }
    doctor, seen, cursor = world.actor("chen"), [], None
    while True:
        page = search.page(doctor, words, world.now, 3, cursor)
        seen += [card.resident for card in page.items]
        cursor = page.next
        if cursor is None:
            break
        made.add(
            world.resident(
                name=f"李小{len(seen)}", id_number=None, phone=f"137000000{len(seen):02d}"
            ).resident
        )

    assert len(seen) == len(set(seen)) >= 7
    assert set(seen) <= made
    with pytest.raises(Refused):
        search.page(doctor, words, world.now, 3, "forged")


def test_signs_alone_find_nobody(world: World) -> None:
    world.resident()

    for words in ("·", "-", "'", "_"):
        assert search.find(world.actor("chen"), words, world.now) == []
    assert search.find(world.actor("chen"), " \u3000 ", world.now)
