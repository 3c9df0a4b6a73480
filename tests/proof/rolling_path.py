"""The path of `tests.proof.rolling`: `python -m tests.proof.rolling_path NGINX` on an empty database. Prints one JSON object."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from tests.proof import killing, place
from tests.proof.crash_points import holds
from tests.proof.pooled_path import CLIENTS, Client, until
from tests.proof.serving import Served
from yishe.trust.models import Entry

ROUNDS = 2
SETTLED = 2.5
"""Seconds after which the proxy has noticed who is back (`fail_timeout` twice over); the next is not stopped before."""
REFUSED = (409, 429)
"""In words: somebody was faster, or one person asks too often. The clients here are two people only."""


class Going(Client):
    """At work until it is told that all is over; every request is kept with its answer."""

    over = threading.Event()

    def run(self) -> None:
        with killing.httpx.Client(
            base_url=self.house.url, timeout=30, headers={"Connection": "close"}
        ) as client:
            loops: list[dict[str, object]] = []
            while not self.over.is_set():
                self._one(client, loops)


def configured(folder: Path, port: int, ports: list[int]) -> Path:
    """The supplied configuration, without TLS, for these ports."""
    text = (place.ROOT / "deploy/nginx.conf").read_text(encoding="utf-8")
    web = " ".join(f"server 127.0.0.1:{one} max_fails=1 fail_timeout=1s;" for one in ports)
    text = re.sub(r"upstream web \{.*?\}", f"upstream web {{ least_conn; {web} }}", text)
    text = re.sub(r"server live:8100", f"server 127.0.0.1:{ports[0]}", text)
    text = re.sub(r"\n    ssl_\w+ [^;]*;", "", text).replace("listen 8443 ssl;", f"listen 127.0.0.1:{port};")
    text = text.replace("/dev/stdout yishe", f"{folder}/access yishe")
    file = folder / "nginx.conf"
    file.write_text(f"pid {folder}/pid;\nerror_log {folder}/error;\ndaemon off;\n{text}", encoding="utf-8")
    return file


def main(program: str) -> int:
    tokens, people = killing.prepared()
    found = Counter[str]()
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="yishe-nginx-", dir="/tmp")))
        web = [running.enter_context(Served("web", "--processes", "1", "--drain", "0.5")) for _ in range(2)]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        nginx = subprocess.Popen([program, "-p", str(folder), "-c", str(configured(folder, port, [one.port for one in web]))])  # fmt: skip
        running.callback(nginx.wait)
        running.callback(nginx.send_signal, signal.SIGQUIT)
        until(lambda: not socket.socket().connect_ex(("127.0.0.1", port)), 20)
        clients = [Going(killing.House(port), n, tokens, people) for n in range(CLIENTS)]
        for client in clients:
            client.start()
        for one in web * ROUNDS:
            found["restarts"] += one.stop() == 0
            one.start()
            threading.Event().wait(SETTLED)
        Going.over.set()
        for client in clients:
            client.join()
        found["passed over by the proxy"] = (folder / "error").read_text().count("connect() failed")
        found["nobody there"] = (folder / "error").read_text().count("no live upstreams")
        found["cut by a server"] = (folder / "error").read_text().count("prematurely closed")
    sent = [one for client in clients for one in client.sent]
    said = Counter(one.status for one in sent)
    found["answered"] = sum(count for status, count in said.items() if 200 <= status < 300)
    found["refused in words"] = sum(said[status] for status in REFUSED)
    found["failed"] = len(sent) - found["answered"] - found["refused in words"]
    found["doubled"] = sum(Entry.objects.filter(command_id=one.key).count() > 1 for one in sent if one.status < 300)  # fmt: skip
    found["broken"] = len(holds())
    print(json.dumps(found | {"by status": dict(said), "load": os.getloadavg()[0]}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
