"""A household and the staff of an enterprise asked for contracts in one go. 王医生 and 赵护士 answer for 王秀兰's household;
李敏 does not sign, 钱医生 is a stranger."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from tests.doors.web.conftest import Office
from yishe.care import rebuild
from yishe.care.models import Contract
from yishe.people import organisations, protections, residents
from yishe.people.actors import SYSTEM
from yishe.people.placements import Placement

pytestmark = pytest.mark.django_db
GIVEN = {"package": "basic", "way": "home"}


def person(office: Office, name: str, **more: Any) -> Placement:
    said = {"name": name, "birth_date": date(1950, 1, 1), "team": office.world.team.id, **more}
    return residents.register(SYSTEM, said, datetime.now(UTC), centre=office.world.centre.id)


@pytest.fixture
def family(office: Office) -> list[UUID]:
    """王秀兰, her husband and her son, under one household number."""
    who, at = office.world.resident.resident, datetime.now(UTC)
    residents.amend(SYSTEM, who, {"birth_date": date(1947, 1, 5), "household": "H-7"}, at)
    return [who, *(person(office, name, household="H-7").resident for name in ("张老伴", "张大宝"))]


def test_a_household_applies_in_one_go_and_each_signs_for_himself(office: Office, family: list[UUID]) -> None:
    page = f"{office.resident}/contract/household"
    shown = office.nurse.text(page)
    assert all(name in shown for name in ("王秀兰", "张老伴", "张大宝"))
    nobody = office.nurse.send(page, **GIVEN)
    assert (nobody.status_code, "还没有选人" in nobody.content.decode()) == (422, True)
    residents.die(SYSTEM, family[2], datetime.now(UTC))
    done = office.nurse.send(
        page, **GIVEN, residents=[str(one) for one in family], command_id="k"
    ).content.decode()
    assert "申请了 2 人，1 人没有办成" in done
    assert Contract.objects.count() == 2

    again = office.nurse.send(
        page, **GIVEN, residents=[str(one) for one in family], command_id="k"
    ).content.decode()
    fresh = office.doctor.send(page, **GIVEN, residents=[str(family[0])]).content.decode()
    assert "申请了 2 人，1 人没有办成" in again
    assert "已有一份签约" in fresh
    assert Contract.objects.count() == 2

    first = Contract.objects.order_by("applied_at", "id")[0].id
    office.doctor.send(f"/contracts/{first}/review", findings="可签")
    names = {"signer": "resident", "resident_name": "王秀兰", "staff_name": "王医生"}
    assert office.doctor.send(f"/contracts/{first}/sign", **names).status_code == 302
    shown = office.doctor.text(page)
    assert "已签，正在履约" in shown
    assert "已申请，等健康审核" in shown
    assert rebuild.differences() == []


def test_others_are_told_nothing_and_nobody_hears_who_lives_with_a_protected_person(
    office: Office, family: list[UUID]
) -> None:
    page = f"{office.resident}/contract/household"
    for other in (office.social_worker, office.stranger):
        assert other.open(page).status_code == 403
        assert other.send(page, **GIVEN, residents=[str(family[0])]).status_code == 403
    at = datetime.now(UTC)
    protections.protect(SYSTEM, family[1], reason="violence", review=date(at.year + 1, 1, 1), at=at)
    assert "张老伴" not in office.nurse.text(page)
    hers = office.nurse.text(f"/residents/{family[1]}/contract/household")
    assert "王秀兰" not in hers
    assert "张大宝" not in hers


def test_an_enterprise_lists_its_people_and_its_team_answers_for_them(office: Office) -> None:
    at = datetime.now(UTC)
    works = organisations.found(
        SYSTEM, level="partner", code="w1", name="永定纺织厂", parent=office.world.team.id, at=at
    )
    workers = [person(office, name, workplace=works, team=None).resident for name in ("郑厂工", "冯厂工")]
    person(office, "褚别处")
    assert "永定纺织厂" in office.doctor.text("/enterprises")
    page = f"/enterprises/{works}/contracts"
    assert "褚别处" not in office.doctor.text(page)
    assert office.stranger.open(page).status_code == 403
    assert "永定纺织厂" not in office.stranger.text("/enterprises")
    office.doctor.send(page, **GIVEN, residents=[str(one) for one in workers])
    contract = Contract.objects.order_by("applied_at", "id")[0]
    office.doctor.send(f"/contracts/{contract.id}/review", findings="可签")
    names = {"signer": "resident", "resident_name": "郑厂工", "staff_name": "王医生"}
    assert office.doctor.send(f"/contracts/{contract.id}/sign", **names).status_code == 302
    assert Contract.objects.get(id=contract.id).team == office.world.team.id
