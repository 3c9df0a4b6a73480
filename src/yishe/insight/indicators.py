"""Indicators of a quarter, counted by DuckDB on the lake. The expressions are those of `policy.indicators`, the same everywhere."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

import ibis
from django.conf import settings

from yishe.insight import lake
from yishe.people import packs
from yishe.policy import indicators
from yishe.policy.indicator_rules import Indicator, Quarter
from yishe.policy.indicators import SCHEMAS, Asked
from yishe.policy.packs import PackSet

MEMORY = "1GB"
THREADS = 2


@dataclass(frozen=True)
class Value:
    """How an indicator stood for a team of a centre (none: for whoever has none)."""

    code: str
    version: int
    centre: UUID | None
    team: UUID | None
    numerator: int
    denominator: int


def counted(pack: PackSet) -> dict[str, Indicator]:
    """The indicators that are not retired, drafts as well: those are shown as drafts."""
    sheet = pack.indicators.indicators if pack.indicators else {}
    return {code: one for code, one in sheet.items() if one.status != "retired"}


def asked(pack: PackSet, quarter: Quarter) -> Asked:
    return Asked(quarter, tuple(sorted(pack.settings(quarter.last).left_us)))


@contextmanager
def engine(memory: str = MEMORY, threads: int = THREADS) -> Iterator[Any]:
    """DuckDB in this process, with bounded memory; what does not fit waits on disk beside the lake."""
    connection = ibis.duckdb.connect(
        memory_limit=memory, threads=threads, temp_directory=str(Path(settings.HOME) / "analytics" / ".spill")
    )
    try:
        yield connection
    finally:
        connection.disconnect()


def tables(connection: Any, found: Mapping[str, list[Path]]) -> dict[str, Any]:
    """The tables of the lake by name; an empty one where nothing was exported."""
    return {name: _table(connection, name, found.get(name, [])) for name in SCHEMAS}


def _table(connection: Any, name: str, paths: list[Path]) -> Any:
    if paths:
        return connection.read_parquet([str(one) for one in paths], table_name=name, hive_partitioning=False)
    return connection.create_table(name, schema=ibis.schema(SCHEMAS[name]), temp=True)


def values(connection: Any, there: Mapping[str, Any], pack: PackSet, quarter: Quarter) -> Iterator[Value]:
    """Every indicator by team; those on the same rows in one question."""
    wanted = counted(pack)
    measures = {code: one.measure for code, one in wanted.items()}
    for codes, rows in indicators.together(measures, there, asked(pack, quarter)):
        for row in connection.to_pyarrow(rows).to_pylist():
            for code in codes:
                pair = {"numerator": row[f"{code}_top"], "denominator": row[f"{code}_bottom"]}
                if pair["denominator"]:
                    yield _value(code, wanted[code].version, {**row, **pair})


def keep_members(connection: Any, code: str, quarter: Quarter, folder: Path) -> Path:
    """Who stands behind an indicator, as a file: one line for each thing in the denominator. The tables of the lake are open."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    place = folder / f"{code}.parquet"
    connection.con.execute(
        f"COPY ({_members_sql(packs.in_force().sha256, quarter, code)}) TO '{place}' (FORMAT parquet)"
    )
    return place


def of_members(connection: Any, code: str, version: int, file: Path) -> list[Value]:
    """The values that such a file comes to."""
    rows = connection.con.sql(
        "SELECT centre, team, count(*) FILTER (hit) AS numerator, count(*) AS denominator FROM read_parquet($1) GROUP BY ALL",
        params=[str(file)],
    )
    return [_value(code, version, row) for row in rows.to_arrow_table().to_pylist()]


@lru_cache(maxsize=256)
def _members_sql(sha256: str, quarter: Quarter, code: str) -> str:
    """An expression compiled once under the packs of this hash: putting it together costs more than a small centre's rows."""
    lake_ = {name: ibis.table(columns, name=name) for name, columns in SCHEMAS.items()}
    pack = packs.in_force()
    rows = indicators.members(pack.indicator(code).measure, lake_, asked(pack, quarter))
    return str(ibis.to_sql(rows.order_by("centre", "team", "person"), dialect="duckdb"))


def keep_only(connection: Any, file: Path) -> int:
    """Write the file anew without those who are no residents of the lake any more; how many lines went."""
    told = f"FROM read_parquet('{file}') WHERE person NOT IN (SELECT person FROM residents)"
    gone = int(connection.con.execute(f"SELECT count(*) {told}").fetchone()[0])
    if gone:
        kept, new = told.replace("NOT IN", "IN"), file.with_suffix(".tmp")
        connection.con.execute(f"COPY (SELECT * {kept} ORDER BY ALL) TO '{new}' (FORMAT parquet)")
        new.rename(file)
    return gone


def all_files() -> dict[str, list[Path]]:
    return {name: lake.files(name) for name in SCHEMAS}


def _value(code: str, version: int, row: Mapping[str, Any]) -> Value:
    return Value(code, version, _id(row["centre"]), _id(row["team"]), row["numerator"], row["denominator"])


def _id(text: str) -> UUID | None:
    return UUID(text) if text else None
