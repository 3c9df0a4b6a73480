"""Entries: the steps every recorded fact goes through, in one order.

*Whose is it* (the resident, or the one the record was merged into) → *may I* (access) → *was it said before*
(the command) → *may it still be said* (dead, moved, in the future) → *append* → *tell* (open screens).
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

import orjson
from django.db.models import Exists, OuterRef, QuerySet

from yishe.care import lives
from yishe.care.class_models import ClassDue
from yishe.care.models import Condition, Observation, QuestionnaireResponse, Recorded
from yishe.people import access, packs, placements
from yishe.people.access import Permission
from yishe.people.actors import Actor
from yishe.people.placements import Placement
from yishe.policy.refusals import Conflict, Invalid, NotFound, Unavailable
from yishe.talk import outbox
from yishe.trust import access_log, commit, ids, keys, quick

LONGEST_COMMAND = 128
LONGEST_TEXT = 10_000
MOST = 10_000
"""Rows of one source of one resident that are read at once."""
CLASSED: tuple[type[Recorded], ...] = (Condition, Observation, QuestionnaireResponse)
"""What class and tier may follow from."""
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)

Row = TypeVar("Row", bound=Recorded)


@dataclass(frozen=True)
class Command:
    """One wish to record something: who, about whom, when it happened, and its idempotency key.

    ``supersedes`` names the row it corrects. ``digest`` is the SHA-256 of the request as the door saw it; without
    one it is taken over the recorded fields. ``sender`` waits for what follows, where the actor is none who could.
    """

    actor: Actor
    resident: UUID
    action: str
    at: datetime
    command_id: str
    occurred_at: datetime | None = None
    supersedes: UUID | None = None
    digest: bytes | None = None
    sender: UUID | None = None

    @property
    def happened(self) -> datetime:
        return self.occurred_at or self.at


@dataclass(frozen=True)
class Keyed:
    """One subject of a resident with its wrapped key. A resident has several after a merge."""

    home: UUID
    subject: UUID
    wrapped: bytes


@dataclass(frozen=True)
class Draft(Generic[Row]):
    """A command that may be carried out. ``earlier`` is the row that its first arrival left, ``corrects`` the row
    it supersedes, ``subjects`` all subjects of the resident, the ones that came by a merge included."""

    model: type[Row]
    command: Command
    placement: Placement
    permission: Permission
    digest: bytes
    subjects: tuple[Keyed, ...]
    earlier: Row | None
    corrects: Row | None

    def seal(self, column: str, content: Mapping[str, Any]) -> bytes:
        """Sealed JSON for one column of this draft's row."""
        text = orjson.dumps(content).decode()
        return keys.seal(self.home, self.subject, self.key_of(self.subject), text, place(self.model, column))

    def key_of(self, subject: UUID) -> bytes:
        """The wrapped key of one of the resident's subjects."""
        return next(one.wrapped for one in self.subjects if one.subject == subject)

    @property
    def home(self) -> UUID:
        """A correction stays where the row it corrects lies, even when that came in by a merge."""
        return self.corrects.home if self.corrects else self.placement.home

    @property
    def subject(self) -> UUID:
        return self.corrects.subject if self.corrects else self.placement.subject


def begin(
    model: type[Row], command: Command, body: Mapping[str, Any], *, after_death: bool = False
) -> Draft[Row]:
    """Check everything that does not depend on what is recorded. ``body`` is JSON-safe.

    Raises NotFound, Forbidden, Invalid (bad times, the same command with another body) and Conflict (dead, moved,
    already corrected)."""
    placement = whose(command.resident)
    permission = access.require(command.actor, command.action, placement, command.at)
    digest = command.digest or digest_of(command, body)
    subjects = keyed(placement)
    earlier = _first_arrival(model, command, subjects, digest)
    corrects = None
    if earlier is None:
        _timely(command, placement, after_death=after_death or command.supersedes is not None)
        corrects = _corrected(model, command, subjects)
    return Draft(model, command, placement, permission, digest, subjects, earlier, corrects)


def append(draft: Draft[Row], bundle: commit.Bundle, *, quiet: bool = False, **columns: Any) -> Row:
    """Put the row into ``bundle``, with its access line and, unless ``quiet``, a word to the screens that may be showing
    the resident."""
    command = draft.command
    values = {
        "id": ids.new(),
        "home": draft.home,
        "subject": draft.subject,
        "occurred_at": command.happened,
        "recorded_at": command.at,
        "author": command.actor.staff_id,
        "command_id": command.command_id,
        "command_digest": draft.digest,
        "supersedes": command.supersedes,
        **columns,
    }
    bundle.insert(draft.model, **values)
    access_log.line(
        bundle,
        actor=command.actor.staff_id,
        action=command.action,
        subjects=[draft.subject],
        **draft.permission.line,
        at=command.at,
        home=draft.home,
    )
    if draft.model in CLASSED and values.get("status") != "in_progress":
        bundle.insert(
            ClassDue,
            home=draft.placement.home,
            subject=draft.placement.subject,
            author=command.actor.staff_id,
            at=command.at,
        )
    if not quiet:
        _show(draft, bundle, values["id"])
    return draft.model(**values)


