"""Keeps the embedded server's processes alive, and ends them together."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from yishe.doors.cli import lifeline
from yishe.doors.cli.printing import remark

GRACE_SECONDS = 20.0
LONGEST_WAIT = 10.0
STEADY_SECONDS = 10.0
TRIES_AT_START = 3


@dataclass(frozen=True)
class Child:
    """A process to keep: `name` as people read it, `arguments` for `python -m yishe`."""

    name: str
    arguments: tuple[str, ...]


class GaveUp(Exception):
    """A child never got on its feet."""


def keep(children: Sequence[Child], port: int, host: str, ready: str) -> int:
    """Run all children until SIGTERM or SIGINT, restarting any that die; say `ready` once the port answers.

    Returns 0 after a clean stop, 1 when a child cannot be started at all.
    """
    return asyncio.run(_keep(children, port, host, ready))


async def _keep(children: Sequence[Child], port: int, host: str, ready: str) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    tasks = [asyncio.create_task(_keep_one(child, stop)) for child in children]
    greeting = asyncio.create_task(_greet(host, port, ready))
    await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    stop.set()
    greeting.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            remark(str(outcome))
    return 1 if any(isinstance(outcome, BaseException) for outcome in outcomes) else 0


async def _keep_one(child: Child, stop: asyncio.Event) -> None:
    """Start, wait, start again. Raises GaveUp after a few failures at the very start."""
    loop, failures, wait = asyncio.get_running_loop(), 0, 1.0
    while not stop.is_set():
        born = loop.time()
        process = await _start(child)
        code = await _until_end(process, stop)
        if stop.is_set():
            return
        steady = loop.time() - born > STEADY_SECONDS
        failures, wait = (0, 1.0) if steady else (failures + 1, min(wait * 2, LONGEST_WAIT))
        if failures >= TRIES_AT_START and code > 0:
            raise GaveUp(f"{child.name} 无法启动（退出码 {code}），服务停止。")
        remark(f"{child.name} 意外结束（{code}），{wait:.0f} 秒后重新启动。")
        await _sleep(wait, stop)


async def _start(child: Child) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "yishe", *child.arguments,
        stdin=asyncio.subprocess.PIPE, env={**os.environ, lifeline.ENV: "1"}, start_new_session=True,
    )  # fmt: skip


async def _until_end(process: asyncio.subprocess.Process, stop: asyncio.Event) -> int:
    """Wait for the process; when asked to stop, ask it too, then insist."""
    ended, stopped = asyncio.create_task(process.wait()), asyncio.create_task(stop.wait())
    await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not ended.done():
        process.terminate()
        await asyncio.wait({ended}, timeout=GRACE_SECONDS)
    if not ended.done():
        process.kill()
    return await ended


async def _sleep(seconds: float, stop: asyncio.Event) -> None:
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait({waiting}, timeout=seconds)
    waiting.cancel()


def _reachable(host: str) -> str:
    """An address of this machine that a server listening on `host` answers at."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


async def _greet(host: str, port: int, ready: str) -> None:
    """Print `ready` when the port takes its first connection."""
    while True:
        try:
            _, writer = await asyncio.open_connection(_reachable(host), port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            print(ready, flush=True)
            return
