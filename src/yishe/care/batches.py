"""Contracts for people who belong together, in one go: a household, the staff of an enterprise.

Each has a contract, a signature and a year of her own. One act asks for all; each application is a commit of its own, so what
was done stays done when another is refused, and asking again makes nothing twice.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from yishe.care import contracts
from yishe.care.contract_rows import state_of
from yishe.care.contract_stream import Once
from yishe.care.models import Contract
from yishe.people import packs, placements
from yishe.people.actors import Actor
from yishe.people.particulars import ZONE
from yishe.people.placements import Placement
from yishe.policy.refusals import Invalid, Refused
from yishe.trust import commit


@dataclass(frozen=True)
class Member:
    """How it stands with one of them: her newest contract with its stage, none when there is none; `free` when an application
    would be taken now."""

    where: Placement
    contract: Contract | None
    stage: str
    free: bool


@dataclass(frozen=True)
class Asked:
    """What became of one application: the contract, or why there is none."""

    resident: UUID
    contract: UUID | None
    refusal: str = ""


def apply_all(
    actor: Actor, residents: Sequence[UUID], *, package: str, way: str, at: datetime, command_id: str
) -> list[Asked]:
    """Ask for a contract for each of them. Invalid when nobody, or too many, are named, or for an unknown package; what is
    refused for one is told with her and hinders no other."""
    wanted = list(dict.fromkeys(residents))
    if not wanted:
        raise Invalid("nobody", "还没有选人：请勾选要一起签约的人。", field="residents")
    most = packs.in_force().settings(at.astimezone(ZONE).date()).together.contracts
    if len(wanted) > most:
        raise Invalid("too_many", f"一次最多 {most} 人：请分几次办。", field="residents")
    contracts.sheet_now().package(package)
    return [_asked(actor, one, package, way, at, command_id) for one in wanted]


def renew_all(
    actor: Actor, residents: Sequence[UUID], *, way: str, at: datetime, command_id: str, dry_run: bool = False
) -> list[Asked]:
    """Begin the next year of each of them with the package of the last one, as `apply_all` would; with `dry_run` nothing
    stays written."""
    found = []
    for one in residents:
        last = next((row for row in contracts.of_resident(one) if row.signed_at), None)
        if last is None:
            found.append(Asked(one, None, "还没有签过约：请在居民页面的“签约”里办。"))
        elif dry_run:
            with commit.rehearsed():
                found.append(_asked(actor, one, last.package, way, at, command_id))
        else:
            found.append(_asked(actor, one, last.package, way, at, command_id))
    return found


def _asked(actor: Actor, resident: UUID, package: str, way: str, at: datetime, command_id: str) -> Asked:
    name = hashlib.sha256(f"{command_id}:{resident}".encode()).hexdigest()
    once = Once(f"batch:{name}", hashlib.sha256(f"{resident}:{package}:{way}".encode()).digest())
    try:
        return Asked(resident, contracts.apply(actor, resident, package=package, way=way, at=at, once=once))
    except Refused as refused:
        return Asked(resident, None, refused.title)


# Readers


def standing(members: Sequence[Placement], at: datetime) -> list[Member]:
    """How it stands with each of them, in the same order. The caller has asked access."""
    whose = placements.subjects_of_all(one.resident for one in members)
    found: dict[UUID, list[Contract]] = {}
    for row in Contract.objects.filter(subject__in=list(whose)).order_by("-applied_at", "-id"):
        found.setdefault(whose[row.subject], []).append(row)
    return [_member(one, found.get(one.resident, []), at) for one in members]


def _member(where: Placement, rows: Sequence[Contract], at: datetime) -> Member:
    today, before = at.astimezone(ZONE).date(), contracts.sheet_now().renewal.before.exact()
    stages = [(row, state_of(row).stage(today)) for row in rows]
    held = any(
        stage in (*contracts.OPEN_STAGES, "waiting")
        or (stage == "active" and row.until is not None and today < row.until - before)
        for row, stage in stages
    )
    newest, stage = stages[0] if stages else (None, "")
    return Member(where, newest, stage, not held and not where.gone)
