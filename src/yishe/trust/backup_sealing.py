"""A backup file: compressed, and encrypted in chunks under a key derived from the root key.

    "YISHEBK1" ‖ form 1 ‖ id of the root key 4 ‖ salt 16 ‖ chunks

Each chunk is 1 MiB of plain bytes and a tag; its nonce is its number and whether it is the last, so chunks that are
missing, doubled, swapped or cut off do not open. The header is bound to every chunk.
"""

import gzip
import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from yishe.policy.refusals import Unavailable
from yishe.trust import ciphers

MAGIC = b"YISHEBK1"
CHUNK = 1 << 20
_HEADER = len(MAGIC) + 1 + ciphers.ID + 16


def derive(root: bytes, salt: bytes, purpose: str) -> bytes:
    """A key for one file or purpose."""
    return HKDF(SHA256(), 32, salt, b"yishe backup " + purpose.encode()).derive(root)


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(ciphers.NONCE - 1, "big") + bytes([last])


class _Sealer(io.RawIOBase):
    """Takes plain bytes, writes sealed chunks."""

    def __init__(self, file: BinaryIO, root: bytes, name: str) -> None:
        self._file, self._number, self._waiting = file, 0, bytearray()
        self._form, salt = ciphers.chosen(), os.urandom(16)
        self._header = MAGIC + bytes([self._form]) + ciphers.key_id(root) + salt
        self._key = derive(root, salt, name)
        file.write(self._header)

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        self._waiting += data
        while len(self._waiting) > CHUNK:  # never the last one: that is written by `finish`
            self._chunk(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]
        return len(data)

    def finish(self) -> None:
        self._chunk(bytes(self._waiting), last=True)

    def _chunk(self, plain: bytes, *, last: bool) -> None:
        nonce = _nonce(self._number, last=last)
        self._file.write(ciphers.encrypt(self._form, self._key, nonce, plain, self._header))
        self._number += 1


@contextmanager
def sealed(path: Path, root: bytes, name: str) -> Iterator[BinaryIO]:
    """Write a new sealed file; what is written to the result is compressed first. On the disk when it ends."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        sealer = _Sealer(file, root, name)
        with gzip.GzipFile(fileobj=sealer, mode="wb", compresslevel=3, mtime=0) as packed:  # type: ignore[call-overload]
            yield packed  # type: ignore[misc]
        sealer.finish()
        file.flush()
        os.fsync(file.fileno())


def _opened(file: BinaryIO, root: bytes, name: str) -> Iterator[bytes]:
    header = file.read(_HEADER)
    if len(header) < _HEADER or not header.startswith(MAGIC):
        raise damaged(name, "开头不完整或不是备份文件")
    if header[9 : 9 + ciphers.ID] != ciphers.key_id(root):
        raise wrong_key(header[9 : 9 + ciphers.ID])
    key, number = derive(root, header[-16:], name), 0
    chunk = file.read(CHUNK + ciphers.TAG)
    while True:
        following = file.read(CHUNK + ciphers.TAG)
        try:
            yield ciphers.decrypt(header[8], key, _nonce(number, last=not following), chunk, header)
        except (InvalidTag, ValueError):
            where = "末尾缺了一段，或被改动" if not following else f"第 {number + 1} 段被改动"
            raise damaged(name, where) from None
        if not following:
            return
        chunk, number = following, number + 1


class _Opener(io.RawIOBase):
    """Plain bytes of a sealed file, checked chunk by chunk before they are given out."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._left = chunks, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        while not self._left:
            more = next(self._chunks, None)
            if more is None:
                return 0
            self._left = more
        count = min(len(buffer), len(self._left))
        buffer[:count], self._left = self._left[:count], self._left[count:]
        return count


@contextmanager
def opened(path: Path, root: bytes, name: str) -> Iterator[BinaryIO]:
    """Read a sealed file. Unavailable as soon as a byte is wrong, the end is missing, or the key is another."""
    with path.open("rb") as file:
        packed = gzip.GzipFile(fileobj=io.BufferedReader(_Opener(_opened(file, root, name)), CHUNK))
        try:
            yield packed  # type: ignore[misc]
        except (EOFError, gzip.BadGzipFile):
            raise damaged(name, "末尾缺了一段，或被改动") from None


def checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def damaged(what: str, why: str) -> Unavailable:
    return Unavailable(
        "backup_damaged", f"备份不可用：{what} {why}。请改用另一处或另一天的备份；库中没有写入任何内容。"
    )


def wrong_key(wanted: bytes) -> Unavailable:
    return Unavailable(
        "backup_wrong_key",
        f"备份是用另一把根密钥做的（编号 {wanted.hex()}）：请用 --key-file 指明当时的密钥文件。",
    )
