"""No word about a person in the clear, anywhere on the disk: looked for as bytes, in every spelling it could have."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.rooms.trust import places
from tests.rooms.trust.places import Place
from tests.rooms.trust.small_world import PRIVATE

LEAST = 6
"""Shorter pieces of bytes would be found by chance."""


def spellings(text: str) -> Iterator[tuple[str, bytes]]:
    for encoding in ("utf-8", "utf-16-le", "utf-16-be", "gbk"):
        yield encoding, text.encode(encoding)
        yield f"{encoding} hex", text.encode(encoding).hex().encode()
    escaped = json.dumps(text)[1:-1]
    yield "json", escaped.encode()
    yield "json, large", escaped.upper().replace("\\U", "\\u").encode()
    yield "json twice", json.dumps(escaped)[1:-1].encode()
    for shift in range(3):
        yield f"base64 +{shift}", _base64(text.encode(), shift)


def _base64(content: bytes, shift: int) -> bytes:
    """The part of the base64 that is the same whatever stands before and after."""
    code = base64.b64encode(b"\0" * shift + content)
    first = (shift * 8 + 5) // 6
    return code[first : (shift + len(content)) * 8 // 6]


def found(content: bytes) -> set[str]:
    return {
        f"{name} as {spelling}"
        for name, text in PRIVATE.items()
        for spelling, wanted in spellings(text)
        if len(wanted) >= LEAST and wanted in content
    }


def test_the_search_itself_finds_every_spelling() -> None:
    for text in PRIVATE.values():
        assert found(b"x" + text.encode("utf-16-be"))
        assert found(json.dumps({"a": text}).encode())
        for lead in ("", "a", "ab"):
            assert found(base64.b64encode((lead + text + "z").encode()))


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
    for part in ("wal", "data.ybk", "secret.key", "said"):
        assert any(part in name for name in lived_in), f"{part} is among what is searched"
    leaks = {name: spelled for name, content in lived_in.items() if (spelled := found(content))}
    assert not leaks


def test_what_is_searched_really_holds_the_person(lived_in: Files) -> None:
    """The same files hold what is not secret, so that an empty answer means something."""
    assert any(b"referral.doctor_to_social_worker" in content for content in lived_in.values())
