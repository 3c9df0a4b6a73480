"""What someone was sending when his screen had locked: sealed into the page that asks for the proof, opened by the same
session afterwards. The server keeps nothing, the page shows nothing."""

import base64
import json
from uuid import UUID

from cryptography.exceptions import InvalidTag
from django.http import HttpRequest

from yishe.trust import ciphers, keys

USE = "kept"
LONGEST = 256 * 1024
NOT_KEPT = ("csrfmiddlewaretoken", "password", "again", "code", "answer", "challenge")

Kept = tuple[str, list[tuple[str, str]]]
"""Where it was sent, and its fields."""


def keep(request: HttpRequest, session: UUID) -> str:
    """The form of this request, sealed for `session`; empty when it is too long or has nothing to keep."""
    fields = [
        (name, value) for name, values in request.POST.lists() if name not in NOT_KEPT for value in values
    ]
    plain = json.dumps([request.get_full_path(), fields], ensure_ascii=False).encode()
    if not fields or len(plain) > LONGEST:
        return ""
    return base64.b64encode(ciphers.lock(keys.house_key(USE), plain, session.bytes)).decode()


def opened(text: str, session: UUID) -> Kept | None:
    """What `keep` sealed for the same session; None for anything else."""
    try:
        plain = ciphers.unlock(keys.house_key(USE), base64.b64decode(text, validate=True), session.bytes)
    except (InvalidTag, ValueError):
        return None
    path, fields = json.loads(plain)
    return path, [(name, value) for name, value in fields]
