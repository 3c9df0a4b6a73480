"""The locks as they are written: each library with its one version and the hashes of its files."""

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUN, DEV = ROOT / "requirements.lock", ROOT / "requirements-dev.lock"
_LINE = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s\\;]+)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class Locked:
    """One library of a lock. `hashes`: SHA-256 of every file it may be installed from."""

    name: str
    version: str
    hashes: tuple[str, ...]


def read(path: Path) -> list[Locked]:
    """Every library of the lock, by name. ValueError when a line is neither a pinned library nor belongs to one."""
    text = path.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    strange = [line for line in lines if not _LINE.match(line)]
    if strange:
        raise ValueError(f"{path.name}: {strange[0]!r} is not pinned to one version")
    starts = [one.start() for one in _LINE.finditer(text)]
    found = [_locked(text[start:end]) for start, end in pairwise([*starts, len(text)])]
    return sorted(found, key=lambda one: one.name)


def _locked(part: str) -> Locked:
    name, version = _LINE.findall(part)[0]
    return Locked(_normal(name), version, tuple(_HASH.findall(part)))


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
