"""A person erased is erased on the disk, and stays so when yesterday's backup is restored elsewhere."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.rooms.trust import places
from tests.rooms.trust.places import Place
from tests.rooms.trust.small_world import PRIVATE
from tests.rooms.trust.test_plaintext import found, looked_into


@dataclass
class Erased:
    """A place whose resident was erased after its backup was made, and what restoring that backup said."""

    place: Place
    her: dict[str, Any]
    restored: Place
    said: dict[str, Any]


@pytest.fixture(scope="module")
def erased(tmp_path_factory: pytest.TempPathFactory) -> Erased:
    folder = tmp_path_factory.mktemp("erased")
    place = places.fresh(folder / "lived")
    backups = str(folder / "backups")
    made = place.run("tests.rooms.trust.small_world")
    assert made.returncode == 0, made.stderr
    assert place.yishe("backup", "--to", backups).returncode == 0
    gone = place.run("tests.rooms.trust.small_erasure", YISHE_BACKUP_DIR=backups)
    assert gone.returncode == 0, gone.stderr
    restored = place.empty(folder / "restored")
    (yesterday,) = (folder / "backups").glob("yishe-*")
    done = restored.yishe("restore", str(yesterday), "--json")
    assert done.returncode == 0, done.stderr
    return Erased(place, json.loads(gone.stdout.splitlines()[-1]), restored, json.loads(done.stdout))


def test_nothing_of_hers_lies_on_the_disk_in_the_clear(erased: Erased) -> None:
    for place in (erased.place, erased.restored):
        assert not {
            name: spelt
            for name, content in looked_into(place).items()
            if (spelt := found(content, PRIVATE.values()))
        }


def test_on_sqlite_not_even_what_was_sealed_is_left_in_free_pages_or_wal(erased: Erased) -> None:
    """On PostgreSQL old bytes stay in its own log until it is recycled, locked by keys that are apart."""
    files = {p.name: p.read_bytes() for p in erased.place.home.glob("yishe.sqlite3*")}
    left = [bytes.fromhex(one) for one in erased.her["left"]]
    assert bool(files) is (erased.place.url == "")
    assert not [name for name, content in files.items() for one in left if one in content]


def test_the_backup_of_yesterday_brought_nobody_back_and_still_verifies(erased: Erased) -> None:
    """`yishe restore` answers only when ledger and replay hold."""
    assert erased.said["erased_again"] == 1
    (listed,) = json.loads(erased.restored.yishe("rights", "erasures", "--json").stdout)
    assert {kept["category"] for kept in listed["kept"]} >= {"casework", "contract"}
