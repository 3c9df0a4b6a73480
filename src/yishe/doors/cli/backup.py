"""yishe backup, yishe backup rehearse, yishe restore."""

import argparse
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from yishe.care import erasures, rebuild
from yishe.doors.cli import arguments, elsewhere
from yishe.doors.cli.printing import LOCAL, local, remark, result
from yishe.people import packs
from yishe.people.actors import SYSTEM
from yishe.policy.refusals import Invalid, Unavailable
from yishe.trust import backup, clock, digests, keys
from yishe.trust import restore as restoring


def register(commands: Any) -> None:
    make_ = commands.add_parser("backup", help="an encrypted copy of everything, while the system runs")
    make_.add_argument(
        "what", nargs="?", choices=["rehearse", "list"], help="rehearse: restore the newest and verify it"
    )
    make_.add_argument(
        "--to", type=Path, default=settings.BACKUP_DIR, metavar="DIR", help="default: YISHE_BACKUP_DIR"
    )
    make_.add_argument(
        "--also", type=Path, default=settings.BACKUP_ALSO, metavar="DIR2", help="a second place"
    )
    make_.add_argument("--keep", type=arguments.count, metavar="N", help="default: as the pack says")
    make_.add_argument("--prove", action="store_true", help="rehearse it at once")
    make_.add_argument("--json", action="store_true")
    make_.set_defaults(run=run)
    back = commands.add_parser("restore", help="a backup into an empty place")
    back.add_argument("folder", type=Path, metavar="FROM")
    back.add_argument(
        "--into", metavar="PLACE", help="an empty folder, or postgresql://… of an empty database"
    )
    back.add_argument(
        "--key-file", type=arguments.existing_file, metavar="FILE", help="the root key of that time"
    )
    back.add_argument("--json", action="store_true")
    back.set_defaults(run=restore)


def run(args: argparse.Namespace) -> int:
    if args.to is None:
        raise Invalid("no_place", "没有说备份放在哪里：请用 --to 指定文件夹，或设置 YISHE_BACKUP_DIR。")
    return {"rehearse": rehearse, "list": listing}.get(args.what, make)(args)


def make(args: argparse.Namespace) -> int:
    at = clock.now()
    made = backup.make(args.to, at, retention(at, args.keep), also=args.also)
    size = sum(one.stat().st_size for one in made.iterdir())
    second = f"，并已放到 {args.also}" if args.also else ""
    text = f"备份已完成：{made}（{size / 1e6:.1f} MB）{second}。根密钥不在其中，请另外保管。"
    if args.prove:
        remark(text)
        return rehearse(args)
    result({"backup": str(made), "bytes": size}, text, as_json=args.json)
    return 0


def retention(at: datetime, keep: int | None = None) -> backup.Retention:
    """What the pack in force keeps; `keep` says otherwise how many."""
    wanted = packs.in_force().settings(at.astimezone(LOCAL).date()).backup
    return backup.Retention(keep or wanted.keep, wanted.keys_kept.exact())


def listing(args: argparse.Namespace) -> int:
    found = [{"backup": str(one), "made_at": backup.made_at(one)} for one in backup.listed(args.to)]
    text = (
        "\n".join(f"{local(backup.made_at(one))}  {one}" for one in backup.listed(args.to)) or "还没有备份。"
    )
    result(found, text, as_json=args.json)
    return 0


def rehearse(args: argparse.Namespace) -> int:
    """Restore the newest backup to a place made for it, verify, and note the result. Exit 1 when it is not whole."""
    folder, began = backup.newest(args.to), clock.now()
    try:
        with elsewhere.empty_place() as place:
            found = elsewhere.restored(folder, place)
        fault = ""
    except Unavailable as refused:
        found, fault = {}, refused.title
    at = clock.now()
    proof = backup.record(
        folder, at, whole=not fault, entries=found.get("entries", 0), rows=found.get("rows", 0),
        seconds=(at - began).total_seconds(), fault=fault,
    )  # fmt: skip
    text = f"演练成功：{folder.name} 已恢复到临时处并核对（{proof.rows} 行，账本 {proof.entries} 条，{proof.seconds:.0f} 秒）。"
    data = {
        "backup": str(folder),
        "whole": proof.whole,
        "entries": proof.entries,
        "rows": proof.rows,
        "fault": fault,
    }
    result(data, f"演练没有通过：{folder.name}：{fault}" if fault else text, as_json=args.json)
    return 0 if proof.whole else 1


def restore(args: argparse.Namespace) -> int:
    """Without --into: to where YISHE_HOME or YISHE_DATABASE_URL point. Exit 1 when what stands there does not verify."""
    if args.into or args.key_file:
        place = elsewhere.place(args.into, args.key_file)
        found = elsewhere.restored(args.folder, place)
        elsewhere.leave_key(place)
    else:
        found = _here(args.folder)
    text = f"已恢复 {found['name']}：{found['rows']} 行，账本 {found['entries']} 条、{found['streams']} 串，核对相符。"
    if found.get("erased_again"):
        text += f"备份之后已删除的 {found['erased_again']} 个标识体已再次删除。"
    result(found, text, as_json=args.json)
    return 0


def _here(folder: Path) -> dict[str, Any]:
    done = restoring.restore(folder, keys.root())
    again = erasures.replay(SYSTEM, clock.now())
    proof, differences = digests.prove(rebuild.heads()), rebuild.differences()
    if not proof.whole or differences:
        why = "账本不符" if not proof.whole else f"重放有 {len(differences)} 处不同"
        raise Unavailable(
            "restored_unsound",
            f"已恢复，但核对没有通过（{why}）：请用 yishe ledger verify 查看，勿投入使用。",
        )
    return {**asdict(done), "erased_again": again}
