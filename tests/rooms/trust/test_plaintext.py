"""No word about a person in the clear, anywhere on the disk: looked for as bytes, in every spelling it could have."""

import base64
import gzip
import json
from pathlib import Path

import psycopg
import pytest

from tests.rooms.trust import places
from tests.rooms.trust.places import Place
from tests.rooms.trust.small_world import PRIVATE
from tests.spellings import found


def test_the_search_itself_finds_every_spelling() -> None:
    for text in PRIVATE.values():
        for written in (
            *(text.encode(one) for one in ("utf-8", "utf-16-le", "utf-16-be", "gbk")),
            json.dumps({"a": text}).encode(),
        ):
            assert found(b"x" + written, [text])
            assert found(gzip.compress(written), [text])
        for lead in ("", "a", "ab"):
            assert found(base64.b64encode((lead + text + "z").encode()), [text])


Files = dict[str, bytes]


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """A place where someone was registered, searched, referred, written about, imported, and backed up."""
    place = places.fresh(tmp_path_factory.mktemp("plain"))
    made = place.run("tests.rooms.trust.small_world")
    assert made.returncode == 0, made.stderr
    before = {f"{name} after a power cut": content for name, content in looked_into(place).items()}
    done = place.yishe("backup", "--to", str(place.home / "backups"))
    assert done.returncode == 0, done.stderr
    return before | looked_into(place)


def looked_into(place: Place) -> Files:
    """Every file of the place: database, WAL, free pages, logs, temporary files, backups; of the server's, too."""
    folders = [place.home]
    if place.url:
        with psycopg.connect(place.url, autocommit=True) as server:
            server.execute("CHECKPOINT")
            folders.append(Path(str(server.execute("SHOW data_directory").fetchone()[0])))  # type: ignore[index]
    files = {str(one): one.read_bytes() for folder in folders for one in folder.rglob("*") if one.is_file()}
    return {**files, "said": "".join(place.said).encode()}


def test_nothing_about_a_person_lies_on_the_disk_in_the_clear(lived_in: Files) -> None:
    for part in ("wal", "data.ybk", "secret.key", "said", ".roster", ".result", ".note"):
        assert any(part in name for name in lived_in), f"{part} is among what is searched"
    leaks = {
        name: spelled for name, content in lived_in.items() if (spelled := found(content, PRIVATE.values()))
    }
    assert not leaks


def test_what_is_searched_really_holds_the_person(lived_in: Files) -> None:
    """The same files hold what is not secret, so that an empty answer means something."""
    assert any(b"referral.doctor_to_social_worker" in content for content in lived_in.values())
