"""The access lines of pages: who, whom, what, why, from where; refusals and acts too."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.doors.web.conftest import Office
from yishe.people import residents, rosters
from yishe.trust.models import AccessLine

pytestmark = pytest.mark.django_db
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/120.0.0.0 Safari/537.36"


def last() -> AccessLine:
    return AccessLine.objects.order_by("-at", "-id")[0]


def test_a_look_says_who_whom_what_why_and_from_where(office: Office) -> None:
    answer = office.doctor.client.get(
        office.resident, {"tab": "about"}, REMOTE_ADDR="10.0.0.5", HTTP_USER_AGENT=CHROME
    )
    line = last()
    assert line.actor == office.world.doctor.staff_id
    assert line.subjects == [str(office.world.resident.subject)]
    assert (line.action, line.relation, line.outcome) == ("read.about", "contract_team", "")
    assert (line.source, line.address, line.device) == ("web", "10.0.0.5", "Chrome 120 · Windows")
    assert answer.headers["X-Request-Id"] == str(line.request)


def test_a_refused_look_leaves_a_line_with_whom_it_was_about(office: Office) -> None:
    assert office.stranger.open(office.resident).status_code == 403
    line = last()
    assert (line.action, line.outcome) == ("resident.read", "no_relation")
    assert line.actor == office.world.stranger.staff_id
    assert line.subjects == [str(office.world.resident.subject)]
    assert line.purpose == f"GET {office.resident}"


def test_a_guessed_id_leaves_a_line_too(office: Office) -> None:
    before = office.looks()
    assert office.stranger.open(f"/residents/{uuid4()}").status_code == 404
    assert office.looks() == before + 1
    assert last().outcome == "resident_unknown"


def test_an_act_leaves_its_line_in_its_own_commit(office: Office) -> None:
    loop = office.refer()
    before = office.looks()
    assert office.social_worker.send(f"/loops/{loop}/accept", seq=1).status_code == 302
    assert office.looks() == before + 1
    line = last()
    assert (line.action, line.actor) == ("loop.accept", office.world.social_worker.staff_id)
    assert line.subjects == [str(office.world.resident.subject)]


def test_a_change_of_the_record_leaves_its_line_with_the_relation(office: Office) -> None:
    at, resident = datetime.now(UTC), office.world.resident
    before = office.looks()
    residents.amend(office.world.doctor, resident.resident, {"phone": "13900000000"}, at)
    assert office.looks() == before + 1
    line = last()
    assert (line.action, line.relation) == ("resident.amended", "contract_team")
    residents.amend(office.world.doctor, resident.resident, {"phone": "13900000000"}, at)
    assert office.looks() == before + 1, "nothing changed, nothing written"


def test_a_change_of_staff_leaves_its_line(office: Office) -> None:
    nurse, now = office.world.nurse.staff_id, datetime.now(UTC)
    rosters.take_leave(office.world.director, nurse, starts_at=now, ends_at=now + timedelta(days=2), at=now)
    line = AccessLine.objects.get(action="staff.leave")
    assert (line.actor, line.subjects) == (office.world.director.staff_id, [str(nurse)])
