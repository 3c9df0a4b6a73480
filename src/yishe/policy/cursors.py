"""Cursors of lists: a moment and an id, as text that means nothing to its holder.

A cursor only says where a page begins; what may be read is decided anew on every page, so it needs no
signature. Anything unreadable is refused, never guessed.
"""

import base64
import binascii
from datetime import UTC, datetime, timedelta
from uuid import UUID

from yishe.policy.refusals import Invalid

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LATEST = int((datetime(9999, 1, 1, tzinfo=UTC) - EPOCH) / MICROSECOND)


def write(moment: datetime, last: UUID) -> str:
    """The cursor that continues after the row at `moment` with id `last`."""
    stamp = int((moment - EPOCH) / MICROSECOND)
    return base64.urlsafe_b64encode(stamp.to_bytes(8, "big", signed=True) + last.bytes).decode().rstrip("=")


def read(text: str) -> tuple[datetime, UUID]:
    """The moment (UTC) and id written in a cursor. Invalid for anything else."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    stamp = int.from_bytes(raw[:8], "big", signed=True)
    if len(raw) != 24 or not 0 <= stamp <= LATEST:
        raise Invalid("bad_cursor", "翻页标记无效：请从第一页重新开始。")
    return EPOCH + stamp * MICROSECOND, UUID(bytes=raw[8:])
