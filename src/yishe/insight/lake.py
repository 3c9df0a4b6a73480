"""The lake (数据湖): what is counted on, as Parquet by table, centre of birth and month, beside the database.

    analytics/<table>/home=<id>/month=<YYYY-MM>/<hash>.parquet, and the list of what holds in home=<id>/list.json

A table of a centre is exported in one go: files first, whole and synced, under the hash of their content; then the list that names
them, put in place by a rename; then what no list names is thrown away. Whoever is killed in between leaves the old list in force,
and the next run goes on with the tables that were not done. Who reads takes the lists under a lock.
"""

import fcntl
import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
from django.conf import settings
from pyarrow import parquet

from yishe.insight import lake_reading
from yishe.insight.lake_reading import MONTH, TYPES, Mark
from yishe.insight.lake_tables import TABLES, Table
from yishe.people.actors import SYSTEM
from yishe.policy.indicators import SCHEMAS
from yishe.policy.refusals import Conflict
from yishe.trust import access_log

ACTION = "analytics.export"
FORM = 1
HELD = 500_000
"""Rows that wait in memory for their files."""
GROUP = 64_000
"""Rows of a month that are written together."""
Progress = Callable[[str, int, int], None]


@dataclass
class Kept:
    """One file: its name says its content."""

    file: str
    rows: int


@dataclass
class Listed:
    """What holds of a table of a centre: `columns` it was written with, since when, and the file of each month."""

    columns: dict[str, str]
    mark: Mark = field(default_factory=Mark)
    at: str = ""
    months: dict[str, Kept] = field(default_factory=dict)


@dataclass
class Exported:
    """What a run did: rows there are now, rows read for them, months written and thrown away."""

    rows: int = 0
    read: int = 0
    written: int = 0
    dropped: int = 0


def root() -> Path:
    return Path(settings.HOME) / "analytics"


def export(at: datetime, *, everything: bool = False, progress: Progress = lambda *_: None) -> Exported:
    """Bring the lake up to date. With `everything` nothing that is there already is trusted. Conflict while another run goes on.

    Leaves an access line a centre. What is erased, merged, corrected or moved since the last run is so here after this one.
    """
    done, homes = Exported(), lake_reading.homes()
    with _alone():
        for count, home in enumerate(homes):
            before = done.read
            for number, table in enumerate(TABLES):
                progress("导出", count * len(TABLES) + number, len(homes) * len(TABLES))
                _table(table, home, at, done, everything=everything)
            access_log.deed(
                None, home=home, actor=SYSTEM.staff_id, action=ACTION, at=at,
                purpose=f"指标计算用的去标识数据：读取 {done.read - before} 行",
            )  # fmt: skip
    progress("导出", len(homes) * len(TABLES), len(homes) * len(TABLES))
    return done


def files(table: str) -> list[Path]:
    """The files of a table that hold now. Read them inside `reading`."""
    return [
        one.parent / f"month={month}" / kept.file
        for one in sorted((root() / table).glob("home=*/list.json"))
        for month, kept in sorted(_read(one, table).months.items())
    ]


def exported_at() -> datetime | None:
    """How old the oldest part of the lake is; None before the first export."""
    lists = [
        _read(one, table.name) for table in TABLES for one in (root() / table.name).glob("home=*/list.json")
    ]
    return min((datetime.fromisoformat(one.at) for one in lists if one.at), default=None)


@contextmanager
def reading() -> Iterator[None]:
    """While this is held no file goes away."""
    root().mkdir(parents=True, exist_ok=True, mode=0o700)
    with (root() / ".reading").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


# One table of one centre


def _table(table: Table, home: UUID, at: datetime, done: Exported, *, everything: bool) -> None:
    folder = root() / table.name / f"home={home}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    known = Listed(SCHEMAS[table.name]) if everything else _read(folder / "list.json", table.name)
    mark = lake_reading.mark()
    there = lake_reading.months(table, home, known.mark, mark)
    wanted = {
        month for month, (count, moved) in there.items()
        if moved or month not in known.months or known.months[month].rows != count
    }  # fmt: skip
    kept = {month: one for month, one in known.months.items() if month in there and month not in wanted}
    fresh = _written(table, home, folder, None if len(wanted) == len(there) else wanted) if wanted else {}
    kept |= fresh
    done.read += sum(one.rows for one in fresh.values())
    done.rows += sum(one.rows for one in kept.values())
    done.written += sum(known.months.get(month) != one for month, one in fresh.items())
    done.dropped += len(known.months.keys() - kept.keys())
    _switch(folder, Listed(SCHEMAS[table.name], mark, at.isoformat(), kept))


