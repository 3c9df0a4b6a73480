"""Cases of scales: answers are read, scored and followed to what they open, as on the form."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from . import followup_classes, packs, scale_scoring
from .case_models import FollowupCase, ScaleCase
from .followup_rules import HOW, ON, Followup
from .pack_files import Layer
from .refusals import Invalid
from .scale_rules import Effect, Scale, Score
from .scale_scoring import About
from .timeline import Timeline

PREFIX, FOLLOWUP = "scale.", "followups."


def wrong(timeline: Timeline[Any], case: ScaleCase) -> list[str]:
    """What came out otherwise than the case says."""
    scale, about = timeline.on(case.on), _about(case)
    found: dict[str, Any] = {"refused": None, "fits": scale_scoring.fits(scale, about)}
    try:
        answers = _answers(scale, case, about)
    except Invalid as refused:
        found["refused"] = refused.code
        answers = {}
    result = scale_scoring.result(scale, answers, about)
    found |= {
        "scores": {code: one.value for code, one in result.scores.items()},
        "bands": {code: one.band for code, one in result.scores.items()},
        "rules": result.rules, "undecided": result.undecided, "flags": result.flags,
        "missing": scale_scoring.missing(scale, answers, about),
        "opens": tuple(opened(result.effects(scale))),
    }  # fmt: skip
    if isinstance(case, FollowupCase):
        found |= _concluded(scale, case, answers, about, result)
    return [line for name in case.then.model_fields_set for line in _differ(name, case.then, found[name])]


def _about(case: ScaleCase) -> About:
    """A case says the age in years, or a child's in months."""
    age, months = case.about.age, case.about.months
    if age is None and months is not None:
        age = months // 12
    return About(age, case.about.sex, case.about.traits, months)


def _concluded(
    form: Followup, case: FollowupCase, answers: dict[str, Any], about: About, result: scale_scoring.Result
) -> dict[str, Any]:
    concluded = followup_classes.conclude(form, answers, about, case.before, case.on, drafts=True)
    one = concluded.of(form)
    refer = one.refer if one else None
    effects = [*result.effects(form), *(one.then if one else ())]
    return {
        "falls": concluded.code, "next_in": (concluded.next - case.on).days if concluded.next else 0,
        "proposes": "/".join(filter(None, (refer.kind, refer.reason))) if refer else "",
        "meets": dict(concluded.targets or {}), "opens": tuple(opened(dict.fromkeys(effects))),
    }  # fmt: skip


def unconcluded(pack: packs.PackSet, layers: Sequence[Layer]) -> list[str]:
    """Classes of follow-ups that no case falls into."""
    told: set[tuple[str, str | None]] = set()
    for layer in layers:
        for name, marked in layer.files.items():
            if name.startswith(f"cases/{FOLLOWUP}"):
                cases = [FollowupCase.model_validate(child.plain()) for child in marked.value]
                told |= {(name.removeprefix(f"cases/{FOLLOWUP}"), case.then.falls) for case in cases}
    return [
        f"class {code}.{name}"
        for code, timeline in pack.followups_by_date.items()
        for name in dict.fromkeys(name for form in timeline.values for name in form.classes)
        if (code, name) not in told
    ]


def opened(effects: Iterable[Effect]) -> Iterator[str]:
    """The loops that effects open, as `kind` or `kind/reason`."""
    for effect in effects:
        if effect.promise:
            yield "/".join(filter(None, (effect.promise.kind, effect.promise.reason)))


def _differ(name: str, then: Any, found: Any) -> list[str]:
    wanted = getattr(then, name)
    if isinstance(wanted, dict):
        found = {code: found.get(code) for code in wanted}
    return [] if wanted == found else [f"{name} is {found}; expected {wanted}"]


def _answers(scale: Scale, case: ScaleCase, about: About) -> dict[str, Any]:
    usual = case.usual if isinstance(case, FollowupCase) else {}
    answers = {
        code: scale_scoring.read(scale, code, given, confirmed=code in case.confirmed)
        for code, given in {**usual, **case.answers}.items()
    }
    if isinstance(scale, Followup):
        answers = {HOW: next(iter(scale.options(HOW))), ON: case.on.isoformat(), **answers}
        followup_classes.check(scale, answers, about)
    for code in scale.items:  # in order, as one answer decides whether the next is asked
        asked = scale_scoring.asked(scale, answers, about)
        if code in asked and code not in answers and case.rest in scale.options(code):
            answers[code] = case.rest
    return answers


def uncovered(pack: packs.PackSet, layers: Sequence[Layer]) -> list[str]:
    """Bands whose lowest or highest total stands in no case."""
    told: dict[str, set[tuple[str, float | None]]] = {}
    for layer in layers:
        for name, marked in layer.files.items():
            if name.startswith(f"cases/{PREFIX}"):
                for child in marked.value:
                    case = ScaleCase.model_validate(child.plain())
                    known = told.setdefault(name.removeprefix(f"cases/{PREFIX}"), set())
                    known.update((case.then.scores or {}).items())
    return [
        f"band {code}.{score}.{band} at {edge:g}"
        for code, timeline in pack.scales_by_date.items()
        for scale in timeline.values
        for score, band, edge in _edges(scale)
        if (score, edge) not in told.get(code, set())
    ]


def _edges(scale: Scale) -> Iterator[tuple[str, str, float]]:
    """(score, band, total) for the lowest and the highest total that falls into each band."""
    for code, score in scale.scores.items():
        within: dict[str, list[float]] = {}
        for total in sorted(_totals(scale, score)):
            within.setdefault(score.band(total), []).append(total)
        for band in score.bands:
            for edge in {within[band][0], within[band][-1]} if band in within else ():
                yield code, band, edge


def _totals(scale: Scale, score: Score) -> set[float]:
    """Everything the score can come to."""
    sums = {0.0}
    for item in score.of:
        points = {scale_scoring.points(scale, score, item, answer) for answer in _possible(scale, item)}
        sums = {before + one for before in sums for one in points}
    share = score.times / (len(score.of) if score.by == "mean" else 1)
    return {round(one * share, score.decimals) for one in sums}


def _possible(scale: Scale, item: str) -> Iterator[str]:
    """Every answer of an item; of a number, the whole ones."""
    hard = scale.items[item].hard
    yield from scale.options(item)
    if hard:
        yield from (str(value) for value in range(int(hard.low), int(hard.high) + 1))
