"""The loops of one resident: how many, which lives, and her rows and entries pressed for her."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import product
from random import Random

from yishe.lab.world.histories import FOR, Life
from yishe.lab.world.people import Resident

PROMISES = ((65, 18.0), (45, 9.8), (18, 4.1), (0, 2.1))
"""How many loops a resident of that age has had on average, from which age on."""
OPEN = 0.105
"""Share of them that are open."""
ELDER = 65
TRIES = 4
FITS = tuple(dict.fromkeys(("", *FOR.values())))


@dataclass(frozen=True)
class Pool:
    """Lives to choose from, by whom they fit: `fitting[open, traits]`."""

    fitting: dict[tuple[bool, tuple[str, ...]], list[Life]] = field(repr=False)

    @classmethod
    def of(cls, lives: Sequence[Life]) -> "Pool":
        found: dict[tuple[bool, tuple[str, ...]], list[Life]] = {}
        for has in product((False, True), repeat=len(FITS) - 1):
            fits = ("", *(one for one, holds in zip(FITS[1:], has, strict=True) if holds))
            for open_ in (False, True):
                found[open_, fits] = [
                    one for one in lives if (one.ended is None) == open_ and one.trait in fits
                ]
        return cls(found)


def lives_of(rng: Random, pool: Pool, one: Resident, today: date) -> Iterator[Life]:
    """What she was promised; of what may be open once only, never two at a time."""
    age = one.person.age(today)
    mean = next(many for youngest, many in PROMISES if age >= youngest)
    has = (*one.person.traits, *(("elder",) if age >= ELDER else ()))
    fits = tuple(name for name in FITS if not name or name in has)
    taken: dict[tuple[str, str], list[Life]] = {}
    for _ in range(int(rng.expovariate(1 / mean) + 0.5)):
        lives = pool.fitting[rng.random() < OPEN, fits]
        for _ in range(TRIES):
            life = lives[int(rng.random() * len(lives))]
            if life.began >= one.since and not _meets(taken, life):
                yield life
                break


def _meets(taken: dict[tuple[str, str], list[Life]], life: Life) -> bool:
    """Whether another of its kind and reason is open at the same time; if not, it is taken."""
    if life.key is None:
        return False
    others = taken.setdefault(life.key, [])
    if any(_before(one.began, life.ended) and _before(life.began, one.ended) for one in others):
        return True
    others.append(life)
    return False


def _before(began: datetime, ended: datetime | None) -> bool:
    return ended is None or began <= ended
