"""One command serves pages, API and live streams on one port with a worker, and its processes live and die together."""

import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.doors.cli.conftest import Yishe

WAIT = 60.0


def eventually(true: Callable[[], Any], what: str) -> Any:
    """What `true` answers once it is true; the processes we wait for are real."""
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        found = true()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"never: {what}")


class Served:
    """A running `yishe serve`."""

    def __init__(self, yishe: Yishe, *words: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process: subprocess.Popen[str] = yishe.start("serve", "--port", str(self.port), *words)
        self.me = psutil.Process(self.process.pid)
        eventually(lambda: self.status("/sign-in") == 200, "served")

    def open(self, path: str, token: str = "", body: Any = None, **headers: str) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=json.dumps(body).encode() if body is not None else None,
            headers={
                **({"Authorization": f"Bearer {token}"} if token else {}),
                **({"Content-Type": "application/json"} if body is not None else {}),
                **headers,
            },
        )
        return urllib.request.urlopen(request, timeout=20)  # noqa: S310

    def status(self, path: str) -> int:
        try:
            return int(self.open(path).status)
        except urllib.error.HTTPError as answer:
            return answer.code
        except OSError:
            return 0

    def json(self, path: str, token: str, body: Any = None) -> Any:
        return json.load(self.open(path, token, body))

    def child(self, *words: str) -> psutil.Process | None:
        living = (child for child in self.me.children() if child.status() != psutil.STATUS_ZOMBIE)
        return next((child for child in living if set(words) <= set(child.cmdline())), None)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WAIT)


@pytest.fixture(scope="module")
def started(demo: Yishe) -> Iterator[list[Served]]:
    """Every server that a test asked for; the last may still run."""
    found: list[Served] = []
    yield found
    for one in found:
        if one.process.poll() is None:
            one.stop()


@pytest.fixture
def served(demo: Yishe, started: list[Served]) -> Served:
    """The server of the test before, unless that test ended it."""
    if not started or started[-1].process.poll() is not None:
        started.append(Served(demo))
    return started[-1]


@cache
def accounts(demo: Yishe) -> list[dict[str, Any]]:
    return list(demo.json("demo", "accounts"))


@cache
def token(demo: Yishe, username: str) -> str:
    return demo.run("token", "create", "--staff", username).stdout.strip()


def token_of(demo: Yishe, duty: str, team: str | None = None) -> tuple[str, dict[str, Any]]:
    """A token of the first person with this duty (in this team)."""
    row = next(row for row in accounts(demo) if duty in row["duties"] and team in (None, row["team"]))
    return token(demo, row["username"]), row


def referred(served: Served, doctor: str) -> dict[str, Any]:
    """A referral of the first resident who has none for this reason: the demo may have made one."""
    for one in served.json("/api/v1/residents", doctor)["items"]:
        body = {"kind": "referral.doctor_to_social_worker", "resident": one["id"], "reason": "D12"}
        try:
            return dict(served.json("/api/v1/loops", doctor, body))
        except urllib.error.HTTPError as answer:
            if answer.code != http.client.CONFLICT:
                raise
    raise AssertionError("everybody is referred already")


def test_pages_api_and_stream_share_one_port_and_a_step_is_heard_at_once(demo: Yishe, served: Served) -> None:
    doctor, row = token_of(demo, "family_doctor")
    listening = served.open("/live/", doctor)
    assert listening.headers["Content-Type"].startswith("text/event-stream")
    loop = referred(served, doctor)
    heard = next(
        json.loads(line[6:]) for line in iter(listening.readline, b"") if line.startswith(b"data: {")
    )
    assert heard["loop"] == loop["id"]
    worker, _ = token_of(demo, "social_worker", row["team"])
    eventually(lambda: served.json("/api/v1/me", worker)["unread"], "the worker delivered the notice")
    listening.close()


def test_hundreds_of_open_lines_keep_nobody_out(served: Served) -> None:
    with ExitStack() as lines:
        for _ in range(300):
            line = lines.enter_context(socket.create_connection(("127.0.0.1", served.port), timeout=20))
            line.sendall(b"GET /live/ HTTP/1.1\r\nHost: x\r\n")
        assert served.status("/healthz") == 200


def test_keys_turn_while_it_serves_and_no_request_notices(
    demo: Yishe, served: Served, tmp_path: Path
) -> None:
    doctor, _ = token_of(demo, "family_doctor")
    names = {one["name"] for one in served.json("/api/v1/residents", doctor)["items"]}
    assert names
    turning = demo.start("keys", "rotate", "--new-file", str(tmp_path / "new.key"))
    asked = 0
    while turning.poll() is None or asked < 5:
        served.json("/api/v1/worklist", doctor)
        asked += 1
    assert turning.returncode == 0
    assert {one["name"] for one in served.json("/api/v1/residents", doctor)["items"]} == names
    assert (demo.home / "secret.key").read_bytes() == (tmp_path / "new.key").read_bytes()


def test_a_stop_ends_open_streams_and_every_process(demo: Yishe, served: Served) -> None:
    doctor, _ = token_of(demo, "family_doctor")
    listening = served.open("/live/", doctor)
    children = served.me.children(recursive=True)
    assert served.stop() == 0
    with suppress(http.client.IncompleteRead):  # ended, if need be in the middle of a line
        listening.read()
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


def test_a_killed_child_is_started_again(served: Served) -> None:
    for words in (("worker",), ("front",)):
        first = eventually(lambda words=words: served.child(*words), f"{words} runs")
        first.kill()
        eventually(lambda words=words, old=first: served.child(*words) not in (None, old), f"{words} again")
    eventually(lambda: served.status("/sign-in") == 200, "served again")


def test_children_die_with_a_killed_parent(served: Served) -> None:
    children = served.me.children()
    assert len(children) == 2
    os.kill(served.process.pid, signal.SIGKILL)
    served.process.wait(WAIT)
    eventually(lambda: not [child for child in children if child.is_running()], "all gone")


def test_a_taken_port_is_said_so(demo: Yishe) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = demo.run("serve", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "占用" in done.stderr


def test_pages_may_run_apart_take_new_code_without_a_lost_request_and_end_gently(demo: Yishe) -> None:
    pages = Served(demo, "--role", "web", "--processes", "1", "--drain", "2")
    assert pages.status("/live/") in (302, 404)
    assert pages.status("/api/v1/me") == 401
    said: Counter[int] = Counter()
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            said[pages.status("/sign-in")] += 1

    asking = [threading.Thread(target=ask) for _ in range(3)]
    before = {child.pid for child in pages.me.children()}
    for one in asking:
        one.start()
    pages.process.send_signal(signal.SIGHUP)
    eventually(lambda: not before & {child.pid for child in pages.me.children()}, "all processes are new")
    pages.process.send_signal(signal.SIGTERM)
    eventually(lambda: pages.status("/readyz") == 503, "it says that it will end")
    assert pages.status("/healthz") == 200
    over.set()
    for one in asking:
        one.join()
    assert pages.process.wait(WAIT) == 0
    assert set(said) == {200}
    assert said[200] > 20
