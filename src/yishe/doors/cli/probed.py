"""/healthz and /readyz of a process that serves nothing else: a worker, the day's batches."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from yishe.doors.probes import ALIVE, READY


def answer(host: str, port: int, ready: Callable[[], bool]) -> ThreadingHTTPServer:
    """Begin to answer, from a thread that ends with the process; that it answers is its life."""
    handler = type("Asked", (_Asked,), {"is_ready": staticmethod(ready)})
    server = ThreadingHTTPServer((host, port), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="probes", daemon=True).start()
    return server


class _Asked(BaseHTTPRequestHandler):
    is_ready: Callable[[], bool]
    timeout = 5

    def do_GET(self) -> None:
        if self.path not in (ALIVE, READY):
            self.send_error(404)
        elif self.path == ALIVE or self.is_ready():
            self._say(200, b"ok\n")
        else:
            self._say(503, b"not ready\n")

    def _say(self, status: int, words: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(words)))
        self.end_headers()
        self.wfile.write(words)

    def log_message(self, *_: object) -> None:
        """Probes are no news."""
