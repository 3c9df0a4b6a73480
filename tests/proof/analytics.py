"""The indicators on DuckDB, Spark and ClickHouse: the same expressions on the same Parquet come to the same numbers.

Not part of `make test`: `python -m tests.proof analytics` puts the engines into `.engines` first (half a gigabyte; Spark needs a Java
of 17 or later, on Debian openjdk-17-jre-headless) and takes some minutes, most of them Spark's.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bench import analytics

ROOT = Path(__file__).resolve().parents[2]
ENGINES = ROOT / ".engines"
WANTED = ("pyspark", "py4j", "chdb", "chdb-core")


@pytest.fixture(scope="module")
def engines() -> Path:
    if not (ENGINES / "pyspark").exists() or not (ENGINES / "chdb").exists():
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "install", "--no-deps"]
        subprocess.run([*pip, "--upgrade", "--target", str(ENGINES), *WANTED], check=True)
    assert shutil.which("java"), "Spark needs a Java of 17 or later: apt install openjdk-17-jre-headless"
    return ENGINES


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Iterator[tuple[str, int]] = analytics.made(2000, place := tmp_path_factory.mktemp("lake"), 2)
    assert dict(made)["loops"] == 16_000
    return place


def asked(engine: str, folder: Path, engines: Path) -> dict[str, list[list[Any]]]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT), str(engines)])}
    command = [sys.executable, "-m", "tests.proof.engines", engine, str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, list[list[Any]]] = json.loads(done.stdout)
    return found


def test_every_engine_comes_to_the_same_numbers(folder: Path, engines: Path) -> None:
    here = asked("duckdb", folder, engines)
    assert len(here) > 20
    assert all(
        any(row[2] for row in rows) for code, rows in here.items() if code.endswith(("closed", "control"))
    )
    for engine in ("clickhouse", "spark"):
        assert asked(engine, folder, engines) == here, engine
