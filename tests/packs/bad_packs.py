"""A bad pack file says in its first comments where it belongs and what must be said about it.

A message that goes on with a list of what grows (kinds, duties, files) ends in `…` there.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from yishe.policy import pack_cases

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "packs" / "base"
BAD = Path(__file__).parent / "bad"
HEAD = 'id: bad\ntitle: 坏例\nversion: "1"\noverlays: base\n'


@dataclass(frozen=True)
class Bad:
    """`file` inside a pack folder, and the messages expected for it, in order."""

    file: str
    says: tuple[str, ...]


def read(path: Path) -> Bad:
    comments = [line[2:] for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("# ")]
    file = next(line.removeprefix("file: ") for line in comments if line.startswith("file: "))
    return Bad(file, tuple(line.removeprefix("says: ") for line in comments if line.startswith("says: ")))


def matches(said: str, wanted: str) -> bool:
    return said.startswith(wanted[:-1]) if wanted.endswith("…") else said == wanted


def overlay(path: Path, folder: Path) -> Path:
    """A pack over the base with nothing in it but the bad file."""
    pack = folder / "bad"
    target = pack / read(path).file
    target.parent.mkdir(parents=True)
    (pack / "pack.yaml").write_text(HEAD, encoding="utf-8")
    shutil.copy(path, target)
    return pack


def says(path: Path, folder: Path) -> list[str]:
    """Everything said about the bad file, laid over the base."""
    return [str(problem) for problem in pack_cases.check([BASE, overlay(path, folder)])]
