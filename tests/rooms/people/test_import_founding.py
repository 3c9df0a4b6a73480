"""An empty database takes in its first rosters: what they name is founded; a preview leaves nothing behind."""

from datetime import datetime

import pytest

from yishe.people import directory, import_, import_founding
from yishe.people.actors import SYSTEM
from yishe.people.models import Organisation, Resident, Staff
from yishe.policy.refusals import Refused

pytestmark = pytest.mark.django_db

RESIDENTS = "姓名,出生日期,联系电话{head}\n张小满,1950-03-05,13800138000{cell}\n"
STAFF = "姓名,职责,中心,团队,账号\n王清明,家庭医生,新街中心,一队,wangqm\n赵立秋,社工,后街中心,二队,zhaolq\n"


def residents(centre: str = "") -> bytes:
    return RESIDENTS.format(head=",建档机构" if centre else "", cell=f",{centre}" if centre else "").encode()


def places() -> list[tuple[str, str]]:
    return sorted(Organisation.objects.values_list("level", "name"))


def test_the_first_roster_founds_the_centre_it_names(now: datetime) -> None:
    report = import_.run(SYSTEM, residents("新街中心"), at=now)

    assert (report.created, report.rows) == (1, 1)
    assert places() == [("centre", "新街中心"), ("district", "本区")]
    assert import_.run(SYSTEM, residents("新街中心"), at=now).unchanged == 1


def test_a_roster_that_names_none_goes_to_our_centre(now: datetime) -> None:
    assert import_.run(SYSTEM, residents(), at=now).created == 1
    assert ("centre", "本中心") in places()


def test_the_first_staff_list_founds_every_centre_and_gives_each_a_password(now: datetime) -> None:
    report = import_.run(SYSTEM, STAFF.encode(), at=now)

    assert (report.rows, report.created) == (2, 2)
    assert [name for level, name in places() if level == "centre"] == ["后街中心", "新街中心"]
    assert set(report.passwords) == {"wangqm", "zhaolq"}
    assert all(len(one) >= 10 for one in report.passwords.values())


def test_a_preview_of_the_first_roster_leaves_nothing_behind(now: datetime) -> None:
    for content in (residents("新街中心"), STAFF.encode()):
        assert import_.run(SYSTEM, content, at=now, dry_run=True).created >= 1

    assert not places()
    assert not Resident.objects.exists()
    assert not Staff.objects.exists()
    assert import_.run(SYSTEM, residents("新街中心"), at=now).created == 1


def test_later_rosters_found_nothing(now: datetime) -> None:
    import_.run(SYSTEM, residents("新街中心"), at=now)
    import_.run(SYSTEM, residents("别处中心"), at=now)
    staff = import_.run(SYSTEM, "姓名,职责,中心\n钱立冬,护士,别处中心\n".encode(), at=now)

    assert [name for level, name in places() if level == "centre"] == ["新街中心"]
    assert staff.rejected == 1
    assert "yishe people centre" in staff.problems[0]["reason"]


def test_a_further_centre_is_founded_by_name(now: datetime) -> None:
    first = import_founding.centre(SYSTEM, "新街中心", now)
    second = import_founding.centre(SYSTEM, "后街中心", now)

    codes = [directory.current().organisation(one).code for one in (first, second)]
    assert len(set(codes)) == 2
    with pytest.raises(Refused):
        import_founding.centre(SYSTEM, " ", now)
    with pytest.raises(Refused):
        import_founding.centre(SYSTEM, "又一中心", now, code=codes[0])
