"""Filled forms, whatever they ask: one row for every save, each superseding the one before, sealed for the resident.

What a form is for stands elsewhere: `assessments` score it, `followups` classify it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from yishe.care import entries, evidence, informants, lives, scales
from yishe.care.models import QuestionnaireResponse
from yishe.loops import reactions
from yishe.people import sight
from yishe.people.actors import SYSTEM, Actor
from yishe.people.cards import Card
from yishe.people.models import Resident
from yishe.people.packs import in_force
from yishe.people.particulars import ZONE
from yishe.people.placements import Placement
from yishe.policy import followup_classes, scale_scoring
from yishe.policy.access_rules import Shown
from yishe.policy.followup_rules import Followup
from yishe.policy.reactions import Promise
from yishe.policy.refusals import Conflict, Forbidden, Invalid, NotFound
from yishe.policy.scale_rules import Effect, Scale
from yishe.policy.scale_scoring import About, Result
from yishe.talk import outbox
from yishe.trust import commit, ids
from yishe.trust.commit import Bundle

ACTION = "record.assessment"
ANSWER = "record.questionnaire"
"""The same from outside the service: by a link, or by a relative (`care.answering`)."""
FACT = "assessment_completed"
DRAFT, COMPLETED, AMENDED = "in_progress", "completed", "amended"
STAFF, RESIDENT, RELATIVE = informants.STAFF, informants.RESIDENT, informants.RELATIVE
LONGEST_REASON = 500
TRIES = 3
GONE = "找不到这份表：可能已作废，或属于另一位居民。请从居民页重新打开。"
NOBODY: Mapping[str, str] = {}


@dataclass(frozen=True)
class Saved:
    """What a save led to: the row, the flags that stand, the loops this save opened."""

    row: QuestionnaireResponse
    flags: tuple[str, ...] = ()
    opened: tuple[UUID, ...] = ()


@dataclass(frozen=True)
class Told:
    """What is sealed of a form. `raised` are the flags that have acted; `result` stands once it is submitted; `source` names the
    list it was taken in from, if it was: then it tells of the past and acts on nothing; `by` is who answered from outside."""

    answers: Mapping[str, Any]
    confirmed: tuple[str, ...] = ()
    raised: tuple[str, ...] = ()
    result: Mapping[str, Any] | None = None
    reason: str = ""
    source: str = ""
    by: Mapping[str, str] = field(default_factory=dict)


def begun(
    draft: entries.Draft[QuestionnaireResponse], scale: Scale, informant: str, response: UUID | None = None,
    by: Mapping[str, str] = NOBODY,
) -> QuestionnaireResponse:  # fmt: skip
    """The first row of a form, still empty."""
    bundle = Bundle()
    scales.keep(bundle, scale, draft.command.at)
    row = entries.append(
        draft, bundle, quiet=True, response=response or ids.new(), status=DRAFT, scale=scale.code,
        version=scale.version, definition=scale.sha256, groups=list(scale.fields), informant=informant,
        sealed=draft.seal("sealed", asdict(Told({}, by=dict(by)))),
    )  # fmt: skip
    return entries.settle(draft, bundle, row, own=True)


def only_one(scale: Scale, draft: entries.Draft[QuestionnaireResponse]) -> None:
    """Conflict `already_started`, naming it, while another form of this scale is open for her."""
    rows = entries.standing(QuestionnaireResponse, draft.subjects)
    open_ = rows.filter(scale=scale.code, status=DRAFT).first()
    if open_ is not None:
        said = f"{open_.recorded_at.astimezone(ZONE):%m-%d %H:%M}"
        raise Conflict(
            "already_started", f"《{scale.title}》已有一份没填完（{said} 存）：请接着填，或先作废它。",
            existing=str(open_.response),
        )  # fmt: skip


def body(response: UUID, given: Mapping[str, Any], confirmed: Collection[str], **more: Any) -> dict[str, Any]:
    """What a save asks for, JSON-safe."""
    return {"response": str(response), "answers": dict(given), "confirmed": sorted(confirmed), **more}


def why(reason: str) -> str:
    """The reason of a correction. Invalid without one."""
    said = entries.text(reason, "更正的原因", LONGEST_REASON)
    if not said:
        raise Invalid("reason_needed", "更正要写明原因：哪里填错了、怎么知道的。", field="reason")
    return said


def answered(
    command: entries.Command, response: UUID, body: dict[str, Any], *, followup: bool = False
) -> Saved:
    """Save answers beside those saved before, with what a flag that they turn asks for."""
    draft, before = continued(command, response, body, followup=followup)
    if draft.earlier is not None:
        return Saved(draft.earlier)
    still_open(before)
    still_here(draft.placement, command.at)
    scale, told = scales.begun_under(before.scale, before.definition), filled(draft, before)
    told = with_answers(scale, told, body)
    flags = scale_scoring.flagged(scale, told.answers, about(draft.placement, command.at))
    new = tuple(one for one in flags if one not in told.raised)
    bundle = Bundle()
    effects = [(scale.flags[code].title.zh, one) for code in new for one in scale.flags[code].then]
    row, opened = put(
        draft, before, bundle, replace(told, raised=(*told.raised, *new)), before.status, effects
    )
    return Saved(row, flags, opened)


def discarded(command: entries.Command, response: UUID, *, followup: bool = False) -> Saved:
    """Throw an open form away."""
    asked = {"response": str(response), "verb": "discard"}
    draft, before = continued(command, response, asked, followup=followup)
    if draft.earlier is not None:
        return Saved(draft.earlier)
    still_open(before)
    return withdrawn(draft, before)


def withdrawn(draft: entries.Draft[QuestionnaireResponse], before: QuestionnaireResponse) -> Saved:
    """The form counts no more, in whatever state it stood."""
    return Saved(put(draft, before, Bundle(), filled(draft, before), before.status, withdrawn=True)[0])


def put(
    draft: entries.Draft[QuestionnaireResponse], before: QuestionnaireResponse, bundle: Bundle, told: Told, status: str,
    effects: Sequence[tuple[str, Effect]] = (), *, facts: Sequence[Mapping[str, Any]] = (), withdrawn: bool = False,
    own: bool = True,
) -> tuple[QuestionnaireResponse, tuple[UUID, ...]]:  # fmt: skip
    """Append the next state of the form, with what follows from it, and commit a bundle of its `own`."""
    kept = ("response", "scale", "version", "definition", "groups")
    row = entries.append(
        draft, bundle, quiet=status == DRAFT, status=status, withdrawn=withdrawn,
        informant=told.by.get("informant") or before.informant, sealed=draft.seal("sealed", asdict(told)),
        **{name: getattr(before, name) for name in kept},
    )  # fmt: skip
    command, opened, speaker = draft.command, list[UUID](), _speaker(draft.command)
    proof = {"type": "assessment", "id": str(row.id), "hash": evidence.digest(row)}
    brought = (proof,) if status != DRAFT else ()
    title, wanted = scales.begun_under(before.scale, before.definition).title, dict[Promise, list[str]]()
    for words, effect in effects:
        if effect.promise is not None:
            wanted.setdefault(effect.promise, []).append(words)
    for promise, why in wanted.items():
        note = f"《{title}》：{'、'.join(why)}"
        loop = reactions.promised(
            promise, note, speaker, draft.placement, command.at, bundle, brought, sender=command.sender
        )
        opened += [loop] if loop else []
    for data in facts:
        fact = reactions.Fact(FACT, row.id, data)
        opened += reactions.apply(fact, speaker, draft.placement, command.at, bundle, sender=command.sender)
    if told.by and status == COMPLETED and not withdrawn:
        _handed_in(draft, bundle, before)
    return entries.settle(draft, bundle, row, own=own), tuple(opened)


def _speaker(command: entries.Command) -> Actor:
    """In whose name what follows is promised: the rule's own, where somebody from outside answers."""
    return SYSTEM if command.action == ANSWER else command.actor


