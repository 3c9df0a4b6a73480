"""Read the folders of a pack and lay them over each other, keeping file and line of every value.

A folder has `pack.yaml`, one file per sheet, `loops/*.yaml`, `plans/*.yaml`, `risks/*.yaml`, `scales/*.yaml`,
`followups/*.yaml` and `cases/*.yaml`; the tables of `growth/*.csv` are part of its digest and read when somebody asks. An
overlay names in its own files only what differs. In dated files the patch in force on a day lies over the value in force on
that day, so a patch of 2026 also changes what the base brings in 2027, until the overlay says otherwise.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from pydantic import ValidationError

from .marked import Marked, Place, Unreadable, merge, read
from .pack_errors import Problems
from .sheets import PackHead
from .timeline import in_force

HEAD = "pack.yaml"
SHEETS = (
    "duties", "traits", "teams", "access", "calendar", "imports", "bounds", "codes", "texts", "settings",
    "sign_in", "facts", "reactions", "loop_defaults", "consents", "rights", "exports", "anomalies", "research",
    "contracts", "classes", "plans", "scales", "risk_inputs", "growth", "vaccines", "indicators",
)  # fmt: skip
CASES = "cases"
FOLDERS = ("loops", "plans", "risks", "scales", "schedules", "followups", CASES)
TABLES = "growth"
Steps = list[tuple[date, Marked]]
NOWHERE = Marked({}, Place("pack", 1))


@dataclass(frozen=True)
class Layer:
    """One folder as read: `files` by path inside it, without suffix (`duties`, `loops/x`, `cases/x`); `tables` by the
    name of the csv file."""

    head: PackHead
    root: Path
    files: dict[str, Marked]
    digest: str
    tables: dict[str, Path] = field(default_factory=dict)


@dataclass
class Laid:
    """All layers, lowest first."""

    layers: list[Layer] = field(default_factory=list)

    def sheet(self, name: str) -> Marked | None:
        """An undated file, upper layers over lower ones; None when no layer has it."""
        found = [layer.files[name] for layer in self.layers if name in layer.files]
        if not found:
            return None
        laid = found[0]
        for above in found[1:]:
            laid = merge(laid, above)
        return laid

    def names(self, folder: str) -> list[str]:
        """Files under one of `FOLDERS` of any layer, each once."""
        return sorted(
            {name for layer in self.layers for name in layer.files if name.startswith(f"{folder}/")}
        )

    def header(self, name: str) -> Marked:
        """What a dated file says outside `versions`."""
        whole = self.sheet(name) or NOWHERE
        return Marked({key: child for key, child in whole.items() if key != "versions"}, whole.place)

    def steps(self, name: str, problems: Problems) -> list[Steps]:
        """Per layer that has the file: its dated patches."""
        return [_dates(layer.files[name], problems) for layer in self.layers if name in layer.files]


def read_layers(paths: Sequence[Path], problems: Problems, *, cases: bool) -> Laid:
    """Read every folder in order. An overlay whose lower pack is not given finds it beside its own folder. Without
    `cases` theirs are only counted into the digest: who serves needs none."""
    laid = Laid()
    for path in _with_lower(paths):
        layer = _read_layer(path, problems, cases=cases)
        if layer is None:
            continue
        below = layer.head.overlays
        known = [lower.head.id for lower in laid.layers]
        if (below is None) != (not known) or (below is not None and below not in known):
            asked = f"overlays {below!r}" if below else "overlays nothing"
            wanted = f"one of {', '.join(known)}" if known else "its lower pack to come before it"
            problems.add(
                Place(f"{path.name}/{HEAD}", 1), f"pack {layer.head.id!r} {asked}; expected {wanted}"
            )
        laid.layers.append(layer)
    return laid


def lay_versions(layers: Sequence[Steps], lowest: Sequence[Steps] = ()) -> list[tuple[date, Marked | None]]:
    """The dated values of all layers together; `lowest` are defaults that never begin or end anything."""
    own = sorted({day for steps in layers for day, _ in steps})
    if not own:
        return []
    days = sorted({*own, *(day for steps in lowest for day, _ in steps if day > own[0])})
    return [(day, _value(day, layers, lowest)) for day in days]


def _value(day: date, layers: Sequence[Steps], lowest: Sequence[Steps]) -> Marked | None:
    value = _lay(day, layers)
    below = _lay(day, lowest)
    return merge(below, value) if value and below else value


def _lay(day: date, layers: Sequence[Steps]) -> Marked | None:
    value: Marked | None = None
    for steps in layers:
        found = in_force(steps, day)
        if found is None:
            continue
        patch = found[1]
        value = None if patch.value is None else merge(value, patch) if value else patch
    return value


def _dates(file: Marked, problems: Problems) -> Steps:
    versions = file.get("versions")
    steps: Steps = []
    for key, body in versions.items() if versions else []:
        try:
            steps.append((date.fromisoformat(key), body))
        except ValueError:
            problems.add(body.place, f"version {key!r} is no date; expected such as 2026-01-01")
    return sorted(steps, key=lambda step: step[0])


def _with_lower(paths: Sequence[Path]) -> list[Path]:
    """The given folders; before a first one that is an overlay, the folder it names, if it lies beside it."""
    given = [Path(path) for path in paths]
    if not given:
        return given
    below = _overlays(given[0])
    beside = given[0].parent / below if below else None
    return [*_with_lower([beside]), *given] if beside and (beside / HEAD).is_file() else given


def _overlays(path: Path) -> str | None:
    try:
        below = read(path / HEAD, HEAD).get("overlays")
    except (OSError, Unreadable):
        return None
    return str(below.value) if below and below.value != path.name else None


def _read_layer(root: Path, problems: Problems, *, cases: bool) -> Layer | None:
    if not (root / HEAD).is_file():
        problems.add(Place(f"{root.name}/{HEAD}", 1), "no such file; expected a pack folder with pack.yaml")
        return None
    files: dict[str, Marked] = {}
    tables: dict[str, Path] = {}
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_dir() or any(part.startswith(".") for part in path.parts[len(root.parts) :]):
            continue
        digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
        if path.parent.name == TABLES and path.suffix == ".csv":
            tables[path.stem] = path
            continue
        if path.parent.name == CASES and not cases:
            continue
        marked = _read_file(path, f"{root.name}/{name}", name, problems)
        if marked is not None:
            files[name.removesuffix(".yaml")] = marked
    head = _read_head(files.pop("pack", NOWHERE), problems)
    return Layer(head, root, files, digest.hexdigest(), tables) if head else None


def _read_file(path: Path, shown: str, name: str, problems: Problems) -> Marked | None:
    if not _is_known(name):
        known = ", ".join(f"{sheet}.yaml" for sheet in ("pack", *SHEETS))
        problems.add(
            Place(shown, 1),
            f"unknown file; expected {known}, {', '.join(f'{one}/*.yaml' for one in FOLDERS)}",
        )
        return None
    try:
        return read(path, shown)
    except Unreadable as error:
        for place, message in error.problems:
            problems.add(place, message)
        return None


def _is_known(name: str) -> bool:
    folder, _, last = name.rpartition("/")
    if not last.endswith(".yaml"):
        return False
    return folder in FOLDERS or (folder == "" and last.removesuffix(".yaml") in ("pack", *SHEETS))


def _read_head(marked: Marked, problems: Problems) -> PackHead | None:
    try:
        return PackHead.model_validate(marked.plain())
    except ValidationError as error:
        problems.add_invalid(error, marked, PackHead)
        return None
