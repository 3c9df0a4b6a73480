"""A short way from the server to the requests that are asked most: to promise, to say a verb to a loop, to see one's work list.

Django's request and answer, its layers and the API library's own reading took a third of such a request (docs/decisions/0013).
Here the same steps stand one below the other, each by the very function that the long way calls. A request that is not
plainly one of them, or carries anything that would be refused before its verb is asked, goes the long way and is answered
there: until then nothing was written, counted or said.
"""

import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from http import HTTPStatus
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import DatabaseError, InterfaceError
from pydantic import ValidationError

from yishe.doors import coming, edge, picture
from yishe.doors.api import loops, problems, wire
from yishe.doors.api.bodies import Act, NewLoop
from yishe.loops import projection, reading
from yishe.people import placements
from yishe.people.actors import Actor
from yishe.policy.loop_table import table
from yishe.policy.refusals import Refused
from yishe.talk import bell
from yishe.trust import clock, columns, origin

Meta = dict[str, Any]
Start = Callable[..., Any]
Wsgi = Callable[[Meta, Start], Iterable[bytes]]

PROMISE, WORKLIST = "/api/v1/loops", "/api/v1/worklist"
ACT = re.compile(r"/api/v1/loops/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/([a-z_]{1,40})")
BEARER = "Bearer "
LARGEST = 64 * 1024
"""Bytes of a body that is read here."""
MEDIA = "application/json"
CONTENT_TYPE = "application/json; charset=utf-8"
WENT_WELL = 400
Told = tuple[int, list[tuple[str, str]], bytes]
"""Status, headers and body of an answer."""


@dataclass(frozen=True)
class Asked:
    """One request of the short way: how token and what is acted on are looked up at once, and who answers."""

    status: int
    look: Callable[[str, datetime], tuple[Actor, Any]]
    answer: Callable[[wire.Caller, wire.Command, Any], dict[str, Any]]
    command: wire.Command
    method: str = "POST"


class ShortWay:
    """The WSGI application: the short way where there is one, else the long one."""

    def __init__(self, long_way: Wsgi) -> None:
        self.long_way = long_way

    def __call__(self, meta: Meta, start: Start) -> Iterable[bytes]:
        told = answered(meta)
        if told is None:
            return self.long_way(meta, start)
        status, headers, body = told
        start(f"{status} {HTTPStatus(status).phrase}", headers)
        return [body]


def answered(meta: Meta) -> Told | None:
    """The answer to a request of the short way; None, with its body put back, for every other."""
    if meta["REQUEST_METHOD"] == "GET":
        return _carried_out(meta, LISTED) if meta["PATH_INFO"] == WORKLIST and _is_bare(meta) else None
    if meta["REQUEST_METHOD"] != "POST" or not meta["PATH_INFO"].startswith(PROMISE) or not _is_plain(meta):
        return None
    size = int(meta["CONTENT_LENGTH"])
    body = meta["wsgi.input"].read(size)
    meta["wsgi.input"] = io.BytesIO(body)
    asked = _asked(meta["PATH_INFO"], meta.get("HTTP_IDEMPOTENCY_KEY"), body) if len(body) == size else None
    return _carried_out(meta, asked) if asked else None


def _is_plain(meta: Meta) -> bool:
    """A token, JSON of a told and modest size, and nothing in the address beyond its path."""
    size = meta.get("CONTENT_LENGTH") or ""
    told = size.isascii() and size.isdigit() and 0 < int(size) <= LARGEST
    return told and meta.get("CONTENT_TYPE", "").split(";")[0].strip().lower() == MEDIA and _is_borne(meta)


def _is_bare(meta: Meta) -> bool:
    """A token, and neither a body nor anything in the address beyond its path."""
    return meta.get("CONTENT_LENGTH") in (None, "", "0") and _is_borne(meta)


def _is_borne(meta: Meta) -> bool:
    whole = not meta.get("QUERY_STRING") and not meta.get("SCRIPT_NAME")
    return whole and str(meta.get("HTTP_AUTHORIZATION", "")).startswith(BEARER)


def _asked(path: str, key: str | None, body: bytes) -> Asked | None:
    """What is asked for; None where anything of it would be refused as it stands."""
    found = ACT.fullmatch(path)
    if path != PROMISE and not (found and found[2] in table().verbs()):
        return None
    try:
        said, command = wire.parsed(body), wire.command_of(key, f"POST {path}", body)
        return _act(UUID(found[1]), found[2], said, command) if found else _promise(said, command)
    except (ValidationError, Refused, ValueError):
        return None


def _promise(said: Any, command: wire.Command) -> Asked:
    wanted = NewLoop.model_validate(said)
    return Asked(
        201,
        lambda token, at: placements.placed_by(token, wanted.resident, at),
        lambda who, named_as, found: loops.promised(who, named_as, wanted, found),
        command,
    )


def _act(loop: UUID, verb: str, said: Any, command: wire.Command) -> Asked:
    wanted = Act.model_validate(said)
    return Asked(
        200,
        lambda token, at: projection.read_by(token, loop, at),
        lambda who, named_as, found: loops.acted(who, named_as, loop, verb, wanted, found),
        command,
    )


LISTED = Asked(
    200,
    lambda token, at: reading.worklist_by(token, at, loops.LISTED),
    lambda who, _, found: loops.listed(who, found[0], "worklist", found[1]),
    wire.Command(None, None),
    "GET",
)


def _carried_out(meta: Meta, asked: Asked) -> Told | None:
    """As the layers of the long way do, in their order. None for a caller who is not let in."""
    edge.find_source(meta)
    path = meta["PATH_INFO"]
    here = coming.coming(path, meta)
    with origin.coming_from(here), picture.one_picture():
        at = clock.now()
        try:
            actor, found = asked.look(meta["HTTP_AUTHORIZATION"].removeprefix(BEARER), at)
            who = wire.counted(wire.Caller(actor, at))
        except (Refused, ValueError, DatabaseError, InterfaceError):
            return None
        status, said, body = _said(asked, who, found, f"{asked.method} {path}")
    if status < WENT_WELL and asked.method == "POST":
        bell.ring()
    secure = settings.TLS or meta["wsgi.url_scheme"] == "https"
    return status, [*said, *_always(secure=secure), ("X-Request-Id", str(here.request))], body


def _said(asked: Asked, who: wire.Caller, found: Any, named: str) -> Told:
    """The verb, and what it answers or refuses; nothing of a fault reaches the caller."""
    try:
        shown = asked.answer(who, asked.command, found)
        return asked.status, [("Content-Type", CONTENT_TYPE)], orjson.dumps(shown, default=str)
    except Refused as refused:
        answer = problems.refused_to(who, refused, named)
    except Exception as fault:
        answer = problems.of_fault(fault)
        columns.here().close_if_unusable_or_obsolete()
    return answer.status_code, list(answer.items()), answer.content


@cache
def _always(*, secure: bool) -> tuple[tuple[str, str], ...]:
    return (*edge.headers(page=False, secure=secure), ("Cache-Control", "no-store"))
