"""Changing keys: everything opens before, during and after; afterwards the old root key opens nothing."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from pytest_django.fixtures import Settings as SettingsWrapper

from tests.rooms.trust.conftest import Write
from yishe.policy.refusals import Conflict, Unavailable
from yishe.trust import ciphers, ids, keys, ledger, root_key, rotation, verification
from yishe.trust.commit import Bundle
from yishe.trust.models import CentreKey, Entry, Instance, RetiredKey, Rotation, SubjectKey

NEW = b"n" * 32
Sealed = tuple[UUID, bytes]


@pytest.fixture(autouse=True)
def own_key_file(settings: SettingsWrapper, tmp_path: Path, db: None) -> Iterator[Path]:
    """A key file of this test's own: rotation replaces it."""
    path = tmp_path / "secret.key"
    root_key.write(path, b"o" * 32)
    settings.SECRET_KEY_FILE = path
    keys.forget()
    Instance.objects.filter(id=1).update(key_check=keys.check_value())
    yield path
    keys.forget()


def person(home: UUID, text: str) -> Sealed:
    subject, bundle = ids.random(), Bundle()
    wrapped = keys.new_subject(bundle, home, subject)
    bundle.commit()
    return subject, keys.seal(home, subject, wrapped, text, "a.b")


def opened(home: UUID, one: Sealed) -> str:
    return keys.unseal(home, one[0], keys.wrapped_key(one[0]), one[1], "a.b")


@pytest.fixture
def people(home: UUID) -> list[Sealed]:
    return [person(home, f"居民{n}") for n in range(5)]


def all_open(home: UUID, people: list[Sealed]) -> bool:
    keys.forget()
    return [opened(home, one) for one in people] == [f"居民{n}" for n in range(len(people))]


def test_after_a_rotation_everything_opens_with_the_new_root_and_nothing_with_the_old(
    home: UUID, people: list[Sealed], own_key_file: Path, now: datetime
) -> None:
    marks = keys.blind(home, "name", "王秀兰"), keys.blind_everywhere("id", "1")
    before = bytes(CentreKey.objects.get(home=home).wrapped)
    run = rotation.rotate(now, NEW)
    assert (run.stage, run.done, run.total) == ("finished", 5, 5)
    assert root_key.read(own_key_file) == NEW
    keys.verify_root()
    assert all_open(home, people)
    assert (keys.blind(home, "name", "王秀兰"), keys.blind_everywhere("id", "1")) == marks
    old = b"o" * 32
    rows = [
        *CentreKey.objects.values_list("wrapped", "blind"),
        *RetiredKey.objects.values_list("wrapped", "wrapped"),
    ]
    blobs = [
        (bytes(b), aad) for row in rows for b in row for aad in (keys.centre_aad(home), keys.blind_aad(home))
    ]
    assert all(ciphers.unwrap([old], blob, aad) is None for blob, aad in blobs)
    assert ciphers.unwrap([old], before, keys.centre_aad(home)) is not None
    kept = Rotation.objects.get()
    assert (kept.forward, kept.back, kept.running) == (None, None, None)


def test_the_old_key_file_is_kept_apart_and_refused(
    home: UUID, people: list[Sealed], own_key_file: Path, now: datetime
) -> None:
    rotation.rotate(now, NEW)
    old = rotation.retired_file(own_key_file, b"o" * 32)
    root_key.replace(own_key_file, root_key.read(old))
    keys.forget()
    with pytest.raises(Unavailable) as refused:
        keys.verify_root()
    assert refused.value.code == "key_mismatch"
    with pytest.raises(Unavailable):
        opened(home, people[0])


def test_evidence_is_never_encrypted_again(
    home: UUID, write: Write, people: list[Sealed], now: datetime
) -> None:
    subject = people[0][0]
    bundle = Bundle()
    stream = ids.new()
    ledger.append(
        bundle, ledger.Head(), home=home, stream=stream, kind="noted", actor=ids.SYSTEM, at=now, pack="p", data={},
        subject=subject, subject_key=keys.wrapped_key(subject), words={"note": "原话"},
    )  # fmt: skip
    bundle.commit()
    before = bytes(Entry.objects.get(stream=stream).sealed or b"")
    rotation.rotate(now, NEW)
    entry = Entry.objects.get(stream=stream)
    assert bytes(entry.sealed or b"") == before
    assert ledger.words(entry, keys.wrapped_key(subject)) == {"note": "原话"}
    assert verification.verify().broken is None


