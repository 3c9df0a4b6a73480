"""yishe serve, yishe worker."""

import argparse
import asyncio
import importlib
import os
import signal
import socket
from typing import Any

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from yishe.doors import patience
from yishe.doors.cli import arguments, lifeline, readiness, supervisor, working
from yishe.policy.refusals import Unavailable

STREAM_GRACE_SECONDS = 15
ROLES = ("all", "front", "web", "live")


def register(commands: Any) -> None:
    serve_ = commands.add_parser("serve", help="serve pages, API and live streams on one port, with a worker")
    serve_.add_argument("--host", default="127.0.0.1")
    serve_.add_argument("--port", type=arguments.port, default=8000)
    serve_.add_argument("--no-worker", action="store_true", help="run `yishe worker` elsewhere")
    serve_.add_argument(
        "--role",
        choices=ROLES,
        default="all",
        help="production: `web` (pages and API) and `live` (streams) apart",
    )
    serve_.add_argument("--processes", type=arguments.count, default=2, help="for --role web")
    serve_.add_argument("--threads", type=arguments.count, default=4, help="per process, for --role web")
    serve_.set_defaults(run=serve)
    worker_ = commands.add_parser("worker", help="move due loops, deliver notices")
    worker_.set_defaults(run=worker)


def serve(args: argparse.Namespace) -> int:
    lifeline.hold()
    readiness.require()
    _require_free(args.host, args.port)
    if args.role == "all":
        return _all(args)
    os.environ[patience.TOLD] = "web"
    if args.role == "web":
        return _web(args)
    target = "application" if args.role == "front" else "streams"
    return asyncio.run(_front(target, args.host, args.port))


def worker(args: argparse.Namespace) -> int:
    lifeline.hold()
    readiness.require()
    patience.wait_as("worker")
    return working.Worker().run()


def _all(args: argparse.Namespace) -> int:
    front = ("serve", "--role", "front", "--host", args.host, "--port", str(args.port))
    children = [supervisor.Child("网页服务", front)]
    if not args.no_worker:
        children.append(supervisor.Child("后台任务", ("worker",)))
    ready = f"Yishe 已启动：http://{args.host}:{args.port}（Ctrl+C 停止）"
    return supervisor.keep(children, args.port, args.host, ready)


def _web(args: argparse.Namespace) -> int:
    Granian(
        "yishe.doors.wsgi:application", address=args.host, port=args.port, interface=Interfaces.WSGI,
        workers=args.processes, blocking_threads=args.threads, respawn_failed_workers=True,
        workers_kill_timeout=STREAM_GRACE_SECONDS, websockets=False, log_access=False,
    ).serve()  # fmt: skip
    return 0


async def _front(target: str, host: str, port: int) -> int:
    """One process on one event loop, so that a stop first ends the streams and then the server."""
    application = getattr(importlib.import_module("yishe.doors.asgi"), target)
    server = Server(
        application,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        websockets=False,
        log_level=LogLevels.error,
    )
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
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
