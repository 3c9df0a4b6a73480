"""Field encryption: root key → centre key → subject key (design §9).

AES-256-GCM with a random 96-bit nonce. Each blob is `form byte ‖ nonce ‖ ciphertext+tag`; the additional data
binds it to its place ("people.resident.name") and its subject, so a value moved to another row does not open.
Centre keys are unwrapped once per process; a subject key costs one AES block run per row, never a service call.
"""

import hashlib
import hmac
import os
import uuid
from datetime import datetime
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import connection

from yishe.policy.refusals import Unavailable
from yishe.trust import root_key
from yishe.trust.commit import Bundle
from yishe.trust.models import CentreKey, Instance, SubjectKey

_FORM = b"\x01"
_NONCE = 12


@lru_cache(maxsize=4)
def _root(path: str, changed: float) -> bytes:
    return root_key.read(settings.SECRET_KEY_FILE)


def root() -> bytes:
    """The root key, read again when its file changes."""
    path = settings.SECRET_KEY_FILE
    try:
        return _root(str(path), path.stat().st_mtime)
    except FileNotFoundError:
        return root_key.read(path)


def _lock(key: bytes, plain: bytes, aad: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return _FORM + nonce + AESGCM(key).encrypt(nonce, plain, aad)


def _unlock(key: bytes, blob: bytes, aad: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(bytes(blob[1 : 1 + _NONCE]), bytes(blob[1 + _NONCE :]), aad)
    except (InvalidTag, ValueError):
        raise Unavailable(
            "cannot_unseal", "有一处加密内容打不开：密钥文件与数据库不是一对，请联系管理员核对密钥备份。"
        ) from None


def check_value() -> bytes:
    """What the instance row keeps to recognise its root key."""
    return hmac.new(root(), b"yishe key check", hashlib.sha256).digest()


def verify_root() -> None:
    """Unavailable when the key file is not the one this database was born with."""
    stored = Instance.objects.values_list("key_check", flat=True).filter(id=1).first()
    if stored is not None and not hmac.compare_digest(bytes(stored), check_value()):
        raise Unavailable("key_mismatch", "密钥文件与数据库不是一对：请放回建库时的密钥文件，再启动。")


_centre_keys: dict[tuple[str, uuid.UUID], bytes] = {}


def centre_key(home: uuid.UUID) -> bytes:
    """The centre's data key, unwrapped once per process and database."""
    place = (str(connection.settings_dict["NAME"]), home)
    if place not in _centre_keys:
        row = CentreKey.objects.filter(home=home).values_list("wrapped", flat=True).first()
        if row is None:
            raise Unavailable("no_centre_key", "这个中心还没有建立密钥：请管理员运行 yishe migrate。")
        _centre_keys[place] = _unlock(root(), bytes(row), b"centre:" + home.bytes)
    return _centre_keys[place]


def forget() -> None:
    """Drop unwrapped keys (tests, restored databases)."""
    _centre_keys.clear()
    _root.cache_clear()
    _aead.cache_clear()


def make_centre_key(home: uuid.UUID, at: datetime) -> None:
    """Give a centre its key, once; another process may have been first."""
    wrapped = _lock(root(), os.urandom(32), b"centre:" + home.bytes)
    CentreKey.objects.bulk_create([CentreKey(home=home, wrapped=wrapped, created_at=at)], ignore_conflicts=True)


def new_subject(bundle: Bundle, home: uuid.UUID, subject: uuid.UUID) -> bytes:
    """Make the key of a new subject as part of `bundle`; returns the wrapped key for use before commit."""
    wrapped = _lock(centre_key(home), os.urandom(32), b"subject:" + subject.bytes)
    bundle.insert(SubjectKey, subject=subject, home=home, wrapped=wrapped)
    return wrapped


def wrapped_key(subject: uuid.UUID) -> bytes:
    row = SubjectKey.objects.filter(subject=subject).values_list("wrapped", flat=True).first()
    if row is None:
        raise Unavailable("subject_erased", "这位居民的资料已按其要求删除，内容不可再读。")
    return bytes(row)


@lru_cache(maxsize=20_000)
def _aead(centre: bytes, subject: uuid.UUID, wrapped: bytes) -> AESGCM:
    return AESGCM(_unlock(centre, wrapped, b"subject:" + subject.bytes))


def seal(home: uuid.UUID, subject: uuid.UUID, wrapped: bytes, text: str, place: str) -> bytes:
    """Encrypt `text` for `place` ("table.column") under the subject's key."""
    nonce = os.urandom(_NONCE)
    box = _aead(centre_key(home), subject, bytes(wrapped))
    return _FORM + nonce + box.encrypt(nonce, text.encode(), place.encode() + subject.bytes)


def unseal(home: uuid.UUID, subject: uuid.UUID, wrapped: bytes, blob: bytes, place: str) -> str:
    """The text sealed at `place`; Unavailable when key and content do not belong together."""
    box = _aead(centre_key(home), subject, bytes(wrapped))
    blob = bytes(blob)
    try:
        return box.decrypt(blob[1 : 1 + _NONCE], blob[1 + _NONCE :], place.encode() + subject.bytes).decode()
    except (InvalidTag, ValueError):
        raise Unavailable("cannot_unseal", "有一处加密内容打不开：请联系管理员核对密钥备份。") from None


def blind(home: uuid.UUID, purpose: str, text: str) -> bytes:
    """A 16-byte keyed fingerprint for look-up over ciphertext; its key is apart from the data key."""
    key = hmac.new(centre_key(home), b"blind:" + purpose.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).digest()[:16]


def blind_everywhere(purpose: str, text: str) -> bytes:
    """Like `blind`, keyed for the whole installation: one person has one record across centres."""
    key = hmac.new(root(), b"blind:" + purpose.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).digest()[:16]