def settle(draft: Draft[Row], bundle: commit.Bundle, row: Row, *, own: bool) -> Row:
    """Commit ``bundle`` if it is this writer's own. When the same command won elsewhere, its row is the answer."""
    if not own:
        return row
    try:
        bundle.commit()
    except commit.Duplicate:
        first = _first_arrival(draft.model, draft.command, draft.subjects, draft.digest)
        if first is None:
            raise already_corrected() from None
        return first
    return row


def whose(resident: UUID) -> Placement:
    """Where the resident stands now; a merged record is followed to the one that survived."""
    placement = placements.placement(resident)
    while placement is not None and placement.merged_into is not None:
        placement = placements.placement(placement.merged_into)
    if placement is None:
        raise NotFound("resident_unknown", "找不到这位居民：可能已被合并或编号有误，请重新查找。")
    return placement


def keyed(placement: Placement) -> tuple[Keyed, ...]:
    """The subjects of a resident with their keys, in one statement. Unavailable when the record was erased."""
    found = keys_of(placement.resident)
    if not any(one.subject == placement.subject for one in found):
        raise Unavailable("subject_erased", "这位居民的资料已按其要求删除，内容不可再读，也不能再记。")
    return found


def keys_of(resident: UUID) -> tuple[Keyed, ...]:
    """The same, empty when the record was erased."""
    sql = """SELECT s.home, s.subject, k.wrapped FROM people_subject s
        JOIN trust_subjectkey k ON k.subject = s.subject WHERE s.resident_id = %s"""
    rows = quick.rows(sql, [resident])
    return tuple(Keyed(quick.known(home), quick.known(subject), bytes(key)) for home, subject, key in rows)


def keys_of_all(residents: Sequence[UUID]) -> dict[UUID, list[Keyed]]:
    """The same of many, by resident; who was erased is left out. One statement."""
    within, given = quick.among("s.resident_id", residents)
    sql = f"""SELECT s.resident_id, s.home, s.subject, k.wrapped FROM people_subject s
        JOIN trust_subjectkey k ON k.subject = s.subject WHERE {within}"""
    found: dict[UUID, list[Keyed]] = {}
    for resident, home, subject, key in quick.rows(sql, given):
        one = Keyed(quick.known(home), quick.known(subject), bytes(key))
        found.setdefault(quick.known(resident), []).append(one)
    return found


def of(subjects: Sequence[Keyed]) -> dict[str, Any]:
    """The filter for rows of these subjects, leading with ``home`` as the indexes do."""
    return {"home__in": {one.home for one in subjects}, "subject__in": {one.subject for one in subjects}}


def on(local: date) -> dict[str, Any]:
    """The filter for rows that tell of this local day."""
    begins = lives.begins(local)
    return {"occurred_at__gte": begins, "occurred_at__lt": begins + timedelta(days=1)}


def latest(model: type[Row], subjects: Sequence[Keyed]) -> QuerySet[Row]:
    """Rows that stand: finished, neither corrected by a later one nor withdrawn."""
    return standing(model, subjects).filter(model.finished)


def standing(model: type[Row], subjects: Sequence[Keyed]) -> QuerySet[Row]:
    """The same with what is not finished yet."""
    later = model.objects.filter(home=OuterRef("home"), supersedes=OuterRef("id"))
    return model.objects.filter(~Exists(later), withdrawn=False, **of(subjects))


def newest(
    model: type[Row], subjects: Sequence[Keyed], before: tuple[datetime, UUID] | None = None, size: int = MOST
) -> list[Row]:
    """Of the finished rows that stand, the newest `size` before a moment and row, newest first. By a fixed statement: every look
    at a resident walks here, once for each source."""
    homes, home_values = quick.among("r.home", sorted({one.home for one in subjects}))
    whose_, subject_values = quick.among("r.subject", [one.subject for one in subjects])
    beyond, values = "", [*home_values, *subject_values]
    if before is not None:
        beyond = " AND (r.occurred_at < %s OR (r.occurred_at = %s AND r.id < %s))"
        values += [before[0], *before]
    table, done = model._meta.db_table, model.finished_as
    finished = f" AND r.status IN ({', '.join(['%s'] * len(done))})" if done else ""
    sql = (
        f"SELECT {quick.columns(model, 'r')} FROM {table} r WHERE {homes} AND {whose_} AND NOT r.withdrawn AND NOT EXISTS "
        f"(SELECT 1 FROM {table} later WHERE later.home = r.home AND later.supersedes = r.id){beyond}{finished} "
        "ORDER BY r.occurred_at DESC, r.id DESC LIMIT %s"
    )
    return [quick.instance(model, row) for row in quick.rows(sql, [*values, *done, size])]


def place(model: type[Recorded], column: str) -> str:
    """The label that binds a sealed value to its column."""
    return f"{model._meta.db_table}.{column}"


