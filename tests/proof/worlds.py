"""Loops that people lived by verbs and the lives that a generated world is pressed from: alike in how they end and in how much
happens until then.

Only loops are compared that were promised long enough ago: of younger ones those are closed that were refused at once.
"""

from datetime import UTC, datetime, timedelta
from statistics import mean

import pytest

from yishe.lab import demo
from yishe.lab.world import making
from yishe.lab.world.copying import names
from yishe.loops.models import Loop

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
DAYS, RIPE = 75, timedelta(days=40)
KINDS = ("referral.doctor_to_social_worker", "referral.social_worker_to_doctor", "medication.acknowledgement")
FEWEST = 20
Told = tuple[str, str, int]
"""Kind, how it closed, entries."""


def lived() -> list[Told]:
    """By verbs."""
    demo.load(320, 5, at=NOW, days=DAYS, year=DAYS)
    ripe = Loop.objects.filter(promised_at__lt=NOW - RIPE).exclude(closed_at=None)
    return [(one.kind, one.closed_as, one.seq) for one in ripe]


def drawn() -> list[Told]:
    """The finished lives of the generator's pool."""
    kind, closed = (names(Loop).index(name) for name in ("kind", "closed_as"))
    between = (making.opened(NOW), NOW)
    finished = [
        one for one in making.lives(6, 900, between, lively=True) if one.ended and one.began < NOW - RIPE
    ]
    rows = [(one.stamp.rows[Loop][0].form.split("\t"), len(one.stamp.entries)) for one in finished]
    return [(row[kind], row[closed], entries) for row, entries in rows]


@pytest.mark.django_db
def test_loops_of_both_worlds_end_alike() -> None:
    worlds = lived(), drawn()
    for kind in KINDS:
        verbs, generator = ([one for one in world if one[0] == kind] for world in worlds)
        served, served_too = (mean(one[1] == "served" for one in some) for some in (verbs, generator))
        entries, entries_too = (mean(one[2] for one in some) for some in (verbs, generator))
        print(
            f"{kind}: {len(verbs)} lived, {len(generator)} drawn; served {served:.2f}, {served_too:.2f}; ",
            end="",
        )
        print(f"entries {entries:.1f}, {entries_too:.1f}")
        assert min(len(verbs), len(generator)) >= FEWEST, kind
        assert abs(served - served_too) < 0.25, (kind, served, served_too)
        assert 0.7 < entries / entries_too < 1.4, (kind, entries, entries_too)
