"""`python -m tests.rooms.trust.crashing rotate|backup|restore N …`: do it, and die by SIGKILL right after the Nth statement.

Prints nothing when killed; exits 0 when it ended before the Nth statement.
"""

import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yishe.settings")
django.setup()

from django.db import connection  # noqa: E402 - only after setup

from yishe.trust import backup, backup_sealing, clock, keys, restore, root_key, rotation  # noqa: E402


class Fuse:
    """Counts steps, and burns at the last one it was given."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def burn(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def __call__(self, execute: Callable[..., Any], *given: Any) -> Any:
        done = execute(*given)
        self.burn()
        return done


def main(what: str, steps: int, place: str) -> None:
    fuse = Fuse(steps)
    with connection.execute_wrapper(fuse):
        if what == "rotate":
            rotation.rotate(clock.now(), root_key.read(Path(place)), batch=1, progress=lambda *_: fuse.burn())
        elif what == "restore":
            chunks = backup_sealing._opened
            backup_sealing._opened = lambda *given: map(lambda chunk: (fuse.burn(), chunk)[1], chunks(*given))  # type: ignore[assignment,func-returns-value]  # noqa: C417
            restore.restore(Path(place), keys.root())
        else:
            write = backup_sealing._Sealer._chunk

            def chunk(self: Any, plain: bytes, *, last: bool) -> None:
                write(self, plain, last=last)
                fuse.burn()

            backup_sealing._Sealer._chunk = chunk  # type: ignore[method-assign]
            settle = backup._settle
            backup._settle = lambda work, to: (fuse.burn(), settle(work, to), fuse.burn())[1]  # type: ignore[func-returns-value,assignment]
            backup.make(Path(place), clock.now(), backup.Retention(30, timedelta(days=35)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