def _handed_in(
    draft: entries.Draft[QuestionnaireResponse], bundle: Bundle, before: QuestionnaireResponse
) -> None:
    """Whoever waits for the form is told that it is there."""
    if draft.command.sender is not None:
        outbox.tell(
            bundle, home=draft.home, person=draft.command.sender, topic="questionnaire.submitted",
            key=f"questionnaire:{before.response}", at=draft.command.at, subject=draft.subject,
        )  # fmt: skip


def until_settled(act: Callable[[], Saved]) -> Saved:
    """Somebody else may have saved the same form, or the roster changed, meanwhile: then once more on what stands now."""
    for last in range(TRIES - 1, -1, -1):
        try:
            return act()
        except commit.Stale:
            if not last:
                raise Conflict("busy", "刚才有人同时在改：请再按一次，已填的都在。") from None
        except Conflict as refused:
            if refused.code != "already_corrected" or not last:
                raise
    raise AssertionError("unreachable")


def continued(
    command: entries.Command, response: UUID, body: dict[str, Any], *, followup: bool = False,
    happened: Callable[[Told], datetime | None] | None = None,
) -> tuple[entries.Draft[QuestionnaireResponse], QuestionnaireResponse]:  # fmt: skip
    """The state that stands of this form, and the command as one that supersedes it. `followup`: whether it is one of those;
    `happened` says from the answers when what they tell of was."""
    subjects = entries.keyed(entries.whose(command.resident))
    before = standing(subjects, response)
    if before is None or scales.is_followup(before.scale) != followup:
        raise NotFound("no_form", GONE)
    may_go_on(command, before)
    asked = entries.digest_of(command, body)
    amending = before.status != DRAFT
    was = before.occurred_at if amending else None
    if happened is not None and not amending:
        keys = {one.subject: one.wrapped for one in subjects}
        was = happened(told_of(before, keys[before.subject]))
    following = replace(command, supersedes=before.id, digest=command.digest or asked, occurred_at=was)
    return entries.begin(QuestionnaireResponse, following, body), before


