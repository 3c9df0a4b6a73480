"""Field encryption: root key → centre key → subject key (design §9).

Each blob names its cipher and is bound to its place ("people.resident.name") and its subject, so a value moved to
another row does not open (trust.ciphers). Centre keys are unwrapped once per process and read anew now and then;
a subject key costs one short decryption per row, never a service call. While `yishe keys rotate` runs, and after
it, everything wrapped by an earlier key that is still kept opens too (trust.rotation).
"""

import hashlib
import hmac
import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from django.conf import settings
from django.db import connection

from yishe.policy.refusals import Unavailable
from yishe.trust import ciphers, commit, root_key
from yishe.trust.commit import Bundle
from yishe.trust.models import CentreKey, HouseKey, Instance, RetiredKey, Rotation, SubjectKey

FORWARD, BACK = b"rotation:forward", b"rotation:back"
"""What binds the two halves of the bridge between an old and a new root key."""
_REMEMBER_SECONDS = 300.0


@lru_cache(maxsize=4)
def _root(path: str, changed: int, inode: int) -> bytes:
    return root_key.read(settings.SECRET_KEY_FILE)


def root() -> bytes:
    """The root key: from its command when there is one, else from its file, read again when that changes."""
    if settings.ROOT_KEY_COMMAND:
        return root_key.from_command(settings.ROOT_KEY_COMMAND)
    path = settings.SECRET_KEY_FILE
    try:
        state = path.stat()
        return _root(str(path), state.st_mtime_ns, state.st_ino)
    except FileNotFoundError:
        return root_key.read(path)


def roots() -> Iterator[bytes]:
    """Root keys that open something now: ours first; while a rotation runs, the other one over its bridge."""
    own = root()
    yield own
    running = Rotation.objects.filter(running=True).values_list("forward", "back").first()
    for bridge, aad in zip(running or (), (FORWARD, BACK), strict=False):
        other = ciphers.unwrap([own], bytes(bridge), aad) if bridge else None
        if other is not None:
            yield other
    root_key.from_command.cache_clear()
    if root() != own:
        yield root()


def check_value(key: bytes | None = None) -> bytes:
    """What the instance row keeps to recognise its root key."""
    return hmac.new(key or root(), b"yishe key check", hashlib.sha256).digest()


def verify_root() -> None:
    """Unavailable when the key is not the one this database was born with or is being rotated to."""
    stored = Instance.objects.values_list("key_check", flat=True).filter(id=1).first()
    if stored is None or hmac.compare_digest(bytes(stored), check_value()):
        return
    wanted = Rotation.objects.filter(running=True).values_list("new_check", flat=True).first()
    if wanted is None or not hmac.compare_digest(bytes(wanted), check_value()):
        raise Unavailable("key_mismatch", "密钥文件与数据库不是一对：请放回建库时的密钥文件，再启动。")


def root_for_writing() -> bytes:
    """The root key that new keys are wrapped with; inside a transaction, so that a rotation cannot end meanwhile."""
    instance = Instance.objects.select_for_update().filter(id=1).first()
    if instance is None:
        return root()
    running = Rotation.objects.filter(running=True).values_list("new_check", flat=True).first()
    wanted = bytes(running or instance.key_check)
    for key in roots():
        if hmac.compare_digest(check_value(key), wanted):
            return key
    raise Unavailable("key_mismatch", "密钥文件与数据库不是一对：请放回建库时的密钥文件，再启动。")


def open_rooted(blob: bytes, aad: bytes) -> bytes:
    """A key that hangs directly from the root."""
    for key in roots():
        inner = ciphers.unwrap([key], blob, aad)
        if inner is not None:
            return inner
    raise Unavailable(
        "cannot_unseal", "有一处加密内容打不开：密钥文件与数据库不是一对，请联系管理员核对密钥备份。"
    )


@dataclass(frozen=True)
class _Ring:
    """A centre's keys in this process: the one that wraps now, and the one that look-up is keyed by."""

    wraps: bytes
    blinds: bytes
    until: float


_rings: dict[tuple[str, uuid.UUID], _Ring] = {}
_house: dict[tuple[str, str], bytes] = {}


def _place() -> str:
    return str(connection.settings_dict["NAME"])


def _ring(home: uuid.UUID) -> _Ring:
    place = (_place(), home)
    kept = _rings.get(place)
    if kept is None or kept.until < time.monotonic():
        kept = _rings[place] = _read_ring(home)
    return kept


def _read_ring(home: uuid.UUID) -> _Ring:
    row = CentreKey.objects.filter(home=home).values_list("wrapped", "blind").first()
    if row is None:
        raise Unavailable("no_centre_key", "这个中心还没有建立密钥：请管理员运行 yishe migrate。")
    wraps = open_rooted(bytes(row[0]), centre_aad(home))
    blinds = open_rooted(bytes(row[1]), blind_aad(home)) if row[1] is not None else wraps
    return _Ring(wraps, blinds, time.monotonic() + _REMEMBER_SECONDS)


def centre_aad(home: uuid.UUID) -> bytes:
    return b"centre:" + home.bytes


def blind_aad(home: uuid.UUID) -> bytes:
    return b"blind:" + home.bytes


def house_aad(use: str) -> bytes:
    return b"house:" + use.encode()


def subject_aad(subject: uuid.UUID) -> bytes:
    return b"subject:" + subject.bytes


