"""值班 says how old the last proven backup is, and warns when that is too old or the last one failed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings as SettingsWrapper

from tests.doors.web.conftest import Office
from yishe.doors.cli.daily import ASKED_EVERY, Daily
from yishe.trust import backup
from yishe.trust.models import BackupRun

pytestmark = pytest.mark.django_db
MADE = Path("yishe-20260301T010000Z-aaaaaa")


def proven(office: Office, age: timedelta, *, whole: bool = True) -> str:
    """What the page says when a backup of that age was rehearsed."""
    made = Path(f"yishe-{datetime.now(UTC) - age:%Y%m%dT%H%M%SZ}-aaaaaa")
    backup.record(made, datetime.now(UTC), whole=whole, entries=1, rows=1, seconds=1.0, fault="")
    return office.director.text("/duty")


def test_the_age_of_the_last_proven_backup_is_told(
    office: Office, settings: SettingsWrapper, tmp_path: Path
) -> None:
    settings.BACKUP_DIR = tmp_path
    assert "经恢复验证的备份太旧" in office.director.text("/duty")
    assert "经恢复验证的备份太旧" in proven(office, timedelta(days=1), whole=False), "not proven, not counted"
    page = proven(office, timedelta(hours=20))
    assert "最近一次经恢复验证的备份：20 小时前" in page
    assert "太旧" not in page


def test_an_old_one_is_warned_of_only_where_backups_are_made(
    office: Office, settings: SettingsWrapper, tmp_path: Path
) -> None:
    assert "太旧" not in proven(office, timedelta(days=5))
    settings.BACKUP_DIR = tmp_path
    assert "太旧" in office.director.text("/duty")


def test_a_failure_is_told_to_all_and_its_reason_to_none_but_the_administrator(office: Office) -> None:
    now = datetime.now(UTC)
    backup.take_day(now, timedelta(hours=1))
    backup.day_done(now, now, "磁盘已满：/srv/backup")
    for screen in (office.doctor, office.director):
        page = screen.text("/duty")
        assert "最近一次备份没有成功" in page
        assert "/srv/backup" not in page


@pytest.mark.parametrize(("hour", "made"), [(2, 0), (3, 1), (23, 1)])
def test_the_worker_makes_one_a_day_from_the_packs_time_on(
    settings: SettingsWrapper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hour: int, made: int
) -> None:
    settings.BACKUP_DIR = tmp_path
    begun: list[datetime] = []
    monkeypatch.setattr(Daily, "_start", lambda self, at: begun.append(at))
    at = datetime(2026, 3, 2, hour, 0, tzinfo=UTC) - timedelta(hours=8)
    for worker in (Daily(), Daily()):
        worker.look(at)
        worker.look(at + ASKED_EVERY)
    assert (len(begun), BackupRun.objects.count()) == (made, made)
