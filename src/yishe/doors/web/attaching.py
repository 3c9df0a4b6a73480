"""What goes along with a promise or proves a result: records to choose from, and those chosen as the story shows them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from yishe.care import evidence
from yishe.care.evidence import PROOFS, Piece, Reference, Shown
from yishe.doors.web import spoken
from yishe.doors.web.page import Here
from yishe.doors.web.shapes import Proof
from yishe.people import packs
from yishe.people.placements import Placement, placement_of_subject

CUT = 60


def offered(here: Here, placement: Placement, needs: Sequence[str]) -> list[tuple[str, str]]:
    """(value, words) of records that may be attached, those the reason asks for first."""
    answers = packs.in_force().settings(spoken.local(here.now).date()).attach_from
    wanted = {type_ for need in needs for type_ in answers.get(need, ())}
    found = evidence.recent(here.actor, placement, here.now)
    found.sort(key=lambda piece: piece.type not in wanted)
    return [(value(piece.reference), words(here, piece)) for piece in found]


def proving(here: Here, placement: Placement, proofs: Iterable[str], since: Any) -> list[tuple[str, str]]:
    """(value, words) of records made since the promise that the kind takes as proof, under the kind's own names."""
    named = {PROOFS.get(one, one): one for one in proofs}
    found = evidence.recent(here.actor, placement, here.now, limit=8)
    mine = [one for one in found if one.type in named and one.item.occurred_at >= since]
    return [(f"{named[one.type]}:{one.item.id}", words(here, one)) for one in mine]


def value(reference: Reference) -> str:
    return f"{reference[0]}:{reference[1]}"


def words(here: Here, piece: Piece) -> str:
    item = piece.item
    more = f"：{item.text}" if item.text else ""
    said = f"{item.title}{more}"
    cut = f"{said[:CUT]}…" if len(said) > CUT else said
    return f"{spoken.stamp(item.occurred_at, here.now)} {item.author_name} {cut}"


def chosen(values: Iterable[str]) -> list[Reference]:
    """The references behind the values of a form; the form has checked that they were offered."""
    parts = (one.partition(":") for one in values)
    return [(type_, UUID(id_)) for type_, _, id_ in parts]


def hashed(here: Here, placement: Placement, brought: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """The evidence of an act, those that point to a record with its hash."""
    pointing = {evidence.referring(one): one for one in brought}
    records = [one for one in pointing if one is not None]
    found = evidence.references(here.actor, placement, records, here.now)
    hashes = {(one["type"], one["id"]): one["hash"] for one in found}
    return [_with_hash(one, hashes) for one in brought]


def _with_hash(one: Mapping[str, str], hashes: Mapping[tuple[str, str], str]) -> dict[str, str]:
    reference = evidence.referring(one)
    return {**one, "hash": hashes[reference[0], str(reference[1])]} if reference else dict(one)


def opened(here: Here, subject: UUID, brought: Sequence[Mapping[str, Any]]) -> dict[Reference, Shown]:
    """Everything a story's entries point to, read at once under this reader's rights."""
    if not any(evidence.referring(one) for one in brought):
        return {}
    return evidence.opened(here.actor, placement_of_subject(subject), brought, here.now)


def proof(here: Here, one: Mapping[str, Any], title: str, known: Mapping[Reference, Shown]) -> Proof:
    """A piece of evidence as the story shows it: what it is, and its content where this reader may see it."""
    reference = evidence.referring(one)
    if reference is None:
        return Proof(title)
    shown = known.get(reference, Shown())
    if shown.item is None:
        return Proof(title, note="内容由有服务关系的人查看")
    item = shown.item
    flags = ["与当时附上的不一致"] * shown.changed + ["后来更正过"] * shown.corrected
    return Proof(
        title=f"{item.title}",
        who=item.author_name,
        at=item.occurred_at,
        quote=item.text,
        note="；".join((*flags, *item.hidden)),
        alarm=shown.changed,
    )
