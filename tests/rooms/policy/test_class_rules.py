"""Class and tier are a function of coded facts and the day; asking once for each combination changes nothing."""

from datetime import date
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as some

from tests.packs.test_base import BASE, DEMO
from yishe.policy import packs
from yishe.policy.class_rules import FACT, TRACKS, ClassSheet, Facts, Reader

DAY = date(2026, 3, 2)


@cache
def _pack() -> packs.PackSet:
    return packs.load([BASE, DEMO])


def _reader() -> Reader:
    found = _pack().classes
    assert found is not None
    return found


def _some(*codes: str) -> some.SearchStrategy[tuple[str, ...]]:
    return some.sets(some.sampled_from(codes)).map(lambda found: tuple(sorted(found)))


people = some.builds(
    Facts,
    age=some.integers(-1, 105),
    sex=some.sampled_from(["", "male", "female"]),
    diseases=some.integers(0, 4),
    traits=_some("living_alone", "disabled", "smi", "pregnant", "without_support", "enterprise"),
    bands=_some("frail.total.frail", "ucla3.total.lonely", "self_care.total.able"),
    grades=_some("bmi.watch", "blood_pressure.alarm", "bmi.calm"),
)


@settings(max_examples=80, deadline=None)
@given(people)
def test_whoever_was_asked_before_changes_no_answer(facts: Facts) -> None:
    asked_often, asked_once = _reader(), Reader(_reader().sheet)
    assert asked_often.classify(facts, DAY) == asked_once.classify(facts, DAY)


@settings(max_examples=80, deadline=None)
@given(people)
def test_the_weightiest_of_what_speaks_counts_and_every_reason_is_named(facts: Facts) -> None:
    sheet: ClassSheet = _reader().sheet
    found = _reader().classify(facts, DAY)
    for track in TRACKS:
        steps = list(sheet.steps(track))
        said = [sheet.rules[one.rule].step(track) for one in found.reasons]
        assert found.step(track) == min([one for one in said if one] or [steps[-1]], key=steps.index)
    for one in found.reasons:
        assert one.sources, one.rule


def test_a_reason_names_the_facts_it_was_drawn_from() -> None:
    found = _reader().classify(Facts(82, "female", 2, ("hypertension", "living_alone")), DAY)
    assert [(one.rule, one.sources) for one in found.reasons if one.rule in ("elderly", "lives_alone")] == [
        ("elderly", ("age",)),
        ("lives_alone", ("living_alone",)),
    ]
    assert (found.to_class, found.medical, found.social) == ("key", "high", "high")


def test_in_the_base_no_house_rule_speaks() -> None:
    base = packs.load([BASE]).classes
    assert base is not None
    assert base.classify(Facts(82, diseases=2, traits=("living_alone",)), DAY).medical == "medium"
    assert base.classify(Facts(82, diseases=2, traits=("living_alone",)), DAY).social == "low"


def test_a_rule_that_comes_to_nothing_finds_the_last_of_each() -> None:
    found = _reader().classify(Facts(), DAY)
    assert (found.to_class, found.medical, found.social, found.reasons) == ("healthy", "low", "low", ())
    assert set(FACT.fields) == {"age", "sex", "diseases", "traits", "bands", "grades"}
