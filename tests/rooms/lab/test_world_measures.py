"""What a generated world measured of its people is what the verb would have written, for whom it would have written it."""

from datetime import UTC, datetime
from decimal import Decimal
from statistics import mean

import pytest
from django.forms.models import model_to_dict

from yishe.care import observations
from yishe.care.models import Observation
from yishe.lab.world import making, people
from yishe.lab.world.making import Made
from yishe.people import access, placements
from yishe.people.actors import actor_of
from yishe.trust.scoping import everybody

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
RESIDENTS = 60


def all_of() -> list[Observation]:
    return list(everybody(Observation, "a test looks at every row"))


@pytest.fixture
def made() -> Made:
    return making.world(RESIDENTS, 3, NOW)


def test_the_same_measurement_by_the_verb_leaves_the_same_row(made: Made) -> None:
    rows = [one for one in all_of() if one.kind in ("bp", "glucose", "weight")][:5]
    drawn = {one.subject: one for centre in made.frame.centres for one in people.of(made.frame, centre)}
    for row in rows:
        one = drawn[row.subject]
        by_verb = observations.record(
            actor_of(one.team.one("nurse")) if one.person.contracted else actor_of(row.author), one.id, kind=row.kind,
            values=row.values, context=row.context, at=row.recorded_at, command_id=f"again-{row.id}",
        )  # fmt: skip
        told, again = model_to_dict(row), model_to_dict(Observation.objects.get(id=by_verb.id))
        for name in ("command_id", "author"):
            told.pop(name), again.pop(name)
        assert told == again
        assert bytes(row.command_digest) == bytes(by_verb.command_digest)


def test_each_is_possible_and_usual_and_by_whom_it_may_be_of_people_as_ill_as_they_are(made: Made) -> None:
    has = {one.subject: one for centre in made.frame.centres for one in people.of(made.frame, centre)}
    health = {centre.id: centre.one("public_health") for centre in made.frame.centres}
    rows = all_of()
    assert len(rows) == made.rows["care_observation"] > 8 * RESIDENTS
    assert (
        len({(one.home, one.author, one.command_id) for one in rows})
        == len({one.id for one in rows})
        == len(rows)
    )
    for one in rows:
        observations.check({name: Decimal(value) for name, value in one.values.items()}, NOW, repeated=False)
        assert has[one.subject].since <= one.occurred_at == one.recorded_at < NOW
        if not has[one.subject].person.contracted:
            assert one.author == health[one.home]
    for author, subject in {(one.author, one.subject) for one in rows if has[one.subject].person.contracted}:
        where = placements.placed(has[subject].id)
        assert access.require(actor_of(author), observations.ACTION, where, NOW)
    tops: dict[bool, list[int]] = {True: [], False: []}
    for one in rows:
        if one.kind == "bp":
            tops["hypertension" in has[one.subject].person.traits].append(int(one.values["sbp"]))
    assert mean(tops[True]) - mean(tops[False]) > 10
    sick = sum("hypertension" in one.person.traits for one in has.values())
    assert len(tops[True]) / sick > 12 > 3 * len(tops[False]) / (len(has) - sick)
