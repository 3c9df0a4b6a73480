"""Every writer, killed before and after each of its statements, and then asked again.

A child process does the act and kills itself (SIGKILL) at one point; the parent, another process, then looks at
the database as a restarted server would, repeats the command, and counts its effects. Run as
`python -m tests.proof.crash_points` in the environment that tests/proof/place.py makes.
"""

import gc
import json
import os
import signal
import sys
import traceback
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from tests.proof import writers  # noqa: E402
from tests.proof.writers import Stage, Writer  # noqa: E402
from yishe.loops import rebuild  # noqa: E402
from yishe.loops.models import Loop, Stuck  # noqa: E402
from yishe.loops.projection import COLUMNS, columns, folded  # noqa: E402
from yishe.trust import guards, ids, instance, ledger, verification  # noqa: E402

Act = Callable[[], Any]
FAILED = 255


def forked(work: Callable[[], int]) -> int:
    """Run `work` in a child with its own connection; its exit code, or minus the signal that ended it."""
    connection.close()
    child = os.fork()
    if child == 0:
        gc.disable()
        code = FAILED
        with suppress(BaseException):
            code = work()
        os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


class Killer:
    """Counts statements, and ends the process at the one it was given: 2n before, 2n + 1 after statement n."""

    def __init__(self, point: int | None) -> None:
        self.point, self.count = point, 0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        number, self.count = self.count, self.count + 1
        self._here(2 * number)
        result = execute(sql, params, many, context)
        self._here(2 * number + 1)
        return result

    def _here(self, point: int) -> None:
        if point == self.point:
            os.kill(os.getpid(), signal.SIGKILL)


def attempt(act: Act, point: int | None) -> int:
    """Do `act` and die at `point`. Without one: 0, or as many statements as it took."""

    def work() -> int:
        connection.ensure_connection()
        killer = Killer(point)
        try:
            with connection.execute_wrapper(killer):
                act()
        except Exception:
            traceback.print_exc()
            return FAILED
        if point is not None:
            os.kill(os.getpid(), signal.SIGKILL)  # done, and not yet answered
        return killer.count if killer.count < FAILED else FAILED

    return forked(work)


def holds() -> list[str]:
    """What is wrong with the whole database; nothing, that is the claim."""
    found = [f"replay: {d}" for d in rebuild.differences()]
    broken = verification.verify(rebuild.heads()).broken
    found += [f"ledger: {broken}"] if broken else []
    found += [f"stuck: {s.loop} {s.error}" for s in Stuck.objects.all()]
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA integrity_check")
            found += [row[0] for row in cursor.fetchall() if row[0] != "ok"]
    for row in Loop.objects.all():
        if (row.closed_at is None) != (row.owner is not None and row.next_at is not None):
            found.append(f"nobody answers for {row.id}")
    return found


def holds_since(mark: uuid.UUID) -> list[str]:
    """The same for the loops made since, and for whatever any resident's stream got."""
    found = [f"stuck: {s.loop} {s.error}" for s in Stuck.objects.all()]
    for row in Loop.objects.filter(id__gt=mark):
        entries, before = ledger.entries(row.id), ledger.Head()
        for entry in entries:
            if (
                entry.seq != before.seq + 1
                or bytes(entry.previous) != before.hash
                or ledger.digest(entry) != bytes(entry.hash)
            ):
                found.append(f"ledger: {row.id} at {entry.seq}")
            before = ledger.Head(entry.seq, bytes(entry.hash))
        replay = folded(entries)
        now = {name: _plain(getattr(row, name)) for name in COLUMNS}
        if replay is None or columns(*replay) != {name: now[name] for name in columns(*replay)}:
            found.append(f"replay: {row.id}")
        if (row.closed_at is None) != (row.owner is not None and row.next_at is not None):
            found.append(f"nobody answers for {row.id}")
    return found


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, bytes | memoryview) else value


def tried(writer: Writer, stage: Stage) -> Iterator[dict[str, Any]]:
    """One line per crash point of the writer that went wrong, and a last line with how many there were."""
    attempt(writer.act(stage, writer.prepare(stage)), None)  # takes what the writers before left due along
    statements = attempt(writer.act(stage, writer.prepare(stage)), None)
    if statements == FAILED:
        yield {"writer": writer.name, "wrong": ["the act itself failed"]}
        return
    points = 2 * statements + 1
    for point in range(points):
        mark = ids.new()
        made = writer.prepare(stage)
        ended = attempt(writer.act(stage, made), point)
        wrong = [] if ended == -signal.SIGKILL else [f"ended with {ended} instead of being killed"]
        wrong += holds_since(mark)
        wrong += _again(writer, stage, made)
        wrong += holds_since(mark) + writer.effects(stage, made)
        if wrong:
            yield {"writer": writer.name, "point": point, "wrong": wrong}
    if wrong := holds():
        yield {"writer": writer.name, "wrong": wrong[:5]}
    yield {"writer": writer.name, "statements": statements, "points": points}


def _again(writer: Writer, stage: Stage, made: Any) -> list[str]:
    """Ask for the same in this process, which is not the one that died; what is wrong with the answer."""
    try:
        writer.act(stage, made)()
    except writer.refused:
        return []
    except Exception as fault:
        traceback.print_exc()
        return [f"asking again ended with {type(fault).__name__}"]
    return []


def main(wanted: list[str]) -> int:
    """Print one JSON line per finding; exit 1 when any of them is wrong."""
    bad = 0
    instance.prepare_key()
    call_command("migrate", interactive=False, verbosity=0)
    guards.install()
    instance.found(writers.START)
    stage = writers.stage()
    gc.freeze()  # what is loaded by now need not be looked through, and so copied, in every child
    for writer in writers.ALL:
        if wanted and writer.name not in wanted:
            continue
        for line in tried(writer, stage):
            bad += "wrong" in line
            print(json.dumps(line, ensure_ascii=False, default=str), flush=True)
    connection.close()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
