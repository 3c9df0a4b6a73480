"""One role of the product as a process of its own, for proofs."""

import os
import signal
import socket
import subprocess
import sys
import time
from types import TracebackType

import httpx

WAIT = 60.0


class Served:
    """`yishe serve --role ROLE` on a free port, ready; asked to stop at the end of the block. `env` is added to our own."""

    def __init__(
        self, role: str, *words: str, env: dict[str, str] | None = None, program: tuple[str, ...] = ()
    ) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.role, self.words, self.env = role, words, {**os.environ, **(env or {})}
        self.program = program or (sys.executable, "-m", "yishe")
        self.process: subprocess.Popen[bytes]

    def __enter__(self) -> "Served":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when it is ready. Raises TimeoutError when it is not within a minute."""
        command = [*self.program, "serve", "--role", self.role, "--port", str(self.port), *self.words]
        self.process = subprocess.Popen(command, env=self.env, start_new_session=True)
        ends = time.monotonic() + WAIT
        while time.monotonic() < ends:
            if self.ready():
                return
            assert self.process.poll() is None, f"{self.role} ended with {self.process.returncode}"
            time.sleep(0.05)
        raise TimeoutError(f"{self.role} was not ready within a minute")

    def ready(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def stop(self) -> int:
        """The exit code after a polite request."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WAIT)
