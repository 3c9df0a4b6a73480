"""The ledger: what was promised, by whom, when, on what evidence. One table, no framework.

Order is a per-stream integer, which is lock and version at once. Each entry carries the hash of the one before,
computed over ciphertext and canonical bytes, so that verifying needs no key and erasing a key breaks nothing.
"""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from yishe.policy.refusals import Unavailable
from yishe.trust import columns, keys, quick
from yishe.trust.commit import Bundle
from yishe.trust.models import Entry

FORM = 1
GENESIS = bytes(32)
SEALED_PLACE = "trust.entry.sealed"


@dataclass(frozen=True)
class Head:
    """Where a stream stands: the last sequence number and hash."""

    seq: int = 0
    hash: bytes = GENESIS


def canonical(data: Any) -> str:
    """JSON with one spelling: sorted keys, no spaces, ids as text, times in UTC with microseconds."""
    return orjson.dumps(data, default=_plain, option=_SPELLING).decode()


_SPELLING = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return stamp(value)
    raise TypeError(f"{type(value).__name__} has no place in the ledger")


def stamp(at: datetime) -> str:
    """A moment as the ledger writes it: 2026-03-02T01:00:00.000000Z."""
    return f"{at.astimezone(UTC).isoformat(timespec='microseconds')[:-6]}Z"


def digest(entry: Entry) -> bytes:
    """The entry's hash, of the form it was written in."""
    return _hashed(vars(entry))


def spelled(e: Mapping[str, Any]) -> str:
    """What is hashed of an entry behind the hash of the one before it."""
    fields = [
        e["form"], e["home"], e["stream"], e["seq"], e["kind"], e["actor"], e["subject"],
        stamp(e["occurred_at"]), stamp(e["recorded_at"]), e["pack"], e["command_id"],
        bytes(e["command_digest"]).hex() if e["command_digest"] is not None else None,
        e["data"],
        hashlib.sha256(bytes(e["sealed"])).hexdigest() if e["sealed"] is not None else None,
    ]  # fmt: skip
    return canonical(fields)


def _hashed(e: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(bytes(e["previous"]) + spelled(e).encode()).digest()


def append(
    bundle: Bundle, head: Head, *, home: uuid.UUID, stream: uuid.UUID, kind: str, actor: uuid.UUID, at: datetime,
    pack: str, data: dict[str, Any], subject: uuid.UUID | None = None, subject_key: bytes | None = None,
    words: dict[str, str] | None = None, command_id: str | None = None, command_digest: bytes | None = None,
    occurred_at: datetime | None = None,
) -> Head:  # fmt: skip
    """Add one entry after `head` to the bundle. `words` is free text, sealed under the subject's key.

    Returns the stream's new head. Two appends after the same head: one commits, the other is Duplicate.
    """
    sealed = None
    if words:
        if subject is None or subject_key is None:
            raise Unavailable("subject_erased", "这位居民的资料已按其要求删除，不能再写入文字。")
        sealed = keys.seal(home, subject, subject_key, canonical(words), SEALED_PLACE)
    entry: dict[str, Any] = {
        "home": home, "stream": stream, "seq": head.seq + 1, "form": FORM, "kind": kind, "actor": actor,
        "subject": subject, "occurred_at": occurred_at or at, "recorded_at": at, "pack": pack, "command_id": command_id,
        "command_digest": command_digest, "data": canonical(data), "sealed": sealed, "previous": head.hash,
    }  # fmt: skip
    entry["hash"] = _hashed(entry)
    bundle.insert(Entry, **entry)
    return Head(entry["seq"], entry["hash"])


def entries(stream: uuid.UUID, upto: int | None = None) -> list[Entry]:
    """The stream's entries in order, optionally only to sequence number `upto`."""
    sql = f"SELECT {quick.columns(Entry, 'e')} FROM trust_entry e WHERE e.stream = %s"
    values: list[Any] = [stream]
    if upto is not None:
        sql, values = f"{sql} AND e.seq <= %s", [stream, upto]
    return [quick.instance(Entry, row) for row in quick.rows(f"{sql} ORDER BY e.seq", values)]


def changes_of(entry: Entry) -> dict[str, Any]:
    """What folding applies: the fields this entry changed."""
    return dict(orjson.loads(entry.data).get("set", {}))


def facts_of(entry: Entry) -> dict[str, Any]:
    """The codes that go with the entry: reason, outcome, evidence, rung."""
    return {k: v for k, v in orjson.loads(entry.data).items() if k != "set"}


def head(home: uuid.UUID, stream: uuid.UUID) -> Head:
    """Where the stream stands now."""
    last = Entry.objects.filter(home=home, stream=stream).order_by("-seq").values_list("seq", "hash").first()
    return Head(last[0], bytes(last[1])) if last else Head()


def words(entry: Entry, subject_key: bytes) -> dict[str, str]:
    """The entry's free text, opened; empty when it has none."""
    if entry.sealed is None or entry.subject is None:
        return {}
    text = keys.unseal(entry.home, entry.subject, subject_key, bytes(entry.sealed), SEALED_PLACE)
    return dict(orjson.loads(text))


def command(homes: Sequence[uuid.UUID], actor: uuid.UUID, command_id: str) -> Entry | None:
    """The entry this command of this actor made at one of `homes`, if it was carried out."""
    within, values = quick.among("e.home", homes)
    sql = f"SELECT {quick.columns(Entry, 'e')} FROM trust_entry e WHERE {within} AND e.actor = %s AND e.command_id = %s"
    rows = quick.rows(sql, [*values, actor, command_id])
    return quick.instance(Entry, rows[0]) if rows else None


def written() -> int:
    """About how many entries were ever appended, for a gauge: by PostgreSQL's own count, since counting millions at each look
    would be a burden; in a file, counted."""
    if not columns.on_postgresql():
        return Entry.objects.count()
    sql = "SELECT coalesce(sum(n_tup_ins), 0) FROM pg_stat_user_tables WHERE relname ~ %s"
    return int(quick.rows(sql, [f"^{Entry._meta.db_table}(_|$)"])[0][0])
