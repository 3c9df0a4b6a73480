"""The coded facts of one resident that rules of classes look at: who she is, her traits, the latest bands and grades."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from yishe.care import entries, forms, lives, needs, observations, risks
from yishe.care.models import QuestionnaireResponse
from yishe.care.record import Record
from yishe.people.facts import Known
from yishe.policy import class_rules
from yishe.policy.class_rules import Facts


def of(record: Record, at: datetime) -> Facts:
    """Everything that stands of her record on that day. Four statements."""
    standing = [(one.kind, one.code, one.title) for one in record.conditions if one.kind != "allergy"]
    traits, diseases = needs.known(record.placement.traits, standing)
    found = risks.known(record.card, traits, observations.latest(record.subjects), at)
    return class_rules.facts(
        record.card.age(lives.day(at)), lives.sex(record.card), traits, len(diseases),
        _bands(record), _grades(risks.results(found)),
    )  # fmt: skip


def of_particulars(many: Sequence[Known], at: datetime) -> list[Facts]:
    """The same of each of those of whom nothing is recorded: particulars are all that is known, and risks are worked out together."""
    today, needed = lives.day(at), [needs.known(one.traits, ()) for one in many]
    graded = risks.grades(
        [risks.known(one, traits, (), at) for one, (traits, _) in zip(many, needed, strict=True)]
    )
    return [
        class_rules.facts(one.age(today), lives.sex(one), traits, len(diseases), set(), grades)
        for one, (traits, diseases), grades in zip(many, needed, graded, strict=True)
    ]


def _grades(results: Iterable[risks.Result]) -> set[str]:
    return {f"{one.code}.{one.grade.level}" for one in results if one.grade is not None}


def _bands(record: Record) -> set[str]:
    """Of each scale the newest form that was submitted."""
    keys = {one.subject: one.wrapped for one in record.subjects}
    newest: dict[str, QuestionnaireResponse] = {}
    for row in entries.newest(QuestionnaireResponse, record.subjects):
        newest.setdefault(row.scale, row)
    return {
        f"{scale}.{score}.{one['band']}"
        for scale, row in newest.items()
        for score, one in (forms.told_of(row, keys[row.subject]).result or {}).get("scores", {}).items()
        if one["band"]
    }
