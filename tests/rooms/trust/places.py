"""Places of one's own: a data folder and a database, SQLite or PostgreSQL as the run goes, for whole processes."""

import os
import shutil
import subprocess
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.conf import settings

from tests.house.source import ROOT


@dataclass
class Place:
    """Where a process of ours works; everything it says is kept in `said`."""

    home: Path
    url: str = ""
    said: list[str] = field(default_factory=list)

    @property
    def env(self) -> dict[str, str]:
        temporary = self.home / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        own = {"YISHE_HOME": str(self.home), "YISHE_DATABASE_URL": self.url, "TMPDIR": str(temporary)}
        kept = {k: v for k, v in os.environ.items() if not k.startswith("YISHE_")}
        return {**kept, **own, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", *words],
            env={**self.env, **more},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        self.said += [done.stdout, done.stderr]
        return done

    def yishe(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return self.run("yishe", *words, **more)

    def twin(self, home: Path) -> "Place":
        """The same data and key, elsewhere."""
        home.mkdir()
        for one in self.home.glob("*"):
            if one.is_file():
                shutil.copy(one, home)
        return Place(home, _database(template=self.url) if self.url else "")

    def empty(self, home: Path) -> "Place":
        """Nothing but the key."""
        home.mkdir()
        shutil.copy(self.home / "secret.key", home)
        return Place(home, _database() if self.url else "")


def _database(template: str = "") -> str:
    name = f"place_{uuid.uuid4().hex[:12]}"
    like = f' TEMPLATE "{urlsplit(template).path[1:]}"' if template else ""
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"{like}')  # type: ignore[call-overload]
    return urlunsplit(urlsplit(settings.DATABASE_URL)._replace(path=f"/{name}"))


def fresh(home: Path) -> Place:
    """An empty place."""
    home.mkdir(exist_ok=True)
    return Place(home, _database() if settings.DATABASE_URL else "")
