"""A centre loads its own staff: told apart from residents by its headers."""

from pathlib import Path

import pytest

from tests.rooms.people.conftest import World
from yishe.people import directory, import_, import_results
from yishe.people.models import Organisation, Staff
from yishe.policy.refusals import Forbidden
from yishe.trust.models import Account

LIST = """春风中心人员表,,,,
姓名,工号,账号,岗位,所属团队,职称,是否负责人
赵医生,Z01,zhao,全科医生、团队长,四团队,主治医师,是
钱社工,Z02,qian,医务社工,四团队,,否
孙医生,Z03,,厨师,四团队,,
,Z04,li,护士,,,
周护士,Z05,zhou,护士,,护师,
合计,4,,,,,
"""


def listed(tmp_path: Path, text: str = LIST) -> Path:
    path = tmp_path / "staff.csv"
    path.write_text(text, encoding="gb18030")
    return path


def test_people_teams_and_accounts_are_there_afterwards(world: World, tmp_path: Path) -> None:
    report = import_.run(world.actor("xu"), listed(tmp_path), at=world.now)

    assert (report.kind, report.rows, report.created, report.rejected) == ("staff", 5, 3, 2)
    team = Organisation.objects.get(name="四团队")
    book = directory.current()
    assert book.centre_of(team.id) == world.spring
    lead = book.team_lead(team.id, world.now)
    assert lead is not None
    assert (lead.name, lead.duties(world.now)) == ("赵医生", {"family_doctor", "team_lead"})
    assert Account.objects.filter(username__in=["zhao", "qian", "zhou"]).count() == 3


def test_what_is_wrong_is_named(world: World, tmp_path: Path) -> None:
    report = import_.run(world.actor("xu"), listed(tmp_path), at=world.now)

    assert [(one["row"], one["column"]) for one in report.problems] == [(5, "岗位"), (6, "姓名")]
    assert "厨师" in report.problems[0]["reason"]


def test_twice_changes_nothing_and_a_new_title_updates(world: World, tmp_path: Path) -> None:
    import_.run(world.actor("xu"), listed(tmp_path), at=world.now)

    again = import_.run(world.actor("xu"), listed(tmp_path), at=world.now)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 3)

    changed = import_.run(world.actor("xu"), listed(tmp_path, LIST.replace("护师", "主管护师")), at=world.now)
    assert (changed.updated, changed.unchanged) == (1, 2)


def test_a_preview_counts_the_same_and_hires_nobody(world: World, tmp_path: Path) -> None:
    before = Staff.objects.count()

    report = import_.run(world.actor("xu"), listed(tmp_path), at=world.now, dry_run=True)

    assert (report.created, report.rejected) == (3, 2)
    assert Staff.objects.count() == before
    assert not Organisation.objects.filter(name="四团队").exists()


def test_first_passwords_are_given_back_once_in_the_result(world: World, tmp_path: Path) -> None:
    report = import_.run(world.actor("xu"), listed(tmp_path), at=world.now)

    secrets = [one.secret for one in report.done if one.secret]
    assert len(set(secrets)) == 3
    import_results.write(report, tmp_path / "out.xlsx")
    assert Account.objects.get(username="zhao").check_password(secrets[0])


@pytest.mark.parametrize("name", ["chen", "wei"])
def test_a_doctor_and_a_stranger_may_not_load_staff(world: World, tmp_path: Path, name: str) -> None:
    with pytest.raises(Forbidden):
        import_.run(world.actor(name), listed(tmp_path), at=world.now, centre=world.spring)


def test_a_work_phone_comes_along_and_a_new_one_updates(world: World, tmp_path: Path) -> None:
    text = "姓名,工号,岗位,所属团队,分机\n钱社工,Z02,医务社工,四团队,8002\n"
    import_.run(world.actor("xu"), listed(tmp_path, text), at=world.now)
    changed = import_.run(world.actor("xu"), listed(tmp_path, text.replace("8002", "8012")), at=world.now)

    assert changed.updated == 1
    staff = Staff.objects.get(number="Z02")
    assert directory.current().staff(staff.id).phone == "8012"
