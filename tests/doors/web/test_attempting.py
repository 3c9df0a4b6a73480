"""An attempt to reach her, told at her page. 赵护士 is of her team, 李敏 its social worker, 钱医生 a stranger."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.doors.web.conftest import Office
from tests.doors.web.test_contracting import her, signed
from yishe.care.models import Attempt, Contract

__all__ = ["her"]
pytestmark = pytest.mark.django_db


def test_an_attempt_stands_on_her_page_with_what_is_still_wanted(office: Office, her: str) -> None:
    contract = signed(office.doctor, her)
    assert "记一次联系" in office.nurse.text(her, tab="contract")
    assert "号码不对" in office.nurse.text(f"{her}/attempts")
    given = {"way": "3", "outcome": "no_answer", "note": "响了没人接", "command_id": "one press"}
    for _ in range(2):
        assert office.nurse.send(f"{her}/attempts", **given)["Location"] == f"{her}?tab=contract"
    assert Attempt.objects.count() == 1

    shown = office.social_worker.text(her, tab="contract")
    for words in ("上次联系上之后试过 1 次", "还要打 2 次电话", "响了没人接", "赵护士"):
        assert words in shown
    early = office.doctor.send(f"{contract}/end", reason="lost")
    assert (early.status_code, "还要打 2 次电话" in early.content.decode()) == (422, True)


def test_attempts_stand_once_under_the_contract_that_runs_while_the_next_is_made(
    office: Office, her: str
) -> None:
    signed(office.doctor, her)
    office.nurse.send(f"{her}/attempts", way="3", outcome="no_answer", command_id="one press")
    soon = datetime.now(UTC).date() + timedelta(days=15)
    Contract.objects.update(until=soon)
    renewed = office.doctor.send(f"{her}/contract/package", package="basic", way="home")
    assert renewed["Location"].endswith("/review")
    assert Contract.objects.count() == 2
    for screen in (office.doctor, office.social_worker):
        assert screen.text(her, tab="contract").count('id="attempts"') == 1
    assert office.stranger.open(her, tab="contract").status_code == 403


def test_what_lacks_is_said_at_its_field_and_a_stranger_is_refused(office: Office, her: str) -> None:
    signed(office.doctor, her)
    lacking = office.nurse.send(f"{her}/attempts", way="3", outcome="call_back", note="在开会")
    assert (lacking.status_code, "请写什么时候再打" in lacking.content.decode()) == (422, True)
    assert "在开会" in lacking.content.decode()
    for refused in (office.stranger, office.director):
        assert refused.open(f"{her}/attempts").status_code == 403
        assert refused.send(f"{her}/attempts", way="3", outcome="no_answer").status_code == 403
    assert not Attempt.objects.exists()
