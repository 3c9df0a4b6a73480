"""A form sent out by a link with a one-time code, to be answered on one's own phone: handed out, renewed, taken back, opened.

The code is told once and kept as a keyed hash. Who has link and code sees the form and nothing else of the record
(`care.answering`). A wrong code, one typed too often and a link that never was are answered alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import F

from yishe.care import entries, forms, scales
from yishe.care.answering import Answerer
from yishe.care.informants import BY_LINK
from yishe.care.models import QuestionnaireLink, QuestionnaireResponse
from yishe.people import access, packs
from yishe.people.access import LINK
from yishe.people.actors import Actor
from yishe.people.particulars import ZONE
from yishe.people.placements import Placement, placement_of_subject
from yishe.policy.refusals import Conflict, Invalid, NotFound
from yishe.policy.sign_in_rules import Links
from yishe.trust import access_log, codes, commit, guessing, ids
from yishe.trust.commit import Bundle
from yishe.trust.guessing import Try

SENT, OPENED, SUBMITTED = "sent", "opened", "submitted"
WITHDRAWN, EXPIRED, LOCKED = "withdrawn", "expired", "locked"
WRONG = "问卷码不对，或者输错太多次已经停用：请核对后再输；还是不行，请发给您的工作人员重新发一个。"
OVER = {
    WITHDRAWN: "这份问卷已经收回，不用填了：有疑问请打电话给您的团队。",
    EXPIRED: "这份问卷已经过期，填过的都存着：要接着填，请工作人员重新发一个链接。",
    SUBMITTED: "这份问卷已经交了，谢谢您：填错了请告诉您的团队。",
}
NO_CODE = bytes(32)


@dataclass(frozen=True)
class Handed:
    """A link as it is handed over: the code is seen this once."""

    link: UUID
    code: str
    ends_at: datetime


@dataclass(frozen=True)
class Sent:
    """How a link stands: sent, opened, submitted, withdrawn, expired, or locked by too many wrong codes."""

    link: UUID
    state: str
    sent_by: UUID
    sent_at: datetime
    ends_at: datetime

    @property
    def open(self) -> bool:
        return self.state in (SENT, OPENED)


# Writers


def hand_out(actor: Actor, resident: UUID, response: UUID, at: datetime) -> Handed:
    """Send an open form out, or send it anew: the link before it is void.

    Refused as going on with the form; Conflict once it is submitted, and for who has gone; Invalid for a form that only staff
    may fill."""
    where = entries.whose(resident)
    permission = access.require(actor, forms.ACTION, where, at)
    row = _draft(where, response)
    forms.may_go_on(entries.Command(actor, resident, forms.ACTION, at, str(ids.new())), row)
    by = scales.begun_under(row.scale, row.definition).filled_by
    if not (by.resident or by.relative):
        raise Invalid("not_sent_out", "这份表要由工作人员当面做，不能发链接让居民自己填。")
    forms.still_here(where, at)
    link, bundle, way = ids.random(), Bundle(), rule(at)
    code, digest = codes.fresh(link.hex, way.digits)
    ends_at = at + way.life.exact()
    for before in QuestionnaireLink.objects.filter(response=response):
        access.end_facts(bundle, source=_source(before.id), until=at)
    bundle.insert(
        QuestionnaireLink, id=link, home=where.home, subject=row.subject, response=response, digest=digest, sent_at=at,
        sent_by=actor.staff_id, ends_at=ends_at,
    )  # fmt: skip
    access.facts(
        bundle, home=where.home, person=link, subject=row.subject, relation=LINK, source=_source(link), since=at,
        until=ends_at,
    )  # fmt: skip
    access_log.line(bundle, home=where.home, actor=actor.staff_id, action="questionnaire.send", subjects=[where.subject],
                    **permission.line, at=at)  # fmt: skip
    bundle.commit()
    return Handed(link, code, ends_at)


def withdraw(actor: Actor, resident: UUID, response: UUID, at: datetime) -> None:
    """The link of this form opens nothing any more; what was filled stays. Refused as `hand_out`; NotFound when none is out."""
    where = entries.whose(resident)
    permission = access.require(actor, forms.ACTION, where, at)
    subjects = [one.subject for one in entries.keyed(where)]
    rows = list(QuestionnaireLink.objects.filter(response=response, subject__in=subjects, withdrawn_at=None))
    form = _form(where, response)
    if not rows or form is None:
        raise NotFound("no_link", "这份表没有发出去的链接：可能已经收回。")
    forms.may_go_on(entries.Command(actor, resident, forms.ACTION, at, str(ids.new())), form)
    bundle = Bundle()
    for row in rows:
        bundle.update(QuestionnaireLink, where={"id": row.id}, values={"withdrawn_at": at}, guard=False)
        access.end_facts(bundle, source=_source(row.id), until=at)
    access_log.line(bundle, home=where.home, actor=actor.staff_id, action="questionnaire.withdraw",
                    subjects=[where.subject], **permission.line, at=at)  # fmt: skip
    bundle.commit()


def prove(link: UUID, typed: str, tried: Try, at: datetime) -> Answerer:
    """The code, typed under a link. Unauthenticated, in the same words, for a wrong one, one too many, and a link that is none;
    Conflict, saying why, when the code is right and the link is over. `tried.at` is the clock's time, `at` the story's."""
    guessing.refuse_flood(tried)
    row = QuestionnaireLink.objects.filter(id=link).first()
    right = codes.matches(link.hex, typed, bytes(row.digest) if row else NO_CODE)
    counted = row is not None and _typed_once_more(row.id, rule(at).tries)
    if row is None or not right or not counted:
        raise guessing.wrong(tried, None, "wrong_code", WRONG)
    found = answerer(link, at)
    with commit.atomically():
        mine = QuestionnaireLink.objects.filter(id=link)
        mine.update(tries=0)
        mine.filter(opened_at=None).update(opened_at=at)
    where = entries.whose(found.resident)
    access_log.line(None, home=where.home, actor=link, action="questionnaire.open", subjects=[where.subject],
                    relation=LINK, at=at)  # fmt: skip
    return found


def forget(subjects: Sequence[UUID]) -> None:
    """No link leads to these any more, inside the caller's transaction."""
    QuestionnaireLink.objects.filter(subject__in=subjects).delete()


