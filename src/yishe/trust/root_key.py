"""The root key: 32 random bytes in a file that only its owner may read.

Everything secret hangs from it: centre keys are wrapped by it, Django's signing key is derived from it.
Losing it loses the sealed fields; so `create` never replaces a file that exists.
"""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from yishe.policy.refusals import Unavailable

SIZE = 32


def create(path: Path) -> bool:
    """Write a new root key unless the file exists. Returns whether one was made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(handle, "wb") as file:
        file.write(base64.b64encode(secrets.token_bytes(SIZE)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return True


def read(path: Path) -> bytes:
    """The 32 bytes, or Unavailable saying which file is missing or malformed."""
    try:
        raw = base64.b64decode(path.read_bytes().strip(), validate=True)
    except FileNotFoundError:
        raise Unavailable("key_missing", f"找不到密钥文件 {path}：先运行 yishe migrate，或从备份放回原文件。") from None
    except (OSError, binascii.Error, ValueError):
        raise Unavailable("key_unreadable", f"密钥文件 {path} 读不出或已损坏：请从备份放回原文件。") from None
    if len(raw) != SIZE:
        raise Unavailable("key_unreadable", f"密钥文件 {path} 长度不对：请从备份放回原文件。")
    return raw


def derived(path: Path, purpose: str) -> str:
    """A hex secret for one purpose; before a key exists, one that lasts as long as the process."""
    try:
        key = read(path)
    except Unavailable:
        key = secrets.token_bytes(SIZE)
    return hmac.new(key, purpose.encode(), hashlib.sha256).hexdigest()
