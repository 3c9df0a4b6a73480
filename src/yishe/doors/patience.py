"""How long a process waits for PostgreSQL before it gives up: the pack says so by what the process is for.

Told to the server as a connection opens, so that it costs no statement. A pooler between them does not take it; there the
role of the database says the same (docs/operations.md). SQLite has no such limits: a statement there is a centre's.
"""

import os
from typing import Literal

from django.db import DEFAULT_DB_ALIAS, connections

from yishe.doors.cli.printing import LOCAL
from yishe.people import packs
from yishe.policy.sheets import Wait
from yishe.trust import clock, straight

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
    if known.vendor != "postgresql" or straight.is_lent():
        return
    wanted: Wait = getattr(
        packs.in_force().settings(clock.real_now().astimezone(LOCAL).date()).patience, role
    )
    options = connections.settings[DEFAULT_DB_ALIAS]["OPTIONS"]
    before = options.get("options", "").split(" -c statement_timeout=")[0]
    options["options"] = f"{before} {said(wanted)}".strip()
    known.close()


def said(wanted: Wait) -> str:
    """As a connection's options say it, in milliseconds."""
    return f"-c statement_timeout={wanted.statement * 1000} -c lock_timeout={wanted.lock * 1000}"
