"""Finding residents over ciphertext: fingerprints narrow down, a few are opened, the best come first."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from yishe.people import access, carrying, directory, packs, protections, sought, tokens
from yishe.people.actors import Actor
from yishe.people.cards import Card, asked, of_rows, opened
from yishe.people.carrying import Pairs
from yishe.people.models import Resident, Subject
from yishe.people.particulars import ZONE
from yishe.people.sought import F, Named
from yishe.policy import cursors
from yishe.trust import keys, shaped

FIND = "resident.find"
PANEL = 3000
"""How many names of one's own panel a one-letter query opens; a contract list is at most 2 000 people."""

_DIGITS = re.compile(r"\d{4,}x?|\d{3}x")


@dataclass(frozen=True)
class Page(Generic[F]):
    """Cards in order, and the cursor of the next page or None."""

    items: list[F]
    next: str | None


def find(actor: Actor, query: str, at: datetime, limit: int = 20) -> list[Card]:
    """Up to `limit` residents the actor may see, best match first. "" is the own panel; one letter or one
    character searches the own panel; otherwise name, pinyin, initials, ID number or its tail, phone or its tail."""
    return page(actor, query, at, limit).items


def page(
    actor: Actor, query: str, at: datetime, limit: int, cursor: str | None = None, action: str = FIND
) -> Page[Card]:
    """Like `find`, page by page. The panel comes in the order of arrival, each page of it by name. `action` says by
    what right one looks, where it is not to serve."""
    word = tokens.plain(query)
    scope = access.scope(actor, action, at)
    if not word:
        return Page([], None) if query.strip() else _panel_page(actor, scope, at, limit, cursor)
    if re.search(r"\d", word):
        return _cut(_numbered(actor, scope, word, at), limit, cursor)
    shown = _cut(_called(actor, scope, word, at), limit, cursor)
    return Page(_cards(actor, [one.resident for one in shown.items], at), shown.next)


def _panel_page(
    actor: Actor, scope: access.Scope, at: datetime, limit: int, cursor: str | None
) -> Page[Card]:
    rows = panel(actor, scope, at)
    if cursor:
        rows = rows.filter(id__lt=cursors.read(cursor)[1])
    found = list(rows.values_list("id", flat=True)[: limit + 1])
    cards = sought.by_name(_cards(actor, found[:limit], at))
    return Page(cards, cursors.write(cursors.EPOCH, found[limit - 1]) if len(found) > limit else None)


def _cut(found: list[F], limit: int, cursor: str | None) -> Page[F]:
    """The cursor holds the last one shown, and how many came before in case he is not found any more."""
    start = 0
    if cursor:
        moment, last = cursors.read(cursor)
        places = [place for place, one in enumerate(found, 1) if one.resident == last]
        start = places[0] if places else (moment - cursors.EPOCH) // cursors.MICROSECOND
    end = start + limit
    more = cursors.EPOCH + end * cursors.MICROSECOND
    shown = found[start:end]
    return Page(shown, cursors.write(more, shown[-1].resident) if len(found) > end else None)


def _cards(actor: Actor, residents: Sequence[UUID], at: datetime) -> list[Card]:
    """Their cards in this order, as this person may see them. They were found within his reach."""
    rows = shaped.rows(_by_id, shaped.padded(residents)) if residents else []
    found = {card.resident: card for card in of_rows(rows)}
    return _showing(actor, [found[one] for one in residents if one in found], at)


def _by_id(residents: tuple[UUID, ...]) -> QuerySet[Any, Any]:
    return asked(Resident.objects.filter(pk__in=residents))


def _called(actor: Actor, scope: access.Scope, word: str, at: datetime) -> list[Named]:
    """By a name or how it is typed: names are opened to find the best, whole cards only of those who are shown."""
    if len(word) == 1:
        return sought.ranked(sought.named(panel(actor, scope, at)[:PANEL]), word)
    centres, wanted = _centres(actor, scope, at), _wanted(word)
    if not wanted:
        return []
    whole, groups = _fingerprints(centres, ["n" + word]), [_fingerprints(centres, one) for one in wanted]
    found, most = dict[UUID, Named](), _most(at)
    for rows in carrying.within(scope, groups, most, whole):
        if len(found) < most:
            found |= {one.resident: one for one in sought.of_rows(rows.read(sought.asked, most))}
    unlike = [one for one in found if sought.rank(found[one], word) is None]
    return sought.ranked(found.values(), word, carrying.merged(unlike, groups) if unlike else ())


