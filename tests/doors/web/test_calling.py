"""The page 今日电话: two keys for a call in vain, a sentence for one that reached her. 赵护士 calls, 钱医生 is a stranger."""

import re
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from uuid import uuid4

import pytest

from tests.doors.web.conftest import Office, statements
from tests.rooms.care.test_contracts import signed
from yishe.care.agreements import Signature
from yishe.care.models import Attempt, Encounter, Owed
from yishe.care.signing import Sides
from yishe.insight import calls
from yishe.loops.models import Loop
from yishe.people import residents
from yishe.people.actors import SYSTEM
from yishe.trust.models import AccessLine

pytestmark = pytest.mark.django_db
NUMBER = "13800001234"


@pytest.fixture
def her(office: Office) -> str:
    """王秀兰 lives alone and is owed a contact that is late."""
    who, now = office.world.resident.resident, datetime.now(UTC)
    said = {"birth_date": date(1947, 1, 5), "traits": ("living_alone",), "phone": NUMBER}
    residents.amend(SYSTEM, who, said, now)
    signed(office.world, who, now)
    late()
    return f"/calls/{who}"


def late() -> None:
    Owed.objects.filter(service="contact", nth=1).update(due=datetime.now(UTC) - timedelta(days=2))


class Form(HTMLParser):
    """The fields of the call's form in the order of the keyboard."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: list[dict[str, str | None]] = []
        self.feed(re.findall(r'<form class="form wide calling".*?</form>', page, re.S)[0])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("input", "button") and given.get("type") != "hidden":
            self.fields.append({"tag": tag, **given})

    def keys(self, outcome: str, words: str = "") -> int:
        """How many keys it takes from the page's opening to the next person: the digit, what is typed where it leads, Enter."""
        (chosen,) = (one for one in self.fields if one.get("value") == outcome)
        assert sum("autofocus" in one for one in self.fields) == 1
        (start,) = (one for one in self.fields if "autofocus" in one)
        assert start.get("type") == "radio"  # a digit is heard there at once, and Enter sends
        reached = chosen.get("data-then") or ""
        assert not words or reached
        assert not reached or reached in {one.get("id") for one in self.fields}
        return len(str(chosen["data-digit"])) + len(words) + 1


def test_forty_calls_before_noon_are_two_keys_each_where_nobody_answers(office: Office, her: str) -> None:
    form = Form(office.nurse.text("/calls"))
    assert form.keys("no_answer") == form.keys("wrong_number") == 2
    assert form.keys("call_back", "1530") == 6
    assert form.keys("answered", "都好，药按时吃") == 9
    ticked = [one for one in form.fields if one.get("type") == "checkbox"]
    assert [(one["value"], "checked" in one) for one in ticked] == [("contact", True)]
    assert form.fields[-1]["tag"] == "button"


def test_the_number_is_shown_of_whom_one_calls_and_every_look_stands_in_the_log(
    office: Office, her: str
) -> None:
    before = office.looks()
    shown = office.nurse.text("/calls")
    assert (NUMBER in shown, "逾期 2 天" in shown, "王秀兰" in shown) == (True, True, True)
    assert office.looks() - before == 2
    lines = AccessLine.objects.order_by("-at", "-id")[:2]
    assert {one.action for one in lines} == {"read.calls", "reveal.phone"}
    assert "王秀兰" not in office.stranger.text("/calls", whose="team")
    assert office.stranger.send(her, outcome="no_answer").status_code == 403
    empty = office.doctor.text("/calls")
    assert ("王秀兰" in empty, "看团队要打的 1 个" in empty) == (False, True)
    assert "王秀兰" in office.doctor.text("/calls", whose="team")


def test_the_page_asks_the_database_as_often_for_many_as_for_one(office: Office, her: str) -> None:
    alone = statements(lambda: office.nurse.open("/calls"))
    now = datetime.now(UTC)
    for name in ("李同楼", "周对门"):
        who = office.world.another(name, now).resident
        residents.amend(SYSTEM, who, {"birth_date": date(1950, 1, 5), "traits": ("living_alone",)}, now)
        signed(office.world, who, now, sides=Sides("resident", Signature(name), Signature("王医生")))
        late()
    assert "周对门" in office.nurse.text("/calls")
    assert statements(lambda: office.nurse.open("/calls")) == alone <= 26


