"""Links to a file for one person and a short time: altered, expired, or in another's hands they open nothing."""

import base64
import hashlib
import hmac
from datetime import datetime
from uuid import UUID

from yishe.policy import cursors
from yishe.policy.refusals import Conflict, Forbidden
from yishe.trust import keys

USE = "links"
PLAIN = 16 + 16 + 8
"""person, thing, moment of expiry"""


def write(person: UUID, thing: UUID, until: datetime) -> str:
    """A link by which `person`, and nobody else, may fetch `thing` before `until`."""
    stamp = int((until - cursors.EPOCH) / cursors.MICROSECOND)
    said = person.bytes + thing.bytes + stamp.to_bytes(8, "big")
    return base64.urlsafe_b64encode(said + _seal(said)).decode().rstrip("=")


def read(text: str, person: UUID, at: datetime) -> UUID:
    """What the link opens for this person now. Forbidden when it was altered or is another's; Conflict when it is over."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raw = b""
    said = raw[:PLAIN]
    if len(raw) != PLAIN + 32 or not hmac.compare_digest(raw[PLAIN:], _seal(said)):
        raise Forbidden("link_altered", "这个下载链接不完整或被改动：请从申请的页面重新打开。", action="link")
    if said[:16] != person.bytes:
        raise Forbidden(
            "link_of_another", "这个下载链接是给另一位同事的，您不能用：请从您自己的申请下载。", action="link"
        )
    if cursors.EPOCH + int.from_bytes(said[32:], "big") * cursors.MICROSECOND <= at:
        raise Conflict("link_expired", "这个下载链接已过期：请从申请的页面重新打开。")
    return UUID(bytes=said[16:32])


def _seal(said: bytes) -> bytes:
    return hmac.new(keys.house_key(USE), said, hashlib.sha256).digest()
