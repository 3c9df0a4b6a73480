"""What is well and what is not with a running Yishe, each with what to do about it. Nothing here names a person."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import connection

from yishe.doors.cli import around, readiness
from yishe.doors.cli.found import FAULT, OK, WATCH, Finding
from yishe.doors.cli.printing import LOCAL, local
from yishe.loops import stuck, worker
from yishe.people import packs
from yishe.policy.refusals import Refused
from yishe.policy.sheets import SettingsVersion
from yishe.talk import beats, delivery
from yishe.trust import backup, ciphers, clock, digests, guards, keys

OLDEST_SERVER = 14_00_00
SAFE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "autovacuum": "on"}
"""What PostgreSQL must do for an answer to be a promise; without autovacuum it grows slow."""


def all_of(at: datetime) -> Iterator[Finding]:
    """Everything, in the order in which it should be mended: what cannot start is not asked further."""
    broken = [found for found in beginnings() if found.state != OK]
    yield from broken
    if broken:
        return
    yield Finding("启动条件", OK, "密钥、数据库版本、防篡改触发器、政策包都在。")
    wanted = packs.in_force().settings(at.astimezone(LOCAL).date())
    yield from database()
    yield from around.all_of(wanted.watch.held.exact())
    yield clocks(at, wanted)
    yield workers(at, wanted)
    yield held_loops()
    yield messages(at)
    yield backups(at, wanted)
    yield sealed(at, wanted)
    yield disk(wanted)


# What must be there to start


def beginnings() -> Iterator[Finding]:
    """The parts of `readiness.require`, each by itself."""
    parts: tuple[tuple[str, Callable[[], Any]], ...] = (
        ("主密钥", keys.root),
        ("加密算法", ciphers.chosen),
        ("数据库版本", readiness.require_migrations),
        ("主密钥", keys.verify_root),
        ("防篡改触发器", guards.require),
        ("政策包", readiness.require_packs),
    )
    for what, look in parts:
        try:
            look()
        except Refused as refused:
            yield Finding(what, FAULT, refused.title, "修好之前服务不会启动。")
            return


# The database


def database() -> Iterator[Finding]:
    """Version and settings of PostgreSQL and its clock; on SQLite, the way it writes."""
    if connection.vendor != "postgresql":
        mode = _asked("PRAGMA journal_mode")
        say = f"SQLite，日志方式 {mode}。"
        yield (
            Finding("数据库", OK, say)
            if mode == "wal"
            else Finding(
                "数据库",
                FAULT,
                say,
                "停止服务，用 yishe migrate 打开一次；文件须在本机磁盘上，不能放网络盘。",
            )
        )
        return
    yield _server()
    wrong = [f"{name} = {now}" for name, want in SAFE.items() if (now := _asked(f"SHOW {name}")) != want]
    yield (
        Finding("数据库设置", OK, "、".join(f"{n} {v}" for n, v in SAFE.items()))
        if not wrong
        else Finding(
            "数据库设置",
            FAULT,
            "；".join(wrong),
            "在 postgresql.conf 里改为 on 后重载：否则断电会丢失已答复的操作，或越用越慢。",
        )
    )
    yield _clock_of_server()


def _server() -> Finding:
    number, said = int(_asked("SHOW server_version_num")), _asked("SHOW server_version")
    if number < OLDEST_SERVER:
        return Finding("数据库", FAULT, f"PostgreSQL {said}。", "请升级到 14 或更新的版本。")
    return Finding("数据库", OK, f"PostgreSQL {said}。")


def _clock_of_server() -> Finding:
    theirs = datetime.fromtimestamp(float(_asked("SELECT extract(epoch FROM clock_timestamp())")), UTC)
    apart = abs(theirs - datetime.now(UTC))
    says = f"与数据库服务器相差 {apart.total_seconds():.1f} 秒。"
    wanted = packs.in_force().settings(theirs.astimezone(LOCAL).date()).clock_skew.exact()
    if apart > wanted:
        return Finding("时钟", FAULT, says, "两台机器都开启时间同步（chrony 或 systemd-timesyncd）。")
    if apart > clock.NOISE:
        return Finding("时钟", WATCH, f"{says}一切按数据库的时间办。", "这台机器开启时间同步，不急。")
    return Finding("时钟", OK, says)


def _asked(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return str(cursor.fetchone()[0])


# What runs


def clocks(at: datetime, wanted: SettingsVersion) -> Finding:
    """The one number to watch: how long the longest-waiting due clock has waited."""
    waited = worker.oldest_due(at)
    says = f"等得最久的到期时钟：{waited.total_seconds():.0f} 秒。"
    if waited > wanted.worker_late.exact():
        return Finding(
            "到期时钟", FAULT, says, "启动后台任务（systemctl start yishe-worker@1），或再加一个。"
        )
    return Finding("到期时钟", OK, says)


def workers(at: datetime, wanted: SettingsVersion) -> Finding:
    last = beats.last()
    if last is None or at - last > wanted.watch.silent.exact():
        return Finding(
            "后台任务",
            FAULT,
            f"最近一次心跳：{local(last)}。",
            "启动后台任务：yishe worker，或 yishe serve 不带 --no-worker。",
        )
    return Finding("后台任务", OK, f"最近一次心跳：{local(last)}。")


def held_loops() -> Finding:
    """Loops the worker could not decide."""
    held = stuck.listed()
    if not held:
        return Finding("卡住的闭环", OK, "没有。")
    return Finding(
        "卡住的闭环", WATCH, f"{len(held)} 件，最早的从 {local(held[0].since)} 起：{held[0].error}",
        "在“值班”页逐件查看；多半是政策包的规定少了一项，改后会自动再试。",
    )  # fmt: skip


def messages(at: datetime) -> Finding:
    left = delivery.backlog(at)
    says = f"待送 {left.waiting} 条，最早的 {local(left.oldest)}；放弃的 {left.dead} 条。"
    if left.dead:
        return Finding("消息", WATCH, says, "在“值班”页看放弃的原因（例如短信命令），修好后再送。")
    return Finding("消息", OK, says)


def backups(at: datetime, wanted: SettingsVersion) -> Finding:
    if settings.BACKUP_DIR is None:
        return Finding(
            "备份",
            WATCH,
            "没有设置每日备份。",
            "设置 YISHE_BACKUP_DIR，或用定时任务运行 yishe backup --prove。",
        )
    proven, failed = backup.last_proven(), backup.last_failure()
    says = f"最近一次经恢复验证的备份：{local(proven.made_at if proven else None)}。"
    if failed:
        return Finding(
            "备份", FAULT, f"{says}最近一次没有成功：{failed}", "按原因处理后运行 yishe backup --prove。"
        )
    if proven is None or at - proven.made_at > wanted.backup.proven_within.exact():
        return Finding("备份", FAULT, says, f"太旧：运行 yishe backup --prove --to {settings.BACKUP_DIR}。")
    return Finding("备份", OK, says)


def sealed(at: datetime, wanted: SettingsVersion) -> Finding:
    """The daily digest of the ledger."""
    last = digests.latest()
    says = f"最近一次封存：{local(last.at if last else None)}。"
    if last is None or at - last.at > wanted.watch.sealed_within.exact():
        return Finding(
            "账本摘要", WATCH, says, "后台任务每天封存一次：看它是否在运行，再运行 yishe ledger verify。"
        )
    return Finding("账本摘要", OK, says)


def disk(wanted: SettingsVersion) -> Finding:
    """Room where the data folder lies."""
    room = shutil.disk_usage(settings.HOME)
    share = room.free * 100 // room.total
    says = f"数据文件夹所在磁盘剩余 {room.free / 1e9:.1f} GB（{share}%）。"
    if share < wanted.watch.disk_free:
        return Finding(
            "磁盘", FAULT, says, "腾出空间或换更大的磁盘：写不进去时会拒绝新的操作，已答复的都已保存。"
        )
    return Finding("磁盘", OK, says)
