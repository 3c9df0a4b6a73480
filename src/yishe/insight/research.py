"""Research data, step by step: asked for, agreed to by the ethics step, made, handed over, confirmed.

The request is a loop of the pack's kind with the ethics step as its child; the extract is the proof that only this module
brings. Who asked fetches it by a link of her own; every fetching is an export.
"""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from yishe.insight import exports, extracts, links
from yishe.insight.exports import Wanted
from yishe.insight.extracts import Made, Spec
from yishe.insight.models import Extract
from yishe.loops import acts, matters, promises, reading, sets
from yishe.loops import kinds as loop_kinds
from yishe.loops.matters import Matter
from yishe.loops.reading import Detail
from yishe.people import access, directory, packs
from yishe.people.actors import Actor
from yishe.policy.loop_state import LoopState
from yishe.policy.refusals import Conflict, Forbidden, Invalid, NotFound, Refused
from yishe.trust import access_log, ciphers, commit, keys
from yishe.trust.commit import Bundle

PROOF, DELIVERED = "extract", "delivered"
USE = "files"
EXPORT = "research"
NOTE = "README.txt"


@dataclass(frozen=True)
class Request:
    """A request as it stands: what was asked for, whether ethics agreed, and the extract once made."""

    detail: Detail
    spec: Spec
    agreed: bool
    extract: Extract | None

    @property
    def state(self) -> LoopState:
        return self.detail.state


# Asking


def ask(
    actor: Actor, *, variables: tuple[str, ...], since: date, until: date, purpose: str, reason: str, at: datetime,
    command_id: str,
) -> UUID:  # fmt: skip
    """Ask for data of one's centre; returns the loop. Invalid for what the pack does not offer, a span that runs
    backwards or into the future, a reason too short to judge by; Forbidden for other duties."""
    rules = extracts.sheet()
    _check(variables, since, until, at)
    kinds = packs.in_force().consents.consents[rules.consent].purposes
    if kinds and purpose not in kinds:
        raise Invalid(
            "purpose_unknown", "请选择研究用途：居民是按用途同意的。", field="purpose", possible=list(kinds)
        )
    if len(reason.strip()) < rules.reason_letters:
        raise Invalid(
            "reason_short",
            f"请写明研究的目的、设计和负责人，至少 {rules.reason_letters} 个字。",
            field="reason",
        )
    home, place = _place(actor, at)
    codes = {
        "variables": list(variables),
        "since": since.isoformat(),
        "until": until.isoformat(),
        "purpose": purpose,
    }
    matter = Matter(rules.kind, home, place, note=reason.strip(), codes=codes, besides=(actor.staff_id,))
    return matters.open_(actor, matter, at, command_id=command_id)


def require(actor: Actor, at: datetime) -> None:
    """Forbidden unless some duty held now may ask."""
    kind = loop_kinds.in_force(extracts.sheet().kind, at)
    _, place = _place(actor, at)
    access.require_in_organisation(actor, promises.MATTER, place, at)
    if not actor.member.duties(at) & set(kind.asked_by):
        raise Forbidden(
            "wrong_duty",
            f"您的职责不能发起“{kind.title}”：请由医护、社工或科研负责人申请。",
            action=promises.MATTER,
        )


def may_ask(actor: Actor, at: datetime) -> bool:
    try:
        require(actor, at)
    except Refused:
        return False
    return True


def _check(variables: tuple[str, ...], since: date, until: date, at: datetime) -> None:
    known = extracts.sheet().variables
    if not variables or set(variables) - set(known):
        raise Invalid(
            "variables", "请从列表里选择要哪些数据，至少一项。", field="variables", possible=list(known)
        )
    if not since <= until <= at.astimezone(sets.ZONE).date():
        raise Invalid("span", "起止日期要从早到晚，且不晚于今天。", field="until")
    sets.day(since)


def _place(actor: Actor, at: datetime) -> tuple[UUID, UUID]:
    """Under which centre the request is filed, and which organisation answers: one's centre, or the district."""
    centre = actor.member.centre(at)
    if centre is not None:
        return centre, centre
    held = actor.member.held(at)
    below = directory.current().units("centre", under=held[0].organisation) if held else ()
    if not below:
        raise Forbidden("no_centre", "您不属于任何中心或区：请由中心的同事申请。")
    return below[0].id, held[0].organisation


# How far it is


def request(actor: Actor, loop: UUID, at: datetime) -> Request:
    """The request, for who takes part in it or leads. NotFound when the loop is none."""
    found = reading.detail(actor, loop, at)
    if found.state.kind != extracts.sheet().kind:
        raise NotFound("no_request", "这不是科研数据申请：请从申请的页面打开。")
    return of(found, at)


def of(found: Detail, at: datetime) -> Request:
    """The same of a loop already read."""
    agreed = bool(found.children) and all(one.closed_as == "served" for one in found.children)
    kept = Extract.objects.filter(loop=found.state.id, until__gt=at).first()
    return Request(found, _spec(found), agreed, kept)


