"""Measurements of a generated world: what huts, visits and clinics wrote down over the years, as `care.observations` writes it.

As with loops there is a pool: courses of measurements, checked by the product's own bounds, pressed for each resident of their kind.
Children grow by their own birthday, so theirs are drawn one by one.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from random import Random

import orjson

from yishe.care import entries, observations
from yishe.care.models import Observation
from yishe.lab import bodies, hours
from yishe.lab.bodies import DIABETES, HYPERTENSION, Body
from yishe.lab.world import stamps
from yishe.lab.world.copying import cell
from yishe.lab.world.frame import Centre, Frame
from yishe.lab.world.people import Resident
from yishe.lab.world.stamps import CAST, FIRST_SPARE, HASH, STANDINS, STREAM, Text, Values
from yishe.people import packs
from yishe.people.actors import SYSTEM

ELDER, GROWN, SCHOOL = 65, 18, 7
EXAM = (
    "bp", "heart_rate", "weight", "height", "waist", "glucose", "cholesterol", "ldl", "hdl", "triglycerides", "creatinine",
    "haemoglobin", "uric_acid",
)  # fmt: skip
VISITS: Mapping[str, tuple[tuple[tuple[str, ...], float], ...]] = {
    HYPERTENSION: ((("bp",), 14.0), (("bp", "heart_rate", "weight"), 5.0)),
    DIABETES: ((("glucose",), 12.0), (("glucose", "bp", "weight"), 5.0), (("hba1c",), 1.8)),
    "elder": ((EXAM, 1.6),),
    "grown": ((("bp", "weight"), 1.3), (EXAM, 0.3)),
}
"""For whom what is measured together, and how often on average in the years of the history."""
PLACES = {
    "bp": (("clinic", 0.5), ("home", 0.35), ("", 0.15)),
    "glucose": (("fasting", 0.6), ("after_meal", 0.25), ("random", 0.15)),
}
"""Contexts and their shares; what a hut measures has no code of its own."""
WRITERS = (("nurse", 0.55), ("family_doctor", 0.3), ("social_worker", 0.15))
COURSES = (12, 150)
"""The fewest and the most courses of each kind of resident; a small world needs few."""
Kind = tuple[bool, str, frozenset[str]]
"""Whether 65 or older, sex, diseases."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One measurement to be pressed: what is hashed of the command, and the row. `prefix` begins its id."""

    at: datetime
    prefix: str
    asked: Text
    row: Text


