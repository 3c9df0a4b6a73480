"""One person, one record: two records found to be the same person, and the way back.

Nothing is copied or erased. Subjects of the dropped record are mapped to the survivor, so that all that was ever
promised or seen under either is found under one; an unmerge maps them back.
"""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError

from yishe.people import access, notes, protections
from yishe.people.actors import Actor
from yishe.people.models import Change, Empanelment, Resident, Subject
from yishe.people.placements import Placement, placed
from yishe.policy.refusals import Conflict, Invalid
from yishe.trust import commit
from yishe.trust.commit import Bundle

MERGE = "resident.merge"


def merge(actor: Actor, keep: UUID, drop: UUID, at: datetime) -> None:
    """`drop` becomes part of `keep`. Both must be records in use that the actor may merge."""
    if keep == drop:
        raise Invalid("same_record", "选中的是同一份档案：请选择两份不同的档案。")
    kept, dropped = placed(keep), placed(drop)
    for one in (kept, dropped):
        access.require(actor, MERGE, one, at)
        if one.merged_into:
            raise Conflict("merged", "其中一份档案已经并入别的档案：请刷新后再合并。")
    with commit.atomically():
        bundle = Bundle()
        hit = Resident.objects.filter(id=drop, merged_into=None).update(merged_into=keep, updated_at=at)
        if not hit:
            raise Conflict("merged", "另一位同事刚刚合并了这份档案：请刷新。")
        Subject.objects.filter(resident=drop).update(resident=keep)
        Empanelment.objects.filter(resident=drop, until=None).update(until=at)
        protections.carry(bundle, actor, drop, kept, at)
        data = {"into": str(kept.subject)}
        _tell(bundle, dropped, event=notes.MERGED, kind=Change.Kind.MERGED, actor=actor, at=at, data=data)
        bundle.commit()


def unmerge(actor: Actor, drop: UUID, at: datetime) -> None:
    """`drop` is a record of its own again, with the subjects that were born with it or came through it."""
    dropped = placed(drop)
    if dropped.merged_into is None:
        raise Conflict("not_merged", "这份档案没有被合并过，不需要拆分。")
    survivor = placed(dropped.merged_into)
    access.require(actor, MERGE, dropped, at)
    try:
        with commit.atomically():
            bundle = Bundle()
            Resident.objects.filter(id=drop).update(merged_into=None, updated_at=at)
            Subject.objects.filter(origin__in=_came_through(drop)).update(resident=drop)
            data = {"from": str(survivor.subject)}
            _tell(
                bundle,
                dropped,
                event=notes.UNMERGED,
                kind=Change.Kind.UNMERGED,
                actor=actor,
                at=at,
                data=data,
            )
            bundle.commit()
    except IntegrityError:
        raise Conflict(
            "already_registered", "拆分不了：它的身份证号现在属于另一份档案，请先核对那一份。"
        ) from None


def _came_through(drop: UUID) -> set[UUID]:
    """The record itself and all records merged into it, however deep."""
    found, edge = {drop}, {drop}
    while edge:
        edge = set(Resident.objects.filter(merged_into__in=edge).values_list("id", flat=True)) - found
        found |= edge
    return found


def _tell(
    bundle: Bundle,
    stands: Placement,
    *,
    event: str,
    kind: str,
    actor: Actor,
    at: datetime,
    data: dict[str, str],
) -> None:
    notes.note(bundle, home=stands.home, subject=stands.subject, kind=event, actor=actor, at=at, data=data)
    notes.change(bundle, home=stands.home, kind=kind, about=stands.subject, at=at, data=data)
