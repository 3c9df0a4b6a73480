"""Keys: the wrong file is refused, and nothing sealed opens anywhere but in its own place."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from django.db import connection
from pytest_django.fixtures import Settings as SettingsWrapper

from yishe.policy.refusals import Unavailable
from yishe.trust import ids, instance, keys, root_key
from yishe.trust.commit import Bundle
from yishe.trust.models import CentreKey, Instance, SubjectKey


@pytest.fixture
def subject(home: UUID) -> UUID:
    made, bundle = ids.random(), Bundle()
    keys.new_subject(bundle, home, made)
    bundle.commit()
    return made


@pytest.fixture
def another_key(settings: SettingsWrapper, tmp_path: Path) -> Iterator[None]:
    settings.SECRET_KEY_FILE = tmp_path / "other.key"
    root_key.create(settings.SECRET_KEY_FILE)
    keys.forget()
    yield
    keys.forget()


def test_what_is_sealed_opens_again_and_looks_different_each_time(home: UUID, subject: UUID) -> None:
    key = keys.wrapped_key(subject)
    one, two = (keys.seal(home, subject, key, "王秀兰", "people.resident.name") for _ in range(2))
    assert one != two
    assert "王秀兰".encode() not in one
    assert keys.unseal(home, subject, key, one, "people.resident.name") == "王秀兰"


def test_a_value_moved_to_another_place_or_person_does_not_open(home: UUID, subject: UUID) -> None:
    key = keys.wrapped_key(subject)
    sealed = keys.seal(home, subject, key, "王秀兰", "people.resident.name")
    other, bundle = ids.random(), Bundle()
    other_key = keys.new_subject(bundle, home, other)
    attempts = (
        (subject, key, "people.resident.phone"),
        (other, other_key, "people.resident.name"),
        (other, key, "people.resident.name"),
        (subject, other_key, "people.resident.name"),
    )
    for whose, which, place in attempts:
        with pytest.raises(Unavailable):
            keys.unseal(home, whose, which, sealed, place)


def test_a_changed_byte_does_not_open(home: UUID, subject: UUID) -> None:
    key = keys.wrapped_key(subject)
    sealed = bytearray(keys.seal(home, subject, key, "王秀兰", "a.b"))
    for position in (1, 13, len(sealed) - 1):
        spoilt = bytearray(sealed)
        spoilt[position] ^= 1
        with pytest.raises(Unavailable):
            keys.unseal(home, subject, key, bytes(spoilt), "a.b")


def test_an_erased_key_leaves_its_content_unreadable(home: UUID, subject: UUID) -> None:
    SubjectKey.objects.filter(subject=subject).delete()
    with pytest.raises(Unavailable) as refused:
        keys.wrapped_key(subject)
    assert refused.value.code == "subject_erased"


def test_another_root_key_is_refused_before_anything_is_served(db: None, another_key: None) -> None:
    with pytest.raises(Unavailable) as refused:
        keys.verify_root()
    assert refused.value.code == "key_mismatch"


def test_another_root_key_opens_no_centre(home: UUID, another_key: None) -> None:
    with pytest.raises(Unavailable):
        keys.centre_key(home)


def test_a_lost_key_file_is_not_replaced_when_the_database_has_content(
    db: None, settings: SettingsWrapper, tmp_path: Path
) -> None:
    settings.SECRET_KEY_FILE = tmp_path / "gone.key"
    with pytest.raises(Unavailable) as refused:
        instance.prepare_key()
    assert refused.value.code == "key_missing"
    assert not settings.SECRET_KEY_FILE.exists()


def test_a_key_file_is_made_once_and_read_only_by_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secret.key"
    assert root_key.create(path)
    first = root_key.read(path)
    assert not root_key.create(path)
    assert root_key.read(path) == first
    assert path.stat().st_mode & 0o077 == 0


def test_a_damaged_key_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    for content in (b"", b"not base64 !", b"c2hvcnQ="):
        path.write_bytes(content)
        with pytest.raises(Unavailable) as refused:
            root_key.read(path)
        assert refused.value.code == "key_unreadable"


def test_a_centre_without_a_key_says_what_to_do(db: None) -> None:
    with pytest.raises(Unavailable) as refused:
        keys.centre_key(ids.new())
    assert refused.value.code == "no_centre_key"


def test_a_centre_keeps_its_first_key(home: UUID, now: datetime) -> None:
    first = keys.centre_key(home)
    keys.make_centre_key(home, now)
    keys.forget()
    assert keys.centre_key(home) == first
    assert CentreKey.objects.count() == 1


def test_look_up_is_keyed_by_centre_and_purpose(home: UUID, now: datetime) -> None:
    other = ids.new()
    keys.make_centre_key(other, now)
    marks = {
        keys.blind(home, "name", "王秀兰"), keys.blind(home, "phone", "王秀兰"), keys.blind(other, "name", "王秀兰"),
        keys.blind_everywhere("name", "王秀兰"),
    }  # fmt: skip
    assert len(marks) == 4
    assert keys.blind(home, "name", "王秀兰") in marks


def test_a_database_says_once_what_it_is(db: None, now: datetime) -> None:
    instance.found(now)
    assert Instance.objects.count() == 1
    assert connection.introspection.table_names()
