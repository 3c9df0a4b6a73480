"""Loop events as items of the timeline: who promised, took over, answered and closed what. Their words stay on the
loop's own page; here stand the steps."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from yishe.care import entries
from yishe.care.class_models import ClassOf
from yishe.care.items import Item, Reader
from yishe.loops import kinds, reading
from yishe.policy.access_rules import Shown
from yishe.policy.loop_state import LoopState
from yishe.trust import quick
from yishe.trust.models import Entry

SPOKEN = {
    "promised": "发起",
    "accepted": "接单",
    "declined": "退回",
    "started": "已联系居民，开始办理",
    "held": "暂停",
    "completed": "回写结果",
    "failed": "未办成",
    "confirmed": "确认闭环",
    "auto_confirmed": "到期自动确认",
    "referred_on": "再转",
    "reopened": "重开",
    "cancelled": "撤销",
    "handed_over": "转交",
    "heard": "居民反馈",
    "voided": "作废",
}
"""Events worth a line; reminders and clock steps are told on the loop's page."""
ROOM = 16
"""Rows read beyond a page: events of one loop at the very moment where the page before ended."""


def before(
    subjects: Sequence[entries.Keyed], cursor: tuple[datetime, UUID] | None, size: int, reader: Reader
) -> list[Item]:
    """The newest ``size`` events before ``cursor``. Two statements."""
    loops = reading.all_of([one.subject for one in subjects])
    return of(loops, read(loops, subjects, cursor, size)[0], cursor, size, reader)


def of(
    loops: Sequence[LoopState],
    entries: Sequence[Entry],
    cursor: tuple[datetime, UUID] | None,
    size: int,
    reader: Reader,
) -> list[Item]:
    """The same of these loops, all that the resident has, from what was `read` of them."""
    by_id = {loop.id: loop for loop in loops}
    items = [_item(entry, by_id[entry.stream], reader) for entry in entries]
    if cursor is not None:
        items = [item for item in items if (item.occurred_at, item.id.int) < (cursor[0], cursor[1].int)]
    return items[:size]


def read(
    loops: Sequence[LoopState],
    subjects: Sequence[entries.Keyed],
    cursor: tuple[datetime, UUID] | None,
    size: int,
) -> tuple[list[Entry], list[Entry]]:
    """The newest events of these loops, newest first, and all entries of these subjects' classes, oldest first. One statement:
    every look at a resident walks here."""
    parts = [_of_classes(subjects), *([_of_loops(loops, cursor, size)] if loops else [])]
    sql = " UNION ALL ".join(f"SELECT * FROM ({text}) part" for text, _ in parts)
    found = [
        quick.instance(Entry, row) for row in quick.rows(sql, [one for _, values in parts for one in values])
    ]
    mine = {one.id for one in loops}
    of_loops = [one for one in found if one.stream in mine]
    of_loops.sort(key=lambda one: (one.occurred_at, one.stream, one.seq), reverse=True)
    of_classes = [one for one in found if one.stream not in mine]
    return of_loops, sorted(of_classes, key=lambda one: (one.stream, one.seq))


def _of_classes(subjects: Sequence[entries.Keyed]) -> tuple[str, list[Any]]:
    homes, values = quick.among("c.home", sorted({one.home for one in subjects}))
    whose, more = quick.among("c.subject", [one.subject for one in subjects])
    sql = (
        f"SELECT {quick.columns(Entry, 'e')} FROM {ClassOf._meta.db_table} c "
        f"JOIN trust_entry e ON e.home = c.home AND e.stream = c.id WHERE {homes} AND {whose}"
    )
    return sql, [*values, *more]


def _of_loops(
    loops: Sequence[LoopState], cursor: tuple[datetime, UUID] | None, size: int
) -> tuple[str, list[Any]]:
    homes, home_values = quick.among("e.home", sorted({one.home for one in loops}))
    streams, stream_values = quick.among("e.stream", [one.id for one in loops])
    kinds_ = ", ".join(f"'{kind}'" for kind in SPOKEN)
    beyond, values = "", [*home_values, *stream_values]
    if cursor is not None:
        beyond = " AND (e.occurred_at < %s OR (e.occurred_at = %s AND e.stream <= %s))"
        values += [cursor[0], *cursor]
    sql = (
        f"SELECT {quick.columns(Entry, 'e')} FROM trust_entry e WHERE {homes} AND {streams} AND e.kind IN ({kinds_})"
        f"{beyond} ORDER BY e.occurred_at DESC, e.stream DESC, e.seq DESC LIMIT %s"
    )
    return sql, [*values, size + ROOM]


def _item(entry: Entry, loop: LoopState, reader: Reader) -> Item:
    kind = kinds.opened_under(loop.kind, loop.pack)
    said: Mapping[str, Any] = json.loads(entry.data)
    detail = {"event": entry.kind, "kind": loop.kind, "seq": entry.seq, "urgency": loop.urgency}
    secret = loop.sensitive and not _knows(loop, reader)
    about = ""
    if loop.reason and not secret:
        detail["reason"] = loop.reason
        reason = kind.reasons.get(loop.reason)
        about = f"：{reason.said if reason else loop.reason}"
    outcome = said.get("outcome")
    if outcome and not secret:
        detail["outcome"] = outcome
    text = (
        str(kind.outcomes.get(outcome, outcome))
        if outcome and not secret and entry.kind == "completed"
        else ""
    )
    return Item(
        "loop",
        number(entry),
        entry.occurred_at,
        entry.recorded_at,
        entry.actor,
        reader.name(entry.actor),
        f"{SPOKEN[entry.kind]} · {kind.title}{about}",
        text=text,
        detail=detail,
        hidden=("原因受保护，只对办理双方和需要知道的人显示",) if secret else (),
        loop=loop.id,
    )


def _knows(loop: LoopState, reader: Reader) -> bool:
    """Whoever takes part, and those to whom the pack shows what the reason belongs to."""
    if reader.actor.is_system or reader.actor.staff_id in (loop.sender, loop.performer, loop.owner):
        return True
    groups = reader.pack.access.of_reason(loop.kind, loop.reason)
    return bool(groups) and reader.sight.shown(groups) is Shown.DETAIL


def number(entry: Entry) -> UUID:
    """One number for (stream, seq), in the same order: streams are random in their low bits and never neighbours."""
    return UUID(int=(entry.stream.int + entry.seq) % (1 << 128))
