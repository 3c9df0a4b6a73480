"""Cases of indicators: `cases/indicators.yaml`. Rows of the lake's tables, and what indicators come to on them.

They are counted by the engine and the expressions that count for real. What a row does not say is empty.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import ibis
import pyarrow as pa
from pydantic import Field, field_validator

from . import indicators, packs
from .indicator_rules import Quarter
from .indicators import SCHEMAS, Asked
from .pack_fields import Strict
from .refusals import Invalid

ABOUT = "indicators"
ARROW = {
    "string": pa.string(), "date": pa.date32(), "timestamp": pa.timestamp("us"), "float64": pa.float64(),
    "int64": pa.int64(),
}  # fmt: skip
Row = Mapping[str, Any]
Pair = tuple[int, int]


class IndicatorCase(Strict):
    """What is `given`, by table, each row over what is `usual`; `then` is numerator and denominator by indicator."""

    name: str
    quarter: str
    usual: dict[str, dict[str, Any]] = {}
    given: dict[str, tuple[dict[str, Any], ...]]
    then: dict[str, Pair] = Field(min_length=1)

    @field_validator("given")
    @classmethod
    def known(cls, given: dict[str, tuple[dict[str, Any], ...]]) -> dict[str, tuple[dict[str, Any], ...]]:
        for table, rows in given.items():
            if table not in SCHEMAS:
                raise ValueError(f"no table {table!r}; expected one of {', '.join(SCHEMAS)}")
            for name in {name for row in rows for name in row} - set(SCHEMAS[table]):
                raise ValueError(f"{table} has no {name!r}; expected one of {', '.join(SCHEMAS[table])}")
        return given


def wrong(pack: packs.PackSet, case: IndicatorCase) -> list[str]:
    """What came out otherwise."""
    try:
        quarter = Quarter.parse(case.quarter)
        measures = {code: pack.indicator(code).measure for code in case.then}
    except Invalid as refused:
        return [refused.title]
    given = {name: [{**case.usual.get(name, {}), **row} for row in rows] for name, rows in case.given.items()}
    there, about = tables(given), Asked(quarter, tuple(sorted(pack.settings(quarter.last).left_us)))
    found = []
    for code, expected in case.then.items():
        came = counted(indicators.members(measures[code], there, about))
        if came != expected:
            found.append(f"{code} is {came[0]}/{came[1]}; expected {expected[0]}/{expected[1]}")
    return found


def tried(cases: Sequence[IndicatorCase]) -> set[str]:
    """The indicators that some case is about."""
    return {code for case in cases for code in case.then}


def tables(given: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    """These rows as the tables of a lake, all of them; they stand until other rows are given."""
    engine = _engine()
    for name in SCHEMAS:
        engine.con.register(name, table(name, given.get(name, ())))
    return {name: engine.table(name) for name in SCHEMAS}


def said(found: Any) -> str:
    """An expression as SQL, which holds for whatever rows are given next."""
    return str(_engine().compile(found))


def table(name: str, rows: Sequence[Row]) -> pa.Table:
    """Rows as Arrow, in the columns of a table of the lake; lists of codes as the lake writes them."""
    columns = {
        column: pa.array([_cell(row.get(column), kind) for row in rows], ARROW[kind])
        for column, kind in SCHEMAS[name].items()
    }
    return pa.table(columns)


def counted(members: Any) -> Pair:
    """Numerator and denominator in all."""
    hits = [row["hit"] for row in rows(said(members))]
    return sum(hits), len(hits)


def rows(sql: str) -> list[dict[str, Any]]:
    """What it comes to on the rows that were given."""
    told: list[dict[str, Any]] = _engine().con.sql(sql).to_arrow_table().to_pylist()
    return told


@lru_cache(maxsize=1)
def _engine() -> Any:
    return ibis.duckdb.connect(threads=1)


def _cell(value: Any, kind: str) -> Any:
    if kind == "string":
        if isinstance(value, list | tuple):
            return f"|{'|'.join(sorted(value))}|" if value else ""
        return "" if value is None else str(value)
    if value is None or value == "":
        return None
    if kind == "date":
        return value if type(value) is date else date.fromisoformat(str(value))
    return datetime.fromisoformat(str(value)) if kind == "timestamp" else value
