"""我协助的人: a volunteer and a partner's cook see what was agreed to, while it is; 王医生 and 钱医生 see nobody there."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests.doors.web.conftest import Office, Screen, screen
from yishe.people import actors, consents, organisations, protections, residents
from yishe.people.actors import SYSTEM, actor_of
from yishe.people.consent_checks import Yes
from yishe.trust.models import AccessLine

pytestmark = pytest.mark.django_db
PHONE, ADDRESS = "13800138000", "德胜门外大街 5 号"


def now() -> datetime:
    return datetime.now(UTC)


def hired(office: Office, name: str, where: UUID, duty: str) -> tuple[UUID, Screen]:
    since = now() - timedelta(days=1)
    staff = organisations.hire(SYSTEM, name=name, organisation=where, duties=[duty], number=name, at=since)
    return staff, screen(actor_of(staff))


def agree(office: Office, basis: str, **said: object) -> UUID:
    text = consents.text(basis, now()).sha256
    about = office.world.resident.resident
    return consents.give(office.world.social_worker, about, Yes(basis, text, **said), now())  # type: ignore[arg-type]


@pytest.fixture
def her(office: Office) -> Office:
    said = {"phone": PHONE, "address": ADDRESS}
    residents.amend(actors.SYSTEM, office.world.resident.resident, said, now())
    return office


def test_a_volunteer_sees_what_was_agreed_to_and_nothing_once_it_is_taken_back(her: Office) -> None:
    helper, page = hired(her, "周志愿", her.world.centre.id, "volunteer")
    assert "王秀兰" not in page.text("/helping")
    given = agree(her, "volunteer", grantee=helper, scope=("contact", "errand"))

    text = page.text("/helping")

    assert "王秀兰" in text
    assert PHONE in text
    assert "李敏" in text
    assert ADDRESS not in text
    line = AccessLine.objects.get(action="helping")
    assert (line.relation, line.purpose, line.actor) == ("volunteer", "volunteering", helper)
    for path in (her.resident, f"{her.resident}?tab=about", f"{her.resident}/reveal/address"):
        assert page.open(path).status_code == 403
    assert "/helping" in page.text("/me")
    for other in (her.doctor, her.stranger):
        assert "王秀兰" not in other.text("/helping")
        assert "/helping" not in other.text("/me")
    consents.withdraw(her.world.social_worker, her.world.resident.resident, given, "changed_mind", now())
    assert "王秀兰" not in page.text("/helping")


def test_who_serves_a_partner_sees_no_more_than_the_partner_was_named_for(her: Office) -> None:
    since = now() - timedelta(days=2)
    kitchen = organisations.found(
        SYSTEM, level="partner", code="P1", name="助餐点", parent=her.world.centre.id, at=since
    )
    _, page = hired(her, "何厨", kitchen, "community_worker")
    agree(her, "partner", grantee=kitchen, scope=("address",), purpose="meals")
    text = page.text("/helping")
    assert "王＊兰" in text
    assert "王秀兰" not in text
    assert ADDRESS in text
    assert PHONE not in text


def test_a_protected_person_is_found_by_no_helper(her: Office) -> None:
    helper, page = hired(her, "周志愿", her.world.centre.id, "volunteer")
    agree(her, "volunteer", grantee=helper, scope=("contact", "address"))
    review = (now() + timedelta(days=30)).date()
    protections.protect(her.world.social_worker, her.world.resident.resident, "violence", review, now())
    text = page.text("/helping")
    for secret in ("王秀兰", "王＊兰", PHONE, ADDRESS):
        assert secret not in text
