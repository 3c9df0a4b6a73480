"""Files of people's data that must lie on the disk for a while: sealed under a key of the house, bound to their name.

A key of the house outlives any root key, so these open after a rotation too. The folder and its files are the server's
alone to read; what is deleted leaves only ciphertext in the free blocks of the disk.
"""

import os
from pathlib import Path

from cryptography.exceptions import InvalidTag

from yishe.policy.refusals import Unavailable
from yishe.trust import ciphers, keys

USE = "files"


def write(path: Path, content: bytes) -> None:
    """Put `content` there, whole or not at all."""
    blob = ciphers.lock(keys.house_key(USE), content, _place(path))
    beside = path.with_name(f"{path.name}.new")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(blob)
    beside.replace(path)


def read(path: Path) -> bytes:
    """What was put there. FileNotFoundError when nothing is; Unavailable when it was altered or moved here."""
    try:
        return ciphers.unlock(keys.house_key(USE), path.read_bytes(), _place(path))
    except (InvalidTag, ValueError):
        raise Unavailable(
            "file_unreadable", f"文件 {path.name} 打不开或被改动：请重新上传或重新生成。"
        ) from None


def _place(path: Path) -> bytes:
    return b"file:" + path.name.encode()