def _spec(found: Detail) -> Spec:
    codes: Mapping[str, Any] = found.entries[0].data["matter"]
    place = directory.current().organisation(found.state.centre)
    units = directory.current().units("centre", under=place.id)
    centres = (place.id,) if place.level == "centre" else tuple(one.id for one in units)
    since, until = date.fromisoformat(codes["since"]), date.fromisoformat(codes["until"])
    return Spec(tuple(codes["variables"]), since, until, codes["purpose"], centres)


# Making and handing over


def make(actor: Actor, loop: UUID, at: datetime) -> Made:
    """Make the extract and keep it sealed for its time; made again it takes the place of the one before, until it is
    handed over. Forbidden for others than the performer, Conflict before ethics agreed."""
    asked = request(actor, loop, at)
    _may_make(actor, asked)
    made = extracts.build(loop, asked.spec, at)
    _keep(actor, asked, made, at)
    return made


def _may_make(actor: Actor, asked: Request) -> None:
    if not actor.is_system and actor.staff_id != asked.state.performer:
        raise Forbidden(
            "not_yours", "数据由这份申请的承办人制作：请联系页面上“现在轮到”的人。", action="research.made"
        )
    if not asked.state.is_open or asked.state.state == "completed":
        raise Conflict("handed_over", "这份申请已经交付或结束，不再制作。")
    if not asked.agreed:
        raise Conflict("not_agreed", "伦理与隐私审查还没有同意：同意之后才能制作数据。")


def _keep(actor: Actor, asked: Request, made: Made, at: datetime) -> None:
    loop, home = asked.state.id, asked.state.home
    digest = hashlib.sha256(made.content).hexdigest()
    bundle = Bundle()
    bundle.insert(
        Extract, loop=loop, made_at=at, made_by=actor.staff_id, until=at + extracts.sheet().kept.exact(),
        people=len(made.coarse.rows), rows=made.events, k=made.coarse.k, sha256=digest,
        sealed=ciphers.lock(keys.house_key(USE), made.content, _bound(loop)),
    )  # fmt: skip
    access_log.deed(
        bundle, home=home, actor=actor.staff_id, action="research.made", subjects=made.subjects,
        purpose=f"research:{loop}", at=at,
    )  # fmt: skip
    with commit.atomically():
        Extract.objects.filter(loop=loop).delete()
        bundle.commit()


def deliver(actor: Actor, loop: UUID, *, seq: int, at: datetime, command_id: str) -> None:
    """Hand the extract over: the loop is completed with it as the proof. Conflict while there is none."""
    asked = request(actor, loop, at)
    if asked.extract is None:
        raise Conflict("not_made", "还没有制作数据，或已过保存期：请先制作。")
    proof = {"type": PROOF, "id": str(loop), "hash": asked.extract.sha256}
    acts.act(
        actor, "complete", loop, seq=seq, at=at, command_id=command_id, outcome=DELIVERED, proofs=[proof]
    )


def link(asked: Request, person: UUID, at: datetime) -> str:
    """Where who asked fetches the data now; "" for others, before it is handed over, and after its time."""
    state = asked.state
    if asked.extract is None or person != state.sender or state.completed_at is None:
        return ""
    valid = packs.in_force().exports.links.valid.exact()
    return links.write(person, state.id, min(at + valid, asked.extract.until))


def fetch(actor: Actor, text: str, at: datetime) -> bytes:
    """The data behind a link, marked for who fetches it. Raises what ``links.read`` and ``exports.take_out`` raise."""
    loop = links.read(text, actor.staff_id, at)
    asked = request(actor, loop, at)
    if asked.extract is None or actor.staff_id != asked.state.sender:
        raise Conflict("extract_gone", "这份数据已过保存期并删除：需要时请重新申请。")
    content = ciphers.unlock(keys.house_key(USE), bytes(asked.extract.sealed), _bound(loop))
    return _out(actor, asked, content, asked.extract.rows, at)


def given_out(actor: Actor, loop: UUID, made: Made, at: datetime) -> bytes:
    """An extract just made, for whoever runs the server."""
    return _out(actor, request(actor, loop, at), made.content, made.events, at)


def _out(actor: Actor, asked: Request, content: bytes, rows: int, at: datetime) -> bytes:
    wanted = Wanted(EXPORT, f"科研申请 {asked.state.id}", rows, home=asked.state.home)
    return exports.take_out(actor, wanted, at, lambda mark: _marked(content, mark))


def _marked(content: bytes, mark: exports.Mark) -> bytes:
    """The same files with a note of who took them, when and why."""
    held = io.BytesIO(content)
    with zipfile.ZipFile(held, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            NOTE, "\r\n".join(f"{label}：{said}" for label, said in mark.lines).encode("utf-8-sig")
        )
    return held.getvalue()


def _bound(loop: UUID) -> bytes:
    return b"extract:" + loop.bytes


def sweep(at: datetime) -> int:
    """Throw away what is past its time; returns how many."""
    return Extract.objects.filter(until__lte=at).delete()[0]
