"""The result as a page to read and as JSON to compare."""

import json
import os
import statistics
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.clients import Run

WISHED = {"create": 0.50, "accept": 0.60, "worklist": 0.30, "page": 0.30}
WISHED_RATE = {"loop": 250}
"""A second."""
FLOOR = (
    "raw psycopg, 2 processes, 8 connections, the same rows in one read and one statement, prepared. "
    "Medians of interleaved pairs, requests/s; pgbench runs the floor's SQL in each pair, too, with the same values bound."
)
ALLOWED = "What was added in between may cost at most 10 %: `now / before` at least 90 %; above 100 %, it is faster than before."
TITLES = {
    "create": "create a loop",
    "accept": "transition (accept)",
    "loop": "one whole loop (create, accept, start, complete, confirm)",
    "worklist": "work list of 20",
    "page": "resident page",
    "search": "search by name, pinyin, initials, tails",
}


def write(
    out: Path,
    machine: dict[str, Any],
    filled: dict[str, int],
    results: dict[str, Any],
    agreed: dict[str, float],
) -> None:
    """`<date>.md` and `<date>.json` in `out`."""
    out.mkdir(parents=True, exist_ok=True)
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    whole = {"date": day, "machine": machine, "filled": filled, "results": results, "pgbench": agreed}
    (out / f"{day}.json").write_text(json.dumps(whole, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    page = _page(day, machine, filled, results, agreed)
    (out / f"{day}.md").write_text(page, encoding="utf-8")
    print(page)


def add_population(out: Path) -> None:
    """Today's population beside bare SQL as a line of today's page, and in its JSON."""
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    told = json.loads((out / f"{day}-population.json").read_text(encoding="utf-8"))
    whole = json.loads((out / f"{day}.json").read_text(encoding="utf-8")) | {"population": told}
    (out / f"{day}.json").write_text(json.dumps(whole, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    bare = statistics.median(told["bare_s"])
    line = (
        f"A population of {told['residents']} classified and planned: {told['product_s']:.1f} s, bare SQL inserting the same rows "
        f"{bare:.1f} s, **{told['ratio']:.2f}** times (wished: at most {told['wished']:.0f}), at most {told['peak_mb']} MB."
    )
    with (out / f"{day}.md").open("a", encoding="utf-8") as page:
        page.write(f"\n{line}\n")
    print(line)


def write_beside(
    out: Path,
    machine: dict[str, Any],
    filled: dict[str, int],
    before: str,
    found: dict[str, dict[str, list[Run]]],
) -> None:
    """`<date>-beside.md` and `.json`: the share of today's rate in the earlier one, pair by pair and its median."""
    out.mkdir(parents=True, exist_ok=True)
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    rows = {kind: _beside(sides) for kind, sides in found.items()}
    whole = {"date": day, "machine": machine, "filled": filled, "before": before, "results": rows}
    (out / f"{day}-beside.json").write_text(
        json.dumps(whole, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    sizes = f"{filled['residents']} residents, {filled['loops']} loops in each database, 8 clients, {machine['server']}"
    lines = [
        f"# Bench of {day}, beside an earlier commit",
        "",
        f"Before: {before}.",
        "",
        f"{sizes}; rounds of both in turn, medians, requests/s; libraries of today on both sides. {ALLOWED}",
        "",
        f"{machine['cores']} cores, {machine['system']}, Python {machine['python']}, PostgreSQL {machine['postgresql']}.",
        "",
        "| what | now | before | now / before | of each pair | p50 | p50 before | errors | load |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_beside_row(kind, row) for kind, row in rows.items()),
    ]
    page = "\n".join(lines) + "\n"
    (out / f"{day}-beside.md").write_text(page, encoding="utf-8")
    print(page)


def _beside(sides: dict[str, list[Run]]) -> dict[str, Any]:
    pairs = list(zip(sides["now"], sides["before"], strict=True))
    told: dict[str, Any] = {
        name: {
            "rate": statistics.median(run.rate for run in runs),
            "p50_ms": statistics.median(run.percentile(0.50) for run in runs),
            "errors": sum(run.errors for run in runs),
            "outcomes": [run.outcomes for run in runs if run.errors],
        }
        for name, runs in sides.items()
    }
    shares = [now.rate / before.rate for now, before in pairs]
    return {
        **told,
        "shares": shares,
        "share": statistics.median(shares),
        "load": round(os.getloadavg()[0], 2),
    }


def _beside_row(kind: str, row: dict[str, Any]) -> str:
    now, before = row["now"], row["before"]
    return (
        f"| {TITLES[kind]} | {now['rate']:.0f} | {before['rate']:.0f} | {row['share']:.0%} | "
        f"{', '.join(f'{one:.0%}' for one in row['shares'])} | {now['p50_ms']:.1f} ms | {before['p50_ms']:.1f} ms | "
        f"{now['errors']} · {before['errors']} | {row['load']} |"
    )


def _page(
    day: str,
    machine: dict[str, Any],
    filled: dict[str, int],
    results: dict[str, Any],
    agreed: dict[str, float],
) -> str:
    lines = [
        f"# Bench of {day}",
        "",
        f"{filled['residents']} residents, {filled['loops']} loops. 8 clients; product: {machine['server']}; floor: {FLOOR}",
        "",
        f"{machine['cores']} cores, {machine['system']}, Python {machine['python']}, PostgreSQL {machine['postgresql']}.",
        "",
        "| what | product | floor | share | wished | p50 | p95 | p99 | errors | floor under pgbench | agree | load |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [_row(name, sides, agreed.get(name)) for name, sides in results.items()]
    lines += ["", "Rows written per request (product · floor):", ""]
    lines += [f"- {TITLES[name]}: {_rows(sides)}" for name, sides in results.items()]
    lines += ["", "CPU time of one request, in microseconds (product · floor):", ""]
    lines += [f"- {TITLES[name]}: {_cpu(sides)}" for name, sides in results.items()]
    return "\n".join(lines) + "\n"


def _row(name: str, sides: dict[str, Any], pg: float | None) -> str:
    product, floor = sides["product"], sides.get("floor")
    share = f"{product['rate'] / floor['rate']:.0%}" if floor else "–"
    wished = f"{WISHED_RATE[name]}/s" if name in WISHED_RATE else f"{WISHED.get(name, 0):.0%}"
    agree = f"{pg / floor['rate'] - 1:+.0%}" if floor and pg else "–"
    return (
        f"| {TITLES[name]} | {product['rate']:.0f} | {floor['rate'] if floor else 0:.0f} | {share} | "
        f"{wished} | {product['p50_ms']:.1f} ms | {product['p95_ms']:.1f} ms | {product['p99_ms']:.1f} ms | {product['errors']} | "
        f"{pg or 0:.0f} | {agree} | {max(product['load'])} |"
    )


def _cpu(sides: dict[str, Any]) -> str:
    who = ("client", "server", "postgresql")
    return " · ".join(str({one: side[f"{one}_us"] for one in who}) for side in sides.values())


def _rows(sides: dict[str, Any]) -> str:
    return " · ".join(
        str({t: n for t, n in side["rows_per_request"].items() if n}) for side in sides.values()
    )
