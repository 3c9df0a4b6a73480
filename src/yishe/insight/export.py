"""The 转介台账 as a workbook: what the list shows, with who took it out, when and why on its first lines.

Text is always written as text: nothing typed by anybody can become a formula when the sheet is opened or saved on as CSV.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from io import BytesIO
from typing import Any
from uuid import UUID

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from yishe.insight import scopes
from yishe.loops import orders, sets
from yishe.loops.models import Loop
from yishe.people import cards, directory, packs
from yishe.people.actors import Actor
from yishe.people.cards import Card
from yishe.people.directory import Directory
from yishe.policy.packs import PackSet
from yishe.policy.refusals import Invalid
from yishe.trust import access_log, ids

ACTION = "loop.export"
MOST = 50_000
LEADING = ("=", "+", "-", "@", "\t", "\r", "\n")
"""First characters that spreadsheet programs may take for a formula."""

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


def ledger_xlsx(
    actor: Actor, filters: Mapping[str, str], at: datetime, *, purpose: str, source: str = ""
) -> bytes:
    """The workbook of the loops that ``filters`` name (``loops.sets.wanted``) within this person's scope.

    Names are masked. Leaves one access line with every subject in it. Raises Forbidden, Invalid (no purpose, unreadable
    filter, more than ``MOST`` rows)."""
    if not purpose.strip():
        raise Invalid("purpose_needed", "导出要写明用途（例如“月度质控会”）：它会印在表头并留在访问记录里。")
    scope = scopes.scope_of(actor, at, small=0, action=ACTION)
    order = orders.named(filters.get("sort") or orders.NEWEST.removeprefix("-"))
    rows = list(order.over(Loop.objects.filter(scope.q, sets.wanted(filters, at)))[: MOST + 1])
    if len(rows) > MOST:
        raise Invalid("too_many_rows", f"超过 {MOST} 行：请先按时间或团队缩小范围，再分几次导出。")
    head = _head(actor, scope.title, filters, at, purpose=purpose, count=len(rows))
    content = _write(head, rows, _Book(rows, at))
    access_log.line(
        None,
        home=_home(actor, rows, at),
        actor=actor.staff_id,
        action=ACTION,
        subjects=sorted({row.subject for row in rows}),
        purpose=purpose.strip(),
        source=source,
        at=at,
    )
    return content


def safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(LEADING) else text


def _head(
    actor: Actor, scope: str, filters: Mapping[str, str], at: datetime, *, purpose: str, count: int
) -> tuple[tuple[str, str], ...]:
    chosen = "；".join(f"{key}={value}" for key, value in sorted(filters.items()) if value) or "全部"
    return (
        ("导出人", actor.name),
        ("导出时间", f"{at.astimezone(sets.ZONE):%Y-%m-%d %H:%M}（北京时间）"),
        ("用途", purpose.strip()),
        ("范围", scope),
        ("筛选", chosen),
        ("行数", str(count)),
        ("说明", "含个人信息，用后即删，不得转发；本次导出已留访问记录。"),
    )


def _write(head: Iterable[tuple[str, str]], rows: Iterable[Loop], book: _Book) -> bytes:
    file = BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(file, options) as workbook:
        sheet = workbook.add_worksheet("转介台账")
        bold = workbook.add_format({"bold": True})
        moment = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        line = 0
        for line, (label, text) in enumerate(head):
            sheet.write_string(line, 0, label, bold)
            sheet.write_string(line, 1, safe(text))
        line += 2
        for column, (label, width, _) in enumerate(COLUMNS):
            sheet.set_column(column, column, width)
            sheet.write_string(line, column, label, bold)
        sheet.freeze_panes(line + 1, 0)
        for number, loop in enumerate(rows, start=line + 1):
            for column, (_, _, cell) in enumerate(COLUMNS):
                _put(sheet, number, column, cell(book, loop), moment)
    return file.getvalue()


def _put(sheet: Worksheet, row: int, column: int, value: Any, moment: Any) -> None:
    if isinstance(value, datetime):
        sheet.write_datetime(row, column, value.astimezone(sets.ZONE).replace(tzinfo=None), moment)
    elif isinstance(value, int):
        sheet.write_number(row, column, value)
    elif value:
        sheet.write_string(row, column, safe(str(value)))


def _home(actor: Actor, rows: list[Loop], at: datetime) -> UUID:
    """Where the access line is filed: the exporter's centre, else the first row's."""
    own = actor.member.centre(at)
    return own or (rows[0].home if rows else ids.SYSTEM)
