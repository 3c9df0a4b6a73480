"""Nothing starts on half a system: migrations, guards, key and packs are looked at first, and nobody who was erased is
back with a backup."""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from yishe.care import erasures
from yishe.people import packs
from yishe.people.actors import SYSTEM
from yishe.policy.pack_errors import PackErrors
from yishe.policy.refusals import Unavailable
from yishe.trust import ciphers, clock, guards, instance, keys


def require() -> None:
    """Unavailable, saying what to do, unless serving is safe."""
    keys.root()
    ciphers.chosen()
    if not instance.is_founded():
        raise Unavailable("not_migrated", "数据库还没有准备好：请先运行 yishe migrate。")
    keys.verify_root()
    require_migrations()
    guards.require()
    require_packs()
    erasures.replay(SYSTEM, clock.now())


def require_migrations() -> None:
    """Unavailable when a migration of this version has not run on this database."""
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        raise Unavailable(
            "not_migrated", f"数据库比程序旧，还有 {len(waiting)} 步升级没有做：请先运行 yishe migrate。"
        )


def require_packs() -> None:
    """Unavailable when a policy pack is broken; the first faults are in the message."""
    try:
        packs.in_force()
    except PackErrors as broken:
        raise Unavailable(
            "packs_broken", f"政策包有错，不能启动（用 yishe pack check 看全部）：{broken}"
        ) from None
