"""An invented kind, 图书角借阅, is a YAML file and nothing else: chosen, sent, done and closed on the same pages."""

from pathlib import Path
from typing import Any

import pytest

from tests.doors.web.conftest import Office
from yishe.loops.models import Loop

pytestmark = pytest.mark.django_db
LIBRARY = Path(__file__).parents[2] / "packs" / "library_corner"


def test_a_kind_nobody_programmed_goes_from_reason_to_close(office: Office, settings: Any) -> None:
    settings.PACKS = [*settings.PACKS, LIBRARY]
    chosen = office.doctor.text(f"{office.resident}/refer")
    assert "图书角借阅" in chosen
    assert "大字版图书" in chosen
    assert "尚未批准的书目" not in chosen

    sent = office.doctor.send(f"{office.resident}/refer/library.loan/B1", note="想看养花的书")
    path = sent.headers["Location"]
    assert "找到书了" in office.social_worker.text("/")
    for seq, verb in ((1, "accept"), (2, "start")):
        assert office.social_worker.send(f"{path}/{verb}", seq=seq).status_code == 302
    form = office.social_worker.text(f"{path}/complete")
    assert "书已归还" in form
    assert "借书单" in form
    bare = office.social_worker.send(f"{path}/complete", seq=3, outcome="returned", note="已还")
    assert bare.status_code == 422
    assert "借书单" in bare.content.decode()
    done = office.social_worker.send(
        f"{path}/complete", seq=3, outcome="returned", note="已还", evidence=["loan_slip"]
    )
    assert done.status_code == 302
    assert office.doctor.send(f"{path}/confirm", seq=4).status_code == 302
    assert Loop.objects.get().closed_as == "served"
    assert "回写结果：已归还" in office.nurse.text(path)
