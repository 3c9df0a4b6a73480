"""`yishe backup`: everything needed to stand up again, and nothing that can be read without the root key.

A backup is a folder: `data.ybk` (all tables but keys), `keys.ybk` (the key tables, dropped after some weeks so that an
erased person stays erased), `manifest.json` (counts, checksums and ledger heads, authenticated by the root key).
It appears under its name only when it is whole and on the disk.
"""

import hashlib
import hmac
import json
import os
import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from yishe.policy.refusals import NotFound, Refused, Unavailable
from yishe.trust import backup_sealing, backup_tables, ciphers, digests, ids, keys, tombstones
from yishe.trust.backup_sealing import damaged
from yishe.trust.commit import Bundle, Duplicate, Stale
from yishe.trust.ledger import canonical, stamp
from yishe.trust.models import BackupProof, BackupRun

FORM = 1
DATA, KEYS, MANIFEST = "data.ybk", "keys.ybk", "manifest.json"
ABANDONED = timedelta(hours=6)
_NAME = re.compile(r"yishe-(\d{8}T\d{6})Z-[0-9a-f]{6}")
_ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Retention:
    """How many backups stay, and how long their key files do."""

    keep: int
    keys_kept: timedelta


def make(to: Path, at: datetime, retention: Retention, *, also: Path | None = None) -> Path:
    """Make a backup in `to`, copy it to `also`, and let go of what retention no longer keeps.

    Unavailable when the second place cannot be written; the first then stands.
    """
    keys.verify_root()
    name = f"yishe-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{ids.random().hex[:6]}"
    to.mkdir(parents=True, exist_ok=True)
    _sweep(to, at)
    work = to / f".partial-{name}"
    work.mkdir(mode=0o700)
    try:
        _fill(work, name, at)
        _settle(work, to / name)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    forget_old(to, at, retention)
    if also is not None:
        _copy(to / name, also, at, retention)
    tombstones.write_out(*filter(None, (to, also)))
    return to / name


