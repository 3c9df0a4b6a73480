"""Who looked at a resident, and why, as it is told to the resident: names, duties and reasons in plain words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from uuid import UUID

from yishe.people import consents, directory, packs
from yishe.people.members import Member
from yishe.people.particulars import ZONE
from yishe.people.placements import subjects_of
from yishe.people.standing import LINK
from yishe.trust import access_log, ids
from yishe.trust.models import AccessLine

SELF_SAID = ("resident.search", "read.ledger", "residents.find")
"""Whose purpose is a query or a filter and means nothing to the resident; nor does the address of a refusal."""

NOBODY: Mapping[UUID, str] = {}
HERSELF = "本人"


@dataclass(frozen=True)
class Look:
    """The same look by the same person on one day, `times` times, the last at `at`. `why` is the relation and, where
    one was stated, the purpose. `refused`: it was tried and not allowed."""

    at: datetime
    who: str
    duty: str
    what: str
    why: str
    times: int = 1
    refused: bool = False


def at_resident(
    resident: UUID, until: datetime | None = None, limit: int = 200
) -> tuple[list[Look], datetime | None]:
    """The newest first, and the moment from which earlier ones follow, or None. The caller has asked access."""
    subjects = subjects_of(resident)
    lines = access_log.of_subjects(subjects, until, limit + 1)
    more = lines[limit].at if len(lines) > limit else None
    return told(lines[:limit], _outside(resident, subjects)), more


def _outside(resident: UUID, subjects: Sequence[UUID]) -> dict[UUID, str]:
    """Who looks without being staff: she herself, and the relatives she named."""
    named = {
        one.state.grantee: one.words["relative_name"]
        for one in consents.given(resident)
        if one.state.grantee and one.words.get("relative_name")
    }
    return {**named, **dict.fromkeys(subjects, HERSELF)}


def told(lines: Sequence[AccessLine], outside: Mapping[UUID, str] = NOBODY) -> list[Look]:
    """Access lines, newest first, in words; looks of one person for one thing on one day are one. `outside` names those
    who are not staff."""
    ordered = sorted(
        lines,
        key=lambda one: (one.at.astimezone(ZONE).date(), str(one.actor), one.action, one.outcome, one.at),
    )
    found = []
    for _, group in groupby(
        ordered, key=lambda one: (one.at.astimezone(ZONE).date(), one.actor, one.action, one.outcome)
    ):
        same = list(group)
        found.append(replace(_look(same[-1], outside), times=len(same)))
    return sorted(found, key=lambda look: look.at, reverse=True)


def _look(line: AccessLine, outside: Mapping[UUID, str]) -> Look:
    member = directory.current().people.get(line.actor)
    sheet = packs.in_force().access
    relation = sheet.relations.get(line.relation)
    purpose = "" if line.action in SELF_SAID or line.outcome else purpose_words(line.purpose)
    why = "；".join(filter(None, (str(relation.title) if relation else "", purpose)))
    return Look(
        at=line.at, who=_name(line, member, outside), duty=_duties(member, line.at), what=_what(line.action), why=why,
        refused=bool(line.outcome),
    )  # fmt: skip


def _name(line: AccessLine, member: Member | None, outside: Mapping[UUID, str]) -> str:
    if line.actor == ids.SYSTEM:
        return "系统"
    if line.relation == LINK:
        return "收到问卷链接的人"
    return member.name if member else outside.get(line.actor, "已离岗人员或本人、家属")


def _duties(member: Member | None, at: datetime) -> str:
    """What someone was when looking."""
    known = packs.in_force().duties
    return (
        "、".join(str(known[one].title) for one in sorted(member.duties(at)) if one in known)
        if member
        else ""
    )


def _what(action: str) -> str:
    book = packs.in_force().codes["looks"]
    return str(book.get(action) or book.get(action.split(".", maxsplit=1)[0]) or action)


def purpose_words(purpose: str) -> str:
    """A purpose of the access rules or a matter of consent in words; anything else was said in words."""
    code, sheet = purpose.partition(":")[0], packs.in_force()
    if code in sheet.access.purposes:
        return str(sheet.access.purposes[code].title)
    kind = sheet.consents.consents.get(purpose)
    return str(kind.title) if kind else purpose
