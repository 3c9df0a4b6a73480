"""看板: the five measures as one funnel, the headline first; each number opens its list, each title is the finding."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from yishe.doors import limits
from yishe.doors.web import page, spoken, wording
from yishe.doors.web.page import Here, signed_in
from yishe.doors.web.shapes import Bar, Part, share_bar
from yishe.insight import ages, board_export, measures, scopes, steps
from yishe.insight.measures import Measure, Row
from yishe.people import packs
from yishe.policy.refusals import Invalid, Refused

PERIODS = {"month": ("本月", 0), "quarter": ("近三个月", 91), "year": ("近一年", 365)}
FUNNEL = ("accepted", "served", "confirmed", "helped")
MOST_ROWS = 12
NARROWED = ("centre", "team")


@dataclass(frozen=True)
class Span:
    since: date
    until: date
    code: str

    @property
    def words(self) -> str:
        return f"{self.since:%Y-%m-%d} 至 {self.until:%Y-%m-%d}"


@signed_in
def board(request: HttpRequest, here: Here) -> HttpResponse:
    span = period(request.GET.get("period", ""), here)
    scope = _scope(request, here)
    closing = measures.closing(scope, span.since, span.until, here.now)
    total = closing.total
    return page.show(
        request,
        here,
        "board.html",
        {
            "place": "board",
            "span": span,
            "periods": PERIODS,
            "scope": scope,
            "choices": scopes.choices(here.actor, here.now),
            "headline": headline(total),
            "funnel": funnel(total),
            "finding": funnel_finding(total),
            "months": months(closing.months),
            "months_finding": months_finding(closing.months),
            "steps": spans(scope, span),
            **_open(scope, here),
            "teams": _league(here, scope, span, "team"),
            "reasons": _league(here, scope, span, "reason"),
            "total": total,
            "taken_out": href(total.taken_out.filter),
            "carried": {
                "period": span.code,
                **{key: request.GET[key] for key in NARROWED if request.GET.get(key)},
            },
        },
    )


@require_POST
@signed_in
def take_out(request: HttpRequest, here: Here) -> HttpResponse:
    """The numbers as a workbook; why they are taken out is asked and kept."""
    limits.take("export", here.actor.staff_id, here.now)
    span = period(request.POST.get("period", ""), here)
    content = board_export.board_xlsx(
        here.actor, here.now, purpose=request.POST.get("purpose", ""), since=span.since, until=span.until,
        centre=_id(request.POST, "centre"), team=_id(request.POST, "team"),
    )  # fmt: skip
    return page.attached(content, f"kanban-{spoken.local(here.now):%Y%m%d-%H%M}.xlsx")


def period(asked: str, here: Here) -> Span:
    """`asked` is month, quarter or year; anything else is the quarter."""
    code = asked if asked in PERIODS else "quarter"
    today = spoken.local(here.now).date()
    days = PERIODS[code][1]
    return Span(today - timedelta(days=days) if days else today.replace(day=1), today, code)


def _scope(request: HttpRequest, here: Here) -> scopes.Scope:
    small = packs.in_force().settings(spoken.local(here.now).date()).small_number
    return scopes.scope_of(
        here.actor, here.now, small=small, centre=_id(request.GET, "centre"), team=_id(request.GET, "team")
    )


def _id(query: Mapping[str, str], key: str) -> UUID | None:
    given = query.get(key, "")
    try:
        return UUID(given) if given else None
    except ValueError:
        raise Invalid("filter_unreadable", "看板的范围读不懂：请从页面上重新选择。") from None


def href(chosen: Mapping[str, str]) -> str:
    """The list behind a number."""
    return f"/loops?{urlencode({'set': 'sent', **chosen})}"


def headline(row: Row) -> dict[str, Any]:
    """按时闭环率, with the sentence that says it."""
    measure = row.headline
    share, part, whole = measure.share, measure.numerator.count, measure.denominator.count
    if share is None:
        return {
            "share": None,
            "words": "这段时间还没有到期的承诺",
            "missed": "",
            "href": href(measure.denominator.filter),
        }
    missed = {**measure.denominator.filter, "set": "missed"}
    return {
        "share": f"{100 * share:.0f}",
        "part": part,
        "whole": whole,
        "small": measure.small,
        "href": href(measure.numerator.filter),
        "words": f"到期的 {whole} 件承诺里，{part} 件按时闭环",
        "missed": f"{whole - part} 件没有按时",
        "missed_href": href(missed),
        "colour": "green" if share >= 0.95 else "orange" if share >= 0.7 else "red",
    }


def funnel(row: Row) -> list[Bar]:
    first = share_bar("发出", row.sent.count, row.sent.count, href(row.sent.filter))
    return [
        first,
        *(_bar(wording.MEASURES[name], row.measures[name]) for name in FUNNEL if name in row.measures),
    ]


def _bar(words: str, measure: Measure) -> Bar:
    return share_bar(
        words,
        measure.numerator.count,
        measure.denominator.count,
        href(measure.numerator.filter),
        small=measure.small,
    )


def funnel_finding(row: Row) -> str:
    """Where most are lost, in words."""
    if not row.sent.count:
        return "这段时间没有发出转介"
    counts = [("发出", row.sent.count)]
    counts += [
        (wording.MEASURES[name], row.measures[name].numerator.count)
        for name in FUNNEL[:3]
        if name in row.measures
    ]
    lost = [(one[1] - two[1], f"{one[0]}→{two[0]}") for one, two in itertools.pairwise(counts)]
    most, where = max(lost, default=(0, ""))
    if most <= 0:
        return f"发出的 {row.sent.count} 件，件件走到了确认"
    return f"发出的 {row.sent.count} 件里，丢在“{where}”的最多：{most} 件"


def months(rows: tuple[Row, ...]) -> list[Bar]:
    return [_bar(f"{row.key[:4]} 年 {int(row.key[5:7])} 月" if row.key else "", row.headline) for row in rows]


def months_finding(rows: tuple[Row, ...]) -> str:
    """The newest month beside the one before it; only months with enough in them are compared."""
    told = [(int((row.key or "0-0")[5:7]), row.headline.share) for row in rows if not row.headline.small]
    known = [(month, round(100 * share)) for month, share in told if share is not None]
    if not known:
        return "还没有足够的月份可比"
    month, share = known[-1]
    if len(known) < 2:
        return f"{month} 月按时闭环 {share}%"
    before, more = known[-2][0], share - known[-2][1]
    turn = (
        f"比 {before} 月{'高' if more > 0 else '低'} {abs(more)} 个百分点" if more else f"与 {before} 月持平"
    )
    return f"{month} 月按时闭环 {share}%，{turn}"


def spans(scope: scopes.Scope, span: Span) -> dict[str, Any]:
    """Median time per step as one strip, and each in words."""
    found = {one.name: one for one in steps.medians(scope, span.since, span.until)}
    parts = [one for name in ("accept", "first_contact", "finish", "confirm") if (one := found.get(name))]
    longest = max(parts, key=lambda one: one.median or 0, default=None)
    bars = _strip(parts)
    if not longest or not longest.median:
        return {"bars": bars, "finding": "还没有走完的步骤可算"}
    words = spoken.span(timedelta(seconds=longest.median))
    return {"bars": bars, "finding": f"“{wording.SPANS[longest.name]}”最久：一半的事用了 {words}以上"}


def _strip(parts: Sequence[steps.Step]) -> list[Bar]:
    """One strip from sending to confirming, a row for each step: it begins where the one before it ended."""
    whole, begun, bars = sum(one.median or 0 for one in parts), 0.0, []
    for one in parts:
        width = 100 * (one.median or 0) / whole if whole else 0
        words = spoken.span(timedelta(seconds=one.median)) if one.median is not None else "无"
        piece = Part(f"{begun:.1f}", f"{width:.1f}", "small" if one.small else "fill")
        bars.append(
            Bar(
                wording.SPANS[one.name],
                words,
                f"{one.count} 件",
                href(one.filter),
                (piece,),
                one.small,
                one.count,
            )
        )
        begun += width
    return bars


def _open(scope: scopes.Scope, here: Here) -> dict[str, Any]:
    """Open promises by age as a stack of overdue and not."""
    edges = packs.in_force().settings(spoken.local(here.now).date()).age_bands
    found = ages.bands(scope, here.now, edges)
    most = max((band.open.count for band in found), default=0) or 1
    total, late = sum(band.open.count for band in found), sum(band.overdue.count for band in found)
    finding = f"在办 {total} 件，{late} 件已逾期" if total else "没有在办的事"
    return {"ages": [_age_bar(band, most) for band in found], "ages_finding": finding}


def _age_bar(band: ages.Band, most: int) -> Bar:
    words = f"{band.least}–{band.most} 天" if band.most else f"{band.least} 天以上"
    late = 100 * band.overdue.count / most
    fine = 100 * (band.open.count - band.overdue.count) / most
    parts = (Part("0", f"{late:.1f}", "late"), Part(f"{late:.1f}", f"{fine:.1f}", "fine"))
    return Bar(words, str(band.open.count), f"件，逾期 {band.overdue.count}", href(band.open.filter), parts,
               count=band.open.count)  # fmt: skip


def _league(here: Here, scope: scopes.Scope, span: Span, column: str) -> dict[str, Any]:
    count = measures.by_team if column == "team" else measures.by_reason
    rows = count(scope, span.since, span.until, here.now)[:MOST_ROWS]
    if column == "team":
        rows = tuple(sorted(rows, key=_standing))
    names = _reason_titles(here) if column == "reason" else {}
    bars = [_bar(_name(here, row.key, names), row.headline) for row in rows]
    ranked = [row for row in rows if not row.headline.small and row.headline.share is not None]
    if len(ranked) < 2:
        return {"bars": bars, "finding": "按团队看按时闭环" if column == "team" else "按原因看按时闭环"}
    worst = min(ranked, key=lambda row: row.headline.share or 0)
    name = _name(here, worst.key, names)
    return {"bars": bars, "finding": f"{name}最低，按时闭环 {100 * (worst.headline.share or 0):.0f}%"}


def _standing(row: Row) -> tuple[bool, float]:
    """Best first; those with too few to rank come last."""
    share = row.headline.share
    return row.headline.small or share is None, -(share or 0)


def _name(here: Here, key: str | None, reasons: Mapping[str, str]) -> str:
    """A team by name, a reason by code and title."""
    if not reasons:
        return _unit(here, key)
    return reasons.get(key or "", "") or {
        "none": "不分原因的（用药变更、双轨）",
        "sensitive": "敏感原因（合计）",
    }.get(key or "none", key or "")


def _unit(here: Here, key: str | None) -> str:
    try:
        return here.staff.organisation(UUID(key or "")).name
    except (ValueError, Refused):
        return "没有团队" if key in (None, "none", "") else str(key)


def _reason_titles(here: Here) -> dict[str, str]:
    kinds = packs.in_force().loop_kinds(spoken.local(here.now).date(), drafts=True)
    named = {code: reason.said for kind in kinds for code, reason in kind.reasons.items()}
    return {**named, "sensitive": "敏感原因（合计）", "none": "不设原因"}