def centre_key(home: uuid.UUID) -> bytes:
    """The key that wraps the centre's subject keys, unwrapped once per process and database."""
    return _ring(home).wraps


def forget() -> None:
    """Drop unwrapped keys (tests, restored databases)."""
    _rings.clear()
    _house.clear()
    _root.cache_clear()
    root_key.from_command.cache_clear()
    _subject_key.cache_clear()
    _purpose_key.cache_clear()
    ciphers.forget()


def make_centre_key(home: uuid.UUID, at: datetime) -> None:
    """Give a centre its keys, once; another process may have been first."""
    with commit.atomically():
        root_ = root_for_writing()
        row = CentreKey(
            home=home, wrapped=ciphers.wrap(root_, os.urandom(32), centre_aad(home)),
            blind=ciphers.wrap(root_, os.urandom(32), blind_aad(home)), created_at=at,
        )  # fmt: skip
        CentreKey.objects.bulk_create([row], ignore_conflicts=True)


def house_key(use: str) -> bytes:
    """The installation's own key for one use, made when first asked for; it outlives any root key."""
    place = (_place(), use)
    if place not in _house:
        _house[place] = open_rooted(_house_row(use), house_aad(use))
    return _house[place]


def _house_row(use: str) -> bytes:
    kept = HouseKey.objects.filter(use=use).values_list("wrapped", flat=True).first()
    if kept is None:
        with commit.atomically():
            wrapped = ciphers.wrap(root_for_writing(), os.urandom(32), house_aad(use))
            HouseKey.objects.bulk_create([HouseKey(use=use, wrapped=wrapped)], ignore_conflicts=True)
        kept = HouseKey.objects.values_list("wrapped", flat=True).get(use=use)
    return bytes(kept)


def new_subject(bundle: Bundle, home: uuid.UUID, subject: uuid.UUID) -> bytes:
    """Make the key of a new subject as part of `bundle`; returns the wrapped key for use before commit."""
    wrapped = ciphers.wrap(centre_key(home), os.urandom(32), subject_aad(subject))
    bundle.insert(SubjectKey, subject=subject, home=home, wrapped=wrapped)
    return wrapped


def wrapped_key(subject: uuid.UUID) -> bytes:
    row = SubjectKey.objects.filter(subject=subject).values_list("wrapped", flat=True).first()
    if row is None:
        raise Unavailable("subject_erased", "这位居民的资料已按其要求删除，内容不可再读。")
    return bytes(row)


def wrapped_keys(subjects: Any) -> dict[uuid.UUID, bytes]:
    """The same of many, given as ids or as a query of them; erased ones are left out. One statement."""
    rows = SubjectKey.objects.filter(subject__in=subjects).values_list("subject", "wrapped")
    return {subject: bytes(wrapped) for subject, wrapped in rows}


@lru_cache(maxsize=20_000)
def _subject_key(place: str, home: uuid.UUID, subject: uuid.UUID, wrapped: bytes) -> bytes:
    for key in _centre_keys(home):
        inner = ciphers.unwrap([key], wrapped, subject_aad(subject))
        if inner is not None:
            return inner
    raise Unavailable(
        "cannot_unseal", "有一处加密内容打不开：密钥文件与数据库不是一对，请联系管理员核对密钥备份。"
    )


def _centre_keys(home: uuid.UUID) -> Iterator[bytes]:
    """The centre's key as this process knows it; then as it is now; then those it had before."""
    yield centre_key(home)
    _rings.pop((_place(), home), None)
    yield centre_key(home)
    for blob in RetiredKey.objects.filter(home=home).values_list("wrapped", flat=True):
        yield open_rooted(bytes(blob), centre_aad(home))


def open_subject(home: uuid.UUID, subject: uuid.UUID, wrapped: bytes) -> bytes:
    """The subject's own key, whichever generation of the centre's key wrapped it."""
    return _subject_key(_place(), home, subject, bytes(wrapped))


def seal(home: uuid.UUID, subject: uuid.UUID, wrapped: bytes, text: str, place: str) -> bytes:
    """Encrypt `text` for `place` ("table.column") under the subject's key."""
    return ciphers.lock(open_subject(home, subject, wrapped), text.encode(), place.encode() + subject.bytes)


def unseal(home: uuid.UUID, subject: uuid.UUID, wrapped: bytes, blob: bytes, place: str) -> str:
    """The text sealed at `place`; Unavailable when key and content do not belong together."""
    key = open_subject(home, subject, wrapped)
    try:
        return ciphers.unlock(key, blob, place.encode() + subject.bytes).decode()
    except (InvalidTag, ValueError):
        raise Unavailable("cannot_unseal", "有一处加密内容打不开：请联系管理员核对密钥备份。") from None


def blind(home: uuid.UUID, purpose: str, text: str) -> bytes:
    """A 16-byte keyed fingerprint for look-up over ciphertext; its key is apart from the data key."""
    return _fingerprint(_ring(home).blinds, purpose, text)


def blind_everywhere(purpose: str, text: str) -> bytes:
    """Like `blind`, keyed for the whole installation: one person has one record across centres."""
    return _fingerprint(house_key("blind"), purpose, text)


def _fingerprint(base: bytes, purpose: str, text: str) -> bytes:
    return hmac.digest(_purpose_key(base, purpose), text.encode(), "sha256")[:16]


@lru_cache(maxsize=1024)
def _purpose_key(base: bytes, purpose: str) -> bytes:
    return hmac.digest(base, b"blind:" + purpose.encode(), "sha256")