def _numbered(actor: Actor, scope: access.Scope, word: str, at: datetime) -> list[Card]:
    """By a number or its tail, or a name with a number in it: whole cards are opened, as there are few."""
    found, kept = _by_number(scope, word, _centres(actor, scope, at), _most(at))
    kept -= {card.resident for card in found if protections.hidden(actor, card, at)}
    return sought.ranked(
        _showing(actor, found, at), word, kept
    )  # a number of hers finds a protected person for nobody else


def _by_number(
    scope: access.Scope, word: str, centres: list[UUID], most: int
) -> tuple[list[Card], set[UUID]]:
    """Whoever may be meant, and those of them who are found by a record that was merged into theirs."""
    exact = _exact(word)
    if exact is not None:
        now = _surviving(exact.values_list("id", flat=True)[:most])
        if now or not word.isdigit():
            found = opened(scope.residents().filter(pk__in=set(now.values())))
            return found, {one for origin, one in now.items() if origin != one}
    groups = [_fingerprints(centres, one) for one in _wanted(word)]
    told = [rows.read(asked, most) for rows in carrying.within(scope, groups, most)]
    every = {card.resident: card for rows in told for card in of_rows(rows)}
    unlike = [one for one in every if sought.rank(every[one], word) is None]
    return list(every.values()), carrying.merged(unlike, groups) if unlike else set()


def _most(at: datetime) -> int:
    return packs.in_force().settings(at.astimezone(ZONE).date()).search.candidates


def _showing(actor: Actor, found: Iterable[Card], at: datetime) -> list[Card]:
    return [protections.showing(actor, card, at) for card in found]


def panel(actor: Actor, scope: access.Scope, at: datetime) -> QuerySet[Resident]:
    """Those whom the actor's teams answer for, living and present, the newest first."""
    if actor.is_system or not actor.member.teams(at):
        return scope.residents().filter(deceased_at=None, moved_at=None).order_by("-id")
    living = scope.answered_for().filter(deceased_at=None, moved_at=None)
    return living.order_by(
        Coalesce("id", "id").desc()
    )  # an index of ids would be walked past everybody else's


def _centres(actor: Actor, scope: access.Scope, at: datetime) -> list[UUID]:
    """Under whose keys the fingerprints may be: the actor's centres, all of them for people of the district."""
    found = scope.centres | actor.member.centres(at)
    if scope.everyone or not found:
        found |= {unit.id for unit in directory.current().units("centre")}
    return sorted(found)


def carrying_phone(phone: str, at: datetime) -> set[UUID]:
    """Records, as they now are, under which this whole number may be on file, in any centre; whoever asks opens them and
    compares. Not by anybody's right to look: for sign-in alone."""
    centres = [unit.id for unit in directory.current().units("centre")]
    return set(_surviving(carrying.everywhere(_fingerprints(centres, ["f" + phone]), _most(at))).values())


def _exact(word: str) -> QuerySet[Resident] | None:
    """A whole ID number or record number is matched everywhere at once."""
    if re.fullmatch(r"\d{15}|\d{17}[\dx]", word):
        return Resident.objects.filter(
            Q(id_blind=keys.blind_everywhere("id", word.upper()))
            | Q(record_blind=keys.blind_everywhere("record", word.upper()))
        )
    if re.fullmatch(r"[\da-z-]{12,40}", word) and re.search(r"\d", word):
        return Resident.objects.filter(record_blind=keys.blind_everywhere("record", word.upper()))
    return None


def _wanted(word: str) -> list[list[str]]:
    """The fingerprints to look for: one of each inner list, all of the outer one."""
    if _DIGITS.fullmatch(word):
        tail = word[-tokens.TAIL :]
        if len(word) == 11:
            return [["f" + word, "t" + tail]]
        return [["t" + tail, "e" + tail]]
    if re.fullmatch(r"[a-z]+", word):
        start = word[: tokens.LONGEST]
        return [["p" + start, "i" + start, "n" + word]]
    if re.search(r"\d", word):
        return [["n" + word]]
    return [["g" + word[i : i + 2]] for i in range(len(word) - 1)]


def _fingerprints(centres: Iterable[UUID], words: Iterable[str]) -> Pairs:
    return [(centre, keys.blind(centre, tokens.PURPOSE, word)) for centre in centres for word in words]


def _surviving(residents: Iterable[UUID]) -> dict[UUID, UUID]:
    """A record that was merged answers with the one it became."""
    return dict(Subject.objects.filter(origin__in=list(residents)).values_list("origin", "resident"))
