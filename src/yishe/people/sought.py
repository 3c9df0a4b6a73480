"""How well somebody fits what was typed. To find the best of two hundred only their names are opened."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery

from yishe.people import pinyin, records, tokens
from yishe.people.models import Resident
from yishe.trust.models import SubjectKey


class Sought(Protocol):
    """A card, or as much of one as is opened to see whether it is meant."""

    @property
    def resident(self) -> UUID: ...
    @property
    def name(self) -> str: ...
    @property
    def id_number(self) -> str: ...
    @property
    def phone(self) -> str: ...
    @property
    def record_number(self) -> str: ...


F = TypeVar("F", bound=Sought)


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody of whom the name alone is opened."""

    resident: UUID
    name: str
    id_number: str = ""
    phone: str = ""
    record_number: str = ""


def named(found: QuerySet[Resident]) -> list[Named]:
    """The names of a queryset in its order: one statement. Who was erased is left out."""
    return of_rows(asked(found))


def asked(found: QuerySet[Resident]) -> QuerySet[Any, Any]:
    """What is read of each for the name alone."""
    wrapped = SubjectKey.objects.filter(subject=OuterRef("own_subject__subject")).values("wrapped")
    rows = found.annotate(wrapped=Subquery(wrapped))
    return rows.values_list("id", "home", "own_subject__subject", "wrapped", "name_sealed")


def of_rows(rows: Iterable[tuple[Any, ...]]) -> list[Named]:
    """The names of what `asked` found, in its order."""
    return [
        Named(resident, records.unseal(home, subject, bytes(key), "name", bytes(sealed)))
        for resident, home, subject, key, sealed in rows
        if key is not None
    ]


def by_name(found: Iterable[F]) -> list[F]:
    return sorted(found, key=lambda one: (pinyin.full(one.name), one.name, one.resident.int))


def ranked(found: Iterable[F], word: str, surely: Iterable[UUID] = ()) -> list[F]:
    """Those that really match, whole names first, then beginnings, then the rest; each in name order. `surely`
    are survivors found by the words of a record merged into them."""
    kept = set(surely)
    scored = [(rank(one, word), one) for one in by_name(found)]
    last = [(6 if score is None and one.resident in kept else score, one) for score, one in scored]
    return [one for score, one in sorted((p for p in last if p[0] is not None), key=lambda p: p[0] or 0)]


def rank(one: Sought, word: str) -> int | None:
    """How well a word fits, 0 best; None when it is not in the card after all."""
    name = tokens.plain(one.name)
    if word == name:
        return 0
    if name.startswith(word):
        return 1
    spelled = [each for s in pinyin.spellings(name) for each in ("".join(s), "".join(x[0] for x in s))]
    if word in spelled:
        return 2
    if any(each.startswith(word) for each in spelled):
        return 3
    if word in name:
        return 4
    numbers = (one.id_number.lower(), one.phone, tokens.plain(one.record_number))
    return 5 if any(number and number.endswith(word) for number in numbers) else None
