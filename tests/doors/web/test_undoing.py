"""撤销导入 as a page: 周主任 brought the list in; 赵护士 may not take lists in, 钱医生 works elsewhere."""

from datetime import UTC, datetime

import pytest

from tests.doors.web.conftest import Office
from tests.rooms.care.test_past import DISEASES, ID, sheet, take
from yishe.care import conditions, entries
from yishe.people import placements, residents
from yishe.people.actors import SYSTEM

pytestmark = pytest.mark.django_db


def test_an_import_is_looked_at_and_taken_back_with_a_reason(office: Office) -> None:
    now, her = datetime.now(UTC), office.world.resident.resident
    residents.amend(SYSTEM, her, {"id_number": ID}, now)
    rows = sheet(DISEASES, ("王秀兰", ID, "高血压", "2019-03-05", "在管"))
    run = take(office.world, "conditions", rows, now).run
    path = f"/import/runs/{run}"
    assert path in office.director.text("/import")
    shown = office.director.text(path)
    assert ("可以撤销 1 行" in shown, "王＊兰" in shown, "王秀兰" in shown) == (True, True, False)
    assert office.director.send(path).status_code == 422
    for other in (office.nurse, office.doctor, office.stranger):
        assert path not in other.text("/import")
        assert other.open(path).status_code == 403
        assert other.send(path, reason="trial").status_code == 403
    keyed = entries.keyed(placements.placed(her))
    assert conditions.standing(keyed, ("disease",))
    done = office.director.send(path, reason="trial").content.decode()
    assert "撤销了 1 行" in done
    assert conditions.standing(keyed, ("disease",)) == []
    assert path not in office.director.text("/import")
    assert "可以撤销 0 行" in office.director.text(path)
