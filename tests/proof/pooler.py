"""Debian's PgBouncer in transaction pooling in front of a database, for one proof."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

SERVERS = 3
"""Fewer than there are clients, so that each server is lent to several in turn."""
PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
CONFIG = """
[databases]
* = host={host} port={pg_port} user={user} {password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {servers}
max_client_conn = 200
logfile = {folder}/log
"""


def version() -> str:
    """What the program calls itself."""
    assert PROGRAM
    return subprocess.run(
        [PROGRAM, "--version"], capture_output=True, text=True, check=True
    ).stdout.splitlines()[0]


@contextmanager
def lent(url: str) -> Iterator[str]:
    """The address of the same database through the pooler, which ends with the block."""
    assert PROGRAM
    parts = urlsplit(url)
    host = parts.hostname or parse_qs(parts.query)["host"][0]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="yishe-pooler-", dir="/tmp") as folder:
        told = CONFIG.format(
            host=host, pg_port=parts.port or 5432, user=parts.username, port=port, servers=SERVERS, folder=folder,
            password=f"password={parts.password}" if parts.password else "",
        )  # fmt: skip
        Path(folder, "ini").write_text(told, encoding="utf-8")
        process = subprocess.Popen([PROGRAM, "-q", *_as(host, folder), f"{folder}/ini"])
        try:
            _await(port)
            yield f"postgresql://{parts.username}@127.0.0.1:{port}{parts.path}"
        finally:
            process.terminate()
            process.wait(20)


def _as(host: str, folder: str) -> tuple[str, ...]:
    """It refuses to be root; whoever owns the server's socket may use it."""
    if os.getuid() != 0:
        return ()
    owner = os.stat(host).st_uid if host.startswith("/") else 0
    owner = owner or pwd.getpwnam("nobody").pw_uid
    os.chown(folder, owner, -1)
    return ("-u", pwd.getpwuid(owner).pw_name)


def _await(port: int) -> None:
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("the pooler did not answer")
