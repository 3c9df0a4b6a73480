"""A form answered from outside: by a link with a code, and by a daughter whom her mother lets answer. 李敏 sends; 钱医生 is a stranger."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.rooms.care.world import World

from yishe.care import answering, assessment_reading, assessments, forms, questionnaire_links
from yishe.care.answering import Answerer
from yishe.care.models import QuestionnaireLink, QuestionnaireResponse
from yishe.care.questionnaire_links import Handed
from yishe.loops.models import Loop
from yishe.people import consent_checks, consents, looks, own_accounts, residents
from yishe.people.actors import SYSTEM, Actor
from yishe.people.consent_checks import Yes
from yishe.policy.refusals import Conflict, Forbidden, Invalid, NotFound, Refused, Unauthenticated
from yishe.policy.sign_in_rules import Guessing
from yishe.talk.models import Outbox
from yishe.trust.guessing import Try
from yishe.trust.models import AccessLine, SignInAttempt

pytestmark = pytest.mark.django_db
HERSELF = {"informant": "resident"}
DAUGHTER = {"informant": "relative", "name": "王小梅", "kinship": "3"}
LONELY = {"u1": "3", "u2": "2", "u3": "2"}
RULE = Guessing.model_validate(
    {"failures": 5, "window": "15 min", "locked": "15 min", "source_failures": 50, "kept": "30 d"}
)


def sent(world: World, now: datetime, scale: str = "ucla3", by: Actor | None = None) -> tuple[UUID, Handed]:
    who, her = by or world.social_worker, world.resident.resident
    started = assessments.start(who, her, scale=scale, informant="resident", at=now, command_id=uuid4().hex)
    return started.response, questionnaire_links.hand_out(who, her, started.response, now)


def typed(link: UUID, code: str, now: datetime) -> Answerer:
    return questionnaire_links.prove(link, code, Try("", "10.0.0.9", now, RULE), now)


def fill(who: Answerer, form: UUID, given: dict[str, str], now: datetime, **more: Any) -> forms.Saved:
    return answering.answer(who, form, given, at=now, command_id=uuid4().hex, **more)


def says(who: Answerer, form: UUID, said: dict[str, str], now: datetime) -> forms.Saved:
    return answering.says(who, form, said, at=now, command_id=uuid4().hex)


def submit(who: Answerer, form: UUID, now: datetime) -> forms.Saved:
    return answering.submit(who, form, at=now, command_id=uuid4().hex)


def state(world: World, form: UUID, now: datetime) -> str:
    found = questionnaire_links.of_form(world.resident, form, now)
    assert found
    return found.state


def test_sent_opened_answered_and_handed_in_by_herself(world: World, now: datetime) -> None:
    form, handed = sent(world, now)
    assert state(world, form, now) == "sent"
    kept = bytes(QuestionnaireLink.objects.get(id=handed.link).digest)
    assert len(handed.code) == 8
    assert handed.code.encode() not in kept
    her = typed(handed.link, handed.code, now)
    with pytest.raises(Conflict, match="由谁来答"):
        fill(her, form, {"u1": "3"}, now)
    says(her, form, HERSELF, now)
    fill(her, form, LONELY, now)
    assert state(world, form, now) == "opened"
    submit(her, form, now)
    assert state(world, form, now) == "submitted"
    loop = Loop.objects.get()
    assert (loop.reason, loop.sender) == ("D12", world.social_worker.staff_id)
    assert Outbox.objects.get(topic="questionnaire.submitted").person == world.social_worker.staff_id
    seen, _ = assessment_reading.form(world.doctor, world.resident.resident, form, now)
    assert (seen.author_name, seen.row.informant) == ("居民本人（凭链接）", "resident")
    with pytest.raises(Conflict, match="已经交了"):
        typed(handed.link, handed.code, now)
    actions = {(line.action, line.relation) for line in AccessLine.objects.filter(actor=handed.link)}
    assert {("questionnaire.open", "link"), ("record.questionnaire", "link")} <= actions
    assert "收到问卷链接的人" in {one.who for one in looks.at_resident(world.resident.resident)[0]}


def test_a_red_answer_calls_both_before_the_form_is_handed_in(world: World, now: datetime) -> None:
    form, handed = sent(world, now, "phq9", world.nurse)
    her = typed(handed.link, handed.code, now)
    says(her, form, HERSELF, now)
    assert fill(her, form, {"p9": "1"}, now).flags == ("self_harm",)
    called = {(loop.reason, loop.urgency, loop.owner, loop.sender) for loop in Loop.objects.all()}
    nurse = world.nurse.staff_id
    assert called == {
        ("S01r", "red", world.doctor.staff_id, nurse),
        ("D01", "red", world.social_worker.staff_id, nurse),
    }
    assert set(answering.page(her, form, now).called) == {"家庭医生", "医务社工"}
    with pytest.raises(Invalid, match="不能这样作答"):
        says(her, form, DAUGHTER, now)


def test_answered_for_her_stands_with_name_and_relation(world: World, now: datetime) -> None:
    form, handed = sent(world, now, "self_care")
    daughter = typed(handed.link, handed.code, now)
    for wrong in ({**DAUGHTER, "name": " "}, {**DAUGHTER, "kinship": "0"}, {"informant": "staff"}):
        with pytest.raises(Invalid):
            says(daughter, form, wrong, now)
    says(daughter, form, DAUGHTER, now)
    (seen,) = assessment_reading.overview(world.nurse, world.resident.resident, now).drafts
    assert (seen.author_name, seen.row.informant) == ("王小梅（女）凭链接代答", "relative")


def test_wrong_codes_and_links_that_never_were_are_answered_alike(world: World, now: datetime) -> None:
    form, handed = sent(world, now)
    said = set()
    for link, code in ((handed.link, "00000000"), (uuid4(), handed.code), (handed.link, "")):
        with pytest.raises(Unauthenticated) as refused:
            typed(link, code, now)
        said.add(refused.value.title)
    assert len(said) == 1
    assert SignInAttempt.objects.count() == 3
    for _ in range(4):
        with pytest.raises(Unauthenticated):
            typed(handed.link, "99999999", now)
    assert state(world, form, now) == "locked"
    with pytest.raises(Unauthenticated) as refused:
        typed(handed.link, handed.code, now)
    assert refused.value.title in said
    her = world.resident.resident
    anew = questionnaire_links.hand_out(world.nurse, her, form, now + timedelta(minutes=1))
    assert typed(anew.link, anew.code, now + timedelta(minutes=1)).response == form


def test_withdrawn_renewed_and_expired_each_in_words_and_nothing_filled_is_lost(
    world: World, now: datetime
) -> None:
    form, handed = sent(world, now)
    her = typed(handed.link, handed.code, now)
    says(her, form, HERSELF, now)
    fill(her, form, {"u1": "3"}, now)
    later = now + timedelta(hours=1)
    anew = questionnaire_links.hand_out(world.doctor, world.resident.resident, form, later)
    with pytest.raises(Conflict, match="换成新的"):
        typed(handed.link, handed.code, later)
    with pytest.raises(Forbidden):
        fill(her, form, {"u2": "1"}, later)
    again = typed(anew.link, anew.code, later)
    told = answering.page(again, form, later).form.told
    assert told
    assert told.answers == {"u1": "3"}
    with pytest.raises(Conflict, match="已经过期"):
        typed(anew.link, anew.code, later + timedelta(days=7))
    assert state(world, form, later + timedelta(days=7)) == "expired"
    questionnaire_links.withdraw(world.nurse, world.resident.resident, form, later)
    with pytest.raises(Conflict, match="已经收回"):
        typed(anew.link, anew.code, later)
    with pytest.raises(Forbidden):
        answering.page(again, form, later)
    with pytest.raises(NotFound):
        questionnaire_links.withdraw(world.nurse, world.resident.resident, form, later)


def test_strangers_send_nothing_and_what_only_staff_do_is_not_sent(world: World, now: datetime) -> None:
    form, _ = sent(world, now)
    for act in (questionnaire_links.hand_out, questionnaire_links.withdraw):
        with pytest.raises(Forbidden):
            act(world.stranger, world.resident.resident, form, now)
    tug = assessments.start(
        world.nurse, world.resident.resident, scale="tug", at=now, command_id=uuid4().hex
    ).response
    with pytest.raises(Invalid, match="当面做"):
        questionnaire_links.hand_out(world.nurse, world.resident.resident, tug, now)


def test_who_has_a_link_sees_its_form_and_no_other(world: World, now: datetime) -> None:
    form, handed = sent(world, now)
    other, _ = sent(world, now, "nutrition")
    her = typed(handed.link, handed.code, now)
    with pytest.raises(NotFound):
        answering.page(her, other, now)
    with pytest.raises(Forbidden):
        assessments.answer(
            her.actor, world.resident.resident, form, {"u1": "1"}, at=now, command_id=uuid4().hex
        )
    with pytest.raises(Forbidden):
        assessment_reading.overview(her.actor, world.resident.resident, now)


def agreed(world: World, now: datetime, *scope: str) -> tuple[UUID, UUID]:
    said = Yes(
        "relative", consents.text("relative", now).sha256, scope=scope, kinship="3", relative_name="王小梅",
        relative_phone="13700137000",
    )  # fmt: skip
    given = consents.give(world.social_worker, world.resident.resident, said, now)
    return consent_checks.relative_id(said), given


def test_a_daughter_answers_for_her_mother_while_she_lets_her(world: World, now: datetime) -> None:
    her = world.resident.resident
    daughter, _ = agreed(world, now, "medicines")
    with pytest.raises(Forbidden, match="没有同意由您代答"):
        answering.of_relative(daughter, her, now)
    daughter, given = agreed(world, now, "medicines", "questionnaires")
    who = answering.of_relative(daughter, her, now)
    assert "bsfc" in {one.code for one in answering.open_to(who, now)}
    assert "phq9" not in {one.code for one in answering.open_to(who, now)}
    with pytest.raises(Invalid, match="不能这样作答"):
        answering.begin(who, "phq9", at=now, command_id=uuid4().hex)
    form = answering.begin(who, "self_care", at=now, command_id=uuid4().hex)
    staffs, _ = sent(world, now)
    assert [one.row.response for one in answering.mine(who, now)] == [form]
    with pytest.raises(NotFound):
        answering.page(who, staffs, now)
    given_answers = dict.fromkeys(answering.page(who, form, now).form.asked, "alone")
    fill(who, form, given_answers, now)
    submit(who, form, now)
    seen, _ = assessment_reading.form(world.nurse, her, form, now)
    assert (seen.author_name, seen.row.author) == ("王小梅（女）代答", daughter)
    consents.withdraw(world.social_worker, her, given, "changed_mind", now)
    with pytest.raises(Forbidden):
        answering.of_relative(daughter, her, now)
    with pytest.raises(Forbidden):
        answering.page(who, form, now)


def test_she_sees_what_was_answered_for_her_and_takes_it_back(world: World, now: datetime) -> None:
    her = world.resident.resident
    residents.amend(SYSTEM, her, {"phone": "13986271504"}, now)
    mine = own_accounts.required(own_accounts.of_resident(her, now).pk)
    form, handed = sent(world, now, "self_care")
    who = typed(handed.link, handed.code, now)
    says(who, form, DAUGHTER, now)
    fill(who, form, dict.fromkeys(answering.page(who, form, now).form.asked, "alone"), now)
    submit(who, form, now)
    (one,) = answering.outside(world.resident)
    assert one.author_name == "王小梅（女）凭链接代答"
    staffs = assessments.start(world.nurse, her, scale="ucla3", at=now, command_id=uuid4().hex).response
    with pytest.raises(Forbidden, match="工作人员填的"):
        answering.take_back(mine.actor, her, staffs, at=now, command_id=uuid4().hex)
    stranger = replace(mine.actor, staff_id=uuid4())
    with pytest.raises(Refused):
        answering.take_back(stranger, her, form, at=now, command_id=uuid4().hex)
    answering.take_back(mine.actor, her, form, at=now, command_id=uuid4().hex)
    assert answering.outside(world.resident) == []
    assert assessment_reading.overview(world.nurse, her, now).done == []
    assert QuestionnaireResponse.objects.filter(response=form, withdrawn=True).exists()
