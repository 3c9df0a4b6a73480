"""JSON in and out, bearer tokens, and the command a request carries."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.http import HttpRequest
from ninja.parser import Parser
from ninja.renderers import BaseRenderer
from ninja.security import HttpBearer

from yishe.doors import limits
from yishe.people import actors
from yishe.people.actors import Actor
from yishe.policy.refusals import Invalid, NotFound, Unauthenticated
from yishe.trust import clock, ids


class JsonRenderer(BaseRenderer):
    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        return orjson.dumps(data, default=str)


class JsonParser(Parser):
    """Refuses what no database takes (null characters), and a name said twice, before any field is looked at."""

    def parse_body(self, request: HttpRequest) -> Any:
        return parsed(request.body)


def parsed(body: bytes) -> Any:
    """What the JSON says. Invalid, or orjson's own fault for what is no JSON."""
    said = orjson.loads(body)
    _refuse_doubled(body)
    if b"\\u0000" in body:
        raise Invalid("null_character", "内容里有空字符（\\u0000），请去掉后重发。")
    return said


def _refuse_doubled(body: bytes) -> None:
    """Which of two values was meant nobody can know. Numbers are left as text: only names are looked at."""
    try:
        _NAMES.decode(body.decode())
    except RecursionError:
        raise Invalid(
            "too_deep", "JSON 一层套一层太深：请按接口说明 /api/v1/openapi.json 的写法发送。"
        ) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        name = next(one for one in names if names.count(one) > 1)
        raise Invalid(
            "doubled_field", f"“{name[:40]}”在同一个对象里写了不止一次：只能写一次，请去掉多余的再发。",
            field=name[:40],
        )  # fmt: skip
    return found


_NAMES = json.JSONDecoder(object_pairs_hook=_once, parse_int=str, parse_float=str)


def known(text: str, code: str, words: str) -> UUID:
    """The number in an address. NotFound, in these words, for what is none."""
    found = ids.parse(text)
    if found is None:
        raise NotFound(code, words)
    return found


@dataclass(frozen=True)
class Caller:
    """Who calls, and the one moment at which the whole request happens."""

    actor: Actor
    at: datetime


class Bearer(HttpBearer):
    """`Authorization: Bearer TOKEN`."""

    def authenticate(self, request: HttpRequest, token: str) -> Caller:
        at = clock.now()
        try:
            who = Caller(actors.for_token(token, at), at)
        except ValueError:
            raise Unauthenticated("bad_token", "令牌无效：请核对后重试。") from None
        return counted(who)


def counted(who: Caller) -> Caller:
    """TooMany for one who asks more often than the pack allows a person."""
    limits.take("person", who.actor.staff_id, who.at)
    return who


def caller(request: HttpRequest) -> Caller:
    found: Caller = request.auth  # type: ignore[attr-defined]
    return found


LONGEST_KEY, KEPT_KEY = 1024, 128
"""A key longer than the ledger's column is known by its digest."""


@dataclass(frozen=True)
class Command:
    """The idempotency key, and the SHA-256 of what it was sent with."""

    key: str | None
    digest: bytes | None

    @property
    def id(self) -> str:
        """The key, or a name of its own for a command that nobody can repeat."""
        return self.key or str(ids.new())


def command(request: HttpRequest) -> Command:
    """A retry with the same key gets the first answer; the same key with another body is refused below."""
    return command_of(
        request.headers.get("Idempotency-Key"), f"{request.method} {request.path_info}", request.body
    )


def command_of(key: str | None, asked: str, body: bytes) -> Command:
    """The same from the header, method and address, and the JSON."""
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise Invalid("bad_idempotency_key", f"Idempotency-Key 应为 1 到 {LONGEST_KEY} 个可见的 ASCII 字符。")
    if key is None:
        return Command(None, None)
    if len(key) > KEPT_KEY:
        key = f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"
    said = f"{asked}\n".encode() + _canonical(body)
    return Command(key, hashlib.sha256(said).digest())


def _canonical(body: bytes) -> bytes:
    return orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS) if body else b""
