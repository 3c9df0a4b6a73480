"""问卷 by a link and by a relative, on the screen. 李敏 sends; whoever has link and code sees the form alone; 钱医生 is a stranger."""

import re
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from django.http import HttpResponse
from django.test import Client

from tests.doors.web.conftest import Office
from yishe.care import assessments
from yishe.loops.models import Loop
from yishe.people import consent_checks, consents, own_accounts
from yishe.people.consent_checks import Yes
from yishe.trust.models import Account

pytestmark = pytest.mark.django_db
HERSELF = {"informant": "resident"}


def text(answer: HttpResponse, status: int = 200) -> str:
    assert answer.status_code == status, answer.content.decode()
    return answer.content.decode()


def sent(office: Office, scale: str = "ucla3") -> tuple[str, str, str]:
    """The link's path, the code, and the form's page, as the slip shows them."""
    page = text(
        office.social_worker.send(f"{office.resident}/assessments/new/{scale}", informant="sent"), 200
    )
    link, code = re.search(r"/q/[0-9a-f-]{36}", page), re.search(r'class="code"[^>]*>([\d ]+)<', page)
    form = re.search(r'href="(/residents/[^"]+/assessments/[0-9a-f-]{36})"', page)
    assert link
    assert code
    assert form
    assert "王秀兰" not in page.split("<main", 1)[1]
    return link[0], code[1], form[1]


def opened(link: str, code: str) -> tuple[Client, str]:
    phone = Client()
    answer = phone.post(link, {"code": code})
    assert answer.status_code == 302, answer.content.decode()
    return phone, answer["Location"]


