"""受保护人员 at the doors: page, API, copy. 王医生 and 李敏 are the pair, 赵护士 of their team, 周主任 leads, 钱医生 is a stranger."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.doors.api.conftest import _signed_up
from tests.doors.web.conftest import Office
from yishe.care import entries
from yishe.insight import copies
from yishe.people import actors, protections, residents
from yishe.people.cards import cards

pytestmark = pytest.mark.django_db
PHONE, ADDRESS = "13800138000", "德胜门外大街 5 号"


@pytest.fixture
def protected(office: Office) -> Office:
    """She has a telephone and an address, and 李敏 protects her by the form."""
    said = {"phone": PHONE, "address": ADDRESS}
    residents.amend(actors.SYSTEM, office.world.resident.resident, said, datetime.now(UTC))
    review = (datetime.now(UTC) + timedelta(days=90)).date().isoformat()
    answer = office.social_worker.send(f"{office.resident}/protection", reason="violence", review=review)
    assert answer.status_code == 302, answer.content.decode()
    return office


def test_her_page_says_that_she_is_protected_and_shows_where_she_is_to_the_pair_alone(
    protected: Office,
) -> None:
    for screen in (protected.doctor, protected.nurse, protected.director):
        assert "受保护人员" in screen.text(protected.resident)
    assert "家庭暴力受害人" in protected.doctor.text(protected.resident)
    assert "家庭暴力受害人" not in protected.nurse.text(protected.resident)
    for screen in (protected.nurse, protected.director):
        text = screen.text(protected.resident, tab="about")
        assert "只对责任医生和责任社工显示" in text
        assert PHONE[-4:] not in text
        for field in ("phone", "address", "record_number"):
            refused = screen.open(f"{protected.resident}/reveal/{field}")
            assert refused.status_code == 403
            assert ADDRESS not in refused.content.decode()
    assert ADDRESS in protected.doctor.text(f"{protected.resident}/reveal/address")


def test_no_list_finds_her_by_telephone_nor_shows_its_end(protected: Office) -> None:
    for screen, names in ((protected.doctor, True), (protected.nurse, False), (protected.director, False)):
        for query in (PHONE, PHONE[-4:]):
            shown = screen.client.get("/residents", {"q": query}, follow=True).content.decode()
            assert ("王秀兰" in shown) is names
    assert PHONE[-4:] not in protected.nurse.text("/residents")
    assert "王秀兰" in protected.nurse.text("/residents")


def test_the_api_keeps_the_same(protected: Office) -> None:
    phone = _signed_up(datetime.now(UTC))
    doctor, nurse = phone(protected.world.doctor), phone(protected.world.nurse)
    about = str(protected.world.resident.resident)
    assert [one["id"] for one in doctor.get("/residents", q=PHONE).json()["items"]] == [about]
    assert nurse.get("/residents", q=PHONE).json()["items"] == []
    assert nurse.get(f"/residents/{about}").json()["phone"] == ""
    assert doctor.get(f"/residents/{about}").json()["phone"].endswith(PHONE[-4:])
    assert [one["phone"] for one in nurse.get("/residents", q="王秀兰").json()["items"]] == [""]


def test_a_copy_handed_over_by_another_holds_no_address(protected: Office) -> None:
    world = protected.world
    stands = entries.whose(world.resident.resident)
    card = cards([stands.subject])[stands.subject]
    for actor, shown in ((world.doctor, True), (world.nurse, False)):
        seen = protections.showing(actor, card, datetime.now(UTC))
        held = copies.whole(stands, datetime.now(UTC), seen)
        assert (ADDRESS in str(held)) is shown
        assert ("请由他们代取" in str(held["held_back"])) is not shown


def test_who_may_not_is_refused_and_who_may_lifts_it(protected: Office) -> None:
    form = f"{protected.resident}/protection"
    for screen in (protected.nurse, protected.stranger):
        assert screen.open(form).status_code == 403
        assert screen.send(f"{form}/lift").status_code == 403
    wrong = protected.doctor.send(form, reason="violence", review="2000-01-01")
    assert wrong.status_code == 422
    assert "复核日期要在明天到" in wrong.content.decode()
    assert protected.director.send(f"{form}/lift").status_code == 302
    assert "受保护人员" not in protected.nurse.text(protected.resident)
    assert protected.director.send(f"{form}/lift").status_code == 409
