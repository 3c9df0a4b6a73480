"""Whether this process was asked to end. It is then not ready for more, which it says before it takes no more: whoever
sends it work looks at /readyz and sends it elsewhere in the meantime.

Web workers are processes of their own under one parent; a file tells them, which is looked at when readiness is asked.
"""

import os
import secrets
import tempfile
import threading
from pathlib import Path

SIGN = "YISHE_DRAINING_SIGN"
SOONEST_MILLISECONDS, SPREAD_MILLISECONDS = 300, 3_000
_asked = threading.Event()


def share() -> None:
    """Processes started from now on know from this one."""
    os.environ[SIGN] = str(Path(tempfile.mkdtemp(prefix="yishe-")) / "draining")


def begin() -> None:
    """From now on this process, and those that share with it, are not ready."""
    _asked.set()
    if sign := os.environ.get(SIGN):
        Path(sign).touch()


def forget() -> None:
    """The process has ended its work; nothing is left of the sign."""
    if sign := os.environ.pop(SIGN, None):
        Path(sign).unlink(missing_ok=True)
        Path(sign).parent.rmdir()
    _asked.clear()


def begun() -> bool:
    return _asked.is_set() or os.path.exists(os.environ.get(SIGN, ""))


def again_milliseconds() -> int:
    """When a screen whose stream ends should come back: not all of them at once."""
    return SOONEST_MILLISECONDS + secrets.randbelow(SPREAD_MILLISECONDS)
