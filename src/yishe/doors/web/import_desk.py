"""Rosters on their way in: the uploaded file, how far it is, and the workbook that comes back.

Kept as sealed files in YISHE_HOME/imports, so that any process can tell the progress and nobody else can read them.
The roster itself is deleted when it has been taken in, everything else after a day.
"""

import io
import json
import logging
import threading
import time
import uuid
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from yishe.care import past_import
from yishe.insight import exports
from yishe.insight.exports import Wanted
from yishe.people import import_, import_results
from yishe.people.actors import Actor
from yishe.people.import_report import Report
from yishe.policy.refusals import NotFound, Refused
from yishe.trust import sealed_files

DAY_SECONDS = 86400
SILENT_SECONDS = 60
PROBLEMS_SHOWN = 200
STEPS = 50
ROSTER, NOTE, RESULT = "roster", "note", "result"
PURPOSE = "核对导入结果"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """One reading of one file: a preview or the real thing. `state` is running, done or refused."""

    id: str
    staff: str
    file_name: str
    dry_run: bool = True
    state: str = "running"
    done: int = 0
    total: int = 0
    rows: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[dict[str, Any]] = field(default_factory=list)
    words: str = ""
    kind: str = ROSTER

    @property
    def silent(self) -> bool:
        """Running, but nothing was heard of it for a while: its process is gone."""
        return self.state == "running" and time.time() - _path(self.id, NOTE).stat().st_mtime > SILENT_SECONDS


def receive(actor: Actor, name: str, content: bytes, at: datetime, kind: str = ROSTER) -> Job:
    """Keep an upload and read it without writing anything. `kind`: a roster, or what was before the system."""
    _tidy()
    job = Job(uuid.uuid4().hex, str(actor.staff_id), name[:200], kind=kind)
    sealed_files.write(_path(job.id, ROSTER), content)
    return _begin(job, actor, at)


def take_in(actor: Actor, job_id: str, at: datetime) -> Job:
    """Now for real. Doing it twice changes nothing the second time."""
    job = find(actor, job_id)
    fresh = replace(job, dry_run=False, state="running", done=0, total=0, counts={}, problems=[], words="")
    return _begin(fresh, actor, at)


def find(actor: Actor, job_id: str) -> Job:
    """The job, for whoever brought the file."""
    try:
        job = Job(**json.loads(sealed_files.read(_path(uuid.UUID(job_id).hex, NOTE))))
    except (OSError, ValueError):
        raise NotFound("no_import", "没有这次导入，或已过一天被清理：请重新上传。") from None
    if job.staff != str(actor.staff_id):
        raise NotFound("no_import", "没有这次导入，或它不是您上传的。")
    return job


def result(actor: Actor, job_id: str, at: datetime) -> bytes:
    """The workbook with every row's outcome; it carries the mark of when it was written, and leaves as an export."""
    job = find(actor, job_id)
    try:
        workbook = sealed_files.read(_path(job.id, RESULT))
    except FileNotFoundError:
        raise NotFound("no_result", "结果还没有写好：请等它读完。") from None
    return exports.take_out(
        actor, Wanted("import_result", PURPOSE, job.rows, f"导入 {job.id}"), at, lambda mark: workbook
    )


def _begin(job: Job, actor: Actor, at: datetime) -> Job:
    _note(job)
    threading.Thread(target=_work, args=(job, actor, at), name=f"import {job.id}", daemon=True).start()
    return job


def _work(job: Job, actor: Actor, at: datetime) -> None:
    try:
        report = _read(job, actor, at)
        _finish(
            job, report, exports.Mark(uuid.UUID(job.id), actor.name, at, PURPOSE, job.file_name, report.rows)
        )
    except Refused as refused:
        _note(replace(job, state="refused", words=refused.title))
    except Exception:
        log.exception("import %s failed", job.id)
        _note(
            replace(
                job, state="refused", words="读到一半出错了：已读完的批次有效，再按一次会接着做，不会重复。"
            )
        )
    finally:
        connection.close()


def _read(job: Job, actor: Actor, at: datetime) -> Report:
    step = partial(_step, job)
    if job.kind == ROSTER:
        return import_.run(
            actor, _upload(job.id), at=at, dry_run=job.dry_run, file_name=job.file_name, progress=step
        )
    return past_import.run(
        actor, job.kind, _upload(job.id), at=at, dry_run=job.dry_run, file_name=job.file_name, progress=step
    )


def _step(job: Job, done: int, total: int) -> None:
    """Said now and then, and at the end."""
    if done % STEPS == 0 or done == total:
        _note(replace(job, done=done, total=total))


def _finish(job: Job, report: Report, mark: exports.Mark) -> None:
    workbook = io.BytesIO()
    import_results.write(report, workbook, mark.lines)
    sealed_files.write(_path(job.id, RESULT), workbook.getvalue())
    if not job.dry_run:
        _path(job.id, ROSTER).unlink(missing_ok=True)
    _note(
        replace(
            job,
            state="done",
            rows=report.rows,
            counts=report.counts,
            problems=report.problems[:PROBLEMS_SHOWN],
        )
    )


def _folder() -> Path:
    folder = Path(settings.HOME) / "imports"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _path(job_id: str, kind: str) -> Path:
    return _folder() / f"{job_id}.{kind}"


def _upload(job_id: str) -> bytes:
    try:
        return sealed_files.read(_path(job_id, ROSTER))
    except FileNotFoundError:
        raise NotFound("no_upload", "这份名册已经导入并删除：要再导入，请重新上传。") from None


def _note(job: Job) -> None:
    """Replace the note in one step, so that a reader never sees half of it."""
    sealed_files.write(_path(job.id, NOTE), json.dumps(asdict(job), ensure_ascii=False).encode())


def forget() -> None:
    """Rosters and results that lie about are deleted, as someone in them may have been erased; what is being read
    right now is left to finish."""
    busy = {one.stem for one in _folder().glob(f"*.{NOTE}") if _running(one)}
    for old in _folder().iterdir():
        if old.name.split(".", maxsplit=1)[0] not in busy:
            old.unlink(missing_ok=True)


def _running(note: Path) -> bool:
    try:
        job = Job(**json.loads(sealed_files.read(note)))
        return job.state == "running" and not job.silent
    except (OSError, ValueError, TypeError, Refused):
        return False


def _tidy() -> None:
    for old in _folder().iterdir():
        if time.time() - old.stat().st_mtime > DAY_SECONDS:
            old.unlink(missing_ok=True)
