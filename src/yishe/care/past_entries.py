"""Writing what a list says of the past: the entry is the importer's, its day the list's, and no rule answers it.

What happened before the system opens no loop and starts no clock. The command is named by what the row says, so that the
same row is the same fact whoever brings it and however often.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

import orjson

from yishe.care import entries
from yishe.care.entries import Command, Draft, Keyed
from yishe.care.models import Recorded
from yishe.people.actors import Actor
from yishe.people.placements import Placement
from yishe.trust.commit import Bundle

IMPORT = "people.import"
NAMED = "past:"
M = TypeVar("M", bound=Recorded)


def name(kind: str, subject: UUID, said: Mapping[str, Any]) -> str:
    """The name of a fact, by what it says of whom."""
    whole = orjson.dumps(
        {"kind": kind, "subject": str(subject), **said}, option=orjson.OPT_SORT_KEYS, default=str
    )
    return NAMED + hashlib.sha256(whole).hexdigest()[:48]


@dataclass(frozen=True)
class Taken:
    """What a row became, by the ids of its facts, and what could not be done beside it."""

    made: Mapping[str, Any]
    hints: tuple[str, ...] = ()


def there(model: type[Recorded], subjects: tuple[Keyed, ...], named: str) -> bool:
    """Whether this fact was taken in before, by whomever, and stands."""
    return entries.standing(model, subjects).filter(command_id__startswith=named).exists()


def fresh(model: type[Recorded], subjects: tuple[Keyed, ...], named: str) -> str:
    """The name to write it under now: one that was taken back had an earlier one."""
    said = model.objects.filter(command_id__startswith=named, **entries.of(subjects)).count()
    return f"{named}.{said}" if said else named


def take_back(bundle: Bundle, actor: Actor, where: Placement, row: M, at: Any) -> M:
    """A withdrawn row in the place of one that was entered in error. Conflict when somebody corrected it since."""
    command = Command(actor, where.resident, IMPORT, at, f"undo:{row.id}", row.occurred_at, row.id)
    found = entries.begin(type(row), command, {"undo": str(row.id)})
    own = {one.attname for one in Recorded._meta.get_fields() if hasattr(one, "attname")}
    kept = {one.attname for one in row._meta.concrete_fields} - own
    return entries.append(
        found, bundle, quiet=True, withdrawn=True, **{name: getattr(row, name) for name in kept}
    )


def draft(model: type[M], actor: Actor, where: Placement, day: Any, at: Any, command_id: str) -> Draft[M]:
    """As `entries.begin`, by the right to take in lists."""
    body = {"command": command_id}
    return entries.begin(model, Command(actor, where.resident, IMPORT, at, command_id, day), body)


def append(found: Draft[M], bundle: Bundle, **columns: Any) -> M:
    """The row; open screens are not told of a thousand old facts."""
    return entries.append(found, bundle, quiet=True, **columns)


def said_day(day: date) -> str:
    return f"{day:%Y-%m-%d}"
