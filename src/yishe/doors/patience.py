"""How long a process waits for the database before it gives up: the pack says so by what the process is for.

Told to PostgreSQL as a connection opens, so that it costs no statement. A pooler between them does not take it; there the
role of the database says the same (docs/operations.md). On SQLite a statement is a centre's and has no limit; the one line of
all writers has (`trust.write_lock`).
"""

import os
from typing import Literal

from django.db import DEFAULT_DB_ALIAS, connections

from yishe.doors.cli.printing import LOCAL
from yishe.people import packs
from yishe.policy.sheets import Wait
from yishe.trust import clock, straight, write_lock

Role = Literal["web", "worker"]
TOLD = "YISHE_WAITS_AS"
"""Where `yishe serve` tells the processes it starts."""


def as_told() -> None:
    """For a process that another started: as that one said, and as long as it takes where nobody said anything."""
    if os.environ.get(TOLD) == "web":
        wait_as("web")


def wait_as(role: Role) -> None:
    """From the next connection on, in every thread of this process; the present one of this thread is given up."""
    known = connections[DEFAULT_DB_ALIAS]
    if straight.is_lent():
        return
    wanted: Wait = getattr(
        packs.in_force().settings(clock.real_now().astimezone(LOCAL).date()).patience, role
    )
    if known.vendor != "postgresql":
        write_lock.wait_at_most(wanted.queue)
        return
    options = connections.settings[DEFAULT_DB_ALIAS]["OPTIONS"]
    before = options.get("options", "").split(" -c statement_timeout=")[0]
    options["options"] = f"{before} {said(wanted)}".strip()
    known.close()


def said(wanted: Wait) -> str:
    """As a connection's options say it, in milliseconds."""
    return f"-c statement_timeout={wanted.statement * 1000} -c lock_timeout={wanted.lock * 1000}"
