"""yishe pack forecast, yishe pack switch-on: what a pack asks of the people there are, told before it is in force."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings

from yishe.doors.cli import readiness
from yishe.doors.cli.printing import remark, result
from yishe.insight import workload
from yishe.insight.workload import Forecast
from yishe.people import packs as in_use
from yishe.policy import packs
from yishe.policy.refusals import Conflict
from yishe.trust import clock


def register(acts: Any) -> None:
    told = acts.add_parser(
        "forecast", help="contacts by month and duty that these packs ask of the contracts there are"
    )
    told.add_argument(
        "path", nargs="*", metavar="PATH", help="pack folders, base first (default: those in force)"
    )
    told.add_argument("--drafts", action="store_true", help="as if every draft were approved")
    told.add_argument("--json", action="store_true")
    told.set_defaults(run=forecast)
    on = acts.add_parser("switch-on", help="put these packs in force, after showing what they ask for")
    on.add_argument("path", nargs="+", metavar="PATH", help="pack folders, base first")
    on.add_argument("--yes", action="store_true", help="the load was seen and agreed to")
    on.add_argument("--json", action="store_true")
    on.set_defaults(run=switch_on)


def forecast(args: argparse.Namespace) -> int:
    """Raises PackErrors when the packs do not hold."""
    found = _forecast(args.path, drafts=args.drafts)
    result(_data(found), _text(found), as_json=args.json)
    return 0


def switch_on(args: argparse.Namespace) -> int:
    """Exit 1 without --yes, once the load has been shown. Processes that run take the packs up when they start again."""
    found = _forecast(args.path, drafts=False)
    if os.environ.get("YISHE_PACKS"):
        raise Conflict("packs_named", "环境变量 YISHE_PACKS 已指定政策包：先去掉它，再用这个命令启用。")
    if args.json and not args.yes:
        result({"ok": False, "switched_on": False, **_data(found)}, "", as_json=True)
        return 1
    if not args.json:
        remark(_text(found))
    if not args.yes:
        remark("尚未启用：看过上面的预计工作量、同意后，加上 --yes 再运行一次。")
        return 1
    settings.HOME.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{Path(one).expanduser().resolve()}\n" for one in args.path)
    settings.PACKS_FILE.write_text(lines, encoding="utf-8")
    text = f"已启用 {found.pack.id} {found.pack.version}：重启 yishe serve 和 yishe worker 后生效。"
    result({"ok": True, "switched_on": True, **_data(found)}, text, as_json=args.json)
    return 0


def _forecast(paths: Sequence[str], *, drafts: bool) -> Forecast:
    readiness.require()
    pack = packs.load([Path(one).expanduser() for one in paths]) if paths else in_use.in_force()
    return workload.of_everybody(pack, clock.now(), drafts=drafts)


def _data(found: Forecast) -> dict[str, Any]:
    cells = [
        {
            "month": month, "duty": duty, "present": found.present.contacts[month, duty],
            "contacts": found.wanted.contacts[month, duty],
            "asked_by": [{"rule": words, "contacts": count} for words, count in found.behind(month, duty)],
        }
        for month in found.months for duty in found.duties
    ]  # fmt: skip
    return {
        "since": found.since, "months": len(found.months), "contracts": found.wanted.residents,
        "without_birth_date": found.without_age, "without_package": found.wanted.unknown,
        "present": found.present.total, "contacts": found.wanted.total, "cells": cells, "classes": dict(found.classes),
        "visits": [
            {"month": month, "schedule": code, "visits": found.visits[month, code]}
            for month in found.months for code in found.schedules if found.visits[month, code]
        ],
    }  # fmt: skip


def _text(found: Forecast) -> str:
    more = found.wanted.total - found.present.total
    left = f"；{found.without_age} 份没有出生日期，未计" if found.without_age else ""
    left += f"；{found.wanted.unknown} 份的服务包在新政策包里没有了，未计" if found.wanted.unknown else ""
    counted = f"{found.wanted.residents} 份签约，{found.since:%Y-%m} 起 12 个月"
    lines = [f"{counted}：预计 {found.wanted.total} 次，现行 {found.present.total} 次（{more:+d}）{left}。"]
    for month in found.months:
        for duty in found.duties:
            now, then = found.present.contacts[month, duty], found.wanted.contacts[month, duty]
            title = found.pack.duties[duty].title
            why = "、".join(f"{words} {count}" for words, count in found.behind(month, duty))
            lines.append(f"  {month} {title}　{then} 次（现行 {now}，{then - now:+d}）：{why}")
        for code in found.schedules:
            if visits := found.visits[month, code]:
                lines.append(f"  {month} {found.pack.life.schedules[code].title}　{visits} 次（人生阶段）")
    return "\n".join(lines)