def signed_in(account: Account) -> Client:
    client = Client()
    client.force_login(account, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_a_link_is_answered_one_question_a_screen_and_is_over_when_handed_in(office: Office) -> None:
    link, code, form = sent(office)
    assert "已发出，还没有打开" in office.nurse.text(form)
    assert code not in office.nurse.text(form)
    phone, base = opened(link, code)
    who = text(phone.get(base))
    assert "我替居民回答" not in who
    assert "王秀兰" not in who
    assert phone.post(base, HERSELF)["Location"] == f"{base}/ask/u1"
    first = text(phone.get(f"{base}/ask/u1"))
    assert "第 1 题，共 3 题" in first
    assert "请先选一个答案" in text(phone.post(f"{base}/ask/u1"), 422)
    assert phone.post(f"{base}/ask/u1", {"a-u1": "3"})["Location"] == f"{base}/ask/u2"
    assert "已打开，正在填" in office.social_worker.text(office.resident, tab="assessments")
    again, _ = opened(link, code)
    assert again.get(base)["Location"] == f"{base}/ask/u2"
    assert 'value="3" checked' in text(again.get(f"{base}/ask/u1"))
    again.post(f"{base}/ask/u2", {"a-u2": "2"})
    assert "还有 1 题没有答" in text(again.post(f"{base}/end"), 422)
    assert again.post(f"{base}/ask/u3", {"a-u3": "2"})["Location"] == f"{base}/end"
    assert "已经交了，谢谢您" in text(again.post(f"{base}/end"))
    assert "已经交了" in text(again.get(f"{base}/ask/u1"), 409)
    assert "已经交了" in text(Client().post(link, {"code": code}), 409)
    result = office.doctor.text(form)
    assert "居民本人（凭链接）" in result
    assert "现在轮到 李敏" in result


def test_a_red_answer_shows_words_for_her_and_calls_both_at_once(office: Office) -> None:
    link, code, form = sent(office, "phq9")
    phone, base = opened(link, code)
    phone.post(base, HERSELF)
    shown = text(phone.get(phone.post(f"{base}/ask/p9", {"a-p9": "1"})["Location"]))
    for words in ("12356", "不要一个人待着", "已经通知您的", "家庭医生", "医务社工"):
        assert words in shown
    assert "通知主管" not in shown
    assert {loop.urgency for loop in Loop.objects.all()} == {"red"}
    assert "24 小时内再联系" in office.doctor.text(form)


def test_no_link_and_a_wrong_code_look_alike_and_nothing_opens_without_it(office: Office) -> None:
    link, code, _ = sent(office)
    nothing = f"/q/{uuid4()}"
    bare = [_bare(text(Client().get(path))) for path in (link, nothing)]
    wrong = [_bare(text(Client().post(path, {"code": "00000000"}), 401)) for path in (link, nothing)]
    assert bare[0] == bare[1]
    assert wrong[0] == wrong[1]
    other, _, _ = sent(office, "nutrition")
    phone, base = opened(link, code)
    for path in (base.replace(link[3:], other[3:]), f"/form/{other[3:]}/end"):
        assert phone.get(path)["Location"] == other
    for path in ("/", office.resident, "/my"):
        assert phone.get(path).status_code == 302


def _bare(page: str) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", page)


def test_sent_anew_and_taken_back_by_who_may(office: Office) -> None:
    link, code, form = sent(office)
    for path in (f"{form}/link", f"{form}/link/withdraw"):
        assert office.stranger.send(path).status_code == 403
    phone, base = opened(link, code)
    assert "问卷码" in text(office.nurse.send(f"{form}/link"))
    assert "换成新的" in text(phone.get(base), 409)
    assert office.nurse.send(f"{form}/link/withdraw").status_code == 302
    assert "已收回" in office.nurse.text(form)
    assert office.nurse.send(f"{form}/link/withdraw").status_code == 404


def daughter(office: Office) -> tuple[Client, UUID]:
    now = datetime.now(UTC)
    said = Yes(
        "relative", consents.text("relative", now).sha256, scope=("medicines", "questionnaires"), kinship="3",
        relative_name="王小梅", relative_phone="13700137000",
    )  # fmt: skip
    given = consents.give(office.world.social_worker, office.world.resident.resident, said, now)
    return signed_in(own_accounts.of_relative(consent_checks.relative_id(said), now)), given


def test_a_daughter_answers_for_her_and_her_mother_takes_it_back(office: Office) -> None:
    phone, given = daughter(office)
    page = f"/my/of/{office.world.resident.resident}/questionnaires"
    assert "替您填写问卷" in text(phone.get(page.removesuffix("/questionnaires")))
    listed = text(phone.get(page))
    assert "老年人营养" in listed or "营养" in listed
    assert "PHQ-9" not in listed
    begun = phone.post(f"{page}/nutrition")["Location"]
    assert "题没有答" in text(phone.get(begun))
    base = begun.removesuffix("/end")
    for item in re.findall(rf'href="{base}/ask/(\w+)"', text(phone.get(begun))):
        asked = text(phone.get(f"{base}/ask/{item}"))
        option = re.search(rf'name="a-{item}" id="[^"]+" value="([^"]+)"', asked)
        phone.post(f"{base}/ask/{item}", {f"a-{item}": option[1] if option else "60"})
    assert "已经交了" in text(phone.post(f"{base}/end"))
    assert "王小梅（女）代答" in office.nurse.text(office.resident, tab="assessments")
    now = datetime.now(UTC)
    staffs = assessments.start(
        office.world.nurse, office.world.resident.resident, scale="steadi", at=now, command_id=uuid4().hex
    ).response
    assert phone.get(f"{page}/{staffs}/end").status_code == 404
    assert "团队正在填这一份" in text(phone.post(f"{page}/steadi"), 409)
    consents.withdraw(
        office.world.social_worker, office.world.resident.resident, given, "changed_mind", datetime.now(UTC)
    )
    assert phone.get(page).status_code == 403
    mother = signed_in(own_accounts.of_resident(office.world.resident.resident, now))
    back = re.search(r'href="(/my/questionnaires/[^"]+/take-back)"', text(mother.get("/my/questionnaires")))
    assert back
    assert "王小梅" in text(mother.get(back[1]))
    assert phone.post(back[1]).status_code == 403
    assert mother.post(back[1], {"command_id": "once"})["Location"] == "/my/questionnaires"
    assert "王小梅" not in office.nurse.text(office.resident, tab="assessments")
