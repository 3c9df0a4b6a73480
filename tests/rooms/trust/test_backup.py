"""A backup made while others write stands up elsewhere; one that is cut, flipped or of another key is refused."""

import io
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.rooms.trust import places
from tests.rooms.trust.conftest import Write
from tests.rooms.trust.places import Place
from yishe.policy.refusals import NotFound, Unavailable
from yishe.trust import backup, backup_sealing, keys, root_key
from yishe.trust.models import BackupProof, BackupRun

KEY = bytes(range(32))
FEW = backup.Retention(3, timedelta(days=35))
HOUR = timedelta(hours=1)


def sealed(path: Path, content: bytes) -> Path:
    path.unlink(missing_ok=True)
    with backup_sealing.sealed(path, KEY, "a") as out:
        out.write(content)
    return path


def opened(path: Path, key: bytes = KEY, name: str = "a") -> bytes:
    with backup_sealing.opened(path, key, name) as source:
        return source.read()


@pytest.mark.parametrize("size", [0, 1, 1000, 3 * backup_sealing.CHUNK])
def test_a_sealed_file_opens_again_whatever_its_size(tmp_path: Path, size: int) -> None:
    content = io.BytesIO(bytes(n * n % 251 for n in range(min(size, 5000))) * (size // 5000 + 1)).read(size)
    assert opened(sealed(tmp_path / "f", content)) == content


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 8 * 400))
def test_one_flipped_bit_in_a_sealed_file_is_refused(tmp_path: Path, at: int) -> None:
    path = sealed(tmp_path / "f", b"content " * 40)
    raw = bytearray(path.read_bytes())
    raw[(at // 8) % len(raw)] ^= 1 << at % 8
    path.write_bytes(raw)
    with pytest.raises(Unavailable):
        opened(path)


def test_a_file_cut_anywhere_even_between_chunks_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup_sealing, "CHUNK", 64)
    path = sealed(tmp_path / "f", bytes(range(256)) * 3)
    whole = path.read_bytes()
    assert opened(path) == bytes(range(256)) * 3
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(Unavailable) as refused:
            opened(path)
        assert refused.value.code == "backup_damaged"
    path.write_bytes(whole + b"\0")
    with pytest.raises(Unavailable):
        opened(path)


def test_another_key_or_another_files_name_does_not_open(tmp_path: Path) -> None:
    path = sealed(tmp_path / "f", b"x")
    with pytest.raises(Unavailable) as refused:
        opened(path, b"o" * 32)
    assert refused.value.code == "backup_wrong_key"
    with pytest.raises(Unavailable):
        opened(path, name="b")


@pytest.mark.django_db(transaction=True)
def test_only_whole_backups_count_and_old_ones_go(tmp_path: Path, now: datetime) -> None:
    days = [backup.make(tmp_path, now + timedelta(days=n), FEW) for n in range(5)]
    (tmp_path / f".partial-{days[0].name}").mkdir()
    (tmp_path / "yishe-20260101T000000Z-abcdef").mkdir()
    assert backup.listed(tmp_path) == days[:1:-1]
    assert backup.newest(tmp_path) == days[4]
    later = backup.make(tmp_path, now + timedelta(days=39), FEW)
    assert not (tmp_path / f".partial-{days[0].name}").exists(), "what a crash left is swept away"
    assert [(one / backup.KEYS).exists() for one in backup.listed(tmp_path)] == [True, True, False]
    with pytest.raises(Unavailable, match="保存期"):
        backup.read(days[3], keys.root())
    assert later in backup.listed(tmp_path)


@pytest.mark.django_db(transaction=True)
def test_the_second_place_gets_the_same_and_a_missing_one_is_said(tmp_path: Path, now: datetime) -> None:
    made = backup.make(tmp_path / "a", now, FEW, also=tmp_path / "b")
    twin = tmp_path / "b" / made.name
    assert {f.name: f.read_bytes() for f in made.iterdir()} == {
        f.name: f.read_bytes() for f in twin.iterdir()
    }
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable) as refused:
        backup.make(tmp_path / "a", now + timedelta(days=1), FEW, also=tmp_path / "file" / "deep")
    assert refused.value.code == "second_place"
    assert len(backup.listed(tmp_path / "a")) == 2