def _written(table: Table, home: UUID, folder: Path, wanted: set[str] | None) -> dict[str, Kept]:
    """The files of these months, written and synced; they hold only once a list names them."""
    writers = _Writers(folder, pa.schema([(name, TYPES[kind]) for name, kind in SCHEMAS[table.name].items()]))
    try:
        for batch in lake_reading.batches(table, home, wanted):
            writers.take(batch)
        return writers.end()
    finally:
        writers.close()


class _Writers:
    """A file for each month that comes; rows wait until enough of them are together."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self.folder, self.schema = folder, schema
        self.open: dict[str, parquet.ParquetWriter] = {}
        self.waiting: dict[str, list[pa.RecordBatch]] = defaultdict(list)
        self.held: dict[str, int] = defaultdict(int)
        self.rows: dict[str, int] = defaultdict(int)

    def take(self, batch: pa.RecordBatch) -> None:
        for month in pc.unique(batch[MONTH]).to_pylist():
            part = batch.filter(pc.equal(batch[MONTH], month)).drop_columns([MONTH])
            self.waiting[month].append(part)
            self.held[month] += part.num_rows
            if self.held[month] >= GROUP:
                self._write(month)
        while sum(self.held.values()) > HELD:
            self._write(max(self.held, key=lambda one: self.held[one]))

    def _write(self, month: str) -> None:
        if month not in self.open:
            place = self._at(month)
            place.parent.mkdir(exist_ok=True, mode=0o700)
            self.open[month] = parquet.ParquetWriter(place, self.schema, compression="zstd")
        self.open[month].write_table(pa.Table.from_batches(self.waiting.pop(month), self.schema))
        self.rows[month] += self.held.pop(month)

    def _at(self, month: str) -> Path:
        return self.folder / f"month={month}" / "writing.tmp"

    def end(self) -> dict[str, Kept]:
        for month in list(self.waiting):
            self._write(month)
        self.close()
        return {month: self._named(month, rows) for month, rows in self.rows.items()}

    def _named(self, month: str, rows: int) -> Kept:
        place = self._at(month)
        with place.open("rb") as file:
            name = f"{hashlib.file_digest(file, 'sha256').hexdigest()[:32]}.parquet"
            os.fsync(file.fileno())
        place.rename(place.parent / name)
        return Kept(name, rows)

    def close(self) -> None:
        for one in self.open.values():
            one.close()


def _switch(folder: Path, listed: Listed) -> None:
    """Put the new list in force and throw away what it does not name, while nobody reads."""
    place, text = folder / "list.json", json.dumps({"form": FORM, **asdict(listed)}, sort_keys=True)
    with _nobody_reads():
        new = folder / "list.tmp"
        with new.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.rename(place)
        _sync(folder)
        for one in folder.glob("month=*"):
            named = listed.months.get(one.name.removeprefix("month="))
            for file_ in one.iterdir():
                if named is None or file_.name != named.file:
                    file_.unlink()
            with suppress(OSError):
                one.rmdir()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(place: Path, table: str) -> Listed:
    """The list in force; an empty one when there is none, or when it was written for other columns."""
    columns = SCHEMAS[table]
    if not place.exists():
        return Listed(columns)
    told: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
    if told["form"] != FORM or told["columns"] != columns:
        return Listed(columns)
    months = {month: Kept(**one) for month, one in told["months"].items()}
    return Listed(columns, Mark(**told["mark"]), told["at"], months)


@contextmanager
def _alone() -> Iterator[None]:
    root().mkdir(parents=True, exist_ok=True, mode=0o700)
    with (root() / ".exporting").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                "export_running", "已有一次指标数据导出在进行：请等它结束再运行，不会重复。"
            ) from None
        yield


@contextmanager
def _nobody_reads() -> Iterator[None]:
    with (root() / ".reading").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
