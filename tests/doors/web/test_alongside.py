"""既然人在: loaded after the page, its own few statements, a link to where each is done. 赵护士 and 李敏 theirs, 钱医生 none."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.doors.web.conftest import Office, statements
from tests.doors.web.test_contracting import her, signed
from yishe.care.models import Owed

__all__ = ["her"]
pytestmark = pytest.mark.django_db


def test_the_page_asks_for_it_after_it_is_there_and_each_line_leads_to_where_it_is_done(
    office: Office, her: str
) -> None:
    signed(office.doctor, her, package="support")
    Owed.objects.filter(service__in=("htn_followup", "medication_review", "review"), nth=1).update(
        due=datetime.now(UTC) - timedelta(days=3)
    )
    assert f'hx-get="{her}/near"' in office.nurse.text(her)
    shown = office.nurse.text(f"{her}/near")
    assert f"{her}/followups/new/htn" in shown
    assert f"{her}/keep?service=review" in shown
    assert "逾期 3 天" in shown
    hers = office.social_worker.text(f"{her}/near")
    assert f"{her}/followups/new/social_case" in hers
    assert "followups/new/htn" not in hers
    before = office.looks()
    assert office.stranger.open(f"{her}/near").status_code == 403
    assert office.looks() == before + 1


def test_beside_a_form_it_opens_apart_and_leaves_out_what_is_being_done(office: Office, her: str) -> None:
    signed(office.doctor, her)
    Owed.objects.filter(service="htn_followup", nth=1).update(due=datetime.now(UTC) - timedelta(days=3))
    for form in ("followups/new/htn", "record/encounter", "record/immunization", "record/observation"):
        assert "near?apart=1" in office.nurse.text(f"{her}/{form}"), form
    assert "near?apart=1" in office.doctor.text(f"{her}/record/medication")
    beside = office.nurse.text(f"{her}/near", apart="1", but="htn")
    assert "followups/new/htn" not in beside
    assert 'target="_blank"' in beside


def test_it_costs_the_same_however_much_there_is(office: Office, her: str) -> None:
    signed(office.doctor, her)
    office.nurse.open(f"{her}/near")
    few = statements(lambda: office.nurse.open(f"{her}/near"))
    Owed.objects.update(due=datetime.now(UTC) - timedelta(days=3))
    for reason in ("D03", "D04", "D16"):
        office.refer(reason)
    assert statements(lambda: office.nurse.open(f"{her}/near")) == few <= 16
