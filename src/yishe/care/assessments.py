"""Assessments (评估): a scale of the pack filled for a resident, saved as one goes, submitted, amended.

Every save is a row that supersedes the one before, so nothing that was answered is lost and two who fill at once are put
together. A red flag acts with the save that turns it, whether or not the form is ever submitted.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from yishe.care import entries, evidence, scales
from yishe.care.models import QuestionnaireResponse
from yishe.loops import reactions
from yishe.people import sight
from yishe.people.actors import Actor
from yishe.people.models import Resident
from yishe.people.packs import in_force
from yishe.people.particulars import ZONE
from yishe.people.placements import Placement
from yishe.policy import scale_scoring
from yishe.policy.access_rules import Shown
from yishe.policy.reactions import Promise
from yishe.policy.refusals import Conflict, Forbidden, Invalid, NotFound
from yishe.policy.scale_rules import Effect, Scale
from yishe.policy.scale_scoring import About, Result
from yishe.trust import commit, ids
from yishe.trust.commit import Bundle

ACTION = "record.assessment"
FACT = "assessment_completed"
DRAFT, COMPLETED, AMENDED = "in_progress", "completed", "amended"
STAFF, RESIDENT, RELATIVE = "staff", "resident", "relative"
SEXES = {"1": "male", "2": "female"}
TRIES = 3


@dataclass(frozen=True)
class Saved:
    """What a save led to: the row, the flags that stand, the loops this save opened."""

    row: QuestionnaireResponse
    flags: tuple[str, ...] = ()
    opened: tuple[UUID, ...] = ()


@dataclass(frozen=True)
class Told:
    """What is sealed of a form. `raised` are the flags that have acted; `result` stands once it is submitted."""

    answers: Mapping[str, Any]
    confirmed: tuple[str, ...] = ()
    raised: tuple[str, ...] = ()
    result: Mapping[str, Any] | None = None
    reason: str = ""


def start(
    actor: Actor, resident: UUID, *, scale: str, at: datetime, command_id: str, informant: str = STAFF,
    again: bool = False, digest: bytes | None = None,
) -> QuestionnaireResponse:  # fmt: skip
    """Begin a form. `informant` is who answers: staff, resident or relative.

    Refused as `entries.begin`; Invalid for an unknown scale, one not made for her, an informant the pack does not let
    answer; Forbidden for a duty that does not fill it; Conflict `already_started` (with the open form) and, unless
    `again`, `done_recently`."""
    command = entries.Command(actor, resident, ACTION, at, command_id, digest=digest)
    draft = entries.begin(QuestionnaireResponse, command, {"scale": scale, "informant": informant})
    if draft.earlier is not None:
        return draft.earlier
    chosen = scales.in_force(scale, at)
    may_fill(actor, chosen, informant, at)
    _fits(chosen, draft.placement, at)
    _not_twice(chosen, draft, again=again)
    bundle = Bundle()
    scales.keep(bundle, chosen, at)
    row = entries.append(
        draft, bundle, quiet=True, response=ids.new(), status=DRAFT, scale=chosen.code, version=chosen.version,
        definition=chosen.sha256, groups=list(chosen.fields), informant=informant, sealed=draft.seal("sealed", asdict(Told({}))),
    )  # fmt: skip
    return entries.settle(draft, bundle, row, own=True)


def answer(
    actor: Actor, resident: UUID, response: UUID, given: Mapping[str, Any], *, at: datetime, command_id: str,
    confirmed: Collection[str] = (), digest: bytes | None = None,
) -> Saved:  # fmt: skip
    """Save answers to some questions, beside those saved before; an empty one takes the answer back. `confirmed` are
    items whose unusual value was checked. A flag that these answers turn opens its loops in the same commit.

    Raises as `entries.begin`; NotFound, Conflict `submitted` for a form that is not open, Invalid for impossible answers
    (nothing of this save is kept then)."""
    command = entries.Command(actor, resident, ACTION, at, command_id, digest=digest)
    body = {"response": str(response), "answers": dict(given), "confirmed": sorted(confirmed)}
    return _until_settled(lambda: _answered(command, response, body))


def submit(
    actor: Actor,
    resident: UUID,
    response: UUID,
    *,
    at: datetime,
    command_id: str,
    digest: bytes | None = None,
) -> Saved:
    """Finish a form: it is scored by the version it was begun under, and what the pack says of the result happens.

    Raises as `answer`; Invalid `answers_missing` naming the questions still open."""
    command = entries.Command(actor, resident, ACTION, at, command_id, digest=digest)
    return _until_settled(lambda: _submitted(command, response))


def amend(
    actor: Actor, resident: UUID, response: UUID, given: Mapping[str, Any], *, reason: str, at: datetime,
    command_id: str, confirmed: Collection[str] = (), digest: bytes | None = None,
) -> Saved:  # fmt: skip
    """Correct a submitted form, saying why; the earlier one stays readable as its predecessor. Loops that were opened
    stay; what the new result asks for beside them is opened.

    Raises as `submit`; Invalid without a reason, Conflict `not_submitted` for a draft."""
    command = entries.Command(actor, resident, ACTION, at, command_id, digest=digest)
    said = entries.text(reason, "更正的原因", 500)
    if not said:
        raise Invalid("reason_needed", "更正要写明原因：哪里填错了、怎么知道的。", field="reason")
    body = {
        "response": str(response), "answers": dict(given), "confirmed": sorted(confirmed), "reason": said,
    }  # fmt: skip
    return _until_settled(lambda: _amended(command, response, body))


def discard(
    actor: Actor,
    resident: UUID,
    response: UUID,
    *,
    at: datetime,
    command_id: str,
    digest: bytes | None = None,
) -> QuestionnaireResponse:
    """Throw an open form away; what a flag opened stays open. Conflict once it is submitted."""
    command = entries.Command(actor, resident, ACTION, at, command_id, digest=digest)

    def done() -> Saved:
        draft, before = _continued(command, response, {"response": str(response), "verb": "discard"})
        if draft.earlier is not None:
            return Saved(draft.earlier)
        _open(before)
        return Saved(_row(draft, before, Bundle(), _told(draft, before), before.status, withdrawn=True)[0])

    return _until_settled(done).row


# Deciding


def _answered(command: entries.Command, response: UUID, body: dict[str, Any]) -> Saved:
    draft, before = _continued(command, response, body)
    if draft.earlier is not None:
        return Saved(draft.earlier)
    _open(before)
    _here(draft.placement, command.at)
    scale, told = scales.begun_under(before.scale, before.definition), _told(draft, before)
    told = _with(scale, told, body)
    flags = scale_scoring.flagged(scale, told.answers, about(draft.placement, command.at))
    new = tuple(one for one in flags if one not in told.raised)
    bundle = Bundle()
    effects = [(scale.flags[code].title.zh, one) for code in new for one in scale.flags[code].then]
    row, opened = _row(
        draft, before, bundle, replace(told, raised=(*told.raised, *new)), before.status, effects
    )
    return Saved(row, flags, opened)


def _submitted(command: entries.Command, response: UUID) -> Saved:
    draft, before = _continued(command, response, {"response": str(response), "verb": "submit"})
    if draft.earlier is not None:
        return Saved(draft.earlier)
    _open(before)
    _here(draft.placement, command.at)
    return _finished(draft, before, _told(draft, before), COMPLETED, frozenset())


def _amended(command: entries.Command, response: UUID, body: dict[str, Any]) -> Saved:
    draft, before = _continued(command, response, body)
    if draft.earlier is not None:
        return Saved(draft.earlier)
    if before.status == DRAFT:
        raise Conflict("not_submitted", "这份评估还没有提交：直接改答案就行，不用更正。")
    _here(draft.placement, command.at)
    scale, told = scales.begun_under(before.scale, before.definition), _told(draft, before)
    was = scale_scoring.result(scale, told.answers, about(draft.placement, before.occurred_at))
    told = replace(_with(scale, told, body), reason=body["reason"])
    return _finished(draft, before, told, AMENDED, frozenset(was.effects(scale)))


def _finished(
    draft: entries.Draft[QuestionnaireResponse], before: QuestionnaireResponse, told: Told, status: str,
    done: frozenset[Effect],
) -> Saved:  # fmt: skip
    """Scored and followed to what the pack says, but for the effects that were `done` before."""
    scale = scales.begun_under(before.scale, before.definition)
    whose = about(draft.placement, before.occurred_at)
    _complete(scale, told, whose)
    told = replace(told, answers=scale_scoring.counted(scale, told.answers, whose))
    result = scale_scoring.result(scale, told.answers, whose)
    done |= {one for code in told.raised for one in scale.flags[code].then}
    effects = [
        (found.title.zh, one) for found in result.findings(scale) for one in found.then if one not in done
    ]
    bundle = Bundle()
    told = replace(told, raised=result.flags, result=_plain(result, whose))
    row, opened = _row(draft, before, bundle, told, status, effects, facts=_facts(scale, result))
    return Saved(row, result.flags, opened)


def _row(
    draft: entries.Draft[QuestionnaireResponse], before: QuestionnaireResponse, bundle: Bundle, told: Told, status: str,
    effects: Sequence[tuple[str, Effect]] = (), *, facts: Sequence[Mapping[str, Any]] = (), withdrawn: bool = False,
) -> tuple[QuestionnaireResponse, tuple[UUID, ...]]:  # fmt: skip
    """Append the next state of the form, with what follows from it, and commit."""
    kept = ("response", "scale", "version", "definition", "groups", "informant")
    row = entries.append(
        draft, bundle, quiet=status == DRAFT, status=status, withdrawn=withdrawn,
        sealed=draft.seal("sealed", asdict(told)), **{name: getattr(before, name) for name in kept},
    )  # fmt: skip
    command, opened = draft.command, list[UUID]()
    proof = {"type": "assessment", "id": str(row.id), "hash": evidence.digest(row)}
    brought = (proof,) if status != DRAFT else ()
    title, wanted = scales.begun_under(before.scale, before.definition).title, dict[Promise, list[str]]()
    for words, effect in effects:
        if effect.promise is not None:
            wanted.setdefault(effect.promise, []).append(words)
    for promise, why in wanted.items():
        note = f"《{title}》：{'、'.join(why)}"
        loop = reactions.promised(promise, note, command.actor, draft.placement, command.at, bundle, brought)
        opened += [loop] if loop else []
    for data in facts:
        fact = reactions.Fact(FACT, row.id, data)
        opened += reactions.apply(fact, command.actor, draft.placement, command.at, bundle)
    return entries.settle(draft, bundle, row, own=True), tuple(opened)


def _until_settled(act: Callable[[], Saved]) -> Saved:
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


def _continued(
    command: entries.Command, response: UUID, body: dict[str, Any]
) -> tuple[entries.Draft[QuestionnaireResponse], QuestionnaireResponse]:
    """The state that stands of this form, and the command as one that supersedes it."""
    subjects = entries.keyed(entries.whose(command.resident))
    before = entries.standing(QuestionnaireResponse, subjects).filter(response=response).first()
    if before is None:
        raise NotFound("no_form", "找不到这份评估：可能已作废，或属于另一位居民。请从评估列表重新打开。")
    _may_go_on(command, before)
    asked = entries.digest_of(command, body)
    amending = before.status != DRAFT
    following = replace(
        command, supersedes=before.id, digest=command.digest or asked,
        occurred_at=before.occurred_at if amending else None,
    )  # fmt: skip
    return entries.begin(QuestionnaireResponse, following, body), before


def _may_go_on(command: entries.Command, before: QuestionnaireResponse) -> None:
    """Whoever goes on with a form may fill it and may read what is in it."""
    where = entries.whose(command.resident)
    may_fill(command.actor, scales.begun_under(before.scale, before.definition), before.informant, command.at)
    seen = sight.of(command.actor, where, command.at)
    if seen.shown(before.groups, before.author) is not Shown.DETAIL:
        raise Forbidden("not_to_read", "这份评估的内容不向您的职责开放：请填写人或家庭医生接着填。")


def _told(draft: entries.Draft[QuestionnaireResponse], row: QuestionnaireResponse) -> Told:
    return told_of(row, draft.key_of(row.subject))


def told_of(row: QuestionnaireResponse, wrapped: bytes) -> Told:
    """What is sealed of a form, opened."""
    content = entries.unsealed(row, "sealed", wrapped)
    return Told(**{**content, "confirmed": tuple(content["confirmed"]), "raised": tuple(content["raised"])})


def _with(scale: Scale, told: Told, body: Mapping[str, Any]) -> Told:
    confirmed = {*told.confirmed, *body["confirmed"]}
    answers = dict(told.answers)
    for code, given in body["answers"].items():
        read = scale_scoring.read(scale, code, given, confirmed=code in body["confirmed"])
        answers.pop(code, None)
        if read is not None:
            answers[code] = read
    return replace(told, answers=answers, confirmed=tuple(sorted(confirmed)))


def _open(row: QuestionnaireResponse) -> None:
    if row.status != DRAFT:
        raise Conflict("submitted", "这份评估已经提交，不能再改草稿：填错了请用“更正”，写明原因。")


def _here(where: Placement, at: datetime) -> None:
    """Dead or moved since the form was begun: it stays as it is."""
    if where.deceased_at and where.deceased_at <= at:
        raise Conflict("resident_dead", "居民已登记去世，草稿保留、不再提交；不需要时可以作废。")
    if where.moved_at and where.moved_at <= at:
        raise Conflict("resident_moved", "居民已登记迁出，草稿保留、不再提交；不需要时可以作废。")


def _complete(scale: Scale, told: Told, whose: About) -> None:
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
    allowed = {STAFF: True, RESIDENT: scale.filled_by.resident, RELATIVE: scale.filled_by.relative}
    if not allowed.get(informant):
        raise Invalid(
            "informant", f"《{scale.title}》不能这样作答：请由工作人员询问后填写。", field="informant"
        )


def _fits(scale: Scale, where: Placement, at: datetime) -> None:
    if scale_scoring.fits(scale, about(where, at)) is False and scale.fits:
        raise Invalid("scale_unfit", str(scale.fits.says), scale=scale.code)


def _not_twice(scale: Scale, draft: entries.Draft[QuestionnaireResponse], *, again: bool) -> None:
    rows = entries.standing(QuestionnaireResponse, draft.subjects).filter(scale=scale.code)
    at = draft.command.at
    open_ = rows.filter(status=DRAFT).first()
    if open_ is not None:
        said = f"{open_.recorded_at.astimezone(ZONE):%m-%d %H:%M}"
        raise Conflict(
            "already_started", f"《{scale.title}》已有一份没填完（{said} 存）：请接着填，或先作废它。",
            existing=str(open_.response),
        )  # fmt: skip
    last = rows.exclude(status=DRAFT).order_by("-occurred_at").first()
    if last is None or again or scale.again_within is None:
        return
    if at - last.occurred_at < scale.again_within.exact():
        said = f"{last.occurred_at.astimezone(ZONE):%m-%d %H:%M}"
        raise Conflict(
            "done_recently", f"《{scale.title}》{said} 刚做过：填错了请更正那一份；确要再做一次，请勾选“再做一次”。",
            existing=str(last.response), confirm="again",
        )  # fmt: skip


def about(where: Placement, at: datetime) -> About:
    """What conditions may know of her on that day."""
    born, sex = Resident.objects.values_list("birth_date", "sex").get(id=where.resident)
    return About(_age(born, at.astimezone(ZONE).date()), SEXES.get(sex, ""), where.traits)


def _age(born: date | None, on: date) -> int | None:
    return None if born is None else on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def _plain(result: Result, whose: About) -> dict[str, Any]:
    return {
        "scores": {code: asdict(one) for code, one in result.scores.items()}, "rules": result.rules,
        "undecided": result.undecided, "flags": result.flags, "about": asdict(whose),
    }  # fmt: skip


def _facts(scale: Scale, result: Result) -> list[dict[str, Any]]:
    """For rules to come: each score that could be counted."""
    return [
        {"scale": scale.code, "score": code, "value": float(one.value), "band": one.band}
        for code, one in result.scores.items()
        if one.value is not None
    ]