@pytest.mark.django_db(transaction=True)
def test_a_manifest_remembers_counts_and_heads_and_cannot_be_altered(
    tmp_path: Path, home: UUID, write: Write, now: datetime
) -> None:
    write(3)
    made = backup.make(tmp_path, now, FEW)
    manifest = backup.read(made, keys.root())
    assert manifest["ledger"]["entries"] == manifest["tables"]["trust_entry"] == 3
    assert "root" in manifest
    text = (made / backup.MANIFEST).read_text()
    for changed in (text.replace('"entries":3', '"entries":2'), text[:-20], "{}", "[]"):
        (made / backup.MANIFEST).write_text(changed)
        with pytest.raises(Unavailable) as refused:
            backup.read(made, keys.root())
        assert refused.value.code == "backup_damaged"


def test_without_a_backup_it_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        backup.newest(tmp_path / "nowhere")


def test_a_day_belongs_to_one_worker_until_it_gives_up(db: None, now: datetime) -> None:
    assert backup.take_day(now, HOUR)
    assert not backup.take_day(now + timedelta(minutes=1), HOUR)
    assert backup.take_day(now + timedelta(hours=7), HOUR), "the first one never ended"
    backup.day_done(now, now + timedelta(hours=8))
    assert not backup.take_day(now + timedelta(hours=14), HOUR)
    assert backup.take_day(now + timedelta(days=1), HOUR)
    assert BackupRun.objects.count() == 2


def test_a_failure_is_told_and_tried_again_the_same_day(db: None, now: datetime) -> None:
    assert backup.last_failure() == ""
    backup.take_day(now, HOUR)
    backup.day_done(now, now + timedelta(minutes=5), "磁盘已满")
    assert backup.last_failure() == "磁盘已满"
    assert not backup.take_day(now + timedelta(minutes=50), HOUR)
    assert backup.take_day(now + timedelta(minutes=66), HOUR)
    assert backup.last_failure() == ""


class PowerCut(Exception):
    pass


