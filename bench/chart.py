"""What hot requests cost in districts of several sizes, as one picture: a small field for each request, the same scale in all.

Drawn from the newest `<date>-flatness-N.json` of each size N; `<date>-flatness.svg` stands beside them.
"""

import json
import re
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

FOUND = re.compile(r"(\d{4}-\d\d-\d\d)-flatness-(\d+)\.json")
COLUMNS, WIDTH, BAR = 3, 330, 18
LETTERS = 'font-family="sans-serif" font-size="12"'


def draw(out: Path) -> None:
    """One picture; nothing where no size was counted yet."""
    sizes = _newest(out)
    if not sizes:
        print("no size has been counted yet: python -m bench.district --size 10000")
        return
    path = out / f"{datetime.now(UTC):%Y-%m-%d}-flatness.svg"
    path.write_text(_picture(sizes), encoding="utf-8")
    print(path)


def _newest(out: Path) -> dict[int, dict[str, Any]]:
    """Residents → request → what was counted."""
    found: dict[int, dict[str, Any]] = {}
    for file in sorted(out.glob("*-flatness-*.json")):
        if named := FOUND.fullmatch(file.name):
            (told,) = json.loads(file.read_text(encoding="utf-8"))["found"].values()
            found[int(named[2])] = told
    return dict(sorted(found.items()))


def _picture(sizes: dict[int, dict[str, Any]]) -> str:
    requests = list(next(reversed(sizes.values())))
    longest = max(told[one]["p95"] for told in sizes.values() for one in told)
    field = 40 + BAR * len(sizes)
    rows = -(-len(requests) // COLUMNS)
    parts = [
        _field(name, sizes, longest, 10 + n % COLUMNS * WIDTH, 40 + n // COLUMNS * field)
        for n, name in enumerate(requests)
    ]
    head = "p50 (dark) and p95 (light) of one process, ms; buffers of its statements. By residents of the district."
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{COLUMNS * WIDTH + 20}" height="{rows * field + 50}" {LETTERS}>'
        f'<rect width="100%" height="100%" fill="white"/><text x="10" y="22">{head}</text>{"".join(parts)}</svg>\n'
    )


def _field(name: str, sizes: dict[int, dict[str, Any]], longest: float, x: int, y: int) -> str:
    lines = [f'<text x="{x}" y="{y + 12}" font-weight="bold">{escape(name)}</text>']
    for n, (residents, told) in enumerate(sizes.items()):
        if name in told:
            lines.append(_bar(residents, told[name], longest, x, y + 18 + n * BAR))
    return "".join(lines)


def _bar(residents: int, one: dict[str, Any], longest: float, x: int, y: int) -> str:
    scale, start = 110 / longest, x + 66
    p50, p95 = one["p50"] * scale, one["p95"] * scale
    return (
        f'<text x="{x}" y="{y + 11}">{residents:,}</text>'
        f'<rect x="{start}" y="{y + 2}" width="{p95:.1f}" height="10" fill="#b9c7d6"/>'
        f'<rect x="{start}" y="{y + 2}" width="{p50:.1f}" height="10" fill="#3d5a80"/>'
        f'<text x="{start + p95 + 4:.1f}" y="{y + 11}">{one["p50"]:.0f} · {one["p95"]:.0f} ms, {one["buffers"]}</text>'
    )