def standing(subjects: Sequence[entries.Keyed], response: UUID) -> QuestionnaireResponse | None:
    """The state of this form that stands; None when it was thrown away or is not hers."""
    return entries.standing(QuestionnaireResponse, subjects).filter(response=response).first()


def may_go_on(command: entries.Command, before: QuestionnaireResponse) -> None:
    """Whoever goes on with a form may fill it and may read what is in it; who answers it from outside was given this one."""
    scale, where = scales.begun_under(before.scale, before.definition), entries.whose(command.resident)
    if command.action == ANSWER:
        return
    may_fill(command.actor, scale, before.informant, command.at)
    seen = sight.of(command.actor, where, command.at)
    if seen.shown(before.groups, before.author) is not Shown.DETAIL:
        raise Forbidden("not_to_read", "这份表的内容不向您的职责开放：请填写人或家庭医生接着填。")


def filled(draft: entries.Draft[QuestionnaireResponse], row: QuestionnaireResponse) -> Told:
    return told_of(row, draft.key_of(row.subject))


def told_of(row: QuestionnaireResponse, wrapped: bytes) -> Told:
    """What is sealed of a form, opened."""
    content = entries.unsealed(row, "sealed", wrapped)
    return Told(**{**content, "confirmed": tuple(content["confirmed"]), "raised": tuple(content["raised"])})


def with_answers(scale: Scale, told: Told, body: Mapping[str, Any]) -> Told:
    confirmed = {*told.confirmed, *body["confirmed"]}
    answers = dict(told.answers)
    for code, given in body["answers"].items():
        read = scale_scoring.read(scale, code, given, confirmed=code in body["confirmed"])
        answers.pop(code, None)
        if read is not None:
            answers[code] = read
    if isinstance(scale, Followup):
        followup_classes.check(scale, answers, About())
    by = body.get("by") or told.by
    return replace(told, answers=answers, confirmed=tuple(sorted(confirmed)), by=by)


def still_open(row: QuestionnaireResponse) -> None:
    if row.status != DRAFT:
        raise Conflict("submitted", "这份表已经提交，不能再改草稿：填错了请用“更正”，写明原因。")


def still_here(where: Placement, at: datetime) -> None:
    """Dead or moved since the form was begun: it stays as it is."""
    if where.deceased_at and where.deceased_at <= at:
        raise Conflict("resident_dead", "居民已登记去世，草稿保留、不再提交；不需要时可以作废。")
    if where.moved_at and where.moved_at <= at:
        raise Conflict("resident_moved", "居民已登记迁出，草稿保留、不再提交；不需要时可以作废。")


def complete(scale: Scale, told: Told, whose: About) -> None:
    open_ = scale_scoring.missing(scale, told.answers, whose)
    if open_:
        asked = "；".join(f"“{scale.items[code].ask}”" for code in open_)
        raise Invalid(
            "answers_missing",
            f"还有 {len(open_)} 题没有答：{asked}。漏答不能估，补答后再提交；草稿已保存。",
            items=list(open_),
        )


def may_fill(actor: Actor, scale: Scale, informant: str, at: datetime) -> None:
    """Forbidden for a duty the pack does not let fill it, Invalid for an informant it does not let answer."""
    if not actor.is_system and not set(scale.filled_by.staff) & actor.member.duties(at):
        titles = "、".join(in_force().duties[one].title.zh for one in scale.filled_by.staff)
        raise Forbidden("wrong_duty", f"《{scale.title}》由{titles}填写；您的职责不在其中，可请他们来做。")
    may_answer(scale, informant)


def may_answer(scale: Scale, informant: str) -> None:
    """Invalid for an informant the pack does not let answer."""
    allowed = {STAFF: True, RESIDENT: scale.filled_by.resident, RELATIVE: scale.filled_by.relative}
    if not allowed.get(informant):
        raise Invalid(
            "informant", f"《{scale.title}》不能这样作答：请由工作人员询问后填写。", field="informant"
        )


def about(where: Placement, at: datetime) -> About:
    """What conditions may know of her on that day."""
    return abouts(where)(at)


def abouts(where: Placement) -> Callable[[datetime], About]:
    """The same for as many days as are asked, her card read once."""
    born, sex = Resident.objects.values_list("birth_date", "sex").get(id=where.resident)
    return lambda at: _about(born, sex, where.traits, at)


def about_card(card: Card, at: datetime) -> About:
    """The same from a card that was read anyway."""
    return _about(card.birth_date, card.sex, card.traits, at)


def _about(born: date | None, sex: str, traits: tuple[str, ...], at: datetime) -> About:
    months = _months(born, lives.day(at))
    return About(None if months is None else months // 12, lives.SEXES.get(sex, ""), traits, months)


def _months(born: date | None, on: date) -> int | None:
    if born is None:
        return None
    return (on.year - born.year) * 12 + on.month - born.month - (on.day < born.day)


def plain(result: Result, whose: About) -> dict[str, Any]:
    """A result as it is sealed."""
    return {
        "scores": {code: asdict(one) for code, one in result.scores.items()}, "rules": result.rules,
        "undecided": result.undecided, "flags": result.flags, "about": asdict(whose),
    }  # fmt: skip
