"""What `yishe doctor` finds around the database: the pooler, what an interrupted upgrade left, who holds on for long, and where
this machine counts."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.conf import settings
from django.db import connection

from yishe.doors.cli.found import FAULT, OK, WATCH, Finding
from yishe.trust import logs

HALF_BUILT = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid ORDER BY 1"
HELD = """SELECT pid, floor(extract(epoch FROM now() - xact_start) / 60) FROM pg_stat_activity
    WHERE datname = current_database() AND now() - xact_start > %s ORDER BY xact_start LIMIT 1"""


def all_of(long: timedelta) -> Iterator[Finding]:
    """Nothing on SQLite but the folder of counts. A transaction that is open for `long` is spoken of."""
    if connection.vendor == "postgresql":
        yield _pooler()
        yield _indexes()
        yield _held(long)
    if settings.METRICS_DIR is not None:
        yield _counts(settings.METRICS_DIR)


def _pooler() -> Finding:
    if not settings.DATABASE_POOLED:
        return _in_between()
    try:
        with psycopg.connect(settings.DATABASE_URL, prepare_threshold=None, connect_timeout=5) as line:
            line.execute("SELECT 1")
    except psycopg.Error as fault:
        return Finding(
            "连接池",
            FAULT,
            f"连不上：{logs.said(fault)}",
            "看 PgBouncer 是否在运行，库名和账号是否在它的配置里。",
        )
    return Finding("连接池", OK, "页面和后台任务经连接池，实时通道和命令直连数据库。")


def _in_between() -> Finding:
    """A server that says another port than the one we called has somebody in front of it."""
    called = urlsplit(settings.DATABASE_URL).port or 5432
    port = _one("SELECT inet_server_port()")
    if port in (None, called):
        return Finding("连接池", OK, "没有用连接池。")
    return Finding(
        "连接池", WATCH, f"地址里写的是端口 {called}，答话的数据库在端口 {port}：中间可能有连接池。",
        "若是 PgBouncer 的事务池，须设 YISHE_DATABASE_POOLED=1 和 YISHE_DATABASE_DIRECT_URL；若只是端口转发，不用管。",
    )  # fmt: skip


def _indexes() -> Finding:
    names = [row[0] for row in _rows(HALF_BUILT)]
    if not names:
        return Finding("索引", OK, "都建完了。")
    return Finding(
        "索引", WATCH, f"没有建完：{'、'.join(names)}。", "升级若已结束，再运行一次 yishe migrate：会重新建。"
    )


def _held(long: timedelta) -> Finding:
    found = _rows(HELD, [long])
    if not found:
        return Finding("长事务", OK, "没有。")
    pid, minutes = found[0]
    return Finding(
        "长事务", WATCH, f"进程 {pid} 的事务开了 {minutes:.0f} 分钟。",
        f"问清是谁：SELECT * FROM pg_stat_activity WHERE pid = {pid}；不再需要就 SELECT pg_terminate_backend({pid})。",
    )  # fmt: skip


def _counts(folder: Path) -> Finding:
    if os.access(folder, os.W_OK | os.X_OK):
        return Finding("指标", OK, f"记在 {folder}；由 yishe metrics 给出。")
    return Finding(
        "指标",
        FAULT,
        f"{folder} 不能写。",
        "把这个文件夹交给运行 Yishe 的账号，或改 YISHE_METRICS_DIR。",
    )


def _one(sql: str) -> Any:
    return _rows(sql)[0][0]


def _rows(sql: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or [])
        return list(cursor.fetchall())
