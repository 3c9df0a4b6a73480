"""Changing keys while the system runs: `yishe keys rotate`.

Only keys are wrapped anew, never what they sealed, so evidence keeps its bytes and its hashes. The stages, each
safe to interrupt and to repeat:

    root        everything under the old root key is wrapped with the new one
    centres     every centre gets a new key; its old one is kept, retired
    subjects    every subject key is wrapped with its centre's new key, in batches
    installing  the new root key takes the place of the old file (or the command is switched by hand)
    finished    the bridge is taken down: from here the old root key opens nothing

Between start and finish a bridge row lets whoever holds either root key reach the other, so running processes, and
other machines, need no restart. A subject key that a process wrapped at the last moment with a retired key still
opens; retired keys go a day later, with the next run, once nothing is wrapped by them.
"""

import hmac
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from yishe.policy.refusals import Conflict, Unavailable
from yishe.trust import ciphers, commit, ids, keys, root_key
from yishe.trust.commit import Duplicate
from yishe.trust.models import CentreKey, HouseKey, Instance, RetiredKey, Rotation, SubjectKey

BATCH = 500
KEPT = timedelta(days=1)
STAGES = ("root", "centres", "subjects", "installing", "finished")

Progress = Callable[[str, int, int], None]
"""Called with (stage, done, total) after every step."""


def running() -> Rotation | None:
    """The rotation that has begun and not finished."""
    return Rotation.objects.filter(running=True).first()


def rotate(
    at: datetime, new: bytes | None = None, *, hold: bool = False,
    progress: Progress = lambda stage, done, total: None, batch: int = BATCH,
) -> Rotation:  # fmt: skip
    """Begin a rotation, or go on with the interrupted one, to its end.

    `new` is the new root key; without it only centre keys turn. `hold` stops before the new root key is installed,
    for installations whose machines each have a key file. Conflict when another key is being rotated to.
    """
    run = running() or _begin(at, new)
    if new is not None and not hmac.compare_digest(keys.check_value(new), bytes(run.new_check)):
        raise Conflict(
            "rotation_running",
            "上一次换钥尚未完成，新密钥与那一次的不同：请先不带新密钥文件再运行一次，把它做完。",
        )
    while run.stage != "finished":
        if run.stage == "installing" and (hold or not _installed(run)):
            break
        _STEPS[run.stage](run, at, progress, batch)
    progress(run.stage, run.done, run.total)
    return run


def _begin(at: datetime, new: bytes | None) -> Rotation:
    keys.verify_root()
    old = keys.root()
    if new == old:
        raise Conflict("same_root_key", "新密钥与现用的密钥相同：请换一个新的密钥文件。")
    _drop_retired(at)
    row = Rotation(
        id=ids.new(), started_at=at, old_check=keys.check_value(old), new_check=keys.check_value(new or old),
        forward=ciphers.wrap(old, new, keys.FORWARD) if new else None,
        back=ciphers.wrap(new, old, keys.BACK) if new else None,
        stage="root" if new else "centres", total=SubjectKey.objects.count(),
    )  # fmt: skip
    bundle = commit.Bundle()
    bundle.insert(Rotation, **{f.attname: getattr(row, f.attname) for f in Rotation._meta.concrete_fields})
    try:
        bundle.commit()
    except Duplicate:
        raise Conflict("rotation_running", "另一次换钥正在进行：请等它完成。") from None
    return row


def _drop_retired(at: datetime) -> None:
    """Retired keys nothing hangs from any more. What a slow process left under one is wrapped anew first."""
    old = list(RetiredKey.objects.filter(retired_at__lte=at - KEPT))
    if not old:
        return
    for rows in _batches(None, BATCH):
        _rewrap_subjects(rows)
    with commit.atomically():
        used = {
            ciphers.wrapped_by(bytes(w))
            for w in SubjectKey.objects.values_list("wrapped", flat=True).iterator()
        }
        for one in old:
            key = keys.open_rooted(bytes(one.wrapped), keys.centre_aad(one.home))
            if None not in used and ciphers.key_id(key) not in used:
                one.delete()


@dataclass(frozen=True)
class _Rooted:
    """A column that is wrapped by the root key, and what binds its content."""

    model: Any
    column: str
    aad: Callable[[Any], bytes]


_ROOTED = (
    _Rooted(CentreKey, "wrapped", lambda row: keys.centre_aad(row.home)),
    _Rooted(CentreKey, "blind", lambda row: keys.blind_aad(row.home)),
    _Rooted(RetiredKey, "wrapped", lambda row: keys.centre_aad(row.home)),
    _Rooted(HouseKey, "wrapped", lambda row: keys.house_aad(row.use)),
)


def _under_new_root(run: Rotation) -> Iterator[None]:
    """Wrap each rooted key with the new root key, one guarded row at a time."""
    new = _new_root(run)
    for kind in _ROOTED:
        for row in kind.model.objects.all():
            blob = getattr(row, kind.column)
            if blob is None or bytes(blob).startswith(ciphers.prefix(new)):
                continue
            aad = kind.aad(row)
            wrapped = ciphers.wrap(new, keys.open_rooted(bytes(blob), aad), aad)
            with commit.atomically():
                kind.model.objects.filter(pk=row.pk, **{kind.column: blob}).update(**{kind.column: wrapped})
            yield


