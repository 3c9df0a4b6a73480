"""紧急查看 at the desk: 钱医生 works elsewhere and is refused, may break the glass, and the people of the resident see it."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.doors.web.conftest import Office, Screen, screen
from yishe.loops import glass
from yishe.loops.models import Loop
from yishe.people import actors, directory, organisations, residents
from yishe.people.actors import SYSTEM
from yishe.people.break_glass import Command
from yishe.policy import id_number
from yishe.trust.models import AccessLine

pytestmark = pytest.mark.django_db
NAME = "王秀兰"


def ask(who: Screen, office: Office, **said: str) -> int:
    return who.send(
        f"{office.resident}/break-glass", **{"reason": "life", "command_id": uuid4().hex, **said}
    ).status_code


def hired(office: Office, name: str, duty: str) -> Screen:
    staff = organisations.hire(
        SYSTEM,
        name=name,
        organisation=office.world.centre.id,
        duties=[duty],
        at=datetime.now(UTC) - timedelta(hours=1),
    )
    directory.forget()
    return screen(actors.actor_of(staff))


def test_who_is_refused_is_offered_it_and_the_form_shows_nothing_of_her(office: Office) -> None:
    refused = office.stranger.open(office.resident)
    assert refused.status_code == 403
    assert f"{office.resident}/break-glass" in refused.content.decode()

    form = office.stranger.text(f"{office.resident}/break-glass")
    assert "最长 2 小时" in form
    assert NAME not in form


def test_it_opens_with_a_banner_and_ends_by_a_press(office: Office) -> None:
    assert ask(office.stranger, office) == 302

    shown = office.stranger.text(office.resident)
    assert NAME in shown
    assert "紧急查看：至" in shown
    assert "理由：抢救或病情危急" in shown
    assert f"{office.resident}/refer" not in shown, "what it does not open is not offered"
    assert "紧急查看：至" not in office.doctor.text(office.resident)
    line = AccessLine.objects.filter(action="read.timeline").order_by("at").first()
    assert line is not None
    assert (line.relation, line.purpose.partition(":")[0]) == ("break_glass", "emergency")
    looked = office.doctor.text(f"{office.resident}/rights/looked")
    assert "紧急情况下查看您的资料" in looked

    assert office.stranger.send(f"{office.resident}/break-glass/end").status_code == 302
    assert office.stranger.open(office.resident).status_code == 403
    assert office.stranger.send(f"{office.resident}/break-glass/end").status_code == 409


def test_a_loop_of_hers_is_read_under_the_same_banner_and_logged_with_its_purpose(office: Office) -> None:
    loop = office.refer()
    ask(office.stranger, office)

    assert "紧急查看：至" in office.stranger.text(f"/loops/{loop}")
    line = AccessLine.objects.filter(action="loop.read").order_by("-at").first()
    assert line is not None
    assert line.purpose.startswith("emergency:")


def test_who_may_not_and_who_need_not_are_told(office: Office) -> None:
    volunteer = hired(office, "邹志愿", "volunteer")
    refused = volunteer.open(office.resident)
    assert "break-glass" not in refused.content.decode()
    assert ask(volunteer, office) == 403
    assert ask(office.doctor, office) == 409
    assert volunteer.open("/break-glass").status_code == 403


def test_what_is_missing_is_said_in_the_form(office: Office) -> None:
    answer = office.stranger.send(f"{office.resident}/break-glass", reason="other", words="急")
    assert answer.status_code == 422
    assert "至少 6 个字" in answer.content.decode()
    assert office.stranger.send(f"{office.resident}/break-glass", reason="forged").status_code == 422
    assert office.stranger.open(office.resident).status_code == 403


def test_somebody_before_ones_eyes_is_found_by_the_whole_number_only(office: Office) -> None:
    first = "11010119500101002"
    number = first + id_number.check_digit(first)
    made = residents.register(
        SYSTEM, {"name": "梁玉芬", "id_number": number}, datetime.now(UTC), centre=office.world.centre.id
    )
    path = f"/residents/{made.resident}/break-glass"

    assert office.stranger.send("/break-glass", id_number=number)["Location"] == path
    assert office.director.open("/break-glass").status_code == 403
    assert office.stranger.send("/break-glass", id_number=number[:17] + "0").status_code == 422
    nobody = "11010119500101004"
    other = office.stranger.send("/break-glass", id_number=nobody + id_number.check_digit(nobody))
    assert (other.status_code, "没有这个号码的档案" in other.content.decode()) == (422, True)
    assert AccessLine.objects.filter(action="break_glass.find", subjects=[str(made.subject)]).count() == 1


def test_the_reviewer_reads_who_whom_and_why_and_closes_it(office: Office) -> None:
    officer = hired(office, "孙专员", "privacy_officer")
    said = Command(office.world.stranger, "other", "在本院急诊，昏迷无家属陪同", datetime.now(UTC), "k1")
    glass.break_(said, office.world.resident.resident)
    loop = Loop.objects.get(kind="access.break_glass_review")

    shown = officer.text(f"/loops/{loop.id}")
    for words in ("钱医生", "王＊兰", "其他紧急情况", "昏迷无家属陪同", "看此人查看这位居民的全部留痕"):
        assert words in shown, words
    assert str(office.world.resident.subject) in str(AccessLine.objects.latest("at").subjects)
    assert office.stranger.open(f"/loops/{loop.id}").status_code == 403
    given = {"seq": loop.seq, "command_id": "c1", "outcome": "justified", "note": "急诊送医，已核对病历"}
    assert officer.send(f"/loops/{loop.id}/complete", **given).status_code == 302
    loop.refresh_from_db()
    assert loop.closed_as == "served"
