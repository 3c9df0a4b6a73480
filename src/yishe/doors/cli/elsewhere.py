"""Restoring to another place than the configured one: a process of its own, for which that place is the configured one."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.conf import settings
from psycopg import sql

from yishe.policy.refusals import Unavailable
from yishe.trust import ids, root_key

Place = dict[str, str]
"""The environment variables that point at it."""


def place(into: str | None, key_file: Path | None) -> Place:
    """A folder (SQLite) or a database by its URL, opened with a root key file or with ours."""
    found: Place = {"YISHE_SECRET_KEY_FILE": str(settings.SECRET_KEY_FILE), "YISHE_DATABASE_POOLED": "0"}
    if key_file is not None:
        found |= {"YISHE_SECRET_KEY_FILE": str(key_file.resolve()), "YISHE_ROOT_KEY_COMMAND": ""}
    if into and into.startswith(("postgres:", "postgresql:")):
        found["YISHE_DATABASE_URL"] = into
    elif into:
        found |= {"YISHE_HOME": str(Path(into).expanduser().resolve()), "YISHE_DATABASE_URL": ""}
    return found


def restored(folder: Path, to: Place) -> dict[str, Any]:
    """What `yishe restore` found there. Unavailable in its own words when it refused."""
    done = subprocess.run(
        [sys.executable, "-m", "yishe", "restore", str(folder.resolve()), "--json"],
        env={**os.environ, **to}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise Unavailable(
            "restore_refused", done.stderr.strip()[-400:] or f"恢复没有完成（退出码 {done.returncode}）。"
        )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def leave_key(to: Place) -> None:
    """A restored folder gets the key it opens with, unless one is there."""
    if "YISHE_HOME" in to and not settings.ROOT_KEY_COMMAND:
        root_key.write(
            Path(to["YISHE_HOME"]) / "secret.key", root_key.read(Path(to["YISHE_SECRET_KEY_FILE"]))
        )


@contextmanager
def empty_place() -> Iterator[Place]:
    """A place like ours, empty, gone afterwards: a folder, or a database on the same server."""
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        with tempfile.TemporaryDirectory(prefix="yishe-rehearsal-") as folder:
            yield place(folder, None)
        return
    name = f"yishe_rehearsal_{ids.random().hex[:10]}"
    _on_server("CREATE DATABASE {}", name)
    try:
        yield place(urlunsplit(urlsplit(settings.DIRECT_URL)._replace(path=f"/{name}")), None)
    finally:
        _on_server("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _on_server(words: str, name: str) -> None:
    try:
        with psycopg.connect(settings.DIRECT_URL, autocommit=True) as server:
            server.execute(sql.SQL(words).format(sql.Identifier(name)))  # type: ignore[arg-type]
    except psycopg.errors.InsufficientPrivilege:
        raise Unavailable(
            "no_rehearsal_place",
            "数据库账号不能建临时库，无法演练：请授予 CREATEDB，或在另一台机器上用 yishe restore 演练。",
        ) from None
