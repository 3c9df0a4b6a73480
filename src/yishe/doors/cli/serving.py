"""yishe serve, yishe worker. One build: what a process does is its role, and there may be any number of each."""

import argparse
import asyncio
import importlib
import os
import signal
import socket
import threading
from collections.abc import Callable
from typing import Any

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from yishe.doors import draining, patience
from yishe.doors.cli import arguments, lifeline, probed, readiness, supervisor, working
from yishe.doors.cli.daily import Daily
from yishe.policy.refusals import Unavailable
from yishe.trust import straight

STREAM_GRACE_SECONDS = 15
LINES_AT_ONCE = 10_000
"""Connections of one process of streams: each open page holds one. The server's own 128 let nobody further in; the pack's limits
by person and address (`streams`) are what holds a crowd back."""
ROLES = ("all", "front", "web", "live", "worker", "batch")
SERVING = ("all", "front", "web", "live")
PORT = 8000


def register(commands: Any) -> None:
    serve_ = commands.add_parser("serve", help="serve pages, API and live streams on one port, with a worker")
    serve_.add_argument("--host", default="127.0.0.1")
    serve_.add_argument(
        "--port",
        type=arguments.port,
        default=None,
        help=f"default {PORT}; a worker or batch answers there whether it lives and is ready, if a port is given",
    )
    serve_.add_argument("--no-worker", action="store_true", help="run `yishe worker` elsewhere")
    serve_.add_argument(
        "--role",
        choices=ROLES,
        default="all",
        help="production: `web` (pages and API), `live` (streams), `worker` (clocks and delivery) and `batch` (the day's rounds) apart",
    )
    serve_.add_argument("--processes", type=arguments.count, default=2, help="for --role web")
    serve_.add_argument("--threads", type=arguments.count, default=4, help="per process, for --role web")
    serve_.add_argument(
        "--drain",
        type=arguments.seconds,
        default=0.0,
        metavar="SECONDS",
        help="asked to end: how long /readyz says no before no more requests are taken",
    )
    serve_.set_defaults(run=serve)
    worker_ = commands.add_parser("worker", help="move due loops, deliver notices, and do the day's rounds")
    worker_.set_defaults(run=worker)


def serve(args: argparse.Namespace) -> int:
    lifeline.hold()
    if args.role == "batch":
        straight.take()
    readiness.require()
    if args.port is None and args.role in SERVING:
        args.port = PORT
    if args.port is not None:
        _require_free(args.host, args.port)
    begin = {"web": _web, "all": _all, "worker": _at_work, "batch": _at_work}.get(args.role, _streams)
    return begin(args)


def worker(args: argparse.Namespace) -> int:
    lifeline.hold()
    straight.take()
    readiness.require()
    patience.wait_as("worker")
    return working.Worker(Daily()).run()


def _at_work(args: argparse.Namespace) -> int:
    """A worker or the day's rounds, each without the other."""
    patience.wait_as("worker")
    found = working.Worker() if args.role == "worker" else working.Worker(Daily(), clocks=False)
    if args.port is not None:
        probed.answer(args.host, args.port, found.is_ready)
    return found.run()


def _streams(args: argparse.Namespace) -> int:
    patience.wait_as("web")
    target = "application" if args.role == "front" else "streams"
    return asyncio.run(_front(target, args.host, args.port, args.drain))


def _all(args: argparse.Namespace) -> int:
    front = ("serve", "--role", "front", "--host", args.host, "--port", str(args.port))
    children = [supervisor.Child("网页服务", front)]
    if not args.no_worker:
        children.append(supervisor.Child("后台任务", ("worker",)))
    ready = f"Yishe 已启动：http://{args.host}:{args.port}（Ctrl+C 停止）"
    return supervisor.keep(children, args.port, args.host, ready)


def _web(args: argparse.Namespace) -> int:
    """Asked to end: not ready, then no more requests, then those in hand to their end. Asked to reload (HUP): its processes
    one after the other, under the same listening socket, so that nobody meets a closed door."""
    draining.share()
    os.environ[patience.TOLD] = "web"
    server = Granian(
        "yishe.doors.wsgi:application", address=args.host, port=args.port, interface=Interfaces.WSGI,
        workers=args.processes, blocking_threads=args.threads, respawn_failed_workers=True,
        workers_kill_timeout=STREAM_GRACE_SECONDS, websockets=False, log_access=False,
    )  # fmt: skip
    end = server.signal_handler_interrupt
    setattr(server, end.__name__, lambda *_: _drained(args.drain, end))
    try:
        server.serve()
    finally:
        draining.forget()
    return 0


def _drained(seconds: float, end: Callable[[], None]) -> None:
    """Say not ready, and `end` after a while; asked again, at once."""
    wait = 0.0 if draining.begun() else seconds
    draining.begin()
    if wait:
        threading.Timer(wait, end).start()
    else:
        end()


async def _front(target: str, host: str, port: int, drain: float) -> int:
    """One process on one event loop, so that a stop first ends the streams and then the server."""
    application = getattr(importlib.import_module("yishe.doors.asgi"), target)
    server = Server(
        application,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        websockets=False,
        log_level=LogLevels.error,
        backlog=LINES_AT_ONCE,
        backpressure=LINES_AT_ONCE,
    )
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set():
        draining.begin()
        await asyncio.wait({serving}, timeout=drain)
    await application.pump.stop()
    server.stop()
    done, _ = await asyncio.wait({serving}, timeout=STREAM_GRACE_SECONDS)
    return 0 if done and stop.is_set() else 1


def _require_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as fault:
            raise Unavailable(
                "port_taken",
                f"无法监听 {host}:{port}（{fault.strerror}）：请停掉占用者，或用 --port 换一个端口。",
            ) from None
