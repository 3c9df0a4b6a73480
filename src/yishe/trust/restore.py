"""`yishe restore`: a backup into an empty place, whole or not at all, and checked against its manifest.

Before the tables comes the list of who was erased since (trust.tombstones): what it names is erased again before the
place is used. After them come this version's migrations, then the guards.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from yishe.policy.refusals import Conflict, Unavailable
from yishe.trust import backup, backup_sealing, backup_tables, digests, guards, keys, storage, tombstones
from yishe.trust.backup_sealing import damaged


@dataclass(frozen=True)
class Restored:
    """What stands in the restored place: rows of all tables, ledger entries."""

    name: str
    rows: int
    entries: int
    streams: int


def restore(folder: Path, root: bytes) -> Restored:
    """Fill this empty database. Conflict when it holds anything; Unavailable when the backup is not whole."""
    require_empty()
    manifest = backup.read(folder, root)
    if manifest["database"] != connection.vendor:
        raise Unavailable(
            "other_database",
            f"备份来自 {manifest['database']}，这里是 {connection.vendor}：请恢复到同类的库。",
        )
    _require_known(manifest["migrations"])
    tombstones.gather(folder.parent)
    counts = (_into_postgresql if connection.vendor == "postgresql" else _into_sqlite)(folder, root, manifest)
    keys.forget()
    keys.verify_root()
    _require_same(manifest, counts)
    call_command("migrate", interactive=False, verbosity=0)
    guards.install()
    storage.install()
    guards.require()
    ledger = manifest["ledger"]
    return Restored(manifest["name"], sum(counts.values()), ledger["entries"], ledger["streams"])


def require_empty() -> None:
    """Conflict when there is a table here: a restore never mixes with anything."""
    path = Path(str(connection.settings_dict["NAME"]))
    if connection.vendor == "sqlite" and not path.exists():
        return
    if connection.introspection.table_names():
        raise Conflict(
            "not_empty", f"{path} 里已有数据，不能恢复到这里：请用 --into 指定一个空的文件夹或空库。"
        )


def _require_known(migrations: Iterable[list[str]]) -> None:
    known = MigrationLoader(None).disk_migrations
    unknown = [f"{app}.{name}" for app, name in migrations if (app, name) not in known]
    if unknown:
        raise Unavailable("newer_backup", f"备份来自更新的版本（{unknown[0]}）：请先升级程序再恢复。")


def _into_sqlite(folder: Path, root: bytes, manifest: dict[str, Any]) -> backup_tables.Counts:
    """Beside its place first; it gets its name when everything in it is there."""
    place = Path(str(connection.settings_dict["NAME"]))
    connection.close()
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f"{place.name}.restoring")
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with (
        os.fdopen(handle, "wb") as out,
        backup_sealing.opened(folder / backup.DATA, root, backup.DATA) as source,
    ):
        shutil.copyfileobj(source, out, 1 << 20)
    with backup_sealing.opened(folder / backup.KEYS, root, backup.KEYS) as source:
        backup_tables.read_keys_into(beside, source)
    counts = _checked(beside, manifest["tables"])
    beside.replace(place)
    return counts


def _checked(path: Path, tables: Iterable[str]) -> backup_tables.Counts:
    with closing(sqlite3.connect(path)) as here:
        if here.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise damaged(backup.DATA, "里的数据库文件不完整")
        return {table: here.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0] for table in tables}


def _into_postgresql(folder: Path, root: bytes, manifest: dict[str, Any]) -> backup_tables.Counts:
    """Tables as they were in that version, then their rows: one transaction, so an interruption leaves it empty."""
    with transaction.atomic():
        executor = MigrationExecutor(connection)
        executor.migrate(_leaves(executor, manifest["migrations"]))
        counts: backup_tables.Counts = {}
        for name in (backup.DATA, backup.KEYS):
            with backup_sealing.opened(folder / name, root, name) as source:
                counts |= backup_tables.read_tables(source)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for statement in connection.ops.sequence_reset_sql(
                no_style(), apps.get_models(include_auto_created=True)
            ):
                cursor.execute(statement)
    return counts


def _leaves(executor: MigrationExecutor, recorded: Iterable[list[str]]) -> list[tuple[str, str]]:
    """The last recorded migration of each app."""
    wanted, graph = {(app, name) for app, name in recorded}, executor.loader.graph
    later = {key: [child.key for child in graph.node_map[key].children] for key in wanted}
    return sorted(key for key in wanted if not any(c in wanted and c[0] == key[0] for c in later[key]))


def _require_same(manifest: dict[str, Any], counts: backup_tables.Counts) -> None:
    wrong = [t for t, rows in manifest["tables"].items() if counts.get(t) != rows]
    if wrong:
        raise damaged(backup.DATA, f"恢复后 {wrong[0]} 的行数与清单不符")
    if backup.ledger_of(digests.present_heads()) != manifest["ledger"]:
        raise damaged(backup.DATA, "恢复后账本各串末尾与清单不符")