def test_while_held_both_root_keys_open_everything(
    home: UUID, people: list[Sealed], own_key_file: Path, now: datetime
) -> None:
    run = rotation.rotate(now, NEW, hold=True)
    assert run.stage == "installing"
    for key in (b"o" * 32, NEW, b"o" * 32):
        root_key.replace(own_key_file, key)
        keys.forget()
        keys.verify_root()
        assert all_open(home, people)
        late = ids.new()
        keys.make_centre_key(late, now)
        assert opened(late, person(late, "新来的")) == "新来的"
    assert rotation.rotate(now).stage == "finished"
    assert root_key.read(own_key_file) == NEW
    assert all_open(home, people)


def test_an_interrupted_run_goes_on_from_any_step(
    home: UUID, people: list[Sealed], own_key_file: Path, now: datetime
) -> None:
    class PowerCut(Exception):
        pass

    for cut in range(1, 40):
        steps = 0

        def step(stage: str, done: int, total: int, cut: int = cut) -> None:
            nonlocal steps
            steps += 1
            if steps == cut:
                raise PowerCut

        new = bytes([cut]) * 32
        try:
            rotation.rotate(now + timedelta(minutes=cut), new, progress=step, batch=2)
            interrupted = False
        except PowerCut:
            interrupted = True
        keys.verify_root()
        assert all_open(home, people)
        assert (
            rotation.rotate(now + timedelta(minutes=cut)).stage == "finished" if rotation.running() else True
        )
        assert root_key.read(own_key_file) == new
        assert all_open(home, people)
        if not interrupted:
            break
    assert cut > 5


def test_a_process_that_still_wraps_with_the_last_key_loses_nothing(
    home: UUID, people: list[Sealed], now: datetime
) -> None:
    ring = dict(keys._rings)
    rotation.rotate(now, NEW)
    keys.forget()
    keys._rings.update(ring)
    late = person(home, "迟到的")
    keys.forget()
    assert opened(home, late) == "迟到的"
    rotation.rotate(now + timedelta(days=2))
    keys.forget()
    assert opened(home, late) == "迟到的"
    assert RetiredKey.objects.count() == 1, "the first retired key is gone, and nothing was lost with it"


def test_a_person_erased_meanwhile_stays_erased(home: UUID, people: list[Sealed], now: datetime) -> None:
    rows = list(SubjectKey.objects.all())
    SubjectKey.objects.filter(subject=people[0][0]).delete()
    rotation._rewrap_subjects(rows)
    with pytest.raises(Unavailable) as refused:
        opened(home, people[0])
    assert refused.value.code == "subject_erased"


def test_without_a_new_root_only_the_centres_keys_turn(
    home: UUID, people: list[Sealed], own_key_file: Path, now: datetime
) -> None:
    before = keys.centre_key(home)
    assert rotation.rotate(now).stage == "finished"
    assert keys.centre_key(home) != before
    assert root_key.read(own_key_file) == b"o" * 32
    assert all_open(home, people)


def test_the_cipher_may_change_with_the_keys(
    home: UUID, people: list[Sealed], now: datetime, settings: SettingsWrapper
) -> None:
    settings.CIPHER = "sm4"
    rotation.rotate(now)
    assert {bytes(w)[0] for w in SubjectKey.objects.values_list("wrapped", flat=True)} == {18}
    assert all_open(home, people)


def test_the_same_key_again_and_a_second_new_key_are_refused(home: UUID, now: datetime) -> None:
    with pytest.raises(Conflict) as refused:
        rotation.rotate(now, b"o" * 32)
    assert refused.value.code == "same_root_key"
    rotation.rotate(now, NEW, hold=True)
    with pytest.raises(Conflict) as refused:
        rotation.rotate(now, b"m" * 32)
    assert refused.value.code == "rotation_running"


def test_a_stranger_key_cannot_go_on_with_a_rotation(home: UUID, own_key_file: Path, now: datetime) -> None:
    rotation.rotate(now, NEW, hold=True)
    root_key.replace(own_key_file, b"s" * 32)
    keys.forget()
    with pytest.raises(Unavailable) as refused:
        rotation.rotate(now)
    assert refused.value.code == "key_mismatch"
