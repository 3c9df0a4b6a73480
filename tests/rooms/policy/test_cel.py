"""A condition is checked before it is run, and runs as it reads."""

import pytest

from yishe.policy import cel
from yishe.policy.reactions import FactField, FactKind

FACT = FactKind(
    title="试",
    fields={
        "action": FactField(type="string", title="动作", values=("start", "stop")),
        "name": FactField(type="string", title="名"),
        "diseases": FactField(type="int", title="病数"),
        "score": FactField(type="double", title="分"),
        "alone": FactField(type="bool", title="独居"),
        "traits": FactField(type="strings", title="标签"),
    },
)
DATA = {"action": "stop", "name": "D12", "diseases": 2, "score": 7.5, "alone": True, "traits": ["copd"]}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", True),
        ("alone", True),
        ("!alone", False),
        ("diseases >= 2 && alone", True),
        ("diseases > 2 || score > 7.0", True),
        ("action in ['start']", False),
        ("'copd' in traits", True),
        ("size(traits) == 0", False),
        ("name.startsWith('D')", True),
        ("(diseases + 1) * 2 == 6", True),
        ("alone ? score < 8.0 : diseases == 0", True),
        ("action != 'stop' || -diseases < 0", True),
        ('name == "D12"', True),
    ],
)
def test_a_condition_runs_as_it_reads(text: str, holds: bool) -> None:
    assert cel.compile(text, FACT).holds(DATA) is holds


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("disease > 1", "did you mean 'diseases'"),
        ("diseases > 1.5", "the same type on both sides"),
        ("diseases == 'two'", "the same type"),
        ("diseases && alone", "expected bool"),
        ("!diseases", "expected bool"),
        ("action == 'paused'", "never 'paused'"),
        ("action in ['start', 'begin']", "never 'begin'"),
        ("'paused' == action", "never 'paused'"),
        ("diseases in ['a']", "expected a list of int"),
        ("alone in traits", "expected a list"),
        ("size(diseases) > 1", "beside 'size'"),
        ("diseases", "answers int; expected bool"),
        ("alone ? 1 : 'a'", "expected one type"),
        ("traits.exists(t, t == 'x')", "unknown method 'exists'"),
        ("name.contains(diseases)", "beside 'contains'"),
        ("now() > diseases", "unknown name 'now'"),
        ("diseases >", "ends too early"),
        ("diseases > 1 2", "expected an operator or the end"),
        ("(diseases > 1", "expected ')'"),
        ("[1, 'a'] == traits", "values of one type"),
        ("alone < alone", "expected int or double or string"),
        ("diseases ~ 1", "not readable"),
        ("alone + alone", "expected int or double or string"),
    ],
)
def test_what_cannot_hold_is_refused_when_the_pack_is_loaded(text: str, words: str) -> None:
    with pytest.raises(cel.CelError) as caught:
        cel.compile(text, FACT)
    assert words in str(caught.value)