def _fill(work: Path, name: str, at: datetime) -> None:
    root = keys.root()
    with backup_tables.copied(work) as copy:
        migrations, heads = backup_tables.migrations_of(copy), backup_tables.heads_of(copy)
        with backup_sealing.sealed(work / KEYS, root, KEYS) as out:
            counts = copy.write_keys(out)
        with backup_sealing.sealed(work / DATA, root, DATA) as out:
            counts |= copy.write_data(out)
    manifest = {
        "form": FORM, "name": name, "made_at": stamp(at), "database": connection.vendor,
        "root": ciphers.key_id(root).hex(), "tables": counts, "migrations": migrations,
        "ledger": ledger_of(heads),
        "files": {one: {"size": (work / one).stat().st_size, "sha256": backup_sealing.checksum(work / one)} for one in (DATA, KEYS)},
    }  # fmt: skip
    text = canonical({**manifest, "seal": _seal(manifest, root)})
    with (work / MANIFEST).open("w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())


def ledger_of(heads: digests.Heads) -> dict[str, Any]:
    """What the manifest remembers of the ledger."""
    entries = sum(head.seq for head in heads.values())
    return {"entries": entries, "streams": len(heads), "root": digests.root_of(heads).hex()}


def _seal(manifest: dict[str, Any], root: bytes) -> str:
    key = backup_sealing.derive(root, b"", MANIFEST)
    return hmac.new(key, canonical(manifest).encode(), hashlib.sha256).hexdigest()


def _settle(work: Path, place: Path) -> None:
    """The folder takes its name; after this it outlives a power cut."""
    work.rename(place)
    for folder in (place, place.parent):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _copy(made: Path, also: Path, at: datetime, retention: Retention) -> None:
    """To the second place, read back there, and only then under its name."""
    work = also / f".partial-{made.name}"
    try:
        also.mkdir(parents=True, exist_ok=True)
        _sweep(also, at)
        shutil.copytree(made, work)
        read(work, keys.root())
        _settle(work, also / made.name)
    except (OSError, Refused) as fault:
        why = fault.title if isinstance(fault, Refused) else fault.strerror
        raise Unavailable(
            "second_place", f"备份已做好（{made}），但没能放到第二处 {also}：{why}。请检查后再运行。"
        ) from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    forget_old(also, at, retention)


def made_at(folder: Path) -> datetime:
    """When the backup of this name was begun."""
    found = _NAME.search(folder.name)
    return (
        datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        if found
        else datetime.min.replace(tzinfo=UTC)
    )


def listed(place: Path) -> list[Path]:
    """Whole backups in a place, newest first."""
    if not place.is_dir():
        return []
    found = [one for one in place.iterdir() if _NAME.fullmatch(one.name) and (one / MANIFEST).is_file()]
    return sorted(found, key=lambda one: one.name, reverse=True)


def newest(place: Path) -> Path:
    found = listed(place)
    if not found:
        raise NotFound("no_backup", f"{place} 里没有完整的备份：请先运行 yishe backup --to {place}。")
    return found[0]


def forget_old(place: Path, at: datetime, retention: Retention) -> None:
    """Only the newest stay, and of those only the younger ones' keys."""
    for number, one in enumerate(listed(place)):
        if number >= retention.keep:
            shutil.rmtree(
                one.rename(place / f".partial-{one.name}")
            )  # half removed, it would pass for a backup
        elif made_at(one) < at - retention.keys_kept:
            (one / KEYS).unlink(missing_ok=True)


def _sweep(place: Path, at: datetime) -> None:
    """What an interrupted run left behind."""
    for one in place.glob(".partial-*"):
        if made_at(one) < at - ABANDONED:
            shutil.rmtree(one, ignore_errors=True)


def read(folder: Path, root: bytes) -> dict[str, Any]:
    """The manifest of a backup whose files are all there, unchanged, and made with this root key; else Unavailable."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
        seal, wanted = str(manifest.pop("seal")), bytes.fromhex(manifest["root"])
    except FileNotFoundError:
        raise damaged(str(folder), "缺清单 manifest.json，是没做完的备份") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise damaged(MANIFEST, "被改动或不完整") from None
    if wanted != ciphers.key_id(root):
        raise backup_sealing.wrong_key(wanted)
    if not hmac.compare_digest(seal.encode(), _seal(manifest, root).encode()):
        raise damaged(MANIFEST, "被改动")
    for name, said in manifest["files"].items():
        _require(folder / name, said)
    return manifest


def _require(path: Path, said: dict[str, Any]) -> None:
    if not path.is_file():
        why = "缺失（过了保存期的密钥文件按规定删去，不再恢复）" if path.name == KEYS else "缺失"
        raise damaged(path.name, why)
    if path.stat().st_size != said["size"]:
        raise damaged(path.name, f"缺了一部分（应为 {said['size']} 字节，实为 {path.stat().st_size}）")
    if backup_sealing.checksum(path) != said["sha256"]:
        raise damaged(path.name, "被改动（校验值不符）")


def record(
    folder: Path, at: datetime, *, whole: bool, entries: int, rows: int, seconds: float, fault: str
) -> BackupProof:
    """Keep what a rehearsal found."""
    values = {
        "id": ids.new(), "backup": folder.name, "made_at": made_at(folder), "proven_at": at, "whole": whole,
        "entries": entries, "rows": rows, "seconds": seconds, "fault": fault[:400],
    }  # fmt: skip
    bundle = Bundle()
    bundle.insert(BackupProof, **values)
    bundle.commit()
    return BackupProof(**values)


def last_proven() -> BackupProof | None:
    """The newest backup that was restored and found whole."""
    return BackupProof.objects.filter(whole=True).order_by("-made_at").first()


def take_day(at: datetime, again_after: timedelta) -> bool:
    """Whether the caller makes today's backup: one worker does; another when that one never ended, or, some time
    later, when it failed."""
    day, bundle = at.astimezone(_ZONE).date(), Bundle()
    began = BackupRun.objects.filter(day=day).first()
    if began is None:
        bundle.insert(BackupRun, day=day, started_at=at)
    elif _to_be_done_again(began, at, again_after):
        where = {"day": day, "started_at": began.started_at}
        bundle.update(BackupRun, where, {"started_at": at, "finished_at": None, "failed": ""})
    else:
        return False
    try:
        bundle.commit()
    except (Duplicate, Stale):
        return False
    return True


def _to_be_done_again(run: BackupRun, at: datetime, again_after: timedelta) -> bool:
    if run.finished_at is None:
        return run.started_at < at - ABANDONED
    return bool(run.failed) and run.finished_at < at - again_after


def last_failure() -> str:
    """Why the newest daily backup did not succeed; "" when it did, or is being made."""
    run = BackupRun.objects.order_by("-day").first()
    return run.failed if run else ""


def day_done(began: datetime, at: datetime, failed: str = "") -> None:
    """The backup that was begun at `began` has ended."""
    day, bundle = began.astimezone(_ZONE).date(), Bundle()
    bundle.update(
        BackupRun, where={"day": day}, values={"finished_at": at, "failed": failed[:400]}, guard=False
    )
    bundle.commit()
