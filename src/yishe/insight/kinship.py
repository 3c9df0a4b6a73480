"""Looks at one's own record, or one's family's. Nobody tells us who a colleague is at home: his record is the one under
his own name, his family those of its household, those of the same surname at the same address, and those who named him.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from yishe.insight import anomaly_sql
from yishe.insight.anomaly_sql import Counted, Span
from yishe.people import directory, tokens
from yishe.people.cards import Card, cards
from yishe.people.models import AccessFact, Resident, SearchToken, Subject
from yishe.trust import keys

RELATIVE = "relative"
Pairs = set[tuple[UUID, UUID]]


def own_records(span: Span, looks: Sequence[str]) -> Counted:
    """How many records under his own name somebody opened."""
    mine = _own(anomaly_sql.lookers(span, looks))
    seen = anomaly_sql.pairs(span, looks, sorted(mine)) if mine else set()
    return _counted({(person, resident) for person, resident in seen if resident in mine[person]})


def families(span: Span, looks: Sequence[str]) -> Counted:
    """How many of his own family somebody opened, other than as the relative they named."""
    people = anomaly_sql.lookers(span, looks)
    mine, named = _own(people), _named(people)
    asked = sorted({*mine, *named})
    seen = anomaly_sql.pairs(span, looks, asked) if asked else set()
    close = {pair for pair in seen if pair[1] in named.get(pair[0], ())}
    return _counted(close | _kin(seen, mine))


def _counted(pairs: Pairs) -> Counted:
    found: Counted = {}
    for person, _ in pairs:
        found[person] = found.get(person, 0) + 1
    return found


def _own(people: Iterable[UUID]) -> dict[UUID, set[UUID]]:
    """The records under each one's own name in the centres he works in, found by fingerprint."""
    book = directory.current()
    wanted: dict[tuple[UUID, bytes], set[UUID]] = {}
    for person in people:
        member = book.people.get(person)
        for centre in {post.centre for post in member.posts if post.centre} if member else ():
            token = keys.blind(centre, tokens.PURPOSE, "n" + tokens.plain(member.name)) if member else b""
            wanted.setdefault((centre, token), set()).add(person)
    rows = SearchToken.objects.filter(token__in=[token for _, token in wanted])
    found: dict[UUID, set[UUID]] = {}
    for row in rows:
        for person in wanted.get((row.centre, bytes(row.token)), ()):
            found.setdefault(person, set()).add(row.resident_id)
    return found


def _named(people: Iterable[UUID]) -> dict[UUID, set[UUID]]:
    """Residents who named somebody of ours as a relative, by him."""
    facts = AccessFact.objects.filter(person__in=list(people), relation=RELATIVE).values_list(
        "person", "subject"
    )
    residents = dict(
        Subject.objects.filter(subject__in=[s for _, s in facts]).values_list("subject", "resident")
    )
    found: dict[UUID, set[UUID]] = {}
    for person, subject in facts:
        if subject in residents:
            found.setdefault(person, set()).add(residents[subject])
    return found


def _kin(seen: Pairs, mine: dict[UUID, set[UUID]]) -> Pairs:
    """Of the looks, those at others of the household, or of the same surname and address, of one's own record."""
    others = {
        (person, resident) for person, resident in seen if mine.get(person) and resident not in mine[person]
    }
    wanted = {resident for _, resident in others} | {one for person, _ in others for one in mine[person]}
    if not wanted:
        return set()
    homes = dict(Resident.objects.filter(id__in=wanted).values_list("id", "household"))
    subjects = Subject.objects.filter(resident__in=wanted).values_list("subject", flat=True)
    known = {card.resident: card for card in cards(subjects).values()}
    return {
        (person, resident)
        for person, resident in others
        if any(
            _related(known.get(own), known.get(resident), homes.get(own), homes.get(resident))
            for own in mine[person]
        )
    }


def _related(own: Card | None, other: Card | None, house: UUID | None, other_house: UUID | None) -> bool:
    if house is not None and house == other_house:
        return True
    if own is None or other is None or not own.address or not other.address:
        return False
    return own.name[:1] == other.name[:1] and tokens.plain(own.address) == tokens.plain(other.address)