def unsealed(row: Recorded, column: str, wrapped: bytes) -> dict[str, Any]:
    """The content of a sealed column."""
    text = keys.unseal(row.home, row.subject, wrapped, getattr(row, column), place(type(row), column))
    content: dict[str, Any] = orjson.loads(text)
    return content


def digest_of(command: Command, body: Mapping[str, Any]) -> bytes:
    """SHA-256 of what the command asks for, whoever sends it and whenever it arrives."""
    return hashlib.sha256(spelled(command, body)).digest()


def spelled(command: Command, body: Mapping[str, Any]) -> bytes:
    """The bytes of what the command asks for."""
    asked = {
        "action": command.action,
        "resident": str(command.resident),
        "occurred_at": command.occurred_at.isoformat() if command.occurred_at else None,
        "supersedes": str(command.supersedes) if command.supersedes else None,
        **body,
    }
    return orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)


def text(said: str, label: str, longest: int = LONGEST_TEXT) -> str:
    """What was written, trimmed; empty when nothing of it can be seen. Invalid when it is too long or not storable as text."""
    trimmed = said.strip()
    if len(trimmed) > longest:
        raise Invalid("text_too_long", f"{label}有 {len(trimmed)} 个字，超过 {longest}：请分几次写。")
    if "\x00" in trimmed or any("\ud800" <= one <= "\udfff" for one in trimmed):
        raise Invalid("text_unreadable", f"{label}里有读不出的字符：请重新输入。")
    return trimmed if any(one.isprintable() and not one.isspace() for one in trimmed) else ""


def known(book: str, code: str, label: str) -> None:
    """Invalid unless ``code`` stands in that code book of the packs; the refusal lists what does."""
    codes = packs.in_force().codes.get(book, {})
    if code not in codes:
        choice = "、".join(f"{title}（{one}）" for one, title in codes.items())
        raise Invalid("code_unknown", f"{label}没有“{code}”这一项；可选：{choice}。", book=book, unknown=code)


def already_corrected() -> Conflict:
    return Conflict("already_corrected", "这条记录已被更正过：请打开最新的一条再改。")


def _first_arrival(
    model: type[Row], command: Command, subjects: Sequence[Keyed], digest: bytes
) -> Row | None:
    if not 0 < len(command.command_id) <= LONGEST_COMMAND:
        raise Invalid("command_id_needed", f"缺少幂等键，或超过 {LONGEST_COMMAND} 个字符。")
    row = _said_before(model, {one.home for one in subjects}, command)
    if row is not None and bytes(row.command_digest) != digest:
        raise Invalid("command_reused", "同一个幂等键已用于另一项内容：没有再记一次，请换一个键重发。")
    return row


def _said_before(model: type[Row], homes: Iterable[UUID], command: Command) -> Row | None:
    within, values = quick.among("r.home", tuple(homes))
    sql = (
        f"SELECT {quick.columns(model, 'r')} FROM {model._meta.db_table} r "
        f"WHERE {within} AND r.author = %s AND r.command_id = %s"
    )
    rows = quick.rows(sql, [*values, command.actor.staff_id, command.command_id])
    return quick.instance(model, rows[0]) if rows else None


def _timely(command: Command, placement: Placement, *, after_death: bool) -> None:
    happened = command.happened
    if happened.tzinfo is None or happened < EARLIEST:
        raise Invalid(
            "moment_unreadable", "发生时间要带时区，且不早于 1900 年，例如 2026-03-02T09:00:00+08:00。"
        )
    skew = packs.in_force().settings(command.at.date()).clock_skew.exact()
    if happened > command.at + skew:
        raise Invalid("in_the_future", "发生时间在将来：请改成实际发生的时间。")
    if placement.deceased_at and happened > placement.deceased_at and not after_death:
        raise Conflict("resident_dead", "居民已故，不能再记去世之后的诊疗；生前的内容可填实际时间补记。")
    if placement.moved_at and happened > placement.moved_at and not after_death:
        raise Conflict(
            "resident_moved", "居民已迁出，迁出之后的服务由新的中心记录；迁出前的内容可填实际时间补记。"
        )


def _corrected(model: type[Row], command: Command, subjects: Sequence[Keyed]) -> Row | None:
    if command.supersedes is None:
        return None
    row = model.objects.filter(id=command.supersedes, **of(subjects)).first()
    if row is None:
        raise NotFound("nothing_to_correct", "找不到要更正的那条记录：它可能属于另一位居民。")
    if model.objects.filter(home=row.home, supersedes=row.id).exists():
        raise already_corrected()
    return row


def _show(draft: Draft[Row], bundle: commit.Bundle, row: UUID) -> None:
    """Open timelines of those who answer for the resident, and of the author, learn that there is something new."""
    watching = {draft.placement.doctor, draft.placement.social_worker, draft.command.actor.staff_id}
    for person in sorted(one for one in watching if one is not None):
        outbox.show(
            bundle,
            home=draft.home,
            person=person,
            topic="timeline",
            key=f"timeline:{row}:{person}",
            at=draft.command.at,
            subject=draft.subject,
            data={"kind": draft.model._meta.db_table.removeprefix("care_")},
        )
