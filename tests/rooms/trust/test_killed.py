"""Power cuts at chosen moments, in processes of their own: a rotation or a backup that was cut loses nothing."""

from pathlib import Path

import pytest

from tests.rooms.trust import places
from tests.rooms.trust.places import Place
from yishe.trust import backup, root_key

KILLED = -9


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = places.fresh(tmp_path_factory.mktemp("centre"))
    assert place.run("tests.rooms.trust.small_world").returncode == 0
    return place


@pytest.mark.parametrize("steps", [11, 37, 61])
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


@pytest.mark.parametrize("steps", [3, 5])
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
