"""A real server on a database of its own, and real browsers: nothing here is replaced by a stand-in."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
RESIDENTS, SEED = "260", "1"
PASSWORD = "yishe-demo-2026"
START_SECONDS = 60
WAIT_MS = 12_000
POLICY = "Content Security Policy"


@dataclass(frozen=True)
class Server:
    """A running Yishe with the demo community."""

    url: str
    environment: dict[str, str]

    def yishe(self, *words: str) -> str:
        run = subprocess.run(
            [sys.executable, "-m", "yishe", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    def forward(self, days: float) -> datetime:
        """Move the demo's clock and let the worker do what is due."""
        at = datetime.now().astimezone() + timedelta(days=days)
        self.yishe("tick", "--at", at.isoformat(timespec="seconds"))
        return at


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("yishe")
    environment = {**os.environ, "YISHE_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    environment.pop("YISHE_DATABASE_URL", None)
    port = _free_port()
    found = Server(f"http://127.0.0.1:{port}", environment)
    found.yishe("migrate")
    found.yishe("demo", "load", "--residents", RESIDENTS, "--seed", SEED)
    with (Path(home) / "serve.log").open("w") as log:
        serving = subprocess.Popen(
            [sys.executable, "-m", "yishe", "serve", "--port", str(port)],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_up(found.url, serving)
            yield found
        finally:
            serving.terminate()
            serving.wait(timeout=30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_up(url: str, serving: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and serving.poll() is None:
        try:
            if httpx.get(f"{url}/sign-in", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise AssertionError("the server did not come up")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield launched
        launched.close()


SignIn = Callable[..., Page]


@pytest.fixture
def signed_in(server: Server, browser: Browser) -> Iterator[SignIn]:
    """`signed_in("limin")` is a page of that person in a browser context of her own."""
    contexts: list[BrowserContext] = []
    forbidden: list[str] = []

    def enter(username: str, *, width: int = 1440, height: int = 900, scheme: str = "light") -> Page:
        context = browser.new_context(
            base_url=server.url,
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            locale="zh-CN",
            reduced_motion="reduce",
        )
        contexts.append(context)
        context.set_default_timeout(WAIT_MS)
        context.on("console", lambda said: forbidden.append(said.text) if POLICY in said.text else None)
        page = context.new_page()
        page.goto("/sign-in")
        page.get_by_label("账号或工号").fill(username)
        page.get_by_label("密码").fill(PASSWORD)
        page.get_by_role("button", name="登录").click()
        page.wait_for_url(f"{server.url}/")
        return page

    yield enter
    for context in contexts:
        context.close()
    assert not forbidden, "a page did what its content policy forbids"
