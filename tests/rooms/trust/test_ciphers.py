"""AES and SM4 side by side: the setting says what is written next, and whatever was written opens."""

import base64
import stat
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings as SettingsWrapper

from yishe.policy.refusals import Unavailable
from yishe.trust import ciphers, ids, instance, keys, root_key
from yishe.trust.commit import Bundle

KEY = bytes(range(32))


@pytest.mark.parametrize("name", ["aes", "sm4"])
def test_what_is_locked_opens_and_names_its_cipher(name: str) -> None:
    form = ciphers.FORMS[name]
    locked = ciphers.encrypt(form, KEY, bytes(12), "王秀兰".encode(), b"place")
    assert ciphers.decrypt(form, KEY, bytes(12), locked, b"place").decode() == "王秀兰"
    other = 3 - form
    with pytest.raises((InvalidTag, ValueError)):
        ciphers.decrypt(other, KEY, bytes(12), locked, b"place")


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(["aes", "sm4"]),
    plain=st.binary(max_size=80),
    position=st.integers(0, 10_000),
    bit=st.integers(0, 7),
)
def test_one_flipped_bit_does_not_open(name: str, plain: bytes, position: int, bit: int) -> None:
    form = ciphers.FORMS[name]
    blob = bytearray(bytes([form]) + bytes(12) + ciphers.encrypt(form, KEY, bytes(12), plain, b"p"))
    blob[position % len(blob)] ^= 1 << bit
    with pytest.raises((InvalidTag, ValueError)):
        ciphers.unlock(KEY, bytes(blob), b"p")


def test_a_changed_setting_changes_what_is_written_and_nothing_that_was(
    home: UUID, settings: SettingsWrapper
) -> None:
    subject, bundle = ids.random(), Bundle()
    wrapped = keys.new_subject(bundle, home, subject)
    one = keys.seal(home, subject, wrapped, "甲", "a.b")
    settings.CIPHER = "sm4"
    two = keys.seal(home, subject, wrapped, "乙", "a.b")
    assert (one[0], two[0]) == (1, 2)
    assert keys.unseal(home, subject, wrapped, one, "a.b") == "甲"
    settings.CIPHER = "aes"
    assert keys.unseal(home, subject, wrapped, two, "a.b") == "乙"


def test_a_subject_key_may_be_wrapped_with_sm4(home: UUID, settings: SettingsWrapper) -> None:
    settings.CIPHER = "sm4"
    subject = ids.random()
    wrapped = keys.new_subject(Bundle(), home, subject)
    sealed = keys.seal(home, subject, wrapped, "甲", "a.b")
    keys.forget()
    assert wrapped[0] == 18
    assert keys.unseal(home, subject, wrapped, sealed, "a.b") == "甲"


def test_a_cipher_nobody_knows_is_refused(home: UUID, settings: SettingsWrapper) -> None:
    settings.CIPHER = "rot13"
    with pytest.raises(Unavailable) as refused:
        ciphers.lock(KEY, b"x", b"")
    assert refused.value.code == "no_such_cipher"


def test_keys_wrapped_in_the_first_form_still_open() -> None:
    old_form = b"\x01" + bytes(12) + ciphers.encrypt(1, KEY, bytes(12), b"k" * 32, b"aad")
    assert ciphers.unwrap([b"o" * 32, KEY], old_form, b"aad") == b"k" * 32
    assert ciphers.unwrap([b"o" * 32], old_form, b"aad") is None


def command(folder: Path, words: str) -> str:
    path = folder / "hsm"
    path.write_text(f"#!/bin/sh\n{words}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_the_root_key_may_come_from_a_command(home: UUID, settings: SettingsWrapper, tmp_path: Path) -> None:
    same = command(tmp_path, f"cat {settings.SECRET_KEY_FILE}")
    first = keys.centre_key(home)
    keys.forget()
    settings.ROOT_KEY_COMMAND, settings.SECRET_KEY_FILE = same, tmp_path / "none"
    keys.verify_root()
    assert keys.centre_key(home) == first
    assert not instance.prepare_key()
    assert not settings.SECRET_KEY_FILE.exists()


def test_a_command_with_another_key_is_refused(home: UUID, settings: SettingsWrapper, tmp_path: Path) -> None:
    settings.ROOT_KEY_COMMAND = command(tmp_path, f"echo {base64.b64encode(KEY).decode()}")
    with pytest.raises(Unavailable) as refused:
        keys.verify_root()
    assert refused.value.code == "key_mismatch"


@pytest.mark.parametrize(
    "words", ["echo c2VjcmV0LXNlY3JldA==", "echo secret-secret!", "echo secret-secret >&2; exit 3", "true"]
)
def test_a_command_that_gives_no_key_says_so_and_repeats_nothing(
    words: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Unavailable) as refused:
        root_key.from_command(command(tmp_path, words))
    assert refused.value.code == "key_command_failed"
    assert "secret" not in refused.value.title.replace(str(tmp_path), "")
    assert "secret" not in "".join(capfd.readouterr())
