"""A life's schedule in sentences, for those who must approve it: for whom, from what it counts, each visit and what keeps it."""

from collections.abc import Iterable

from .packs import PackSet
from .schedule_rules import YEAR, Schedule, Visit

SEXES = {"male": "男性", "female": "女性"}


def told(pack: PackSet, schedule: Schedule) -> Iterable[str]:
    """The schedule line by line."""
    traits = "、".join(str(pack.traits[one].title) for one in schedule.traits)
    whose = "，".join(filter(None, (traits, SEXES.get(schedule.sex, "")))) or "所有居民"
    yield f"对象：{whose}；{_counts(schedule)}"
    for code, visit in schedule.visits.items():
        yield f"  {code} {visit.title}：{_window(schedule, visit)}"
        if visit.says:
            yield f"    {visit.says}"
        if visit.kept_by:
            yield f"    这些也算做过：{'、'.join(visit.kept_by)}"


def _counts(schedule: Schedule) -> str:
    if schedule.anchor == YEAR:
        return "按年龄，每个自然年"
    again = f"，每 {schedule.every.apart}一次" if schedule.every else ""
    until = f"，满 {schedule.over.apart}为止" if schedule.over else ""
    start = "出生" if schedule.anchor == "birth" else f"记下 {'、'.join(schedule.conditions)} 的那天"
    return f"从{start}起算{again}{until}"


def _window(schedule: Schedule, visit: Visit) -> str:
    if schedule.anchor == YEAR:
        parts = f"每年 {visit.times} 次，平均分在年内" if visit.times > 1 else "每年 1 次"
        return f"满 {visit.begins.words}起，未满 {visit.before.words}，{parts}"
    late = f"，最迟 {visit.until.apart}前" if visit.until else ""
    return f"第 {visit.begins.apart}起、{visit.before.apart}前按时{late}"
