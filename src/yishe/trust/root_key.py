"""The root key: 32 random bytes, in a file that only its owner may read or behind a command (HSM, KMS).

Everything secret hangs from it: centre keys are wrapped by it, Django's signing key is derived from it.
Losing it loses the sealed fields; so `create` never replaces a file that exists. No message holds a byte of it.
"""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import shlex
import subprocess
from functools import lru_cache
from pathlib import Path

from yishe.policy.refusals import Unavailable

SIZE = 32
COMMAND_SECONDS = 30


def create(path: Path) -> bool:
    """Write a new root key unless the file exists. Returns whether one was made."""
    return write(path, secrets.token_bytes(SIZE))


def write(path: Path, key: bytes) -> bool:
    """Write this key, readable by its owner alone, unless the file exists. Returns whether it was written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(handle, "wb") as file:
        file.write(base64.b64encode(key) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return True


def replace(path: Path, key: bytes) -> None:
    """Put this key in the place of the one in `path`, whole or not at all."""
    beside = path.with_name(f"{path.name}.incoming")
    beside.unlink(missing_ok=True)
    write(beside, key)
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read(path: Path) -> bytes:
    """The 32 bytes, or Unavailable saying which file is missing or malformed."""
    try:
        raw = base64.b64decode(path.read_bytes().strip(), validate=True)
    except FileNotFoundError:
        raise Unavailable(
            "key_missing", f"找不到密钥文件 {path}：先运行 yishe migrate，或从备份放回原文件。"
        ) from None
    except (OSError, binascii.Error, ValueError):
        raise Unavailable("key_unreadable", f"密钥文件 {path} 读不出或已损坏：请从备份放回原文件。") from None
    if len(raw) != SIZE:
        raise Unavailable("key_unreadable", f"密钥文件 {path} 长度不对：请从备份放回原文件。")
    return raw


@lru_cache(maxsize=4)
def from_command(command: str) -> bytes:
    """The 32 bytes a command prints as base64, asked for once per process. What it prints is never repeated."""
    try:
        done = subprocess.run(
            shlex.split(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            timeout=COMMAND_SECONDS, check=True,
        )  # fmt: skip
        raw = base64.b64decode(done.stdout.strip(), validate=True)
    except (OSError, subprocess.SubprocessError, binascii.Error, ValueError) as fault:
        why = (
            f"退出码 {fault.returncode}"
            if isinstance(fault, subprocess.CalledProcessError)
            else type(fault).__name__
        )
        raise Unavailable(
            "key_command_failed",
            f"取根密钥的命令（YISHE_ROOT_KEY_COMMAND）没有给出密钥（{why}）：请检查密码机或密钥服务。",
        ) from None
    if len(raw) != SIZE:
        raise Unavailable("key_command_failed", "取根密钥的命令给出的密钥长度不对，应为 32 字节的 base64。")
    return raw


def derived(path: Path, command: str, purpose: str) -> str:
    """A hex secret for one purpose; before a key exists, one that lasts as long as the process."""
    try:
        key = from_command(command) if command else read(path)
    except Unavailable:
        key = secrets.token_bytes(SIZE)
    return hmac.new(key, purpose.encode(), hashlib.sha256).hexdigest()
