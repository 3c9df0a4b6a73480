"""What a resident may be found by, as keyed fingerprints (design §9): the plain words are never stored.

Words carry a letter for their kind: n whole name, g two neighbouring characters of it, p pinyin prefix, i prefix
of the initials, t tail of the ID number, f phone, e its tail.
"""

import unicodedata
from collections.abc import Callable, Iterator
from uuid import UUID

from yishe.people import pinyin
from yishe.trust import keys

PURPOSE = "search"
TAIL = 4
LETTERS = 2
LONGEST = 10
"""Prefixes are kept up to this many letters; longer queries use the first ten and are filtered when ranked."""


def plain(text: str) -> str:
    """What is compared: full-width forms made narrow, blanks gone, small letters."""
    folded = unicodedata.normalize("NFKC", text).lower().replace("ü", "v")
    return "".join(c for c in folded if not c.isspace() and c not in "·•・‧∙⋅-_'\u200b\u200c\u200d\ufeff")


def of_name(name: str) -> Iterator[str]:
    word = plain(name)
    yield "n" + word
    yield from ("g" + word[i : i + 2] for i in range(len(word) - 1))
    for syllables in pinyin.spellings(word):
        yield from _prefixes("p", "".join(syllables))
        yield from _prefixes("i", "".join(syllable[0] for syllable in syllables))


def _prefixes(kind: str, text: str) -> Iterator[str]:
    return (kind + text[:length] for length in range(LETTERS, min(len(text), LONGEST) + 1))


def of_id_number(number: str) -> Iterator[str]:
    yield "t" + number[-TAIL:].lower()


def of_phone(phone: str) -> Iterator[str]:
    yield "f" + phone
    yield "e" + phone[-TAIL:]


def words(name: str, id_number: str | None, phone: str | None) -> set[str]:
    """Everything one resident is found by, in the clear; for `sealed_words` only."""
    found = set(of_name(name))
    found.update(of_id_number(id_number) if id_number else ())
    found.update(of_phone(phone) if phone else ())
    return found


def fingerprint(centre: UUID) -> Callable[[str], bytes]:
    """The fingerprint function of a centre, remembering what it has seen: names share most of their words."""
    seen: dict[str, bytes] = {}

    def of(word: str) -> bytes:
        if word not in seen:
            seen[word] = keys.blind(centre, PURPOSE, word)
        return seen[word]

    return of