@pytest.mark.django_db(transaction=True)
def test_cut_off_at_every_write_it_leaves_what_was_and_the_next_run_is_whole(
    tmp_path: Path, home: UUID, write: Write, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each system call that puts something on the disk is, once, the last one."""
    write(3)
    first, calls = (
        backup.make(tmp_path / "a", now, FEW, also=tmp_path / "b"),
        ("fsync", "open", "rename", "unlink", "mkdir"),
    )
    for cut in range(1, 200):
        left = cut
        with monkeypatch.context() as cutting:
            for name in calls:
                real = getattr(os, name)

                def once(*given: object, real: Any = real, **named: object) -> object:
                    nonlocal left
                    left -= 1
                    if left == 0:
                        raise PowerCut
                    return real(*given, **named)

                cutting.setattr(os, name, once)
            with suppress(PowerCut):
                backup.make(tmp_path / "a", now + timedelta(minutes=cut), FEW, also=tmp_path / "b")
        for place in (tmp_path / "a", tmp_path / "b"):
            assert all(
                backup.read(one, keys.root())["ledger"]["entries"] == 3 for one in backup.listed(place)
            )
        if left > 0:
            break
    assert 15 < cut < 199, "there were that many steps"
    assert first.parent == tmp_path / "a"
    last = backup.make(tmp_path / "a", now + timedelta(days=1), FEW, also=tmp_path / "b")
    assert backup.newest(tmp_path / "b").name == last.name
    assert not list(tmp_path.glob("*/.partial-*")), "what was cut off left nothing behind"


@pytest.mark.django_db(transaction=True)
def test_a_second_place_that_keeps_something_else_is_not_believed(
    tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shutil.copytree

    def badly(source: Path, to: Path) -> Path:
        real(source, to)
        (to / backup.DATA).write_bytes((to / backup.DATA).read_bytes()[:-1])
        return to

    monkeypatch.setattr(shutil, "copytree", badly)
    with pytest.raises(Unavailable, match="第二处") as refused:
        backup.make(tmp_path / "a", now, FEW, also=tmp_path / "b")
    assert "缺了一部分" in refused.value.title
    assert (len(backup.listed(tmp_path / "a")), list((tmp_path / "b").iterdir())) == (1, [])


def test_only_what_was_found_whole_is_proven(db: None, now: datetime) -> None:
    old, new = Path("yishe-20260301T010000Z-aaaaaa"), Path("yishe-20260302T010000Z-bbbbbb")
    assert backup.last_proven() is None
    backup.record(old, now, whole=True, entries=3, rows=9, seconds=1.0, fault="")
    backup.record(new, now, whole=False, entries=0, rows=0, seconds=1.0, fault="缺了一部分")
    proven = backup.last_proven()
    assert proven is not None
    assert (proven.backup, proven.made_at.day) == (old.name, 1)
    assert BackupProof.objects.count() == 2


# --- whole processes: a small centre, its backup, and other places -------------------------------------------


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = places.fresh(tmp_path_factory.mktemp("centre"))
    assert place.run("tests.rooms.trust.small_world").returncode == 0
    assert place.yishe("backup", "--to", str(place.home / "backups")).returncode == 0
    return place


@pytest.fixture
def made(centre: Place, tmp_path: Path) -> Path:
    """A copy of the backup, to be spoilt."""
    return Path(
        shutil.copytree(
            backup.newest(centre.home / "backups"), tmp_path / backup.newest(centre.home / "backups").name
        )
    )


def test_a_backup_stands_up_in_an_empty_place_and_only_there(
    centre: Place, made: Path, tmp_path: Path
) -> None:
    place = centre.empty(tmp_path / "new")
    done = place.yishe("restore", str(made), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["entries"] == 3
    for words in (("ledger", "verify"), ("ledger", "rebuild"), ("tick",)):
        assert place.yishe(*words).returncode == 0, words
    again = place.yishe("restore", str(made))
    assert again.returncode == 1
    assert "已有数据" in again.stderr


def test_a_rehearsal_proves_the_newest_backup(centre: Place) -> None:
    done = centre.yishe("backup", "rehearse", "--to", str(centre.home / "backups"), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["whole"]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("newer", "请先升级程序"),
        ("cut", "缺了一部分"),
        ("flip", "被改动"),
        ("gone", "缺失"),
        ("unlisted", "没做完"),
        ("key", "另一把根密钥"),
    ],
)
def test_a_spoilt_backup_is_refused_and_leaves_the_place_empty(
    centre: Place, made: Path, tmp_path: Path, fault: str, words: str
) -> None:
    place = centre.empty(tmp_path / "new")
    spoil(made, place, fault)
    done = place.yishe("restore", str(made))
    assert done.returncode == 1
    assert words in done.stderr
    assert not (place.home / "yishe.sqlite3").exists()
    assert "Traceback" not in done.stderr


def spoil(made: Path, place: Place, fault: str) -> None:
    data = made / backup.DATA
    raw = bytearray(data.read_bytes())
    if fault == "cut":
        data.write_bytes(raw[:-100])
    elif fault == "flip":
        raw[len(raw) // 2] ^= 4
        data.write_bytes(raw)
    elif fault == "gone":
        data.unlink()
    elif fault == "newer":
        manifest = json.loads((made / backup.MANIFEST).read_text())
        manifest["migrations"].append(["trust", "0999_to_come"])
        manifest.pop("seal")
        seal = backup._seal(manifest, root_key.read(place.home / "secret.key"))
        (made / backup.MANIFEST).write_text(json.dumps({**manifest, "seal": seal}))
    elif fault == "unlisted":
        (made / backup.MANIFEST).unlink()
    else:
        (place.home / "secret.key").write_text("bm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm4=\n")