def _new_root(run: Rotation) -> bytes:
    for key in keys.roots():
        if hmac.compare_digest(keys.check_value(key), bytes(run.new_check)):
            return key
    raise Unavailable(
        "key_mismatch", "打不开正在换入的新密钥：请放回换钥开始时的密钥文件，再运行 yishe keys rotate。"
    )


def _root_stage(run: Rotation, at: datetime, progress: Progress, batch: int) -> None:
    for done, _ in enumerate(_under_new_root(run), 1):
        progress("root", done, 0)
    _go_to(run, "centres")


def _centre_stage(run: Rotation, at: datetime, progress: Progress, batch: int) -> None:
    centres = list(CentreKey.objects.values_list("home", flat=True))
    for done, home in enumerate(centres, 1):
        _turn(home, run.started_at, at)
        progress("centres", done, len(centres))
    _go_to(run, "subjects")


def _turn(home: uuid.UUID, started_at: datetime, at: datetime) -> None:
    """A new key for one centre, unless this run gave it one. What keyed look-up stays as it was."""
    with commit.atomically():
        root = keys.root_for_writing()
        row = CentreKey.objects.select_for_update().get(home=home)
        if row.turned_at == started_at:
            return
        old = keys.open_rooted(bytes(row.wrapped), keys.centre_aad(home))
        RetiredKey.objects.create(
            id=ids.new(), home=home, retired_at=at, wrapped=ciphers.wrap(root, old, keys.centre_aad(home))
        )
        if row.blind is None:  # made before look-up had its own key: it goes on with what it was keyed by
            row.blind = ciphers.wrap(root, old, keys.blind_aad(home))
        row.wrapped = ciphers.wrap(root, os.urandom(root_key.SIZE), keys.centre_aad(home))
        row.turned_at = started_at
        row.save(update_fields=["wrapped", "blind", "turned_at"])


def _subject_stage(run: Rotation, at: datetime, progress: Progress, batch: int) -> None:
    keys.forget()
    for rows in _batches(run.after, batch):
        with commit.atomically():
            _rewrap_subjects(rows)
            run.after, run.done = rows[-1].subject, run.done + len(rows)
            run.save(update_fields=["after", "done"])
        progress("subjects", run.done, run.total)
    _go_to(run, "installing")


def _batches(after: uuid.UUID | None, batch: int) -> Iterator[list[SubjectKey]]:
    while True:
        rows = SubjectKey.objects.order_by("subject")
        found = list((rows.filter(subject__gt=after) if after else rows)[:batch])
        if not found:
            return
        yield found
        after = found[-1].subject


def _rewrap_subjects(rows: list[SubjectKey]) -> None:
    """Only where the row is still what was read: a subject erased meanwhile stays erased."""
    for row in rows:
        centre, old = keys.centre_key(row.home), bytes(row.wrapped)
        if old.startswith(ciphers.prefix(centre)):
            continue
        aad = keys.subject_aad(row.subject)
        wrapped = ciphers.wrap(centre, keys.open_subject(row.home, row.subject, old), aad)
        SubjectKey.objects.filter(subject=row.subject, wrapped=old).update(wrapped=wrapped)


def _installed(run: Rotation) -> bool:
    """Whether the configured root key is the new one, put in place here when it is a file."""
    wanted = bytes(run.new_check)
    if hmac.compare_digest(keys.check_value(), wanted):
        return True
    if settings.ROOT_KEY_COMMAND:
        return False
    path, new = settings.SECRET_KEY_FILE, _new_root(run)
    root_key.write(retired_file(path, keys.root()), keys.root())
    root_key.replace(path, new)
    return hmac.compare_digest(keys.check_value(), wanted)


def retired_file(path: Path, key: bytes) -> Path:
    """Where an old root key is kept beside the new: backups made under it need it."""
    return path.with_name(f"{path.name}.retired-{ciphers.key_id(key).hex()}")


def _finish(run: Rotation, at: datetime, progress: Progress, batch: int) -> None:
    """With the instance row held nobody can wrap with the old root: sweep once more, then take the bridge down."""
    with commit.atomically():
        Instance.objects.select_for_update().filter(id=1).first()
        for _ in _under_new_root(run):
            pass
        Instance.objects.filter(id=1).update(key_check=run.new_check)
        run.forward = run.back = run.running = None
        run.stage, run.finished_at = "finished", at
        run.save()


def _go_to(run: Rotation, stage: str) -> None:
    run.stage = stage
    with commit.atomically():
        run.save(update_fields=["stage"])


_STEPS: dict[str, Callable[[Rotation, datetime, Progress, int], None]] = {
    "root": _root_stage,
    "centres": _centre_stage,
    "subjects": _subject_stage,
    "installing": _finish,
}
