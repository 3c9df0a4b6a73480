"""Power cuts at random moments, in processes of their own: a rotation, a backup or a restore that was cut loses nothing.

Eight in all; YISHE_PROOF_KILLS asks for more (`make crash`). The moment is the name of the case, so it can be had again.
"""

import os
import random
from pathlib import Path

import pytest

from tests.rooms.trust import places
from tests.rooms.trust.places import Place
from yishe.trust import backup, root_key

KILLED = -9
TIMES = max(1, int(os.environ.get("YISHE_PROOF_KILLS", "8")) // 8)


def moments(most: int, share: int) -> list[int]:
    """So many different steps, drawn anew in every run."""
    return sorted(random.SystemRandom().sample(range(1, most), min(most - 1, share * TIMES)))


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = places.fresh(tmp_path_factory.mktemp("centre"))
    assert place.run("tests.rooms.trust.small_world").returncode == 0
    return place


@pytest.mark.parametrize("steps", moments(75, 3))
def test_a_rotation_killed_at_any_statement_is_finished_by_the_next_run(
    centre: Place, tmp_path: Path, steps: int
) -> None:
    place = centre.twin(tmp_path / "twin")
    new = tmp_path / "new.key"
    root_key.write(new, b"n" * 32)
    cut = place.run("tests.rooms.trust.crashing", "rotate", str(steps), str(new))
    assert cut.returncode in {KILLED, 0}, cut.stderr
    done = place.yishe("keys", "rotate", *(() if cut.returncode == 0 else ("--new-file", str(new))))
    assert done.returncode == 0 or "相同" in done.stderr, done.stdout + done.stderr
    opens = place.run("tests.rooms.trust.still_open")
    assert opens.returncode == 0, opens.stderr


@pytest.mark.parametrize("steps", moments(7, 2))
def test_a_backup_killed_at_any_step_is_no_backup_or_a_whole_one(
    centre: Place, tmp_path: Path, steps: int
) -> None:
    cut = centre.run("tests.rooms.trust.crashing", "backup", str(steps), str(tmp_path / "to"))
    assert cut.returncode in {KILLED, 0}, cut.stderr
    key = root_key.read(centre.home / "secret.key")
    for one in backup.listed(tmp_path / "to"):
        assert backup.read(one, key)["ledger"]["entries"] == 3
    again = centre.yishe("backup", "--to", str(tmp_path / "to"))
    assert again.returncode == 0, again.stderr
    assert backup.read(backup.newest(tmp_path / "to"), key)["ledger"]["entries"] == 3


@pytest.mark.parametrize("steps", moments(40, 3))
def test_a_restore_killed_at_any_step_left_the_place_empty_or_whole(
    centre: Place, tmp_path: Path, steps: int
) -> None:
    assert centre.yishe("backup", "--to", str(tmp_path / "to")).returncode == 0
    made, place = backup.newest(tmp_path / "to"), centre.empty(tmp_path / "new")
    cut = place.run("tests.rooms.trust.crashing", "restore", str(steps), str(made))
    assert cut.returncode in {KILLED, 0}, cut.stderr
    again = place.yishe("restore", str(made))
    if again.returncode:
        assert "已有数据" in again.stderr
        assert place.yishe("migrate").returncode == 0
    opens = place.run("tests.rooms.trust.still_open")
    assert opens.returncode == 0, opens.stderr
