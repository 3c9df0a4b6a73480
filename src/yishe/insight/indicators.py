"""Indicators of a quarter, counted by DuckDB on the lake. The expressions are those of `policy.indicators`, the same everywhere."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
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
    """Every indicator by team, one after the other."""
    about = asked(pack, quarter)
    for code, one in counted(pack).items():
        rows = indicators.values(indicators.members(one.measure, there, about))
        for row in connection.to_pyarrow(rows).to_pylist():
            yield _value(code, one.version, row)


def keep_members(
    connection: Any, there: Mapping[str, Any], code: str, quarter: Quarter, folder: Path
) -> Path:
    """Who stands behind an indicator, as a file: one line for each thing in the denominator."""
    pack = packs.in_force()
    rows = indicators.members(pack.indicator(code).measure, there, asked(pack, quarter))
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return _put(connection, rows.order_by("centre", "team", "person"), folder / f"{code}.parquet")


def of_members(connection: Any, code: str, version: int, file: Path) -> list[Value]:
    """The values that such a file comes to."""
    rows = connection.to_pyarrow(indicators.values(connection.read_parquet(str(file)))).to_pylist()
    return [_value(code, version, row) for row in rows]


def keep_only(connection: Any, people: Any, file: Path) -> int:
    """Write the file anew without those who are no `people` any more; how many lines went."""
    rows = connection.read_parquet(str(file))
    gone = int(connection.to_pyarrow(rows.anti_join(people, "person").count()).as_py())
    if gone:
        _put(connection, rows.semi_join(people, "person").order_by("centre", "team", "person"), file)
    return gone


def _put(connection: Any, rows: Any, place: Path) -> Path:
    new = place.with_suffix(".tmp")
    connection.to_parquet(rows, new)
    return new.rename(place)


def all_files() -> dict[str, list[Path]]:
    return {name: lake.files(name) for name in SCHEMAS}


def _value(code: str, version: int, row: Mapping[str, Any]) -> Value:
    return Value(code, version, _id(row["centre"]), _id(row["team"]), row["numerator"], row["denominator"])


def _id(text: str) -> UUID | None:
    return UUID(text) if text else None
