"""The coded facts of one resident that rules of classes look at: who she is, her traits, the latest bands and grades."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef

from yishe.care import conditions, entries, forms, lives, needs, observations, risks
from yishe.care.models import Observation, QuestionnaireResponse
from yishe.care.record import Record
from yishe.people.facts import Known
from yishe.policy import class_rules
from yishe.policy.class_rules import Facts
from yishe.trust import keys

WHY = "classes of many follow from what is recorded of them"


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


def of_recorded(many: Sequence[Known], at: datetime) -> list[Facts | None]:
    """The same of each of those of whom something is recorded under their own subject, and under no other; None where a value cannot
    be read. Five statements, however many they are. Refused where a sealed one does not open."""
    subjects, today = [one.subject for one in many], lives.day(at)
    measured, bands = observations.latest_of_all(subjects), _bands_of(subjects)
    standing = conditions.standing_within(WHY, subjects, conditions.NEEDS)
    needed = [
        needs.known(
            one.traits, [(each.kind, each.code, each.title) for each in standing.get(one.subject, ())]
        )
        for one in many
    ]
    told = [
        _readable(one, traits, measured.get(one.subject, ()), at)
        for one, (traits, _) in zip(many, needed, strict=True)
    ]
    graded = iter(risks.grades([each for each in told if each is not None]))
    return [
        class_rules.facts(
            one.age(today), lives.sex(one), traits, len(diseases), bands.get(one.subject, set()), next(graded)
        )
        if each is not None
        else None
        for one, (traits, diseases), each in zip(many, needed, told, strict=True)
    ]


def _readable(
    one: Known, traits: Iterable[str], rows: Sequence[Observation], at: datetime
) -> risks.Known | None:
    try:
        return risks.known(one, traits, rows, at)
    except ValueError:  # what an import or a fault left is no number: she is looked at alone
        return None


def _bands_of(subjects: Sequence[UUID]) -> dict[UUID, set[str]]:
    """subject → bands of her newest forms."""
    later = QuestionnaireResponse.objects.filter(home=OuterRef("home"), supersedes=OuterRef("id"))
    there = QuestionnaireResponse.objects.filter(
        ~Exists(later), QuestionnaireResponse.finished, subject__in=subjects, withdrawn=False
    )
    rows: dict[UUID, list[QuestionnaireResponse]] = {}
    for row in there.order_by("-occurred_at", "-id"):
        rows.setdefault(row.subject, []).append(row)
    wrapped = keys.wrapped_keys(list(rows)) if rows else {}
    return {subject: _of_forms(rows[subject], wrapped) for subject in wrapped}


def _grades(results: Iterable[risks.Result]) -> set[str]:
    return {f"{one.code}.{one.grade.level}" for one in results if one.grade is not None}


def _bands(record: Record) -> set[str]:
    wrapped = {one.subject: one.wrapped for one in record.subjects}
    return _of_forms(entries.newest(QuestionnaireResponse, record.subjects), wrapped)


def _of_forms(rows: Iterable[QuestionnaireResponse], wrapped: Mapping[UUID, bytes]) -> set[str]:
    """Of each scale the newest form that was submitted; `rows` are newest first."""
    newest: dict[str, QuestionnaireResponse] = {}
    for row in rows:
        newest.setdefault(row.scale, row)
    return {
        f"{scale}.{score}.{one['band']}"
        for scale, row in newest.items()
        for score, one in (forms.told_of(row, wrapped[row.subject]).result or {}).get("scores", {}).items()
        if one["band"]
    }
