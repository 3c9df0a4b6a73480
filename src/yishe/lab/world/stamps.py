"""Rows as stamps: what the product's own code wrote once, for stand-in ids, pressed by the million for real ones.

A stamp is the text of a row with holes for ids, hashes and sealed words. Everything else in it (clocks, dates, codes, the order of
canonical JSON) is what the policy decided, so that it need not be decided again; only the chain of hashes is worked out anew.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.db import models

from yishe.lab.world.copying import cell, hidden, names
from yishe.trust import ledger
from yishe.trust.commit import Bundle
from yishe.trust.models import Entry

CAST = (
    "home", "team", "subject", "resident", "family_doctor", "nurse", "social_worker", "public_health", "specialist",
    "centre_director", "administrator", "stream",
)  # fmt: skip
"""Whose ids a stamp may have holes for; `stream` is the loop or contract itself."""
SPARE = 8
"""Further ids of rows that hang on the stream."""
NAMES = (*CAST, *(f"spare{n}" for n in range(SPARE)))
STREAM, SUBJECT, RESIDENT = (NAMES.index(name) for name in ("stream", "subject", "resident"))
FIRST_SPARE = len(CAST)
SEALED, SEALED_HASH, PREVIOUS, HASH = range(len(NAMES), len(NAMES) + 4)
HOLES = HASH + 1
STANDINS: Mapping[str, UUID] = {
    name: UUID(f"5eed5eed-5eed-4eed-8eed-{n:012x}") for n, name in enumerate(NAMES)
}
_SEALED, _PREVIOUS, _HASH = b"sealed words", b"previous" * 4, b"its hash" * 4
_HOLES = {
    **{str(one): n for n, one in enumerate(STANDINS.values())},
    cell(_SEALED): SEALED, hashlib.sha256(_SEALED).hexdigest(): SEALED_HASH,
    _PREVIOUS.hex(): PREVIOUS, _HASH.hex(): HASH,
}  # fmt: skip
_HOLE = re.compile("|".join(re.escape(text) for text in sorted(_HOLES, key=len, reverse=True)))

Values = list[str]
"""The text for every hole, in the order of `NAMES` and then sealed words, their hash, previous hash, hash."""
Seal = Callable[[bytes], bytes]
"""Words → the blob that hides them, under the key of whoever they are about."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text with holes."""

    form: str
    pick: Callable[[Values], Any]

    @classmethod
    def of(cls, text: str) -> "Text":
        """The text with its stand-ins cut out."""
        holes = [_HOLES[found] for found in _HOLE.findall(text)]
        form = _HOLE.sub("%s", text.replace("%", "%%"))
        return cls(form, itemgetter(*holes) if holes else _nothing)

    def filled(self, values: Values) -> str:
        return self.form % self.pick(values)


def _nothing(values: Values) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class EntryStamp:
    """An entry: what is hashed, its row, and its words if it has some."""

    spelled: Text
    row: Text
    words: bytes


@dataclass(frozen=True, slots=True)
class Stamp:
    """One stream: its entries in order, and the rows that stand on it, by table. `spares` is how many further ids it takes."""

    entries: tuple[EntryStamp, ...]
    rows: Mapping[type[models.Model], tuple[Text, ...]]
    spares: int = 0

    def pressed(self, values: Values, seal: Seal) -> list[str]:
        """The rows of its entries; afterwards the hole of the hash holds the stream's head."""
        lines, before = [], ledger.GENESIS
        for one in self.entries:
            if one.words:
                blob = seal(one.words)
                values[SEALED], values[SEALED_HASH] = hidden(blob), hashlib.sha256(blob).hexdigest()
            head = hashlib.sha256(before + one.spelled.filled(values).encode()).digest()
            values[PREVIOUS], values[HASH] = before.hex(), head.hex()
            lines.append(one.row.filled(values))
            before = head
        return lines


class Noting(Bundle):
    """A bundle that is never committed: it remembers what would have been written, by table."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[dict[str, Any]] = []
        self.inserts: list[tuple[type[models.Model], dict[str, Any]]] = []
        self.updates: list[tuple[type[models.Model], dict[str, Any], dict[str, Any]]] = []

    def insert(self, model: type[models.Model], **values: Any) -> None:
        if model is Entry:
            self.entries.append(values)
        else:
            self.inserts.append((model, values))

    def insert_if_absent(self, model: type[models.Model], **values: Any) -> None:
        self.insert(model, **values)

    def update(
        self,
        model: type[models.Model],
        where: Mapping[str, Any],
        values: Mapping[str, Any],
        *,
        guard: bool = True,
    ) -> None:
        self.updates.append((model, dict(where), dict(values)))


def entry(noted: Mapping[str, Any], words: Mapping[str, str]) -> EntryStamp:
    """The stamp of an entry as it was noted; its words are sealed anew each time."""
    said = dict(noted) | {"previous": _PREVIOUS, "hash": _HASH, "sealed": _SEALED if words else None}
    return EntryStamp(
        Text.of(ledger.spelled(said)), row(Entry, said), ledger.canonical(words).encode() if words else b""
    )


HEAD = _HASH
"""Stands for the head of the stream in a row."""


def row(model: type[models.Model], said: Mapping[str, Any]) -> Text:
    """The stamp of a row as `Copier` writes it; columns that are not given have the model's default."""
    made = model(**said)
    return Text.of("\t".join(cell(getattr(made, name)) for name in names(model)))
