"""The 转介台账 as a workbook: what the list shows."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from yishe.insight import exports, scopes, workbooks
from yishe.insight.exports import Mark, Wanted
from yishe.loops import sets
from yishe.loops.models import Loop
from yishe.people import cards, directory, packs
from yishe.people.actors import Actor
from yishe.people.cards import Card
from yishe.people.directory import Directory
from yishe.policy.packs import PackSet
from yishe.trust import ids

ACTION = "loop.export"
KIND = "ledger"

Cell = Callable[["_Book", Loop], Any]


class _Book:
    """The words behind the ids and codes of the rows."""

    def __init__(self, rows: Iterable[Loop], at: datetime) -> None:
        self.at = at
        self.cards: Mapping[UUID, Card] = cards.cards(row.subject for row in rows)
        self.people: Directory = directory.current()
        self.pack: PackSet = packs.in_force()

    def name(self, staff: UUID | None) -> str:
        member = self.people.people.get(staff) if staff else None
        return member.name if member else ("系统" if staff == ids.SYSTEM else "")

    def unit(self, organisation: UUID | None) -> str:
        found = self.people.organisations.get(organisation) if organisation else None
        return found.name if found else ""

    def word(self, book: str, code: str) -> str:
        return str(self.pack.codes.get(book, {}).get(code, code))

    def kind(self, loop: Loop) -> str:
        timeline = self.pack.kinds.get(loop.kind)
        day = loop.promised_at.astimezone(sets.ZONE).date()
        return str(timeline.on(day).title) if timeline and timeline.alive(day) else loop.kind

    def reason(self, loop: Loop) -> str:
        """The code; its words only where naming it is allowed (sensitive reasons are not named in lists)."""
        if loop.sensitive or not loop.reason:
            return "（敏感，见闭环页）" if loop.sensitive else ""
        timeline = self.pack.kinds.get(loop.kind)
        day = loop.promised_at.astimezone(sets.ZONE).date()
        reason = timeline.on(day).reasons.get(loop.reason) if timeline and timeline.alive(day) else None
        return f"{loop.reason} {reason.title}" if reason else loop.reason

    def resident(self, loop: Loop) -> str:
        card = self.cards.get(loop.subject)
        return card.masked_name if card else "（资料已删除）"

    def age(self, loop: Loop) -> int | None:
        card = self.cards.get(loop.subject)
        return card.age(self.at.astimezone(sets.ZONE).date()) if card else None


URGENCY = {"red": "红", "orange": "橙", "yellow": "黄", "green": "绿"}
CLOSED_AS = {"served": "已服务", "not_served": "未服务", "void": "作废"}
CONFIRMED = {"person": "发起人确认", "auto": "到期自动确认"}

COLUMNS: tuple[tuple[str, int, Cell], ...] = (
    ("编号", 38, lambda book, loop: str(loop.id)),
    ("类型", 18, lambda book, loop: book.kind(loop)),
    ("原因", 28, lambda book, loop: book.reason(loop)),
    ("急", 5, lambda book, loop: URGENCY.get(loop.urgency, loop.urgency)),
    ("居民", 10, lambda book, loop: book.resident(loop)),
    ("年龄", 6, lambda book, loop: book.age(loop)),
    ("中心", 22, lambda book, loop: book.unit(loop.centre)),
    ("团队", 18, lambda book, loop: book.unit(loop.team)),
    ("发起人", 10, lambda book, loop: book.name(loop.sender)),
    ("办理人", 10, lambda book, loop: book.name(loop.performer)),
    ("现在轮到", 10, lambda book, loop: book.name(loop.owner)),
    ("状态", 18, lambda book, loop: book.pack.text(f"business_status.{loop.business_status}")),
    ("发起", 17, lambda book, loop: loop.promised_at),
    ("已开（天）", 8, lambda book, loop: ((loop.closed_at or book.at) - loop.promised_at).days),
    ("本步时限", 17, lambda book, loop: loop.due_at),
    ("接单", 17, lambda book, loop: loop.accepted_at),
    ("开始办理", 17, lambda book, loop: loop.started_at),
    ("回写结果", 17, lambda book, loop: loop.completed_at),
    ("闭环", 17, lambda book, loop: loop.closed_at),
    ("应办结", 17, lambda book, loop: loop.promised_by),
    ("结果", 16, lambda book, loop: book.word("outcomes", loop.outcome or "")),
    ("闭环方式", 10, lambda book, loop: CLOSED_AS.get(loop.closed_as or "", "")),
    ("确认", 14, lambda book, loop: CONFIRMED.get(loop.confirmed_by or "", "")),
)


def ledger_xlsx(actor: Actor, filters: Mapping[str, str], at: datetime, *, purpose: str) -> bytes:
    """The workbook of the loops that ``filters`` name (``loops.sets.wanted``) within this person's scope.

    Names are masked. Raises Forbidden, Invalid (no purpose, unreadable filter, more rows than the pack gives this
    person), Conflict (the day's rows are used up)."""
    scope = scopes.scope_of(actor, at, small=0, action=ACTION)
    most = exports.room(actor, KIND, at)
    found = Loop.objects.filter(scope.q, sets.wanted(filters, at)).order_by("promised_at", "id")
    rows = list(found if most is None else found[: most + 1])
    wanted = Wanted(
        KIND, purpose, len(rows), f"{scope.title}；{_chosen(filters)}", tuple(row.subject for row in rows),
        home=actor.member.centre(at) or (rows[0].home if rows else None),
    )  # fmt: skip
    return exports.take_out(actor, wanted, at, lambda mark: _write(mark, rows, _Book(rows, at)))


def _chosen(filters: Mapping[str, str]) -> str:
    return "；".join(f"{key}={value}" for key, value in sorted(filters.items()) if value) or "全部"


def _write(mark: Mark, rows: Iterable[Loop], book: _Book) -> bytes:
    cells = ([cell(book, loop) for _, _, cell in COLUMNS] for loop in rows)
    return workbooks.written("转介台账", mark, [(label, width) for label, width, _ in COLUMNS], cells)
