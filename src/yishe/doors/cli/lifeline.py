"""A child of the embedded server ends with its parent, however the parent ended.

The parent holds the writing end of the child's standard input and never writes; when it dies, even by
`kill -9`, the child reads the end of file and stops as if asked to.
"""

import os
import signal
import threading

ENV = "YISHE_LIFELINE"


def hold() -> None:
    """Watch the parent, if there is one that supervises this process."""
    if os.environ.pop(ENV, None):
        threading.Thread(target=_watch, name="lifeline", daemon=True).start()


def _watch() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
