"""One centre of a generated world, from its first resident to its last loop, a part of its people to a commit."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from uuid import UUID

from django.db import models

from yishe.care.models import Contract, Observation, Owed
from yishe.lab.world import people
from yishe.lab.world.copying import Copier
from yishe.lab.world.frame import Centre, Frame, Team, numbered, spelled
from yishe.lab.world.measuring import Courses, Measuring
from yishe.lab.world.people import Resident as Drawn
from yishe.lab.world.registering import Registering, sealed
from yishe.lab.world.settling import Pool, lives_of
from yishe.lab.world.signing import Signing
from yishe.lab.world.stamps import CAST, FIRST_SPARE, HOLES, RESIDENT, STREAM, SUBJECT, Stamp, Values
from yishe.loops.models import Loop
from yishe.people.models import AccessFact, Empanelment, Household, Resident, SearchToken, Subject
from yishe.trust import commit, ledger
from yishe.trust.models import Entry, SubjectKey

PART = 400
"""Residents to a commit: some ten thousand rows, twenty megabytes of text."""
TABLES: tuple[type[models.Model], ...] = (
    Household, SubjectKey, Resident, Subject, SearchToken, Empanelment, Contract, Owed, Loop, AccessFact, Entry, Observation,
)  # fmt: skip
"""In the order in which they lean on each other."""
Counts = dict[str, int]


@dataclass(frozen=True)
class Sources:
    """What every centre draws from."""

    frame: Frame
    pool: Pool
    signing: Signing
    courses: Courses


class Centres:
    """Fills one centre."""

    def __init__(self, sources: Sources, centre: Centre) -> None:
        self._of, self._centre = sources, centre
        self._register = Registering(sources.frame, centre)
        self._measuring = Measuring(sources.frame, centre, sources.courses)
        self._rng = sources.frame.rng(centre, "loops")
        self._teams: dict[UUID, Values] = {}
        self._tables = {model: Copier(model) for model in TABLES}

    def fill(self, tick: Callable[[int], None]) -> Counts:
        """Write everybody; how many rows by table. `tick` hears how many residents are done."""
        waiting = 0
        for one in people.of(self._of.frame, self._centre):
            self._add(one)
            waiting += 1
            if waiting == PART:
                self._flush()
                tick(waiting)
                waiting = 0
        self._flush()
        tick(waiting)
        return {model._meta.db_table: table.written for model, table in self._tables.items()}

    def _flush(self) -> None:
        with commit.atomically():
            for model in TABLES:
                self._tables[model].flush()

    def _add(self, one: Drawn) -> None:
        for model, lines in self._register.lines(one).items():
            self._tables[model].lines(lines)
        values, seal = self._values(one), partial(_sealed, self._rng, one)
        self._press(self._register.stamp(one), values, seal)
        if one.person.contracted:
            stamp, signed = self._of.signing.drawn(self._rng, one.since)
            self._press(stamp, self._streamed(values, int(signed.timestamp() * 1000), stamp), seal)
        for life in lives_of(self._rng, self._of.pool, one, self._of.frame.today):
            self._press(life.stamp, self._streamed(values, life.millis, life.stamp), seal)
        self._tables[Observation].lines(self._measuring.lines(one, values))

    def _press(self, stamp: Stamp, values: Values, seal: Callable[[bytes], bytes]) -> None:
        self._tables[Entry].lines(stamp.pressed(values, seal))
        for model, texts in stamp.rows.items():
            self._tables[model].lines([text.filled(values) for text in texts])

    def _streamed(self, values: Values, millis: int, stamp: Stamp) -> Values:
        """A new stream of that moment, and ids for what hangs on it."""
        values[STREAM] = spelled(numbered(self._rng, millis))
        for n in range(stamp.spares):
            values[FIRST_SPARE + n] = spelled(numbered(self._rng, millis))
        return values

    def _values(self, one: Drawn) -> Values:
        """Everybody around this resident."""
        known = self._teams.get(one.team.id)
        if known is None:
            known = self._teams[one.team.id] = self._around(one.team)
        values = known.copy()
        values[SUBJECT] = values[STREAM] = str(one.subject)
        values[RESIDENT] = str(one.id)
        return values

    def _around(self, team: Team) -> Values:
        centre = self._centre
        known: dict[str, UUID | str] = {
            "home": centre.id, "team": team.id, "administrator": self._of.frame.staff[1].id,
            **{duty: who.id for duty, who in (*centre.staff.items(), *team.staff.items())},
        }  # fmt: skip
        return [str(known.get(name, "")) for name in CAST] + [""] * (HOLES - len(CAST))


def _sealed(rng: Random, one: Drawn, words: bytes) -> bytes:
    return sealed(rng, one.key, one.subject, words, ledger.SEALED_PLACE)
