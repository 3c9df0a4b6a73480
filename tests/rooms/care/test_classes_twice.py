"""Two doctors correct the same class at the same moment: one is heard, the other is told."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from tests.rooms.care.world import build

from yishe.care import class_stream, classes
from yishe.care.class_models import ClassOf
from yishe.policy.class_rules import MEDICAL
from yishe.policy.refusals import Conflict

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_two_who_correct_at_once_one_is_told(now: datetime) -> None:
    with transaction.atomic():
        world = build(now)
    classes.look(world.resident.resident, now)

    def corrected(step: str) -> str:
        try:
            classes.correct(
                world.doctor, world.resident.resident, {MEDICAL: step}, reason="temporary",
                until=now.date() + timedelta(days=90), at=now, seq=1,
            )  # fmt: skip
        except Conflict as refused:
            return refused.title
        finally:
            if connection.vendor == "postgresql":
                connection.close()
        return step

    if connection.vendor == "postgresql":
        with ThreadPoolExecutor(2) as pool:
            said = list(pool.map(corrected, ("medium", "high")))
    else:  # SQLite has one queue of writers
        said = [corrected("medium"), corrected("high")]
    heard = [one for one in said if one in ("medium", "high")]
    assert len(heard) == 1
    assert any("另一位同事" in one for one in said)
    assert ClassOf.objects.get().corrected_medical == heard[0]
    assert class_stream.differences() == []
