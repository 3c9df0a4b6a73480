"""The disk runs full under load and gets room again. Run as `python -m tests.proof.full_disk`, as root: it mounts a small disk.

On PostgreSQL the database lies in a tablespace of its own on it and the log elsewhere, as an operator is told to do; on SQLite the
whole data folder lies there. Prints one JSON object.
"""

import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from tests.proof import faults, killing
from tests.proof.faults import Tokens
from tests.proof.killing import House, Sent

SIZE = "256m"
FULL_FOR = 6.0
URL = os.environ.get("YISHE_DATABASE_URL", "")


@contextmanager
def mounted(where: Path) -> Iterator[Path]:
    """A disk of its own that holds little."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "yishe-proof", str(where)], check=True)
    try:
        yield where
    finally:
        subprocess.run(["umount", "-l", str(where)], check=True)


@contextmanager
def on_a_small_disk() -> Iterator[Path]:
    """The database of this proof lies on it; yields its folder."""
    if not URL:
        with mounted(Path(os.environ["YISHE_HOME"])) as home:
            yield home
        return
    with TemporaryDirectory(prefix="yishe-disk-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        with mounted(Path(folder)) as disk, _tablespace(disk / "space"):
            yield disk


@contextmanager
def _tablespace(space: Path) -> Iterator[None]:
    import psycopg  # noqa: PLC0415

    head, _, rest = URL.partition("?")
    server, _, name = head.rpartition("/")
    space.mkdir()
    with psycopg.connect(f"{server}/postgres?{rest}", autocommit=True) as admin:
        data = admin.execute("SHOW data_directory").fetchone()
        assert data is not None
        os.chown(space, Path(data[0]).stat().st_uid, -1)
        admin.execute(f"CREATE TABLESPACE small LOCATION '{space}'")
        admin.execute(f'ALTER DATABASE "{name}" SET TABLESPACE small')
        try:
            yield
        finally:
            faults.connection.close()
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            admin.execute(f'ALTER DATABASE "{name}" SET TABLESPACE pg_default')
            admin.execute("DROP TABLESPACE small")


def filled(disk: Path) -> Path:
    """A file that takes what is left."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        for size in (1 << 20, 1 << 12):
            with suppress(OSError):
                while file.write(b"\0" * size) == size:
                    pass
    return filler


def full(house: House, tokens: Tokens, people: list[Any], disk: Path) -> dict[str, Any]:
    """Filled until an act is refused for it; while it is, reads; then room again, and the same act once more."""
    reads: Counter[str] = Counter()
    acts = _acts(tokens[0], people)
    last = [next(acts)]

    def is_refused() -> bool:
        """Whether the last act is refused for the disk; after one that fitted in comes another."""
        if last[0].status not in (0, 503):
            last[0] = next(acts)
        last[0].go(client)
        return last[0].status == 503 and last[0].answer["code"] == "disk_full"

    with httpx.Client(base_url=house.url, timeout=faults.LONGEST) as client:
        filler = filled(disk)
        faults._until(is_refused)
        ends = time.monotonic() + FULL_FOR
        while time.monotonic() < ends:
            for path in ("/me", "/worklist", f"/residents/{people[1]}"):
                answer = client.get(path, headers={"Authorization": f"Bearer {tokens[0]}"})
                code = "" if answer.status_code < 300 else answer.json()["code"]
                reads[f"{path.split('/')[1]} {answer.status_code} {code}".strip()] += 1
            threading.Event().wait(0.2)
        refused = is_refused()
        filler.unlink()
        faults._until(lambda: not is_refused())
    return {
        "still refused at the end": refused,
        "reads while full": dict(reads),
        "afterwards": last[0].status,
    }


def _acts(token: str, people: list[Any]) -> Iterator[Sent]:
    """Referrals that nobody else at work makes, each another."""
    for reason in ("D04", "D05", "D06"):
        for one in people:
            body = {
                "kind": "referral.doctor_to_social_worker",
                "resident": str(one),
                "reason": reason,
                "note": "请跟进",
            }
            yield Sent("/loops", body, uuid.uuid4().hex, token)


def main() -> int:
    with on_a_small_disk() as disk:
        tokens, people = killing.prepared()
        faults.connection.close()
        house = House(killing.free_port())
        house.start()
        try:
            clients, told = faults.under_load(
                house, tokens, people, lambda: full(house, tokens, people, disk)
            )
            print(json.dumps(faults.judged(clients, told), ensure_ascii=False))
        finally:
            house.kill()
            faults.connection.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
