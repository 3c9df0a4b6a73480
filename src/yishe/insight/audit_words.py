"""An access line in plain Chinese: who did what, about whom, by what right, from where, and how it ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl
from uuid import UUID

from yishe.people import cards, directory, looks, packs
from yishe.people.cards import Card
from yishe.people.members import Member
from yishe.trust import ids
from yishe.trust.models import AccessLine

NAMED = 3
"""So many of those seen are named in a line; the rest are counted."""
ASKED = ("read.ledger", "audit.read")
"""Deeds whose purpose is what was asked for: a query string."""


@dataclass(frozen=True)
class Told:
    """One access line in words. `whom` names a few, masked; `more` counts the rest; `refused` says how it was refused."""

    id: UUID
    at: datetime
    who: str
    duty: str
    what: str
    whom: tuple[str, ...]
    more: int
    relation: str
    purpose: str
    where: str
    refused: str
    request: UUID | None
    subjects: tuple[UUID, ...]

    @property
    def people(self) -> str:
        """Whom it was about, in one phrase."""
        return "、".join(self.whom) + (f" 等 {len(self.whom) + self.more} 人" if self.more else "")

    @property
    def sentence(self) -> str:
        """The whole line as one sentence."""
        why = "；".join(filter(None, (self.relation, self.purpose)))
        parts = [f"{self.who}{f'（{self.duty}）' if self.duty else ''}{self.what}"]
        parts += [f"对象：{self.people}"] if self.whom else []
        parts += [f"依据：{why}"] if why else []
        parts += [f"来自：{self.where}"] if self.where else []
        parts += [f"结果：{self.refused}"] if self.refused else []
        return "，".join(parts)


def told(rows: Sequence[AccessLine]) -> tuple[Told, ...]:
    """The lines in words, in the order given."""
    shown = {UUID(one) for row in rows for one in row.subjects[:NAMED]}
    known = cards.cards(shown)
    return tuple(_told(row, known) for row in rows)


def _told(row: AccessLine, known: Mapping[UUID, Card]) -> Told:
    pack, member = packs.in_force(), directory.current().people.get(row.actor)
    seen = tuple(UUID(one) for one in row.subjects)
    relation = pack.access.relations.get(row.relation)
    return Told(
        id=row.id, at=row.at, who=_name(row.actor), duty=_duties(member, row.at), what=deed(row.action),
        whom=tuple(_whom(one, known) for one in seen[:NAMED]), more=max(0, len(seen) - NAMED),
        relation=str(relation.title) if relation else "", purpose=_purpose(row), where=_where(row),
        refused=str(pack.codes["refused_as"].get(row.outcome, "未获准")) if row.outcome else "",
        request=row.request, subjects=seen,
    )  # fmt: skip


def deed(action: str) -> str:
    """What an action is called; one the pack does not know is called by its first word."""
    book = packs.in_force().codes["deeds"]
    return str(book.get(action) or book.get(action.split(".", maxsplit=1)[0]) or action)


def _name(person: UUID) -> str:
    if person == ids.SYSTEM:
        return "系统"
    member = directory.current().people.get(person)
    return member.name if member else "已离岗人员"


def _duties(member: Member | None, at: datetime) -> str:
    known = packs.in_force().duties
    held = sorted(member.duties(at)) if member else []
    return "、".join(str(known[one].title) for one in held if one in known)


def _whom(subject: UUID, known: Mapping[UUID, Card]) -> str:
    """A resident by masked name; a member of staff or an organisation by name; nobody any more after an erasure."""
    if subject in known:
        return known[subject].masked_name
    book = directory.current()
    if subject in book.people:
        return book.people[subject].name
    unit = book.organisations.get(subject)
    return unit.name if unit else "（资料已删除）"


def _where(row: AccessLine) -> str:
    door = packs.in_force().codes["doors"].get(row.source)
    return " ".join(filter(None, (str(door) if door else row.source, row.address, row.device)))


def _purpose(row: AccessLine) -> str:
    """As it was stated; where the door wrote a query or an address, what was asked for."""
    if row.outcome:
        return f"请求 {row.purpose}" if row.purpose else ""
    if row.action not in ASKED:
        return looks.purpose_words(row.purpose)
    said = [f"{_word(key)}：{_value(value)}" for key, value in parse_qsl(row.purpose)]
    return "；".join(said)


def _word(code: str) -> str:
    return str(packs.in_force().codes["asked_for"].get(code, code))


def _value(value: str) -> str:
    found = ids.parse(value)
    if found is None:
        kind = packs.in_force().kinds.get(value)
        return str(kind.values[-1].title) if kind and kind.values else _word(value)
    book = directory.current()
    unit, member = book.organisations.get(found), book.people.get(found)
    return member.name if member else unit.name if unit else "一位居民"
