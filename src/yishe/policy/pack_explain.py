"""A pack in sentences, for the people who must approve it: a pack, a loop kind, a reason, a scale, a reaction."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from . import explain_scales, explain_schedules
from .loop_kinds import Clock, LoopKind, Reason, Rung
from .packs import PackSet, load
from .reactions import Reaction
from .refusals import Invalid

URGENCY = {"red": "红", "orange": "橙", "yellow": "黄", "green": "绿"}
STATUS = {"draft": "草案（不触发）", "approved": "已批准", "retired": "已停用"}
SURE = {"H": "高", "M": "中", "L": "低", "D": "机构规则"}
CLOCKS = {
    "accept": "接单", "first_contact": "首次联系居民", "finish": "完成", "confirm": "发起方确认", "supply": "补充信息",
}  # fmt: skip
ROLES = {"owner": "当前负责人", "sender": "发起方", "performer": "承办方"}


def explain(paths: Sequence[Path], what: str = "", on: date | None = None) -> str:
    """`what` empty: the packs as a whole; else a loop kind, `kind/reason`, a reason code, a scale, a follow-up form, a schedule, or a
    reaction.

    `on` is the day asked about; without it the latest version speaks. Raises PackErrors when the packs do not hold,
    Invalid when nothing has that name, NotInForce outside its life.
    """
    pack = load(paths)
    if not what:
        return "\n".join(_whole(pack, on))
    code, _, reason = what.partition("/")
    if code in pack.kinds:
        kind = _kind(pack, code, on)
        return "\n".join(
            _about_reason(pack, kind, _reason(kind, reason)) if reason else _about_kind(pack, kind)
        )
    if code in pack.scales_by_date:
        timeline = pack.scales_by_date[code]
        return "\n".join(explain_scales.told(pack, timeline.on(on) if on else timeline.values[-1]))
    if code in pack.followups_by_date:
        forms = pack.followups_by_date[code]
        return "\n".join(explain_scales.told(pack, forms.on(on) if on else forms.values[-1]))
    if code in pack.life.schedules:
        return "\n".join(_about_schedule(pack, code))
    if code in pack.reactions:
        return "\n".join(_about_reaction(pack, code, pack.reactions[code]))
    found = [kind for kind in _kinds(pack, on) if code in kind.reasons]
    if not found:
        known = [
            *pack.kinds,
            *pack.scales_by_date,
            *pack.followups_by_date,
            *pack.life.schedules,
            *pack.reactions,
        ]
        raise Invalid(
            "explain.unknown",
            f"没有叫“{what}”的闭环类型、原因、量表、随访表、日程或规则；可用：{'、'.join(known)}",
        )
    return "\n".join(_about_reason(pack, found[0], found[0].reasons[code]))


def _kind(pack: PackSet, code: str, on: date | None) -> LoopKind:
    return pack.kinds[code].on(on) if on else pack.kinds[code].values[-1]


def _kinds(pack: PackSet, on: date | None) -> list[LoopKind]:
    living = [
        code for code, timeline in pack.kinds.items() if (timeline.alive(on) if on else timeline.values)
    ]
    return [_kind(pack, code, on) for code in living]


def _reason(kind: LoopKind, code: str) -> Reason:
    if code not in kind.reasons:
        raise Invalid("reason.unknown", f"“{kind.title}”没有原因码 {code}；可用：{'、'.join(kind.reasons)}")
    return kind.reasons[code]


def _whole(pack: PackSet, on: date | None) -> Iterable[str]:
    yield f"{pack.title}（{pack.id} {pack.version}）"
    yield f"指纹 {pack.sha256}"
    years = "、".join(str(year) for year in sorted(pack.calendar.years))
    yield f"放假安排已录入：{years} 年；其他年份按周一至周五计算，并标明不完整"
    yield f"职责：{'、'.join(str(duty.title) for duty in pack.duties.values())}"
    yield "闭环类型："
    for kind in _kinds(pack, on):
        approved = sum(reason.status == "approved" for reason in kind.reasons.values())
        reasons = f"，原因 {len(kind.reasons)} 个（已批准 {approved} 个）" if kind.reasons else ""
        yield f"  {kind.code}  {kind.title}（{kind.version} 起，{STATUS[kind.status]}{reasons}）"
    yield "量表："
    for timeline in pack.scales_by_date.values():
        scale = timeline.on(on) if on and timeline.alive(on) else timeline.values[-1]
        yield f"  {scale.code}  {scale.title}（{scale.version} 起，{STATUS[scale.status]}）"
    yield from explain_scales.refused(pack)
    yield "随访表："
    for forms in pack.followups_by_date.values():
        form = forms.on(on) if on and forms.alive(on) else forms.values[-1]
        yield f"  {form.code}  {form.title}（{form.version} 起，{STATUS[form.status]}）"
    yield "全程日程："
    for code, schedule in pack.life.schedules.items():
        yield f"  {code}  {schedule.title}（{STATUS[schedule.status]}）"
    yield "规则："
    for code, rule in pack.reactions.items():
        yield f"  {code}  {rule.title}（{STATUS[rule.status]}）"


def _about_kind(pack: PackSet, kind: LoopKind) -> Iterable[str]:
    yield f"{kind.title}（{kind.code}，{kind.version} 起）"
    yield _origin(kind.source.id, kind.source.section or kind.source.row, kind.confidence, kind.status)
    asked = [*_titles(pack, kind.asked_by), *(["系统规则"] if kind.by_rule else [])]
    yield f"谁可以发起：{'、'.join(asked)}；谁承办：{'、'.join(_titles(pack, kind.answered_by))}"
    yield "结束：由发起方确认" if kind.confirm == "sender" else "结束：回写结果即闭环，无须发起方确认"
    for name in kind.clocks:
        yield from _about_clock(pack, kind, name, None, kind.urgency)
    if kind.children:
        yield f"须全部完成的子任务：{'、'.join(str(_kind(pack, child.kind, None).title) for child in kind.children)}"
    yield f"结果码：{_codes(kind.outcomes)}"
    yield f"退回原因：{_codes(kind.decline_reasons)}"
    yield f"未服务结案原因：{_codes(kind.close_reasons)}"
    yield f"暂停最长 {kind.hold_max.zh}；闭环后 {kind.reopen_within.zh}内可重开"
    if kind.nudge_every:
        yield f"等的人可以催一下，{kind.nudge_every.zh}内一次"
    for reason in kind.reasons.values():
        yield f"  {reason.code} [{URGENCY[reason.urgency]}] {reason.title}：{_limits(kind, reason)}（{STATUS[reason.status]}）"


def _about_reason(pack: PackSet, kind: LoopKind, reason: Reason) -> Iterable[str]:
    yield f"{kind.title} · {reason.code} {reason.title}"
    sensitive = "；敏感，通知与列表不显示原因" if reason.sensitive else ""
    yield f"紧急度：{URGENCY[reason.urgency]}{sensitive}；{STATUS[reason.status]}"
    yield _origin(kind.source.id, kind.source.section, kind.confidence, reason.status)
    if reason.steps:
        yield f"立即：{reason.steps}"
    if reason.needs:
        book = pack.codes.get("attachments", {})
        yield f"请附：{'、'.join(str(book.get(code, code)) for code in reason.needs)}"
    for name in dict.fromkeys((*reason.clocks, *kind.clocks)):
        yield from _about_clock(pack, kind, name, reason.code, reason.urgency)


def _about_clock(pack: PackSet, kind: LoopKind, name: str, reason: str | None, urgency: str) -> Iterable[str]:
    clock = kind.clock(name, reason)
    if clock is None:
        return
    yield f"{CLOCKS[name]}：{_limit(clock)}"
    for rung in kind.ladder(name, urgency):
        yield f"    {_rung(pack, rung)}"


def _limits(kind: LoopKind, reason: Reason) -> str:
    named = [(CLOCKS[name], kind.clock(name, reason.code)) for name in ("accept", "first_contact", "finish")]
    return "，".join(f"{title} {clock.zh}" for title, clock in named if clock)


def _limit(clock: Clock) -> str:
    how = "工作时间" if clock.clock == "working" else "自然时间"
    dated = "；有约定日期时以日期为准" if clock.date_bound else ""
    said = f"{clock.said}（{clock.within.zh}）" if clock.said else clock.within.zh
    return f"{said}，按{how}计{dated}"


def _rung(pack: PackSet, rung: Rung) -> str:
    when = (
        f"时限的 {rung.percent}%" if rung.percent is not None else f"{rung.after.zh if rung.after else ''}后"
    )
    deeds = []
    if rung.tell:
        deeds.append(f"告知{'、'.join(_titles(pack, rung.tell))}")
    if rung.hand_over_to:
        deeds.append(f"转交{_titles(pack, [rung.hand_over_to])[0]}")
    if rung.auto_confirm:
        deeds.append("系统自动确认（红色除外）")
    again = f"，之后每 {rung.again_every.zh}一次" if rung.again_every else ""
    return f"{when}：{'，'.join(deeds)}{again}"


def _about_schedule(pack: PackSet, code: str) -> Iterable[str]:
    schedule = pack.life.schedules[code]
    yield f"{schedule.title}（{code}）"
    yield _origin(
        schedule.source.id,
        schedule.source.section or schedule.source.row,
        schedule.confidence,
        schedule.status,
    )
    yield from explain_schedules.told(pack, schedule)


def _about_reaction(pack: PackSet, code: str, rule: Reaction) -> Iterable[str]:
    yield f"{rule.title}（{code}）"
    yield _origin(rule.source.id, rule.source.section or rule.source.row, rule.confidence, rule.status)
    until = f"至 {rule.until}" if rule.until else ""
    yield f"当记录“{pack.facts[rule.fact].title}”，且 {rule.when or '（无条件）'}，自 {rule.since} 起{until}"
    if rule.promise:
        yield f"则发起“{_kind(pack, rule.promise.kind, None).title}”"
    if rule.tell:
        yield f"则告知{'、'.join(_titles(pack, rule.tell.to))}：{pack.text(rule.tell.text)}"


def _origin(source: str, place: str, confidence: str, status: str) -> str:
    return f"依据：{source} {place}；把握：{SURE.get(confidence, confidence)}；状态：{STATUS[status]}"


def _titles(pack: PackSet, roles: Iterable[str]) -> list[str]:
    return [_title(pack, role) for role in roles]


def _title(pack: PackSet, role: str) -> str:
    duty = role.removesuffix("_on_duty")
    title = ROLES.get(role) or str(pack.duties[duty].title)
    return f"值班{title}" if role.endswith("_on_duty") else title


def _codes(book: Mapping[str, object]) -> str:
    return "、".join(f"{code} {title}" for code, title in book.items())
