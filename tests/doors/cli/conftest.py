"""Real processes in a data folder of their own, with no settings but YISHE_HOME."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from tests import database
from yishe.doors.cli import lifeline, main

PACKS = Path(__file__).parents[3] / "packs"


@dataclass(frozen=True)
class Yishe:
    """The `yishe` command in one data folder."""

    home: Path
    database: str = ""

    def env(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("YISHE_")}
        own = {"YISHE_HOME": str(self.home), "PYTHONPATH": str(PACKS.parent / "src")}
        return {**kept, **own, **({"YISHE_DATABASE_URL": self.database} if self.database else {}), **more}

    def run(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "yishe", *words], env=self.env(**env), capture_output=True, text=True, timeout=300,
            check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def json(self, *words: str) -> Any:
        done = self.run(*words, "--json")
        assert done.stdout.count("\n") == 1, done.stdout + done.stderr
        return json.loads(done.stdout)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A process that ends with the test run, even a killed one: it holds our end of its lifeline."""
        return subprocess.Popen(
            [sys.executable, "-m", "yishe", *words], env=self.env(**{lifeline.ENV: "1"}), stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
        )  # fmt: skip


@dataclass(frozen=True)
class Here:
    """The same command without a process of its own, on this test's database: for what it says, not for how it starts."""

    capsys: pytest.CaptureFixture[str]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        self.capsys.readouterr()
        try:
            code = main.main(words)
        except SystemExit as ended:  # wrong usage
            code = int(ended.code or 0)
        said = self.capsys.readouterr()
        return subprocess.CompletedProcess(words, code, said.out, said.err)

    def json(self, *words: str) -> Any:
        done = self.run(*words, "--json")
        assert done.stdout.count("\n") == 1, done.stdout + done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def here(db: None, capsys: pytest.CaptureFixture[str]) -> Here:
    """Nobody is in its database yet."""
    return Here(capsys)


def fresh_database(name: str, like: str = "") -> str:
    """The address of a new PostgreSQL database, empty or a copy of another one; "" in a run on SQLite."""
    if database.KIND != "postgresql":
        return ""
    url = os.environ["YISHE_DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{like}"' if like else ""))
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{name}"))


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Yishe:
    """One file with nobody in it, on either kind of run; each test takes a copy."""
    yishe = Yishe(tmp_path_factory.mktemp("migrated"))
    assert yishe.run("migrate").returncode == 0
    return yishe


@pytest.fixture
def empty(migrated: Yishe, tmp_path: Path) -> Yishe:
    """A migrated file of its own with nobody in it."""
    return Yishe(shutil.copytree(migrated.home, tmp_path / "empty"))


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Yishe:
    """A small demo community, as it was made; nobody touches it."""
    yishe = Yishe(tmp_path_factory.mktemp("loaded"), fresh_database("yishe_loaded"))
    assert yishe.run("migrate").returncode == 0
    done = yishe.run("demo", "load", "--residents", "60")
    assert done.returncode == 0, done.stderr
    return yishe


@pytest.fixture(scope="module")
def demo(loaded: Yishe, tmp_path_factory: pytest.TempPathFactory) -> Yishe:
    """The demo community, for the tests of one file to change."""
    home = tmp_path_factory.mktemp("demo") / "home"
    return Yishe(shutil.copytree(loaded.home, home), fresh_database("yishe_demo", like="yishe_loaded"))
