"""The product of today beside that of an earlier commit: the same requests, interleaved, on one machine and one server.

`python -m bench --beside REF` with the last commit before an issue shows what the issue costs (or brings) on hot requests.
Both run on the libraries of today, each in a database that its own writers filled.
"""

import os
import pickle
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import clients, machine, report
from bench.clients import Run

ROOT = Path(__file__).resolve().parents[1]
SIDES = ("now", "before")


@dataclass
class Side:
    """One of the two: how its processes are started, where it answers, and what it is asked (kind → rounds)."""

    environment: dict[str, str]
    address: str
    asked: dict[str, list[list[bytes]]]


def run(ref: str, residents: int, loops: int, requests: int, pairs: int, out: Path) -> None:
    with (
        machine.database() as url,
        _tree(ref) as before,
        tempfile.TemporaryDirectory() as homes,
        ExitStack() as up,
    ):
        sides = {}
        for number, (name, tree) in enumerate(zip(SIDES, (ROOT, before), strict=True)):
            environment = _environment(tree, Path(homes, name), machine.another(url, name))
            machine.migrated(environment)
            print(f"filling {name}: {residents} residents, {loops} loops …", flush=True)
            asked = _asked(environment, (residents, loops, requests, pairs), Path(homes, f"{name}.asked"))
            address = up.enter_context(machine.serving(environment, machine.PORT + number))
            sides[name] = Side(environment, address, asked)
        found = {
            kind: _kind(kind, sides, pairs) for kind in sides["now"].asked if kind in sides["before"].asked
        }
        report.write_beside(
            out, machine.described(url), {"residents": residents, "loops": loops}, _named(ref), found
        )


def _kind(kind: str, sides: dict[str, Side], pairs: int) -> dict[str, list[Run]]:
    """Now, before, before, now, now …: neither always comes after the other. The first, shorter round warms both."""
    runs: dict[str, list[Run]] = {name: [] for name in SIDES}
    for number in range(pairs + 1):
        for name in SIDES if number % 2 else reversed(SIDES):
            side = sides[name]
            one = clients.spread(clients.over_http, side.address, side.asked[kind][number])
            if number:
                runs[name].append(one)
    print(
        kind,
        {name: round(statistics.median(run.rate for run in of)) for name, of in runs.items()},
        flush=True,
    )
    return runs


def _asked(environment: dict[str, str], numbers: tuple[int, ...], to: Path) -> dict[str, list[list[bytes]]]:
    command = [sys.executable, "-P", str(ROOT / "bench" / "targets.py"), *map(str, numbers), str(to)]
    subprocess.run(command, env=environment, check=True)
    asked: dict[str, list[list[bytes]]] = pickle.loads(to.read_bytes())  # noqa: S301  written by us, just now
    return asked


def _environment(tree: Path, home: Path, url: str) -> dict[str, str]:
    home.mkdir()
    return os.environ | {
        "PYTHONPATH": os.pathsep.join([str(tree / "src"), str(tree)]), "YISHE_HOME": str(home), "YISHE_DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "yishe.settings",
    }  # fmt: skip


@contextmanager
def _tree(ref: str) -> Iterator[Path]:
    """The files of a commit, beside ours and gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="yishe-beside-") as folder:
        tree = Path(folder, "tree")
        _git("worktree", "add", "--detach", "--quiet", str(tree), ref)
        try:
            yield tree
        finally:
            _git("worktree", "remove", "--force", str(tree))


def _named(ref: str) -> str:
    return _git("log", "-1", "--format=%h %as %s", ref)


def _git(*words: str) -> str:
    return subprocess.run(
        ["git", "-C", str(ROOT), *words], check=True, capture_output=True, text=True
    ).stdout.strip()
