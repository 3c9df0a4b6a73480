"""The two ciphers a value may be locked with: AES-256-GCM, and SM4-GCM where national cryptography is required.

A blob names its cipher in its first byte, so both open side by side and the setting only says what is written next:

    value         form (1 AES, 2 SM4) ‖ nonce 12 ‖ ciphertext+tag 16
    wrapped key   form (17 AES, 18 SM4) ‖ id of the wrapping key 4 ‖ nonce 12 ‖ ciphertext+tag 16

Keys are 32 bytes. SM4 takes 16, derived by HMAC-SHA256, so that no key ever serves two algorithms.
"""

import hashlib
import hmac
import os
from collections.abc import Iterable
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from yishe.policy.refusals import Unavailable

FORMS = {"aes": 1, "sm4": 2}
WRAPPED = 16
"""Added to the form of a wrapped key, which also names the key it is wrapped with."""
NONCE, TAG, ID = 12, 16, 4


def chosen() -> int:
    """The form new values are written in (YISHE_CIPHER)."""
    try:
        return FORMS[settings.CIPHER]
    except KeyError:
        raise Unavailable(
            "no_such_cipher", f"YISHE_CIPHER 只能是 aes 或 sm4，现在是 {settings.CIPHER!r}：请改正后再启动。"
        ) from None


@lru_cache(maxsize=20_000)
def _aes(key: bytes) -> AESGCM:
    return AESGCM(key)


@lru_cache(maxsize=20_000)
def _sm4_key(key: bytes) -> algorithms.SM4:
    return algorithms.SM4(hmac.new(key, b"yishe sm4", hashlib.sha256).digest()[:16])


def forget() -> None:
    _aes.cache_clear()
    _sm4_key.cache_clear()


def encrypt(form: int, key: bytes, nonce: bytes, plain: bytes, aad: bytes) -> bytes:
    """Ciphertext and tag. A nonce must never be used twice with one key."""
    if form == FORMS["aes"]:
        return _aes(key).encrypt(nonce, plain, aad)
    if form != FORMS["sm4"]:
        raise ValueError("unknown form")
    box = Cipher(_sm4_key(key), modes.GCM(nonce)).encryptor()
    box.authenticate_additional_data(aad)
    return box.update(plain) + box.finalize() + box.tag


def decrypt(form: int, key: bytes, nonce: bytes, locked: bytes, aad: bytes) -> bytes:
    """The plain bytes. InvalidTag or ValueError when anything does not belong together."""
    if form == FORMS["aes"]:
        return _aes(key).decrypt(nonce, locked, aad)
    if form != FORMS["sm4"] or len(locked) < TAG:
        raise ValueError("unknown form")
    box = Cipher(_sm4_key(key), modes.GCM(nonce, locked[-TAG:])).decryptor()
    box.authenticate_additional_data(aad)
    return box.update(locked[:-TAG]) + box.finalize()


def lock(key: bytes, plain: bytes, aad: bytes) -> bytes:
    """A value under `key`, bound to `aad`, in the chosen cipher."""
    form, nonce = chosen(), os.urandom(NONCE)
    return bytes([form]) + nonce + encrypt(form, key, nonce, plain, aad)


def unlock(key: bytes, blob: bytes, aad: bytes) -> bytes:
    """The value; InvalidTag or ValueError when key, place and content do not belong together."""
    blob = bytes(blob)
    if not blob:
        raise ValueError("empty")
    return decrypt(blob[0], key, blob[1 : 1 + NONCE], blob[1 + NONCE :], aad)


@lru_cache(maxsize=1024)
def key_id(key: bytes) -> bytes:
    """Four bytes that name a key and say nothing about it."""
    return hashlib.sha256(b"yishe key id" + key).digest()[:ID]


def prefix(key: bytes) -> bytes:
    """How everything wrapped with `key` in the chosen cipher begins."""
    return bytes([chosen() + WRAPPED]) + key_id(key)


def wrap(key: bytes, inner: bytes, aad: bytes) -> bytes:
    """The key `inner`, wrapped with `key`."""
    head, nonce = prefix(key), os.urandom(NONCE)
    return head + nonce + encrypt(head[0] - WRAPPED, key, nonce, inner, aad)


def wrapped_by(blob: bytes) -> bytes | None:
    """The id of the key this blob is wrapped with; None in the first form, which did not say."""
    return bytes(blob[1 : 1 + ID]) if blob and blob[0] > WRAPPED else None


def unwrap(candidates: Iterable[bytes], blob: bytes, aad: bytes) -> bytes | None:
    """The inner key, opened with whichever candidate wrapped it; None when it was none of them."""
    blob = bytes(blob)
    named = wrapped_by(blob)
    for key in candidates:
        if named is not None and key_id(key) != named:
            continue
        try:
            if named is None:
                return unlock(key, blob, aad)
            nonce = blob[1 + ID : 1 + ID + NONCE]
            return decrypt(blob[0] - WRAPPED, key, nonce, blob[1 + ID + NONCE :], aad)
        except (InvalidTag, ValueError):
            continue
    return None
