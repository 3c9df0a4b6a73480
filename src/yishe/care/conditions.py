"""Conditions: diseases, allergies and social circumstances that stand until somebody says otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef

from yishe.care import entries, needs, year_changes
from yishe.care.models import Condition
from yishe.people.actors import Actor
from yishe.policy.refusals import Invalid
from yishe.trust import commit, keys
from yishe.trust.commit import Bundle
from yishe.trust.scoping import everybody

ACTION = "record.condition"
KINDS = ("disease", "allergy", "social")
STATES = ("active", "resolved")
NEEDS = ("disease", "social")


@dataclass(frozen=True)
class Standing:
    """A condition as it stands, whoever reads it: ``kind`` disease | allergy | social, ``state`` active | resolved. What
    is shown of it is cut by ``care.guarded``."""

    id: UUID
    kind: str
    state: str
    code: str
    title: str
    remark: str
    since: datetime
    author: UUID


def record(
    actor: Actor,
    resident: UUID,
    *,
    kind: str,
    title: str,
    at: datetime,
    command_id: str,
    code: str = "",
    remark: str = "",
    state: str = "active",
    occurred_at: datetime | None = None,
    supersedes: UUID | None = None,
    digest: bytes | None = None,
    bundle: Bundle | None = None,
) -> Condition:
    """Record a condition, or by ``supersedes`` correct or resolve one. ``code`` is ICD-10 for a disease.

    Raises as ``entries.begin``; Invalid for an unknown kind or state, or an empty title."""
    content = {
        "code": entries.text(code, "编码", 40),
        "title": entries.text(title, "名称", 200),
        "remark": entries.text(remark, "备注"),
    }
    command = entries.Command(actor, resident, ACTION, at, command_id, occurred_at, supersedes, digest)
    try:
        return _recorded(command, kind, state, content, bundle)
    except commit.Stale:
        # The roster changed between deciding who must assess and writing it: decide once more.
        return _recorded(command, kind, state, content, bundle)


def _recorded(
    command: entries.Command, kind: str, state: str, content: dict[str, str], bundle: Bundle | None
) -> Condition:
    draft = entries.begin(Condition, command, {"kind": kind, "state": state, **content})
    if draft.earlier is not None:
        return draft.earlier
    if kind not in KINDS or state not in STATES:
        raise Invalid(
            "condition_kind_unknown", "问题类别只有疾病、过敏、社会情况三种，状态只有存在、已解除两种。"
        )
    if not content["title"]:
        raise Invalid("title_needed", "缺少名称：请写明是什么疾病、过敏原或情况。")
    own = bundle if bundle is not None else Bundle()
    row = entries.append(draft, own, kind=kind, state=state, sealed=draft.seal("sealed", content))
    if kind in NEEDS:
        _told(own, draft, row, content)
    return entries.settle(draft, own, row, own=bundle is None)


def _told(bundle: Bundle, draft: entries.Draft[Condition], row: Condition, content: dict[str, str]) -> None:
    """What is known from now on: to the rules that react to needs, and to the running year of a contract."""
    at, where = draft.command.at, draft.placement
    known = [
        (one.kind, one.code, one.title)
        for one in standing(draft.subjects, NEEDS)
        if one.id != draft.command.supersedes
    ]
    if row.state == "active":
        known.append((row.kind, content["code"], content["title"]))
        if draft.command.supersedes is None:
            needs.tell(bundle, draft.command.actor, where, row.id, known, at)
    subjects = [one.subject for one in draft.subjects]
    year_changes.follow(bundle, draft.command.actor, where, subjects, needs.traits(where.traits, known), at)


def standing(subjects: Sequence[entries.Keyed], kinds: Sequence[str] = KINDS) -> list[Standing]:
    """Active conditions of a resident's subjects, allergies first. One statement."""
    return standing_of(entries.newest(Condition, subjects), subjects, kinds)


def standing_within(why: str, subjects: Any, kinds: Sequence[str] = KINDS) -> dict[UUID, list[Standing]]:
    """subject → the same, of many at once, given as ids or as a query of them, for a said reason; what cannot be unsealed any more
    is left out. Two statements."""
    later = Condition.objects.filter(home=OuterRef("home"), supersedes=OuterRef("id"))
    there = everybody(Condition, why).filter(
        ~Exists(later), subject__in=subjects, withdrawn=False, state="active", kind__in=kinds
    )
    rows = list(there)
    wrapped = keys.wrapped_keys(there.values("subject")) if rows else {}
    found: dict[UUID, list[Standing]] = {}
    for row in rows:
        if row.subject in wrapped:
            found.setdefault(row.subject, []).append(_standing(row, wrapped[row.subject]))
    return found


def standing_of(
    rows: Sequence[Condition], subjects: Sequence[entries.Keyed], kinds: Sequence[str] = KINDS
) -> list[Standing]:
    """The same from all conditions that stand, newest first."""
    wrapped = {one.subject: one.wrapped for one in subjects}
    active = [row for row in reversed(rows) if row.kind in kinds and row.state == "active"]
    return [_standing(row, wrapped[row.subject]) for row in sorted(active, key=lambda row: row.kind)]


def _standing(row: Condition, wrapped: bytes) -> Standing:
    content = entries.unsealed(row, "sealed", wrapped)
    return Standing(
        row.id,
        row.kind,
        row.state,
        content["code"],
        content["title"],
        content["remark"],
        row.occurred_at,
        row.author,
    )
