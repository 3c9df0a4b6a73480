"""Medications: started, changed, stopped. The list of current medicines is derived from these, never stored.

Each change is also a fact for the pack's reactions: in the base pack it opens a ``medication.acknowledgement`` for
the responsible social worker, in the same transaction as the change itself.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from yishe.care import entries
from yishe.care.models import MedicationChange
from yishe.loops import reactions
from yishe.people import packs
from yishe.people.actors import Actor
from yishe.policy.refusals import Conflict, Invalid
from yishe.trust import commit, ids

ACTION = "record.medication"
FACT = "medication_changed"
ACTIONS = {"start": "加用", "change": "调整", "stop": "停用"}


@dataclass(frozen=True)
class Medicine:
    """A medicine the resident takes now. ``course`` ties its changes together; ``row`` is the latest of them, by
    ``author``. What is shown of it is cut by ``care.guarded``: a ``protected`` one is there and not named."""

    course: UUID
    row: UUID
    drug: str
    dose: str
    frequency: str
    since: datetime
    changed_at: datetime
    author: UUID
    protected: bool = False


def record(
    actor: Actor,
    resident: UUID,
    *,
    action: str,
    drug: str,
    at: datetime,
    command_id: str,
    dose: str = "",
    frequency: str = "",
    reason: str = "",
    occurred_at: datetime | None = None,
    supersedes: UUID | None = None,
    digest: bytes | None = None,
    bundle: commit.Bundle | None = None,
) -> MedicationChange:
    """Record that a medicine was started, changed or stopped; ``drug`` names it as in the current list.

    A resident who has died or moved gets late entries, but nobody is asked to acknowledge them.
    Raises as ``entries.begin``; Invalid when dose, frequency or reason is missing or nothing changes; Conflict when the
    medicine is already taken (start) or not taken (change, stop)."""
    said = {
        "drug": tidy(entries.text(drug, "药名", 200)),
        "dose": tidy(entries.text(dose, "剂量", 100)),
        "frequency": tidy(entries.text(frequency, "用法", 100)),
        "reason": entries.text(reason, "原因", 1000),
    }
    command = entries.Command(actor, resident, ACTION, at, command_id, occurred_at, supersedes, digest)
    try:
        return _recorded(command, action, dict(said), bundle)
    except (commit.Stale, Conflict):
        # The roster changed between deciding who must acknowledge and writing it, or the same command was carried
        # out meanwhile: decide once more.
        return _recorded(command, action, dict(said), bundle)


def _recorded(
    command: entries.Command, action: str, said: dict[str, str], bundle: commit.Bundle | None
) -> MedicationChange:
    draft = entries.begin(MedicationChange, command, {"do": action, **said})
    if draft.earlier is not None:
        return draft.earlier
    _complete(action, said)
    course, previous = _decide(draft, action, said)
    own = bundle if bundle is not None else commit.Bundle()
    row_id = ids.new()
    sealed = draft.seal("sealed", {**said, "previous": previous})
    row = entries.append(draft, own, id=row_id, action=action, course=course or row_id, sealed=sealed)
    if not draft.placement.gone:
        words = _telling(action, {**said, "previous": previous})
        data = {"action": action, "corrects": row.supersedes is not None}
        fact = reactions.Fact(FACT, row.id, data, words, {"medication_change": str(row.id)})
        reactions.apply(fact, command.actor, draft.placement, command.at, own)
    return entries.settle(draft, own, row, own=bundle is None)


def current(subjects: Sequence[entries.Keyed]) -> list[Medicine]:
    """What the resident takes now, oldest first. One statement, however many medicines."""
    return current_of(entries.newest(MedicationChange, subjects), subjects)


def current_of(changes: Sequence[MedicationChange], subjects: Sequence[entries.Keyed]) -> list[Medicine]:
    """The same from all changes that stand, newest first."""
    wrapped = {one.subject: one.wrapped for one in subjects}
    courses: dict[UUID, list[MedicationChange]] = {}
    for row in reversed(changes):
        courses.setdefault(row.course, []).append(row)
    taken = [rows for rows in courses.values() if rows[-1].action != "stop"]
    return [_medicine(rows, wrapped[rows[-1].subject]) for rows in taken]


def tidy(text: str) -> str:
    """Half-width, single-spaced, so that the same drug is written the same."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def sentence(action: str, content: dict[str, Any]) -> str:
    """The change in Chinese words, e.g. 停用 阿司匹林 100mg 每日一次（黑便）."""
    now = " ".join(filter(None, [content["dose"], content["frequency"]]))
    before = content.get("previous") or {}
    was = " ".join(filter(None, [before.get("dose"), before.get("frequency")]))
    amount = f"{was} → {now}" if action == "change" else (now or was)
    reason = f"（{content['reason']}）" if content["reason"] else ""
    return " ".join(filter(None, [ACTIONS[action], content["drug"], amount])) + reason


