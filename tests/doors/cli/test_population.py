"""yishe population run: what it would do is told in words and as one JSON value."""

import argparse
import json
from datetime import datetime

import pytest

from tests.rooms.care.world import build
from yishe.care import conditions
from yishe.doors.cli import population

pytestmark = pytest.mark.django_db


def told(capsys: pytest.CaptureFixture[str], *, as_json: bool) -> str:
    assert population.run(argparse.Namespace(all=False, dry_run=True, json=as_json)) == 0
    return capsys.readouterr().out


def test_a_dry_run_says_by_which_class_it_counted_and_answers_in_json(
    now: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    world = build(now)
    conditions.record(
        world.doctor, world.resident.resident, kind="disease", code="hypertension", title="高血压", occurred_at=now, at=now,
        command_id="c1",
    )  # fmt: skip
    assert "1 名的分类分级会变；这里的年度按他们现在的分类分级算" in told(capsys, as_json=False)
    found = json.loads(told(capsys, as_json=True))
    assert (found["dry_run"], found["residents"], found["services"]) == (True, 1, {})
    assert (found["classing"]["moved"], found["classing"]["classes"]) == (1, {"chronic": 1})


def test_clocks_are_told_of_before_they_are_re_timed(
    now: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    build(now)
    assert population.run_clocks(argparse.Namespace(dry_run=True, json=True)) == 0
    assert json.loads(capsys.readouterr().out)["looked_at"] == 0
    assert population.run_clocks(argparse.Namespace(dry_run=False, json=False)) == 0
    assert "时钟已按现行日历" in capsys.readouterr().out


def test_risks_of_everybody_are_counted_by_model_with_its_source_and_nobody_is_named(
    now: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    build(now)
    assert population.run_risks(argparse.Namespace(json=True)) == 0
    found = json.loads(capsys.readouterr().out)
    bmi = next(one for one in found["models"] if one["model"] == "bmi")
    assert (found["residents"], found["measured"]) == (1, 0)
    assert (bmi["states"], bmi["grades"]) == ({"missing": 1}, {})
    assert {"体重", "身高"} <= set(bmi["missing"])
    assert bmi["version"]
    assert bmi["source"]
    assert population.run_risks(argparse.Namespace(json=False)) == 0
    said = capsys.readouterr().out
    assert "算出 0，缺资料 1" in said
    assert "没有写入任何内容" in said
    assert "王秀兰" not in said
