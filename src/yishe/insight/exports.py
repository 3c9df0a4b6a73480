"""The one way out. Whatever leaves as a file passes here: is it within this person's limits, why is it taken, what does it
carry; and it is written down by whom, when, why, how much, with the hash of the file.

Who may see the rows was decided by whoever read them. Whoever writes the file puts the mark on it.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Sum

from yishe.loops import sets
from yishe.people import packs
from yishe.people.actors import Actor
from yishe.policy.export_rules import ExportKind
from yishe.policy.refusals import Conflict, Forbidden, Invalid
from yishe.trust import access_log, ids, ledger
from yishe.trust.commit import Bundle
from yishe.trust.models import Export

TAKEN = "export.taken"
LONGEST = 200


@dataclass(frozen=True)
class Wanted:
    """What is to be taken out. `scope` says in words which part; `subjects` are those in it; `relation` why he may."""

    kind: str
    purpose: str
    rows: int
    scope: str = ""
    subjects: tuple[UUID, ...] = ()
    relation: str = ""
    home: UUID | None = None


@dataclass(frozen=True)
class Mark:
    """What stands in the file itself. `number` finds it in the list of exports."""

    number: UUID
    who: str
    at: datetime
    purpose: str
    scope: str
    rows: int

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        return (
            ("导出人", self.who),
            ("导出时间", f"{self.at.astimezone(sets.ZONE):%Y-%m-%d %H:%M}（北京时间）"),
            ("用途", self.purpose),
            ("范围", self.scope or "全部"),
            ("行数", str(self.rows)),
            ("导出编号", str(self.number)),
            ("说明", "含个人信息，用后即删，不得转发；本次导出已留访问记录。"),
        )

    @property
    def line(self) -> str:
        """The same in one line, for the foot of every printed page."""
        when = f"{self.at.astimezone(sets.ZONE):%Y-%m-%d %H:%M}"
        return f"{self.who} {when} 用途：{self.purpose} 编号 {self.number}"


def take_out(actor: Actor, wanted: Wanted, at: datetime, make: Callable[[Mark], bytes]) -> bytes:
    """The file that `make` writes with its mark, once it is within limits and written down.

    Forbidden when none of the duties may take this out, Invalid without a purpose or with too many rows at once,
    Conflict when the day's rows are used up.
    """
    kind = kind_of(wanted.kind)
    purpose = _purpose(wanted.purpose)
    most = room(actor, wanted.kind, at)
    if most is not None and wanted.rows > most:
        raise _too_many(actor, kind, wanted.rows, at)
    mark = Mark(ids.new(), actor.name, at, purpose, wanted.scope[:LONGEST], wanted.rows)
    content = make(mark)
    _write_down(actor, wanted, kind, mark, content)
    return content


def kind_of(code: str) -> ExportKind:
    found = packs.in_force().exports.exports.get(code)
    if found is None:
        raise Invalid("export_unknown", f"政策包里没有“{code}”这种导出。")
    return found


def room(actor: Actor, code: str, at: datetime) -> int | None:
    """How many rows this person may take out now in one file; None when it is not limited. Forbidden when none ever."""
    if actor.is_system:
        return None
    kind = kind_of(code)
    limit = kind.limit(actor.member.duties(at))
    if not kind.limits:
        return None
    if limit is None:
        raise Forbidden(
            "export_not_yours", f"您的职责不能导出“{kind.title}”：确有需要请找中心主任。", action=kind.action
        )
    return max(0, min(limit.rows, limit.per_day - today(actor, code, at)))


def may(actor: Actor, code: str, at: datetime) -> bool:
    """Whether any duty held now may take this out at all."""
    return actor.is_system or kind_of(code).limit(actor.member.duties(at)) is not None


def today(actor: Actor, code: str, at: datetime) -> int:
    """Rows of that kind taken out by this person since midnight."""
    midnight = sets.day(at.astimezone(sets.ZONE).date())
    rows = Export.objects.filter(actor=actor.staff_id, kind=code, at__gte=midnight)
    return rows.aggregate(rows=Sum("rows"))["rows"] or 0


def _purpose(given: str) -> str:
    said = " ".join(given.split())[:LONGEST]
    if len(said) < packs.in_force().exports.purpose_letters:
        raise Invalid(
            "purpose_needed", "导出要写明用途（例如“月度质控会”）：它会印在文件里并留在访问记录里。"
        )
    return said


def _too_many(actor: Actor, kind: ExportKind, rows: int, at: datetime) -> Invalid | Conflict:
    limit = kind.limit(actor.member.duties(at))
    most = limit.rows if limit else 0
    if rows > most:
        return Invalid(
            "too_many_rows",
            f"“{kind.title}”您一次最多导出 {most} 行，这次超过了：请先缩小范围，再分几次导出。",
            most=most,
        )
    per_day = limit.per_day if limit else 0
    return Conflict(
        "export_day_full",
        f"“{kind.title}”您一天最多导出 {per_day} 行，今天剩下的不够：请明天再来，或请中心主任导出。",
        most=per_day,
    )


def _write_down(actor: Actor, wanted: Wanted, kind: ExportKind, mark: Mark, content: bytes) -> None:
    home = wanted.home or actor.member.home(mark.at)
    digest = hashlib.sha256(content).hexdigest()
    bundle = Bundle()
    ledger.append(
        bundle, ledger.Head(), home=home, stream=mark.number, kind=TAKEN, actor=actor.staff_id, at=mark.at,
        pack=packs.in_force().sha256, data={"kind": wanted.kind, "rows": mark.rows, "size": len(content), "sha256": digest},
    )  # fmt: skip
    bundle.insert(
        Export, home=home, at=mark.at, id=mark.number, actor=actor.staff_id, kind=wanted.kind, purpose=mark.purpose,
        scope=mark.scope, rows=mark.rows, size=len(content), sha256=digest,
    )  # fmt: skip
    access_log.deed(
        bundle, home=home, actor=actor.staff_id, action=kind.action, subjects=sorted(set(wanted.subjects)),
        relation=wanted.relation, purpose=mark.purpose, at=mark.at,
    )  # fmt: skip
    bundle.commit()


# Readers


def taken(homes: Iterable[UUID], people: Iterable[UUID], limit: int) -> list[Export]:
    """The newest exports filed under one of `homes` or made by one of `people`."""
    rows = Export.objects.filter(home__in=list(homes)) | Export.objects.filter(actor__in=list(people))
    return list(rows.order_by("-at", "-id")[:limit])
