"""Finding residents over ciphertext: fingerprints narrow down, a few are opened, the best come first."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from yishe.people import access, directory, packs, pinyin, protections, tokens
from yishe.people.actors import Actor
from yishe.people.cards import Card, opened
from yishe.people.models import Resident, SearchToken, Subject
from yishe.people.particulars import ZONE
from yishe.policy import cursors
from yishe.trust import keys

FIND = "resident.find"
PANEL = 3000
"""How many of one's own panel a one-letter query opens; a contract list is at most 2 000 people."""

_DIGITS = re.compile(r"\d{4,}x?|\d{3}x")


@dataclass(frozen=True)
class Page:
    """Cards in order, and the cursor of the next page or None."""

    items: list[Card]
    next: str | None


def find(actor: Actor, query: str, at: datetime, limit: int = 20) -> list[Card]:
    """Up to `limit` residents the actor may see, best match first. "" is the own panel; one letter or one
    character searches the own panel; otherwise name, pinyin, initials, ID number or its tail, phone or its tail."""
    return page(actor, query, at, limit).items


def page(
    actor: Actor, query: str, at: datetime, limit: int, cursor: str | None = None, action: str = FIND
) -> Page:
    """Like `find`, page by page. The panel comes in the order of arrival, each page of it by name. `action` says by
    what right one looks, where it is not to serve."""
    word = tokens.plain(query)
    scope = access.scope(actor, action, at)
    if word:
        return _cut(_ranked(actor, scope, word, at), limit, cursor)
    return Page([], None) if query.strip() else _panel_page(actor, scope, at, limit, cursor)


def _panel_page(actor: Actor, scope: access.Scope, at: datetime, limit: int, cursor: str | None) -> Page:
    rows = panel(actor, scope, at)
    if cursor:
        rows = rows.filter(id__lt=cursors.read(cursor)[1])
    found = list(rows.values_list("id", flat=True)[: limit + 1])
    cards = by_name(_showing(actor, opened(scope.residents().filter(pk__in=found[:limit])), at))
    return Page(cards, cursors.write(cursors.EPOCH, found[limit - 1]) if len(found) > limit else None)


def _cut(found: list[Card], limit: int, cursor: str | None) -> Page:
    """The cursor holds the last one shown, and how many came before in case he is not found any more."""
    start = 0
    if cursor:
        moment, last = cursors.read(cursor)
        places = [place for place, card in enumerate(found, 1) if card.resident == last]
        start = places[0] if places else (moment - cursors.EPOCH) // cursors.MICROSECOND
    end = start + limit
    more = cursors.EPOCH + end * cursors.MICROSECOND
    shown = found[start:end]
    return Page(shown, cursors.write(more, shown[-1].resident) if len(found) > end else None)


def _ranked(actor: Actor, scope: access.Scope, word: str, at: datetime) -> list[Card]:
    if len(word) == 1:
        return ranked(_showing(actor, opened(panel(actor, scope, at)[:PANEL]), at), word)
    most = packs.in_force().settings(at.astimezone(ZONE).date()).search.candidates
    candidates = _candidates(_centres(actor, scope, at), word, most)
    found = opened(scope.residents().filter(pk__in=set(candidates.values()))[:most])
    kept = {survivor for origin, survivor in candidates.items() if origin != survivor}
    if re.search(r"\d", word):  # a number of hers finds a protected person for nobody else
        kept -= {card.resident for card in found if protections.hidden(actor, card, at)}
    return ranked(_showing(actor, found, at), word, kept)


def _showing(actor: Actor, found: Iterable[Card], at: datetime) -> list[Card]:
    return [protections.showing(actor, card, at) for card in found]


def panel(actor: Actor, scope: access.Scope, at: datetime) -> QuerySet[Resident]:
    """Those whom the actor's teams answer for, living and present, the newest first."""
    mine = access.panel(actor.staff_id, scope.teams, scope.named)
    living = scope.residents().filter(deceased_at=None, moved_at=None)
    if not actor.is_system and (actor.member.teams(at)):
        living = living.filter(mine)
    return living.order_by("-id")


