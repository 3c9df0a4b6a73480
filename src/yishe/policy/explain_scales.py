"""A scale in sentences, for those who must approve it: licence, who fills it, what is asked, what a result opens."""

from collections.abc import Iterable, Sequence

from .packs import PackSet
from .scale_rules import Effect, Item, Scale, Score

WORDING = {"validated": "已验证的原文，不得改写", "own": "自写措辞"}


def told(pack: PackSet, scale: Scale) -> Iterable[str]:
    """The scale line by line."""
    yield f"{scale.title}（{scale.code}，{scale.version} 起）"
    yield f"版权：{scale.licence.note}（{WORDING[scale.licence.wording]}）"
    staff = [str(pack.duties[duty].title) for duty in scale.filled_by.staff]
    others = [
        words
        for words, may in (("居民本人", scale.filled_by.resident), ("家属", scale.filled_by.relative))
        if may
    ]
    yield f"谁来填：{'、'.join([*staff, *others])}"
    if scale.fits:
        yield f"适用：{scale.fits.when}；否则：{scale.fits.says}"
    yield f"题目 {len(scale.items)} 个："
    for code, item in scale.items.items():
        yield f"  {code} {item.ask}{_answers(scale, code, item)}"
    for flag in scale.flags.values():
        yield f"填到即刻：{flag.title}（{flag.when}）{_opens(pack, flag.then)}"
    for score in scale.scores.values():
        yield from _score(pack, score)
    for rule in scale.rules.values():
        yield f"结论：{rule.title}（{rule.when}）{_opens(pack, rule.then)}"


def _answers(scale: Scale, code: str, item: Item) -> str:
    options = scale.options(code)
    if options:
        said = "／".join(
            f"{one.say}{'' if one.score is None else f' {one.score:g}'}" for one in options.values()
        )
        return f"（{said}）"
    return f"（{item.shown}）" if item.shown else ""


def _score(pack: PackSet, score: Score) -> Iterable[str]:
    yield f"{score.title}：{len(score.of)} 题{'求和' if score.by == 'sum' else '求均值'}"
    bands = list(score.bands.values())
    for band in bands:
        says = f"；{band.says}" if band.says else ""
        yield f"  {band.at_least:g} 起 {band.title}{says}{_opens(pack, band.then)}"


def _opens(pack: PackSet, effects: Sequence[Effect]) -> str:
    said = []
    for one in effects:
        if one.promise:
            kind = pack.kinds[one.promise.kind].values[-1]
            reason = kind.reasons.get(one.promise.reason or "")
            said.append(f"发起“{kind.title}{f'：{reason.title}' if reason else ''}”")
        elif one.suggest:
            said.append(f"建议{one.suggest}")
    return f" → {'；'.join(said)}" if said else ""


def refused(pack: PackSet) -> Iterable[str]:
    """What may not be built in, why, and what stands in its place."""
    if pack.refused_scales:
        yield "不能内置的量表："
    for code, one in pack.refused_scales.items():
        yield f"  {code}  {one.title}：{one.why}{pack.instead(one)}"
