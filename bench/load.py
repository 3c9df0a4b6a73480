"""The compiled client (client.c): what it is asked, and what it found. Python writes the requests beforehand and reads the times
afterwards; while it is measured, it sleeps."""

import struct
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.clients import Run

ROOT = Path(__file__).resolve().parents[1]
CLIENT = ROOT / ".venv" / "bench-client"
PATIENCE_SECONDS = 30
LONGEST_SECONDS = 3600


@dataclass(frozen=True)
class Asked:
    """One request: when it is due (seconds after the start; 0 as soon as a line is free), and which kind of request it is."""

    bytes_: bytes
    due: float = 0.0
    kind: str = ""


@dataclass(frozen=True)
class Answered:
    """Milliseconds after the start; -1 where it did not come. `status` 0: no answer."""

    asked: Asked
    sent: float
    done: float
    status: int

    @property
    def took(self) -> float:
        """From the moment it was due, whether or not a line was free then."""
        return self.done - (self.asked.due * 1000 if self.asked.due else self.sent)


@dataclass
class Found:
    """`events`: stream number, milliseconds after the start, and the loop that was told of."""

    answers: list[Answered] = field(default_factory=list)
    events: list[tuple[int, float, str]] = field(default_factory=list)
    broken: int = 0
    open_streams: int = 0
    cpu_seconds: float = 0.0
    start_us: int = 0


def built() -> Path:
    """The client, compiled anew when its source is newer."""
    subprocess.run(["make", "-s", str(CLIENT.relative_to(ROOT))], cwd=ROOT, check=True)
    return CLIENT


def run(
    address: str, asked: Sequence[Asked], lines: int, streams: tuple[str, Sequence[bytes]] | None = None
) -> Found:
    """Send them all, in order of their due moments, over at most `lines` connections, while the streams are open."""
    ordered = sorted(asked, key=lambda one: one.due)
    with tempfile.TemporaryDirectory() as folder:
        plan, out, heads = (Path(folder, name) for name in ("plan", "out", "streams"))
        with plan.open("wb") as file:
            for one in ordered:
                file.write(struct.pack("<QI", round(one.due * 1e6), len(one.bytes_)) + one.bytes_)
        command = [str(built()), str(plan), str(out), str(PATIENCE_SECONDS), str(lines), *address.split(":")]
        if streams:
            heads.write_bytes(b"".join(struct.pack("<I", len(one)) + one for one in streams[1]))
            command += [str(heads), *streams[0].split(":")]
        subprocess.run(command, check=True, timeout=LONGEST_SECONDS)
        return _read(ordered, out.read_text())


def _read(asked: Sequence[Asked], told: str) -> Found:
    found = Found()
    for line in told.splitlines():
        what, *rest = line.split()
        if what == "r":
            number, _, sent, done, status = map(int, rest)
            found.answers.append(Answered(asked[number], sent / 1000, done / 1000, status))
        elif what == "e":
            found.events.append((int(rest[0]), int(rest[1]) / 1000, rest[2]))
        elif what == "x":
            found.broken += 1
        elif what == "s":
            found.open_streams = int(rest[0])
        elif what == "u":
            found.cpu_seconds = int(rest[0]) / 1e6
        elif what == "b":
            found.start_us = int(rest[0])
    return found


def closed(address: str, requests: Sequence[bytes], lines: int) -> Run:
    """As fast as `lines` kept connections are answered; the first requests of all warm and are not measured."""
    found = run(address, [Asked(one) for one in requests], lines)
    warm, measured = found.answers[:lines], found.answers[lines:]
    began = max((one.done for one in warm), default=0.0)
    ended = max(one.done for one in measured)
    outcomes = Counter("ok" if 200 <= one.status < 300 else str(one.status) for one in found.answers)
    latencies = [one.took for one in measured]
    rate = len(measured) / max(ended - began, 0.001) * 1000
    errors = len(found.answers) - outcomes["ok"]
    return Run(
        rate, len(measured), errors, latencies, dict(outcomes), found.cpu_seconds / len(requests) * 1e6
    )