def _centres(actor: Actor, scope: access.Scope, at: datetime) -> list[UUID]:
    """Under whose keys the fingerprints may be: the actor's centres, all of them for people of the district."""
    found = scope.centres | actor.member.centres(at)
    if scope.everyone or not found:
        found |= {unit.id for unit in directory.current().units("centre")}
    return sorted(found)


def _candidates(centres: list[UUID], word: str, most: int) -> dict[UUID, UUID]:
    """Records that carry every fingerprint of the word → the record they now are; whole names first."""
    exact = _exact(word)
    if exact is not None:
        found = list(exact.values_list("id", flat=True)[:most])
        if found or not word.isdigit():
            return _surviving(found)
    wanted = _wanted(word)
    if not wanted:
        return {}
    whole = _carrying(centres, [["n" + word]], most)
    return _surviving([*whole, *_carrying(centres, wanted, most)])


def carrying_phone(phone: str, at: datetime) -> set[UUID]:
    """Records, as they now are, under which this whole number may be on file, in any centre; whoever asks opens them and
    compares. Not by anybody's right to look: for sign-in alone."""
    most = packs.in_force().settings(at.astimezone(ZONE).date()).search.candidates
    centres = sorted(unit.id for unit in directory.current().units("centre"))
    return set(_surviving(_carrying(centres, [["f" + phone]], most)).values())


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


def _carrying(centres: Iterable[UUID], wanted: list[list[str]], most: int) -> list[UUID]:
    """Residents with one fingerprint of each group, in any of the centres."""
    groups = [
        [(c, keys.blind(c, tokens.PURPOSE, word)) for c in centres for word in group] for group in wanted
    ]
    first, *others = groups
    rows = SearchToken.objects.filter(_any(first))
    for group in others:
        rows = rows.filter(resident__in=SearchToken.objects.filter(_any(group)).values("resident"))
    return list(rows.values_list("resident", flat=True).distinct()[:most])


def _any(pairs: list[tuple[UUID, bytes]]) -> Q:
    by_centre: dict[UUID, list[bytes]] = {}
    for centre, token in pairs:
        by_centre.setdefault(centre, []).append(token)
    found = Q(pk__in=[])
    for centre, fingerprints in by_centre.items():
        found |= Q(centre=centre, token__in=fingerprints)
    return found


def _surviving(residents: Iterable[UUID]) -> dict[UUID, UUID]:
    """A record that was merged answers with the one it became."""
    return dict(Subject.objects.filter(origin__in=list(residents)).values_list("origin", "resident"))


def by_name(found: Iterable[Card]) -> list[Card]:
    return sorted(found, key=lambda card: (pinyin.full(card.name), card.name, card.resident.int))


def ranked(found: Iterable[Card], word: str, surely: Iterable[UUID] = ()) -> list[Card]:
    """Those that really match, whole names first, then beginnings, then the rest; each in name order. `surely`
    are survivors found by the words of a record merged into them."""
    kept = set(surely)
    scored = [(rank(card, word), card) for card in by_name(found)]
    last = [(6 if score is None and card.resident in kept else score, card) for score, card in scored]
    return [card for score, card in sorted((p for p in last if p[0] is not None), key=lambda p: p[0] or 0)]


def rank(card: Card, word: str) -> int | None:
    """How well a word fits, 0 best; None when it is not in the card after all."""
    name = tokens.plain(card.name)
    if word == name:
        return 0
    if name.startswith(word):
        return 1
    spelled = [one for s in pinyin.spellings(name) for one in ("".join(s), "".join(x[0] for x in s))]
    if word in spelled:
        return 2
    if any(one.startswith(word) for one in spelled):
        return 3
    if word in name:
        return 4
    numbers = (card.id_number.lower(), card.phone, tokens.plain(card.record_number))
    return 5 if any(number and number.endswith(word) for number in numbers) else None