def _telling(action: str, content: dict[str, Any]) -> str:
    """What the promise to acknowledge says: everybody who may read a loop reads it, so a protected drug is not named."""
    if packs.in_force().access.of_medicine(content["drug"]):
        return f"{ACTIONS[action]}一种受保护的药：请在居民的“用药”里按您的职责查看"
    return sentence(action, content)


def _complete(action: str, said: dict[str, str]) -> None:
    if action not in ACTIONS:
        raise Invalid(
            "medication_action_unknown", "用药变更只有三种：加用（start）、调整（change）、停用（stop）。"
        )
    if not said["drug"]:
        raise Invalid("drug_needed", "缺少药名：请写明是哪种药。")
    if action == "start" and not (said["dose"] and said["frequency"]):
        raise Invalid("dose_needed", "加用药物要写明剂量和用法，例如“5mg”“每日一次”。")
    if action == "change" and not (said["dose"] or said["frequency"]):
        raise Invalid("dose_needed", "调整用药要写明新的剂量或用法。")
    if action != "start" and not said["reason"]:
        raise Invalid("reason_needed", "调整或停用要写明原因，社工据此调整健康管理计划。")


def _decide(
    draft: entries.Draft[MedicationChange], action: str, said: dict[str, str]
) -> tuple[UUID | None, dict[str, str] | None]:
    """The course the change belongs to (None: it starts one) and what was taken before. Fills what is not said anew."""
    if draft.corrects is not None:
        if draft.corrects.action != action:
            raise Invalid("other_action", "更正不能改变变更的类别：请撤回原记录，再记一条新的。")
        before = entries.unsealed(draft.corrects, "sealed", draft.key_of(draft.corrects.subject))
        _carry_over(said, before)
        return draft.corrects.course, before["previous"]
    taken = {medicine.drug.casefold(): medicine for medicine in current(draft.subjects)}
    medicine = taken.get(said["drug"].casefold())
    if action == "start":
        if medicine is not None:
            raise Conflict(
                "already_taken", f"居民正在用{medicine.drug} {medicine.dose}：请用“调整”，不要再加用一条。"
            )
        return None, None
    if medicine is None:  # prescribed elsewhere, or before this record began: the change is true all the same
        return None, None
    previous = {"dose": medicine.dose, "frequency": medicine.frequency}
    said["drug"] = medicine.drug
    _carry_over(said, previous)
    if action == "change" and all(said[name] == previous[name] for name in previous):
        raise Invalid("nothing_changes", f"{medicine.drug}的剂量和用法与现在一样，没有变化，未记录。")
    return medicine.course, previous


def _carry_over(said: dict[str, str], before: dict[str, Any]) -> None:
    for name in ("dose", "frequency"):
        said[name] = said[name] or before[name]


def _medicine(rows: Sequence[MedicationChange], wrapped: bytes) -> Medicine:
    last = rows[-1]
    content = entries.unsealed(last, "sealed", wrapped)
    return Medicine(
        last.course,
        last.id,
        content["drug"],
        content["dose"],
        content["frequency"],
        rows[0].occurred_at,
        last.occurred_at,
        last.author,
    )