def _typed_once_more(link: UUID, most: int) -> bool:
    """Counted before it is judged: two at once count twice. False when it was typed too often before."""
    with commit.atomically():
        living = QuestionnaireLink.objects.filter(id=link, tries__lt=most)
        return bool(living.update(tries=F("tries") + 1))


def _draft(where: Placement, response: UUID) -> QuestionnaireResponse:
    row = _form(where, response)
    if row is None or scales.is_followup(row.scale):
        raise NotFound("no_form", forms.GONE)
    forms.still_open(row)
    return row


def _source(link: UUID) -> str:
    return f"questionnaire:{link}"


# Readers


def rule(at: datetime) -> Links:
    return packs.in_force().sign_in(at.astimezone(ZONE).date()).links


def answerer(link: UUID, at: datetime) -> Answerer:
    """Who answers by this link, while it opens anything. Conflict, saying why, when it does not (any more)."""
    row = QuestionnaireLink.objects.filter(id=link).first()
    where = placement_of_subject(row.subject) if row else None
    if row is None or where is None:
        raise Conflict("link_over", OVER[WITHDRAWN])
    if _newest(row.response) != row:
        raise Conflict("link_over", "这个链接已经换成新的：请用最后给您的链接和问卷码。")
    state = _state(row, _form(where, row.response), at)
    if state in OVER:
        raise Conflict("link_over", OVER[state])
    return Answerer(link, where.resident, {"person": str(link), "way": BY_LINK}, row.sent_by, row.response)


def of_form(where: Placement, response: UUID, at: datetime) -> Sent | None:
    """The link this form went out by, as it stands; None when it never did. The caller has asked access."""
    row = _newest(response)
    return _told(row, _form(where, response), at) if row else None


def of_forms(rows: Sequence[QuestionnaireResponse], at: datetime) -> dict[UUID, Sent]:
    """The same of many forms, by form. One statement."""
    standing = {row.response: row for row in rows}
    links = QuestionnaireLink.objects.filter(response__in=list(standing)).order_by("sent_at", "id")
    return {link.response: _told(link, standing[link.response], at) for link in links}


def _told(row: QuestionnaireLink, form: QuestionnaireResponse | None, at: datetime) -> Sent:
    return Sent(row.id, _state(row, form, at), row.sent_by, row.sent_at, row.ends_at)


def _state(row: QuestionnaireLink, form: QuestionnaireResponse | None, at: datetime) -> str:
    if form is not None and form.status != forms.DRAFT:
        return SUBMITTED
    if form is None or row.withdrawn_at is not None:
        return WITHDRAWN
    if row.ends_at <= at:
        return EXPIRED
    if row.tries >= rule(at).tries:
        return LOCKED
    return OPENED if row.opened_at else SENT


def _newest(response: UUID) -> QuestionnaireLink | None:
    return QuestionnaireLink.objects.filter(response=response).order_by("-sent_at", "-id").first()


def _form(where: Placement, response: UUID) -> QuestionnaireResponse | None:
    return forms.standing(entries.keyed(where), response)
