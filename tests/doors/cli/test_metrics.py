"""yishe metrics: the number to watch comes first, and nobody else is told."""

import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.doors.cli.conftest import Here
from yishe.doors import counting
from yishe.doors.cli import metrics

COUNT = """
from yishe.doors import counting
counting.request("web", "loops", "GET", 200, 0.2)
counting.STREAMS.inc()
with counting.round_of("sweep"):
    pass
"""
READ = """
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from django.conf import settings
from yishe.doors.cli import metrics
metrics._forget_the_dead(settings.METRICS_DIR)
registry = CollectorRegistry()
MultiProcessCollector(registry, str(settings.METRICS_DIR))
print(generate_latest(registry).decode())
"""


def test_the_age_of_the_oldest_due_clock_is_the_first_number(here: Here) -> None:
    said = here.run("metrics", "--once").stdout
    assert said.splitlines()[2] == "yishe_oldest_due_seconds 0.0"
    assert "yishe_database_up 1.0" in said
    assert "yishe_ledger_entries_total" in said


def test_numbers_are_for_this_machine_or_for_who_shows_the_token(
    here: Here, tmp_path: Path, settings: Any
) -> None:
    refused = here.run("metrics", "--host", "0.0.0.0")
    assert refused.returncode == 1
    assert "YISHE_METRICS_TOKEN_FILE" in refused.stderr
    asked = type("Asked", (metrics._Asked,), {"token": "open"})
    with metrics.HTTPServer(("127.0.0.1", 0), asked) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        with pytest.raises(urllib.error.HTTPError) as answer:
            urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/metrics", timeout=10)
        thread.join()
    assert answer.value.code == 401


def test_screens_of_a_process_that_was_killed_are_not_open(tmp_path: Path) -> None:
    mine, gone, elsewhere = (
        tmp_path / f"gauge_livesum_{one}.db"
        for one in (f"{counting.NODE}-1", f"{counting.NODE}-999999999", "other-999999999")
    )
    for file in (mine, gone, elsewhere):
        file.touch()
    metrics._forget_the_dead(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([mine, elsewhere])


def test_what_several_processes_counted_is_added_up(tmp_path: Path) -> None:
    env = {
        **os.environ,
        "YISHE_METRICS_DIR": str(tmp_path / "counts"),
        "DJANGO_SETTINGS_MODULE": "yishe.settings",
    }
    set_up = "import django; django.setup()"

    def run(code: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", set_up + code], env=env, capture_output=True, text=True, check=True
        ).stdout

    run(COUNT + COUNT)
    said = run(COUNT + READ)
    assert 'yishe_requests_total{method="GET",role="web",status="200",view="loops"} 3.0' in said
    assert 'yishe_round_seconds_count{work="sweep"} 3.0' in said
    assert "yishe_streams_open 1.0" in said, "those of the process that has ended are open no more"
