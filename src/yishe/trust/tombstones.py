"""Who was erased, remembered outside the database too, so that no older backup brings anybody back.

The list lies beside the data and in every place of backups, one line a subject: random ids and a time, nothing about
a person. Each line is sealed with the installation's look-up key, which every backup knows. `yishe restore` reads the
list of the place a backup comes from; whoever starts the system afterwards finds what is still to be erased again.
"""

import hmac
import json
import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from yishe.policy.refusals import Unavailable
from yishe.trust import keys
from yishe.trust.commit import Bundle
from yishe.trust.ledger import canonical, stamp
from yishe.trust.models import Erasure, SubjectKey

FILE = "erasures.jsonl"


@dataclass(frozen=True, slots=True)
class Tombstone:
    """One erased subject; `number` is common to what was erased together."""

    subject: UUID
    home: UUID
    number: UUID
    at: datetime


def record(
    bundle: Bundle, subjects: Iterable[tuple[UUID, UUID]], *, number: UUID, at: datetime, kept: list[dict[str, str]]
) -> None:  # fmt: skip
    """Add a tombstone for each (home, subject) that has none; inside the caller's transaction."""
    wanted = {subject: home for home, subject in subjects}
    known = set(Erasure.objects.filter(subject__in=wanted).values_list("subject", flat=True))
    for subject in wanted.keys() - known:
        bundle.insert(Erasure, subject=subject, home=wanted[subject], number=number, at=at, kept=kept)


def write_out(*also: Path) -> int:
    """Bring every place's list (and those named) up to date with this database; returns how many are on it."""
    ours = {_line(_of(row)) for row in Erasure.objects.all()}
    for place in (*_places(), *also):
        path = place / FILE
        if ours - _lines(path):
            _replace(path, ours | _lines(path))
    return len(ours)


def gather(place: Path) -> None:
    """Take over the list that lies with backups, before anything of theirs is used."""
    mine = Path(settings.HOME) / FILE
    found = _lines(place / FILE)
    if found - _lines(mine):
        mine.parent.mkdir(parents=True, exist_ok=True)
        _replace(mine, found | _lines(mine))


def waiting() -> list[Tombstone]:
    """Those on the list that this database still has a key for: they came back with a backup.

    Unavailable when a line was not written by this installation.
    """
    known = [_read(line) for line in sorted(_lines(Path(settings.HOME) / FILE))]
    alive = _alive({one.subject for one in known})
    return [one for one in known if one.subject in alive]


def _alive(subjects: Collection[UUID]) -> set[UUID]:
    return set(SubjectKey.objects.filter(subject__in=subjects).values_list("subject", flat=True))


def _places() -> Iterator[Path]:
    """Beside the data, and wherever backups lie. A place that is away now is written another time."""
    for place in (settings.HOME, settings.BACKUP_DIR, settings.BACKUP_ALSO):
        if place is not None and Path(place).is_dir():
            yield Path(place)


def _lines(path: Path) -> set[str]:
    return set(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else set()


def _replace(path: Path, lines: Iterable[str]) -> None:
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in sorted(lines)))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _of(row: Erasure) -> Tombstone:
    return Tombstone(row.subject, row.home, row.number, row.at)


def _said(one: Tombstone) -> dict[str, Any]:
    return {"at": stamp(one.at), "form": 1, "home": one.home, "number": one.number, "subject": one.subject}


def _seal(said: dict[str, Any]) -> str:
    return keys.blind_everywhere("erasure", canonical(said)).hex()


def _line(one: Tombstone) -> str:
    said = _said(one)
    return canonical({**said, "seal": _seal(said)})


def _read(line: str) -> Tombstone:
    try:
        said = json.loads(line)
        found = Tombstone(UUID(said["subject"]), UUID(said["home"]), UUID(said["number"]),
                          datetime.fromisoformat(said["at"]))  # fmt: skip
        sound = hmac.compare_digest(str(said["seal"]), _seal(_said(found)))
    except (ValueError, KeyError, TypeError):
        sound = False
    if not sound:
        raise Unavailable(
            "erasures_damaged",
            f"{FILE}（已删除人员清单）里有一行被改动或不属于这套系统：请从备份处取回原来的清单，再启动。",
        )
    return found