def test_more_than_the_list_looks_at_is_said_and_never_counted_as_all(office: Office, her: str) -> None:
    shown = office.nurse.text("/calls")
    assert ("看了最先到期的" in shown, "<small>1</small>" in shown) == (False, True)
    owed = Owed.objects.filter(service="contact", nth=1).values().get()
    rows = [
        Owed(**{**owed, "id": uuid4(), "times": 1000, "nth": n, "loop": None})
        for n in range(calls.SCANNED + 1)
    ]
    Owed.objects.bulk_create(rows)
    shown = office.nurse.text("/calls")
    assert (f"看了最先到期的 {calls.SCANNED} 项" in shown, "<small>1+</small>" in shown) == (True, True)


def test_a_call_in_vain_is_one_attempt_however_often_it_is_sent_and_she_stands_aside(
    office: Office, her: str
) -> None:
    for _ in range(2):
        done = office.nurse.send(
            f"{her}?whose=mine", outcome="no_answer", services=["contact"], command_id="x"
        )
        assert done["Location"] == "/calls?whose=mine"
    assert (Attempt.objects.count(), Encounter.objects.count()) == (1, 0)
    shown = office.nurse.text("/calls")
    assert ("现在没有要打的电话" in shown, "试过 1 次" in shown) == (True, True)


def test_a_promise_of_the_year_is_late_itself_and_nobody_sent_it(office: Office, her: str) -> None:
    past = datetime.now(UTC) - timedelta(days=2)
    Loop.objects.filter(kind="contract.item", reason="contact").update(due_at=past)
    today = office.nurse.text("/")
    assert ("主动联系" in today, "逾期 2 天" in today) == (True, True)
    assert ("接单逾期" in today, "转来：" in today) == (False, False)


def test_reached_she_is_written_down_in_a_sentence_and_gone_from_the_list(office: Office, her: str) -> None:
    empty = office.nurse.send(her, outcome="answered", services=["contact"])
    assert (empty.status_code, "接通了请写一句" in empty.content.decode()) == (422, True)
    for _ in range(2):
        given = {"outcome": "answered", "services": ["contact"], "note": "一切都好", "command_id": "y"}
        assert office.nurse.send(her, **given).status_code == 302
    assert (Encounter.objects.count(), Owed.objects.exclude(kept_on=None).count()) == (1, 1)
    assert "王秀兰" not in office.nurse.text("/calls")
    again = office.nurse.send(
        her, outcome="answered", services=["contact"], note="又打了一次", command_id="z"
    )
    assert (again.status_code, "这一期已经做过" in again.content.decode()) == (409, True)
    assert "又打了一次" in again.content.decode()


def test_to_call_again_wants_its_hour_and_nothing_chosen_says_so(office: Office, her: str) -> None:
    for given, words in (
        ({}, "请选择“结果”"),
        ({"outcome": "call_back"}, "什么时候再打"),
        ({"outcome": "call_back", "again": "半小时后"}, "写成 1530"),
        ({"outcome": "engaged"}, "没有这一项"),
    ):
        refused = office.nurse.send(her, **given, note="在开会")
        assert (refused.status_code, words in refused.content.decode()) == (422, True)
        assert "在开会" in refused.content.decode()
    assert office.nurse.send(her, outcome="call_back", again="1530").status_code == 302
    again = Attempt.objects.get().again_at
    assert again is not None
    assert again > datetime.now(UTC)
    assert "再打" in office.nurse.text("/calls")


def test_who_died_meanwhile_is_not_called_and_what_was_typed_is_still_there(office: Office, her: str) -> None:
    residents.die(office.world.doctor, office.world.resident.resident, datetime.now(UTC))
    refused = office.nurse.send(her, outcome="answered", services=["contact"], note="女儿接的")
    shown = refused.content.decode()
    assert (refused.status_code, "去世" in shown, "女儿接的" in shown) == (409, True, True)
    assert not Encounter.objects.exists()
