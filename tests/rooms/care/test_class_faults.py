"""One resident whose record cannot be read stops nobody else's class."""

from datetime import datetime, timedelta

from tests.rooms.care.test_classes import ill
from tests.rooms.care.world import World

from yishe.care import class_rounds, observations, population
from yishe.care.class_models import ClassDue, ClassOf
from yishe.trust import ids


def test_one_who_cannot_be_looked_at_stops_nobody_and_comes_again_later(world: World, now: datetime) -> None:
    """A value of hers that is no number: a fault, no refusal. The other is classified, and she waits her hour."""
    her = world.resident.resident
    other = world.another("李桂英", now)
    for who in (her, other.resident):
        ill(world, who, "高血压", now)
    row = observations.record(
        world.nurse, her, kind="bp", values={"sbp": 150, "dbp": 92}, at=now, command_id="first"
    )
    row.pk, row.command_id, row.values = ids.new(), "spoilt", {"sbp": "?", "dbp": "92"}
    row.occurred_at += timedelta(minutes=1)
    row.save(force_insert=True)

    assert class_rounds.keep_up(now) == 1
    assert [one.subject for one in ClassOf.objects.all()] == [other.subject]
    waits = {one.at for one in ClassDue.objects.all()}
    assert min(waits) > now
    assert class_rounds.keep_up(now + timedelta(minutes=1)) == 0
    assert {one.at for one in ClassDue.objects.all()} == waits, "not tried before its time"
    assert class_rounds.keep_up(max(waits)) == 0
    assert min(one.at for one in ClassDue.objects.all()) > max(waits)

    for dry in (True, False):
        found = population.run(max(waits), everybody=True, dry=dry).classing
        assert (found.looked, found.busy) == (2, 1), "a run over everybody comes to its end as well"
