"""A line of the log says what happened, where, and nothing about a person."""

import io
import json
import logging
import sys
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError

from tests.rooms.trust.small_world import PRIVATE
from tests.spellings import found
from yishe.trust import logs


def line(message: str, *given: object, fault: BaseException | None = None) -> tuple[dict[str, Any], str]:
    """What the log holds after this was said."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(logs.Line())
    trace = (type(fault), fault, fault.__traceback__) if fault else None
    handler.handle(logging.LogRecord("yishe.test", logging.ERROR, __file__, 1, message, given, trace))
    return json.loads(out.getvalue()), out.getvalue()


def raised(fault: Exception, cause: Exception | None = None) -> Exception:
    try:
        raise fault from cause
    except type(fault):
        caught = sys.exc_info()[1]
    assert isinstance(caught, Exception)
    return caught


def test_a_line_is_one_json_object_with_time_level_place_and_words() -> None:
    said, text = line("loop %s is stuck: %s", "01a20fd1-5eb4-737f-bd18-ff40184188b5", "KeyError")
    assert set(said) == {"at", "level", "where", "what"}
    assert said["what"] == "loop 01a20fd1-5eb4-737f-bd18-ff40184188b5 is stuck: KeyError"
    assert text.count("\n") == 1


@pytest.mark.parametrize("value", PRIVATE.values(), ids=PRIVATE)
def test_no_value_about_a_person_stays_in_a_line(value: str) -> None:
    inner = raised(KeyError(value))
    fault = raised(ValueError(f"cannot read {value!r}"), inner)
    said, text = line("read %s of %s", value, {"a": value}, fault=fault)
    assert not found(text.encode(), [value])
    assert said["fault"]["type"] == "ValueError"
    assert said["fault"]["from"]["type"] == "KeyError"
    assert any("test_logs.py" in step for step in said["fault"]["through"]), "where, is told"


def test_a_landline_is_left_out_and_a_port_or_a_count_is_not() -> None:
    assert logs.masked("rang 010-66123456 then 85201314") == "rang □ then □"
    assert logs.masked("port 5432, 12000 rows, host 10.0.0.5") == "port 5432, 12000 rows, host 10.0.0.5"


def test_what_a_database_says_of_itself_is_kept_and_what_it_quotes_is_not() -> None:
    assert "refused" in logs.said(OperationalError("connection refused\nat 10.0.0.5"))
    quoted = IntegrityError(f"duplicate key\nDETAIL: Key (name)=({PRIVATE['name']}) exists")
    assert logs.said(quoted) == "IntegrityError"


def test_a_line_break_cannot_pass_for_another_line() -> None:
    _, text = line("asked for %s", 'x\n{"level": "info"}')
    assert text.count("\n") == 1
