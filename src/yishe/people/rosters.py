"""Who is on duty, on leave, or no longer here. Every change tells loops in the same transaction, so that no open
promise stays with someone who is not there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from yishe.people import access, directory, notes
from yishe.people.actors import Actor
from yishe.people.members import Member
from yishe.people.models import Change, Leave, Post, Shift, Staff
from yishe.policy.refusals import Conflict, Forbidden, Invalid, NotFound
from yishe.trust import commit, ids
from yishe.trust.commit import Bundle

ROSTER = "people.roster"
POSTS = "people.staff"


@contextmanager
def _written() -> Iterator[Bundle]:
    """One transaction: the caller's rows, what loops must hear, and the directory's new version."""
    bundle = Bundle()
    with commit.atomically():
        yield bundle
        directory.bump()
        bundle.commit()


def _home(member: Member, at: datetime) -> UUID:
    """Where a change about someone is filed: his centre, or for people of the district where he works."""
    found = member.centre(at)
    if found:
        return found
    posts = member.held(at) or member.posts
    if not posts:
        raise Conflict("no_post", f"{member.name}没有任何任职：请先为其任职。")
    return posts[-1].organisation


def require(actor: Actor, action: str, organisation: UUID, at: datetime) -> None:
    """The actor may change rosters or posts of this organisation."""
    access.require_in_organisation(actor, action, organisation, at)


def _require_for(actor: Actor, member: Member, at: datetime) -> None:
    """For oneself, or for someone of an organisation whose roster the actor keeps."""
    if actor.staff_id == member.id:
        return
    require(actor, ROSTER, _home(member, at), at)


# Shifts


def put_shift(
    actor: Actor,
    organisation: UUID,
    duty: str,
    staff: UUID,
    *,
    starts_at: datetime,
    ends_at: datetime,
    at: datetime,
) -> UUID:
    """Put someone on duty. Saying the same shift again changes nothing; returns its id."""
    require(actor, ROSTER, organisation, at)
    member = directory.current().staff(staff)
    _refuse_backwards(starts_at, ends_at)
    if duty not in member.duties(max(starts_at, at)):
        raise Invalid("wrong_duty", f"{member.name}当时没有这项职责，不能排这个班：请先任职或换人。")
    with _written() as bundle:
        shift, made = Shift.objects.get_or_create(
            organisation_id=organisation,
            duty=duty,
            staff_id=staff,
            starts_at=starts_at,
            defaults={"id": ids.new(), "ends_at": ends_at},
        )
        if not made and shift.ends_at != ends_at:
            Shift.objects.filter(id=shift.id).update(ends_at=ends_at)
        data = {"organisation": str(organisation), "duty": duty}
        _tell(bundle, actor, Change.Kind.SHIFT, organisation, staff, at=at, data=data)
    return shift.id


@dataclass(frozen=True, slots=True)
class Planned:
    """One shift of a roster to be put in whole."""

    organisation: UUID
    duty: str
    staff: UUID
    starts_at: datetime
    ends_at: datetime


def put_shifts(actor: Actor, planned: list[Planned], at: datetime) -> int:
    """A whole roster at once; shifts already there stay. Returns how many were given."""
    for organisation in {one.organisation for one in planned}:
        require(actor, ROSTER, organisation, at)
    for one in planned:
        _refuse_backwards(one.starts_at, one.ends_at)
    rows = [
        Shift(
            id=ids.new(),
            organisation_id=one.organisation,
            duty=one.duty,
            staff_id=one.staff,
            starts_at=one.starts_at,
            ends_at=one.ends_at,
        )
        for one in planned
    ]
    with _written() as bundle:
        Shift.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
        for organisation, duty, staff in {(one.organisation, one.duty, one.staff) for one in planned}:
            data = {"organisation": str(organisation), "duty": duty}
            _tell(bundle, actor, Change.Kind.SHIFT, organisation, staff, at=at, data=data)
    return len(rows)


def drop_shift(actor: Actor, shift_id: UUID, at: datetime) -> None:
    """Take a shift out of the roster; one already begun ends now instead."""
    shift = Shift.objects.filter(id=shift_id).first()
    if shift is None:
        raise NotFound("no_shift", "没有这个班次：可能已被删除，请刷新。")
    require(actor, ROSTER, shift.organisation_id, at)
    if shift.ends_at <= at:
        raise Conflict("shift_over", "这个班次已经结束，不能再改。")
    with _written() as bundle:
        if shift.starts_at < at:
            Shift.objects.filter(id=shift_id).update(ends_at=at)
        else:
            Shift.objects.filter(id=shift_id).delete()
        data = {"organisation": str(shift.organisation_id), "duty": shift.duty}
        _tell(bundle, actor, Change.Kind.SHIFT, shift.organisation_id, shift.staff_id, at=at, data=data)


# Leave


def take_leave(
    actor: Actor,
    staff: UUID,
    *,
    starts_at: datetime,
    ends_at: datetime,
    at: datetime,
    substitute: UUID | None = None,
    reason: str = "",
) -> UUID:
    """Away for a time, with a substitute if there is one; open promises go to him, or by the performer rule."""
    book = directory.current()
    member = book.staff(staff)
    _require_for(actor, member, at)
    _refuse_backwards(starts_at, ends_at)
    if ends_at <= at:
        raise Invalid("leave_past", "这段休假已经过去：请核对起止时间。")
    if substitute is not None:
        _refuse_substitute(book, member, substitute, max(starts_at, at))
    with _written() as bundle:
        _refuse_overlap(staff, starts_at, ends_at)
        leave = Leave.objects.create(
            staff_id=staff, starts_at=starts_at, ends_at=ends_at, substitute_id=substitute, reason=reason
        )
        data = {
            "leave": str(leave.id),
            "from": starts_at.isoformat(),
            "until": ends_at.isoformat(),
            "substitute": str(substitute) if substitute else None,
        }
        # Loops are answered for anew when the leave begins, not when it is planned.
        begins = max(at, starts_at)
        _tell(bundle, actor, Change.Kind.LEAVE, _home(member, at), staff, at=at, data=data, begins=begins)
    return leave.id


def return_early(actor: Actor, staff: UUID, at: datetime) -> None:
    """Back at work: the leave of now ends now, one not yet begun is dropped when none is running."""
    member = directory.current().staff(staff)
    _require_for(actor, member, at)
    running = Leave.objects.filter(staff=staff, starts_at__lt=at, ends_at__gt=at)
    coming = Leave.objects.filter(staff=staff, starts_at__gte=at).order_by("starts_at")
    with _written() as bundle:
        if not running.update(ends_at=at):
            first = coming.first()
            if first is None:
                raise Conflict("not_away", f"{member.name}现在没有休假，也没有待休的假。")
            first.delete()
        _tell(bundle, actor, Change.Kind.RETURNED, _home(member, at), staff, at=at)


def _refuse_overlap(staff: UUID, starts_at: datetime, ends_at: datetime) -> None:
    if Leave.objects.filter(staff=staff, starts_at__lt=ends_at, ends_at__gt=starts_at).exists():
        raise Conflict("leave_overlaps", "这段时间里已经登记过休假：请先销假，或改起止时间。")


def _refuse_substitute(book: directory.Directory, member: Member, substitute: UUID, at: datetime) -> None:
    other = book.staff(substitute)
    if other.id == member.id:
        raise Invalid("substitute_self", "代班人不能是本人：请另选一位同事。")
    if not other.held(at):
        raise Invalid("substitute_gone", f"{other.name}那时不在岗：请另选一位代班人。")
    if book.away(other.id, at):
        raise Invalid("substitute_away", f"{other.name}那时也在休假：请另选一位代班人。")


# Posts and service


def end_post(actor: Actor, post_id: UUID, at: datetime) -> None:
    """The post ends now; what was promised in it goes on by the performer rule."""
    post = Post.objects.filter(id=post_id).first()
    if post is None or (post.until is not None and post.until <= at):
        raise NotFound("no_post", "没有这个任职，或它已经结束：请刷新。")
    require(actor, POSTS, post.organisation_id, at)
    member = directory.current().staff(post.staff_id)
    with _written() as bundle:
        Post.objects.filter(id=post_id).update(until=at)
        data = {"organisation": str(post.organisation_id), "duty": post.duty}
        _tell(bundle, actor, Change.Kind.POST_ENDED, _home(member, at), post.staff_id, at=at, data=data)


def leave_service(actor: Actor, staff: UUID, at: datetime) -> None:
    """Gone for good: all posts end, shifts to come are dropped, the account no longer opens anything."""
    member = directory.current().staff(staff)
    home = _home(member, at)
    if actor.staff_id == staff:
        raise Forbidden("not_oneself", "离职由管理员登记，不能由本人办理。")
    require(actor, POSTS, home, at)
    with _written() as bundle:
        Staff.objects.filter(id=staff).update(active_until=at)
        Post.objects.filter(staff=staff, until=None).update(until=at)
        Shift.objects.filter(staff=staff, starts_at__gte=at).delete()
        Shift.objects.filter(staff=staff, starts_at__lt=at, ends_at__gt=at).update(ends_at=at)
        _tell(bundle, actor, Change.Kind.STAFF_LEFT, home, staff, at=at)


def _tell(
    bundle: Bundle,
    actor: Actor,
    kind: str,
    home: UUID,
    staff: UUID,
    *,
    at: datetime,
    data: dict[str, Any] | None = None,
    begins: datetime | None = None,
) -> None:
    """What the loops must hear (when it `begins`), and the line of who changed it."""
    notes.change(bundle, home=home, kind=kind, about=staff, at=begins or at, data=data)
    notes.deed(bundle, actor, f"staff.{kind}", staff, at, home=home)


def _refuse_backwards(starts_at: datetime, ends_at: datetime) -> None:
    if ends_at <= starts_at:
        raise Invalid("backwards", "结束时间不能早于开始时间：请核对起止时间。")
