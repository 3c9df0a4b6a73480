"""Snapshots (指标快照): the indicators of a quarter, counted once and kept with the version of each definition and the packs' hash.

Who stands behind the numbers is kept beside the lake, as Parquet, from the same expressions: the list that a number opens is
the list that was counted. Whoever was erased since is taken out of it with the next export.
"""

from collections.abc import Callable
from datetime import datetime

from yishe.insight import indicators, lake
from yishe.insight.indicator_reading import folder, members_root
from yishe.insight.indicators import Value
from yishe.insight.lake_reading import homes
from yishe.insight.models import IndicatorSnapshot, IndicatorValue
from yishe.people import packs
from yishe.people.actors import SYSTEM
from yishe.people.particulars import ZONE
from yishe.policy.indicator_rules import Quarter
from yishe.policy.refusals import Conflict
from yishe.trust import access_log, commit, ids

ACTION = "analytics.snapshot"
Progress = Callable[[str, int, int], None]


def take(
    at: datetime, quarter: Quarter, *, progress: Progress = lambda *_: None
) -> tuple[IndicatorSnapshot, list[Value]]:
    """Count a quarter and keep it. Conflict while the quarter still runs, or before anything was exported after its end."""
    if quarter.last >= at.astimezone(ZONE).date():
        raise Conflict("quarter_runs", f"{quarter.said}还没有过完：请在 {quarter.last} 之后再生成。")
    exported = lake.exported_at()
    if exported is None or exported.astimezone(ZONE).date() <= quarter.last:
        raise Conflict(
            "nothing_exported", f"还没有{quarter.said}结束之后的数据：请先运行 yishe analytics export。"
        )
    snapshot = IndicatorSnapshot(
        id=ids.new(), quarter=str(quarter), pack=packs.in_force().sha256, exported_at=exported, taken_at=at
    )
    found = _counted(snapshot, quarter, progress)
    with commit.atomically():
        snapshot.save(force_insert=True)
        IndicatorValue.objects.bulk_create(IndicatorValue(snapshot=snapshot, **vars(one)) for one in found)
        for home in homes():
            access_log.deed(
                None, home=home, actor=SYSTEM.staff_id, action=ACTION, at=at, purpose=quarter.said
            )
    return snapshot, found


def _counted(snapshot: IndicatorSnapshot, quarter: Quarter, progress: Progress) -> list[Value]:
    """Each indicator's members as a file, and the values of them."""
    found: list[Value] = []
    place = folder(snapshot.id)
    with indicators.engine() as engine, lake.reading():
        indicators.tables(engine, indicators.all_files())
        wanted = indicators.counted(packs.in_force())
        for done, (code, one) in enumerate(wanted.items()):
            progress("指标", done, len(wanted))
            file = indicators.keep_members(engine, code, quarter, place)
            found += indicators.of_members(engine, code, one.version, file)
    progress("指标", len(wanted), len(wanted))
    return found


def forget_gone() -> int:
    """Take whoever is in the lake no more out of the lists behind the numbers; how many lines went. The numbers stay."""
    gone = 0
    with indicators.engine() as engine, lake.reading():
        indicators.tables(engine, {"residents": lake.files("residents")})
        for file in sorted(members_root().glob("*/*.parquet")):
            gone += indicators.keep_only(engine, file)
    return gone
