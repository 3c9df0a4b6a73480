"""One engine, asked every indicator on a folder of Parquet: `python -m tests.proof.engines spark|clickhouse|duckdb FOLDER`.

Prints one JSON object: indicator → rows of centre, team, numerator, denominator. The expressions are those of the product, unchanged.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import ibis
from django.conf import settings
from ibis.backends.sql.compilers import ClickHouseCompiler

from yishe.policy import indicators, packs
from yishe.policy.indicator_rules import Quarter
from yishe.policy.indicators import SCHEMAS, Asked

QUARTER = Quarter(2026, 3)
Values = dict[str, list[list[Any]]]


def expressions(there: Mapping[str, Any]) -> dict[str, Any]:
    pack = packs.load(settings.PACKS)
    about = Asked(QUARTER, tuple(sorted(pack.settings(QUARTER.last).left_us)))
    declared = pack.indicators.indicators if pack.indicators else {}
    return {
        code: indicators.values(indicators.members(one.measure, there, about))
        for code, one in declared.items()
    }


def unbound() -> dict[str, Any]:
    return {name: ibis.table(columns, name=name) for name, columns in SCHEMAS.items()}


def told(rows: Iterable[Mapping[str, Any]]) -> list[list[Any]]:
    return sorted(
        [one["centre"], one["team"], int(one["numerator"]), int(one["denominator"])] for one in rows
    )


def duckdb(folder: Path) -> Values:
    engine = ibis.duckdb.connect(threads=2)
    there = {
        name: engine.read_parquet(
            str(folder / name / "*" / "*" / "*.parquet"), table_name=name, hive_partitioning=False
        )
        if (folder / name).exists()
        else engine.create_table(name, schema=ibis.schema(SCHEMAS[name]), temp=True)
        for name in SCHEMAS
    }
    return {code: told(engine.to_pyarrow(one).to_pylist()) for code, one in expressions(there).items()}


def spark(folder: Path) -> Values:
    from pyspark.sql import SparkSession  # noqa: PLC0415 - an extra

    session = (
        SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", 2)
        .config("spark.driver.memory", "1g").config("spark.sql.session.timeZone", "UTC").getOrCreate()
    )  # fmt: skip
    engine = ibis.pyspark.connect(session)
    for name in SCHEMAS:
        if (folder / name).exists():
            files = [str(one) for one in sorted((folder / name).rglob("*.parquet"))]
            session.read.parquet(*files).createOrReplaceTempView(name)
    asked = expressions(
        {name: engine.table(name) if (folder / name).exists() else table for name, table in unbound().items()}
    )
    return {code: told(engine.to_pyarrow(one).to_pylist()) for code, one in asked.items()}


def clickhouse(folder: Path) -> Values:
    from chdb.session import Session  # noqa: PLC0415 - an extra

    session = Session()
    session.query("CREATE DATABASE lake ENGINE = Atomic")
    session.query("USE lake")
    for name in SCHEMAS:
        if (folder / name).exists():
            session.query(
                f"CREATE VIEW {name} AS SELECT * FROM file('{folder}/{name}/*/*/*.parquet', Parquet)"
            )
    found = {}
    for code, one in expressions(unbound()).items():
        sql = ClickHouseCompiler().to_sqlglot(one).sql("clickhouse")
        rows = str(session.query(f"{sql} SETTINGS join_use_nulls = 1", "JSONEachRow"))
        found[code] = told(json.loads(line) for line in rows.splitlines() if line)
    return found


if __name__ == "__main__":
    asked = {"duckdb": duckdb, "spark": spark, "clickhouse": clickhouse}[sys.argv[1]]
    print(json.dumps(asked(Path(sys.argv[2]))))
