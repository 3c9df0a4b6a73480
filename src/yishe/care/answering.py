"""A form answered from outside the service: by who was sent a link to it, or by a relative whom a consent lets answer.

They see this form and nothing else of the record. What an answer asks for at once is promised by the rule, and waited for by
whoever sent the form, or else by those who answer for the resident.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from yishe.care import assessments, entries, forms, informants, scales
from yishe.care.assessment_reading import Form
from yishe.care.forms import ANSWER
from yishe.care.informants import BY_ACCOUNT, RELATIVE, RESIDENT
from yishe.care.models import QuestionnaireResponse
from yishe.loops import reading
from yishe.people import access, consents, glimpses, packs
from yishe.people.actors import Actor
from yishe.people.members import Member
from yishe.people.placements import Placement, subjects_of
from yishe.policy import scale_scoring
from yishe.policy.refusals import Conflict, Forbidden, Invalid, NotFound
from yishe.policy.scale_rules import Scale

SCOPE = "questionnaires"
LONGEST_NAME = 60
GONE = "找不到这份问卷：可能已经作废，请问给您问卷的工作人员。"


@dataclass(frozen=True)
class Answerer:
    """Who answers about whom. `by` is what the form keeps of it: `person`, `way` (link or account), `informant`, and for who
    answers for her `name` and `kinship`. `sender` waits for what follows; `response` is the form a link leads to."""

    person: UUID
    resident: UUID
    by: Mapping[str, str]
    sender: UUID | None = None
    response: UUID | None = None

    @property
    def actor(self) -> Actor:
        words = "家属" if self.by["way"] == BY_ACCOUNT else "收到问卷的人"
        return Actor(self.person, None, words, Member(self.person, words))

    def command(self, at: datetime, command_id: str) -> entries.Command:
        return entries.Command(self.actor, self.resident, ANSWER, at, command_id, sender=self.sender)


@dataclass(frozen=True)
class Asked:
    """The form as it stands, for who answers it. `called` are the duties that its red answers have called, in words; `line` is
    what the access line keeps."""

    form: Form
    called: tuple[str, ...]
    line: Mapping[str, str]

    @property
    def begun(self) -> bool:
        """Whether it was said who answers."""
        return bool(self.form.told and self.form.told.by.get("informant"))


# Writers


def says(
    answerer: Answerer, response: UUID, who: Mapping[str, str], *, at: datetime, command_id: str
) -> forms.Saved:
    """Who answers: the resident herself, or somebody for her, by name and relation.

    Invalid when the pack does not let this one answer, or name or relation are missing."""
    form = page(answerer, response, at).form
    informant = who.get("informant", "")
    if informant not in (RESIDENT, RELATIVE):
        raise Invalid("informant", "请选择由谁来答：居民本人，或替居民回答的人。", field="informant")
    forms.may_answer(form.scale, informant)
    by = {**answerer.by, "informant": informant, **(_named(who) if informant == RELATIVE else {})}
    return _save(answerer, response, {}, by, at, command_id)


def answer(
    answerer: Answerer, response: UUID, given: Mapping[str, Any], *, at: datetime, command_id: str,
    confirmed: frozenset[str] = frozenset(),
) -> forms.Saved:  # fmt: skip
    """Save answers, as `assessments.answer`: a red flag opens its loops in the same commit. Conflict `unsaid` before it was
    said who answers."""
    return _save(answerer, response, given, _begun(answerer, response, at), at, command_id, confirmed)


def submit(answerer: Answerer, response: UUID, *, at: datetime, command_id: str) -> forms.Saved:
    """Hand the form in, as `assessments.submit`; whoever sent it is told."""
    _begun(answerer, response, at)
    command = answerer.command(at, command_id)
    return forms.until_settled(lambda: assessments.submitted(command, response))


def begin(answerer: Answerer, scale: str, *, at: datetime, command_id: str) -> UUID:
    """A relative begins a form for her. Refused as `assessments.start`."""
    command = answerer.command(at, command_id)
    return assessments.begun(command, scale, RELATIVE, by=answerer.by).response


def take_back(actor: Actor, resident: UUID, response: UUID, *, at: datetime, command_id: str) -> None:
    """The resident takes back what was answered from outside: it counts no more; promises made of it stay.

    Forbidden for a form that staff filled."""
    command = entries.Command(actor, resident, ANSWER, at, command_id)
    forms.until_settled(lambda: _taken_back(command, response))


def _begun(answerer: Answerer, response: UUID, at: datetime) -> Mapping[str, str]:
    """Who answers, as it was said. Conflict `unsaid` before."""
    found = page(answerer, response, at)
    if not found.begun or found.form.told is None:
        raise Conflict("unsaid", "请先写明由谁来答。")
    return found.form.told.by


def _taken_back(command: entries.Command, response: UUID) -> forms.Saved:
    draft, before = forms.continued(command, response, {"response": str(response), "verb": "take_back"})
    if draft.earlier is not None:
        return forms.Saved(draft.earlier)
    if not forms.filled(draft, before).by:
        raise Forbidden("not_outside", "这份是工作人员填的：不对的地方，请在“更正”里提出。")
    return forms.withdrawn(draft, before)


def _save(
    answerer: Answerer, response: UUID, given: Mapping[str, Any], by: Mapping[str, str], at: datetime, command_id: str,
    confirmed: frozenset[str] = frozenset(),
) -> forms.Saved:  # fmt: skip
    command = answerer.command(at, command_id)
    body = forms.body(response, given, confirmed, by=dict(by))
    return forms.until_settled(lambda: forms.answered(command, response, body))


def _named(who: Mapping[str, str]) -> dict[str, str]:
    name, kinship = who.get("name", "").strip(), who.get("kinship", "")
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Invalid("name", "替居民回答，请写您的姓名。", field="name")
    if kinship == "0" or kinship not in packs.in_force().codes["kinship"]:
        raise Invalid("kinship", "请选择您是居民的什么人。", field="kinship")
    return {"name": name, "kinship": kinship}


# Readers


def of_relative(person: UUID, resident: UUID, at: datetime) -> Answerer:
    """A relative whom a consent in force lets answer. Forbidden for anybody else."""
    seen = glimpses.require(person, resident, at)
    if not seen.opens(SCOPE):
        raise Forbidden("not_agreed", "居民没有同意由您代答问卷：需要时请居民在“我的同意”里勾上。")
    where = entries.whose(resident)
    named = [one for one in consents.given(resident) if one.state.grantee == person and one.state.holds(at)]
    by = {
        "person": str(person), "way": BY_ACCOUNT, "informant": RELATIVE, "kinship": named[0].state.kinship,
        "name": named[0].words.get("relative_name", ""),
    }  # fmt: skip
    return Answerer(person, where.resident, by, where.social_worker or where.doctor)


def page(answerer: Answerer, response: UUID, at: datetime) -> Asked:
    """The form, and whom its red answers called. NotFound for one that is not theirs to answer. The caller leaves the line."""
    where = entries.whose(answerer.resident)
    permission = access.require(answerer.actor, ANSWER, where, at)
    subjects = entries.keyed(where)
    row = forms.standing(subjects, response)
    if row is None:
        raise NotFound("no_form", GONE)
    told = forms.told_of(row, next(one.wrapped for one in subjects if one.subject == row.subject))
    if response != answerer.response and told.by.get("person") != str(answerer.person):
        raise NotFound("no_form", GONE)
    scale = scales.begun_under(row.scale, row.definition)
    form = Form.read(row, scale, "", forms.about(where, row.occurred_at), told)
    return Asked(form, _called(where, form), permission.line)


def mine(answerer: Answerer, at: datetime) -> list[Form]:
    """What this relative has answered for her or begun to, newest first."""
    where = entries.whose(answerer.resident)
    access.require(answerer.actor, ANSWER, where, at)
    return [one for one in outside(where) if one.told and one.told.by.get("person") == str(answerer.person)]


def open_to(answerer: Answerer, at: datetime) -> list[Scale]:
    """The scales a relative may answer for her, by title."""
    whose = forms.about(entries.whose(answerer.resident), at)
    every = [one for one in scales.all_in_force(at) if one.filled_by.relative]
    return [one for one in every if scale_scoring.fits(one, whose) is not False]


def outside(where: Placement) -> list[Form]:
    """Every form of hers that was answered from outside, newest first. The caller has asked access."""
    subjects = entries.keyed(where)
    wrapped = {one.subject: one.wrapped for one in subjects}
    found, about = [], forms.abouts(where)
    for row in entries.standing(QuestionnaireResponse, subjects).order_by("-occurred_at", "-id"):
        told = forms.told_of(row, wrapped[row.subject])
        if told.by:
            scale = scales.begun_under(row.scale, row.definition)
            found.append(Form.read(row, scale, informants.words(told.by), about(row.occurred_at), told))
    return found


def _called(where: Placement, form: Form) -> tuple[str, ...]:
    effects = [effect for flag in form.flags for effect in form.scale.flags[flag].then]
    wanted = {(one.promise.kind, one.promise.reason or "") for one in effects if one.promise}
    if not wanted:
        return ()
    open_ = reading.for_subjects(subjects_of(where.resident), only_open=True)
    duties = packs.in_force().duties
    found = [str(duties[one.duty].title) for one in open_ if (one.kind, one.reason) in wanted]
    return tuple(dict.fromkeys(found))
