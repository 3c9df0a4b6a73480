"""yishe doctor: each thing that is wrong is found, and said with what to do."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from pytest_django.fixtures import Settings as SettingsWrapper

from tests.rooms.care.world import build
from yishe.doors.cli import findings
from yishe.doors.cli.found import FAULT, OK, WATCH, Finding
from yishe.loops import promises, stuck, worker
from yishe.loops.models import Loop
from yishe.talk import beats
from yishe.talk.models import Outbox
from yishe.trust import backup, digests, guards

pytestmark = pytest.mark.django_db


def found(at: datetime) -> dict[str, Finding]:
    return {one.what: one for one in findings.all_of(at)}


def test_where_all_runs_only_the_missing_backup_is_remarked(now: datetime) -> None:
    beats.beat("one", now)
    digests.seal(now)
    told = found(now)
    in_memory = (
        {"数据库"} if connection.vendor == "sqlite" else set()
    )  # a test's database has no log to write ahead
    assert {what for what, one in told.items() if one.state != OK} - {"磁盘"} == {"备份"} | in_memory
    assert told["备份"].state == WATCH
    assert all(one.do for one in told.values() if one.state != OK)


def test_no_worker_and_a_clock_that_waits_are_faults(now: datetime) -> None:
    world = build(now)
    promises.promise(
        world.doctor, kind="referral.doctor_to_social_worker", resident=world.resident.resident, reason="D12",
        at=now, command_id="1", note="近一月少出门",
    )  # fmt: skip
    later = now + timedelta(days=3)
    told = found(later)
    assert (told["后台任务"].state, told["到期时钟"].state) == (FAULT, FAULT)
    worker.sweep_all(later)
    beats.beat("one", later)
    told = found(later)
    assert (told["后台任务"].state, told["到期时钟"].state) == (OK, OK)

    stuck.hold(Loop.objects.get().id, later, "规定里没有这一项")
    Outbox.objects.update(delivered_at=None, dead_at=later)
    told = found(later)
    assert (told["卡住的闭环"].state, told["消息"].state) == (WATCH, WATCH)
    assert "规定里没有这一项" in told["卡住的闭环"].says


def test_a_backup_that_failed_or_grew_old_is_a_fault(
    now: datetime, settings: SettingsWrapper, tmp_path: Path
) -> None:
    settings.BACKUP_DIR = tmp_path
    assert found(now)["备份"].state == FAULT
    made = Path(f"yishe-{now:%Y%m%dT%H%M%SZ}-aaaaaa")
    backup.record(made, now, whole=True, entries=1, rows=1, seconds=1.0, fault="")
    assert found(now)["备份"].state == OK
    assert found(now + timedelta(days=4))["备份"].state == FAULT
    backup.take_day(now, timedelta(hours=1))
    backup.day_done(now, now, "磁盘已满")
    assert "磁盘已满" in found(now)["备份"].says


def test_a_guard_that_is_gone_is_all_that_is_said(now: datetime) -> None:
    gone = guards.missing() == [] and "trust_entry"
    drop = f"DROP TRIGGER {gone}_insert_only ON {gone}" if connection.vendor == "postgresql" else None
    with connection.cursor() as cursor:
        cursor.execute(drop or f'DROP TRIGGER "{gone}_no_update"')
    (only,) = findings.all_of(now)
    assert (only.what, only.state) == ("防篡改触发器", FAULT)


def test_what_stands_around_the_database_is_looked_at(
    now: datetime, settings: SettingsWrapper, tmp_path: Path
) -> None:
    settings.METRICS_DIR = tmp_path
    told = found(now)
    assert told["指标"].state == OK
    settings.METRICS_DIR = tmp_path / "none"
    assert found(now)["指标"].state == FAULT
    around = {"连接池", "索引", "长事务"} & set(told)
    if connection.vendor == "sqlite":
        assert not around
        return
    assert [told[one].state for one in sorted(around)] == [OK, OK, OK]
    settings.DATABASE_POOLED = True
    settings.DATABASE_URL = "postgresql://nobody@127.0.0.1:1/none"
    pooler = found(now)["连接池"]
    assert pooler.state == FAULT
    assert "PgBouncer" in pooler.do
