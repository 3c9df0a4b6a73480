"""yishe metrics: the numbers of this machine and of the database, for Prometheus. The one to watch comes first.

One port a machine; nobody but this machine may ask, unless a token is shown. Nothing in it says who, or about whom.
"""

import argparse
import hmac
import ipaddress
import re
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from yishe.doors import counting
from yishe.doors.cli import arguments, lifeline, readiness
from yishe.doors.probes import ALIVE
from yishe.loops import stuck, worker
from yishe.policy.refusals import Invalid
from yishe.talk import beats, delivery
from yishe.trust import backup, clock, digests, ledger

PATH = "/metrics"
LIVE_FILE = re.compile(r"gauge_live[a-z]*_(.+)-(\d+)\.db")
CONNECTIONS = """SELECT coalesce(state, 'other'), count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'yishe%' GROUP BY 1"""


def register(commands: Any) -> None:
    metrics_ = commands.add_parser(
        "metrics", help="numbers of this machine and of the database, for Prometheus"
    )
    metrics_.add_argument("--host", default="127.0.0.1")
    metrics_.add_argument("--port", type=arguments.port, default=9464)
    metrics_.add_argument("--once", action="store_true", help="print them and end")
    metrics_.set_defaults(run=metrics)


def metrics(args: argparse.Namespace) -> int:
    """Refused: to be asked from elsewhere without a token."""
    lifeline.hold()
    if args.once:
        print(text().decode(), end="")
        return 0
    readiness.require()
    token = settings.METRICS_TOKEN_FILE.read_text().strip() if settings.METRICS_TOKEN_FILE else ""
    if not token and not _is_here(args.host):
        raise Invalid(
            "metrics_open", "别的机器也能访问这些数字：请设置 YISHE_METRICS_TOKEN_FILE，或只监听 127.0.0.1。"
        )
    handler = type("Asked", (_Asked,), {"token": token})
    HTTPServer((args.host, args.port), handler).serve_forever()
    return 0


def text() -> bytes:
    """What the database says, the age of the oldest due clock first, then what the processes of this machine counted."""
    of_database, of_node = CollectorRegistry(), CollectorRegistry()
    of_database.register(_Database())
    if settings.METRICS_DIR is not None:
        _forget_the_dead(settings.METRICS_DIR)
        MultiProcessCollector(of_node, str(settings.METRICS_DIR))
    return generate_latest(of_database) + generate_latest(of_node)


def _forget_the_dead(folder: Path) -> None:
    """The open screens of a process of this machine that was killed are open no more."""
    for file in folder.glob("gauge_live*.db"):
        named = LIVE_FILE.fullmatch(file.name)
        if named and named[1] == counting.NODE and not Path(f"/proc/{named[2]}").exists():
            file.unlink(missing_ok=True)


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Database:
    """Asked anew each time; where the database is away that is what is said."""

    def collect(self) -> Iterator[Metric]:
        try:
            yield from list(_numbers(clock.now()))
            up = 1
        except (DatabaseError, InterfaceError):
            connection.close()
            up = 0
        yield GaugeMetricFamily("yishe_database_up", "Whether the database answered", value=up)

    def describe(self) -> Iterator[Metric]:
        return iter(())


def _numbers(at: datetime) -> Iterator[Metric]:
    yield _gauge("oldest_due_seconds", "Longest wait of a due clock", worker.oldest_due(at).total_seconds())
    left = delivery.backlog(at)
    yield _gauge("outbox_oldest_seconds", "Age of the oldest message due", _age(left.oldest, at, 0.0))
    yield _gauge("outbox_waiting", "Messages due and not delivered", left.waiting)
    yield _gauge("outbox_dead", "Messages given up", left.dead)
    yield _gauge("stuck_loops", "Loops that could not be decided", len(stuck.listed()))
    yield _gauge("worker_seen_seconds", "Since a worker was last seen", _age(beats.last(), at))
    proven, sealed = backup.last_proven(), digests.latest()
    yield _gauge(
        "backup_seconds", "Age of the last backup proven", _age(proven.made_at if proven else None, at)
    )
    yield _gauge("digest_seconds", "Age of the last sealed digest", _age(sealed.at if sealed else None, at))
    yield CounterMetricFamily(
        "yishe_ledger_entries", "Entries appended to the ledger", value=ledger.written()
    )
    if connection.vendor == "postgresql":
        states = GaugeMetricFamily("yishe_database_connections", "Connections by state", labels=["state"])
        for state, count in _rows(CONNECTIONS):
            states.add_metric([state], count)
        yield states


def _gauge(name: str, what: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"yishe_{name}", what, value=value)


def _age(since: datetime | None, at: datetime, never: float = float("nan")) -> float:
    return (at - since).total_seconds() if since else never


def _rows(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


class _Asked(BaseHTTPRequestHandler):
    token = ""
    timeout = 5

    def do_GET(self) -> None:
        shown = self.headers.get("Authorization", "")
        if self.path == ALIVE:
            self._say(200, b"ok\n", "text/plain; charset=utf-8")
        elif self.path != PATH:
            self.send_error(404)
        elif self.token and not hmac.compare_digest(shown.encode(), f"Bearer {self.token}".encode()):
            self.send_error(401)
        else:
            self._say(200, text(), CONTENT_TYPE_LATEST)

    def _say(self, status: int, words: bytes, media: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(words)))
        self.end_headers()
        self.wfile.write(words)

    def log_message(self, *_: object) -> None:
        """Looks are no news."""
