"""科研数据 on the pages: the form, the ethics step, making, handing over, fetching; each by the one whose turn it is."""

import io
import re
import zipfile
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.doors.web.conftest import Office, Screen, screen
from tests.rooms.insight.people import joined, officer
from yishe.loops.models import Loop
from yishe.people import actors, consents, residents
from yishe.people.consent_checks import Yes
from yishe.trust.models import AccessLine, Export

pytestmark = pytest.mark.django_db
REASON = "评估独居老人随访对血压控制的作用，回顾性研究，负责人王医生"


@pytest.fixture
def people(office: Office) -> dict[str, Screen]:
    """The research lead and the privacy officer at their screens, and eight residents who agreed."""
    now, world = datetime.now(UTC), office.world
    said = Yes("research", consents.text("research", now).sha256, purpose="health")
    for number in range(8):
        who = residents.register(
            actors.SYSTEM, {"name": f"陈{chr(0x4E00 + number)}", "sex": "1", "birth_date": date(1950, 1, 1), "team": world.team.id},
            now - timedelta(days=9), centre=world.centre.id,
        )  # fmt: skip
        consents.give(world.nurse, who.resident, said, now - timedelta(days=1))
    lead = joined("郭老师", "research_lead", world.centre.id, now)
    return {"lead": screen(lead), "officer": screen(officer(world, now))}


def asked(office: Office, **changed: object) -> str:
    today = datetime.now(UTC).date()
    wanted = {
        "variables": ["traits", "loops"], "since": f"{today - timedelta(days=30)}", "until": f"{today}", "purpose": "health",
        "reason": REASON,
    }  # fmt: skip
    answer = office.doctor.client.post("/research/new", wanted | changed)
    assert answer.status_code == 302, answer.content.decode()
    return answer.headers["Location"]


def seq(path: str) -> int:
    return Loop.objects.get(id=path.rsplit("/", 1)[1]).seq


def test_the_whole_way(office: Office, people: dict[str, Screen]) -> None:
    assert "申请科研数据" in office.doctor.text("/me")
    path = asked(office)
    text = people["lead"].text(path)
    assert "还没有同意" in text
    assert "制作数据" not in text
    assert people["lead"].send(f"{path}/extract/make").status_code == 409
    child = Loop.objects.get(kind="research.ethics")
    assert "写明审查意见" in people["officer"].text(f"/loops/{child.id}")
    done = people["officer"].send(
        f"/loops/{child.id}/complete", seq=1, outcome="approved", note="去标识，同意提供"
    )
    assert done.status_code == 302
    assert "制作数据" in people["lead"].text(path)
    assert people["lead"].send(f"{path}/extract/make").status_code == 302
    text = people["lead"].text(path)
    assert "8 人" in text
    assert "交付数据" in text
    assert "/research/files/" not in text
    assert people["lead"].send(f"{path}/extract/deliver", seq=seq(path)).status_code == 302
    found = re.search(r'/research/files/[^"]+', office.doctor.text(path))
    assert found is not None
    answer = office.doctor.open(found[0])
    assert answer.status_code == 200
    assert "people.csv" in zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    assert Export.objects.filter(kind="research", actor=office.world.doctor.staff_id).count() == 1
    assert office.doctor.send(f"{path}/confirm", seq=seq(path)).status_code == 302
    assert Loop.objects.get(kind="research.extract").closed_as == "served"


def test_a_tampered_link_and_anothers_are_refused_and_kept(office: Office, people: dict[str, Screen]) -> None:
    for link in ("abc", "A" * 96, "Zm9yZ2Vk"):
        answer = office.doctor.open(f"/research/files/{link}")
        assert answer.status_code == 403
        assert "请从申请的页面重新打开" in answer.content.decode()
    assert AccessLine.objects.filter(outcome="link_altered").count() == 3


def test_a_bad_form_says_what_is_missing_and_keeps_what_was_typed(
    office: Office, people: dict[str, Screen]
) -> None:
    today = f"{datetime.now(UTC).date()}"
    answer = office.doctor.client.post(
        "/research/new", {"variables": ["loops"], "since": "2999-01-01", "until": today, "purpose": "health", "reason": REASON}
    )  # fmt: skip
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "起止日期要从早到晚" in text
    assert REASON in text
    assert not Loop.objects.exists()


def test_others_neither_ask_nor_make_nor_see(office: Office, people: dict[str, Screen]) -> None:
    assert people["officer"].open("/research/new").status_code == 403
    path = asked(office)
    for other in (office.stranger, office.nurse):
        assert other.open(path).status_code == 403
        assert other.send(f"{path}/extract/make").status_code == 403
    assert path not in office.nurse.text("/loops", set="sent")