class Courses:
    """Courses by kind of resident, the same for a frame's seed. A kind is drawn when the first of it is met."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._calendar = packs.in_force().calendar
        self._many = min(COURSES[1], max(COURSES[0], frame.residents // 100))
        self.of = lru_cache(maxsize=None)(self._of)

    def _of(self, kind: Kind) -> list[list[Measure]]:
        old, sex, has = kind
        rng = Random(f"world {self._frame.seed} course {old} {sex} {sorted(has)}")
        return [self._course(rng, kind) for _ in range(self._many)]

    def _course(self, rng: Random, kind: Kind) -> list[Measure]:
        """The measurements of one grown person, in order of time."""
        old, sex, has = kind
        body, found = Body(rng, sex, has), list[Measure]()
        for whom in (*sorted(has), "elder" if old else "grown"):
            for together, mean in VISITS[whom]:
                for _ in range(max(0, round(rng.gauss(mean, mean / 3)))):
                    at, duty = self._moment(rng), _drawn(rng, WRITERS)
                    for what in together:
                        found.append(
                            measure(what, body.measured(what), _drawn(rng, PLACES.get(what, ())), at, duty)
                        )
        return sorted(found, key=lambda one: one.at)

    def _moment(self, rng: Random) -> datetime:
        since, until = self._frame.opening, self._frame.at
        at = hours.at_desk(rng, self._calendar, since + (until - since) * rng.random())
        return min(at, until - timedelta(minutes=5)).replace(microsecond=0)


def measure(kind: str, values: bodies.Values, context: str, at: datetime, duty: str) -> Measure:
    """As `observations.record` would take it down at that moment from whoever has this duty. Raises as it does."""
    said = _said(kind, tuple(values.items()), at.year, at.month)
    asked, row = _shape(kind, context, duty)
    moment = f"{int(at.timestamp() * 1000):012x}"
    return Measure(
        at, f"{moment[:8]}-{moment[8:]}-7", replace(asked, form=asked.form.replace(VALUES, said)),
        replace(row, form=row.form.replace(VALUES, said).replace(THEN, cell(at))),
    )  # fmt: skip


@lru_cache(maxsize=100_000)
def _said(kind: str, values: tuple[tuple[str, float], ...], year: int, month: int) -> str:
    """The values as they are written, with what the bounds of that month say to them."""
    at = datetime(year, month, 1, tzinfo=hours.ZONE)
    read = observations.read(kind, dict(values), at, repeated=False)
    return orjson.dumps(
        {name: str(value) for name, value in read.items()}, option=orjson.OPT_SORT_KEYS
    ).decode()


_AT = datetime(1999, 9, 9, 9, 9, 9, tzinfo=UTC)
_BLANK = {"?": "?"}
THEN, VALUES = cell(_AT), cell(_BLANK)
"""What stands for the moment and the values in a shape."""


@cache
def _shape(kind: str, context: str, duty: str) -> tuple[Text, Text]:
    """What is hashed of the command, and the row."""
    body = {"kind": kind, "values": _BLANK, "context": context, "repeated": False}
    command = entries.Command(SYSTEM, STANDINS["resident"], observations.ACTION, _AT, "")
    row = stamps.row(Observation, {
        "id": STANDINS["stream"], "home": STANDINS["home"], "subject": STANDINS["subject"], "occurred_at": _AT,
        "recorded_at": _AT, "author": STANDINS[duty], "command_id": str(STANDINS["spare0"]),
        "command_digest": stamps.HEAD, "method": observations.MANUAL, **body,
    })  # fmt: skip
    return Text.of(entries.spelled(command, body).decode()), row


def _drawn(rng: Random, shares: Sequence[tuple[str, float]]) -> str:
    return rng.choices([one for one, _ in shares], [share for _, share in shares])[0] if shares else ""


class Measuring:
    """The measurements of one centre's residents."""

    def __init__(self, frame: Frame, centre: Centre, courses: Courses) -> None:
        self._frame, self._courses = frame, courses
        self._rng = frame.rng(centre, "observations")
        self._written = 0

    def lines(self, one: Resident, cast: Values) -> Iterator[str]:
        """Her rows, as text, with those around her. No two of one writer have the same command."""
        values = list(cast)
        if not one.person.contracted:
            for duty, _ in WRITERS:  # no team answers: public health on duty does
                values[CAST.index(duty)] = values[CAST.index("public_health")]
        since, bits = one.since, self._rng.getrandbits
        for told in self._measures(one):
            if told.at < since:
                continue
            self._written += 1
            rest = f"{bits(72):018x}"
            values[STREAM] = f"{told.prefix}{rest[:3]}-8{rest[3:6]}-{rest[6:]}"
            values[FIRST_SPARE] = f"w{self._written:x}"
            values[HASH] = hashlib.sha256(told.asked.filled(values).encode()).hexdigest()
            yield told.row.filled(values)

    def _measures(self, one: Resident) -> Sequence[Measure]:
        age = one.person.age(self._frame.today)
        if age < GROWN:
            return list(self._growing(one))
        has = frozenset(one.person.traits) & {HYPERTENSION, DIABETES}
        courses = self._courses.of((age >= ELDER, one.person.sex, has))
        return courses[int(self._rng.random() * len(courses))]

    def _growing(self, one: Resident) -> Iterator[Measure]:
        build, born = self._rng.uniform(*bodies.BUILD), one.person.birth_date
        for month in (*bodies.VISITED, *range(SCHOOL * 12, GROWN * 12, 12)):
            day = born + timedelta(days=round(month * bodies.MONTH) + self._rng.randint(0, 9))
            if (
                not self._frame.opening.date() <= day <= self._frame.today
                or self._rng.random() < bodies.MISSED
            ):
                continue
            at = hours.some_time(self._rng, day)
            if at < self._frame.at:
                for kind, values, context in bodies.grown(month, build):
                    yield measure(kind, values, context, at, "nurse")
