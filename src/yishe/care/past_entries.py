"""Writing what a list says of the past: the entry is the importer's, its day the list's, and no rule answers it.

What happened before the system opens no loop and starts no clock. The command is named by what the row says, so that the
same row is the same fact whoever brings it and however often.
"""

import hashlib
from collections.abc import Mapping
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


def there(model: type[Recorded], subjects: tuple[Keyed, ...], command_id: str) -> bool:
    """Whether this fact was taken in before, by whomever."""
    return bool(model.objects.filter(command_id=command_id, **entries.of(subjects)).exists())


def draft(model: type[M], actor: Actor, where: Placement, day: Any, at: Any, command_id: str) -> Draft[M]:
    """As `entries.begin`, by the right to take in lists."""
    body = {"command": command_id}
    return entries.begin(model, Command(actor, where.resident, IMPORT, at, command_id, day), body)


def append(found: Draft[M], bundle: Bundle, **columns: Any) -> M:
    """The row; open screens are not told of a thousand old facts."""
    return entries.append(found, bundle, quiet=True, **columns)


def said_day(day: date) -> str:
    return f"{day:%Y-%m-%d}"
