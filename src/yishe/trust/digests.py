"""The daily sealed digest: the heads of all streams, signed, so that nobody can write history anew unseen.

A digest holds what moved since the one before it, the root hash over all heads, the access lines written since
(`line_seals`), and the hash of the one before; it is signed with Ed25519. Verifying needs the public key alone. Given
outside (an inspector, a notary, a printed page) it also proves against whoever holds every key of this installation.

The signing key is a house key, wrapped by the root. Why not SM2 here: docs/decisions/0011-who-looked.md.
"""

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.db import models

from yishe.policy.refusals import Conflict, NotFound, Unavailable
from yishe.trust import commit, keys, line_seals, quick
from yishe.trust.commit import Bundle, Duplicate
from yishe.trust.ledger import GENESIS, Head, canonical, stamp
from yishe.trust.line_seals import NO_LINES, Lines
from yishe.trust.models import Digest, HouseKey, SealedLines
from yishe.trust.verification import Remembered, Verified, Way, verify

FORM = 2
"""2 seals access lines too; digests of form 1 stay as they were signed."""
USE = "digest"
LINE = 72
_ZONE = ZoneInfo("Asia/Shanghai")
Heads = dict[tuple[uuid.UUID, uuid.UUID], Head]
"""(home, stream) → where the stream stands."""

PRESENT = """
SELECT e.home, e.stream, e.seq, e.hash FROM trust_entry e
JOIN (SELECT home, stream, max(seq) AS seq FROM trust_entry GROUP BY home, stream) h
ON e.home = h.home AND e.stream = h.stream AND e.seq = h.seq
"""


def seal(at: datetime) -> Digest:
    """Seal the day of `at`; a day already sealed answers with its digest.

    Conflict when a later day is sealed already; Unavailable when a stream is shorter than it was when last sealed.
    """
    day, last = at.astimezone(_ZONE).date(), latest()
    if last is not None and last.day >= day:
        if last.day > day:
            raise Conflict(
                "sealed_later", f"{last.day} 的日摘要已封存，不能再封更早的 {day}：请核对机器的时钟。"
            )
        return last
    known, present = sealed_heads(Digest.objects.order_by("number")), present_heads()
    if any(present.get(key, Head()).seq < head.seq for key, head in known.items()):
        raise Unavailable(
            "ledger_cut", "账本比上次封存时短，不再封存：请运行 yishe ledger verify 查看是哪一条。"
        )
    moved = {key: head for key, head in present.items() if known.get(key) != head}
    number = last.number + 1 if last else 1
    looks = line_seals.to_seal(number)
    row = Digest(
        number=number, form=FORM, day=day, at=at, heads=lines(moved),
        entries=sum(head.seq for head in present.values()), streams=len(present),
        root=root_of(present), previous=bytes(last.hash) if last else GENESIS,
        lines=line_seals.count_of(looks), lines_root=line_seals.root_of(looks),
    )  # fmt: skip
    row.hash = hash_of(row)
    row.public, row.signature = _sign(row.hash)
    return _kept(row, looks)


def _kept(row: Digest, looks: Sequence[SealedLines]) -> Digest:
    bundle = Bundle()
    for one in (row, *looks):
        bundle.insert(type(one), **{f.attname: getattr(one, f.attname) for f in one._meta.concrete_fields})
    try:
        bundle.commit()
    except Duplicate:  # another worker was first
        return Digest.objects.get(number=row.number)
    return row


def latest() -> Digest | None:
    return Digest.objects.order_by("-number").first()


def present_heads() -> Heads:
    """Where every stream stands now."""
    return heads_of(quick.rows(PRESENT, []))


def heads_of(rows: Iterable[Sequence[Any]]) -> Heads:
    """What PRESENT answers, from this database or from a copy of it."""
    found: Heads = {}
    for home, stream, seq, hash_ in rows:
        key = quick.uid(home), quick.uid(stream)
        if key[0] is not None and key[1] is not None:
            found[key[0], key[1]] = Head(seq, bytes(hash_))
    return found


def lines(heads: Heads) -> bytes:
    """The canonical bytes of heads: 72 a stream, sorted."""
    return b"".join(
        home.bytes + stream.bytes + head.seq.to_bytes(8, "big") + head.hash
        for (home, stream), head in sorted(
            heads.items(), key=lambda item: (item[0][0].bytes, item[0][1].bytes)
        )
    )


def read_lines(blob: bytes) -> Heads:
    """The heads written in `blob`; ValueError when it is not a whole number of lines."""
    if len(blob) % LINE:
        raise ValueError("not whole lines")
    rows = (blob[i : i + LINE] for i in range(0, len(blob), LINE))
    return {
        (uuid.UUID(bytes=r[:16]), uuid.UUID(bytes=r[16:32])): Head(int.from_bytes(r[32:40], "big"), r[40:])
        for r in rows
    }


def root_of(heads: Heads) -> bytes:
    return hashlib.sha256(lines(heads)).digest()


def sealed_heads(rows: Iterable[Digest]) -> Heads:
    """Where the streams stood at the last of `rows`."""
    heads: Heads = {}
    for row in rows:
        heads.update(read_lines(bytes(row.heads)))
    return heads


def hash_of(row: Digest) -> bytes:
    return _hash(said(row))


def said(row: Digest) -> dict[str, Any]:
    """What a digest states, as it is hashed and handed outside."""
    looks = {"lines": row.lines, "lines_root": bytes(row.lines_root).hex()} if row.form >= FORM else {}
    return {
        "form": row.form, "number": row.number, "day": row.day.isoformat(), "at": stamp(row.at), "entries": row.entries,
        "streams": row.streams, "heads": hashlib.sha256(bytes(row.heads)).hexdigest(), "root": bytes(row.root).hex(),
        "previous": bytes(row.previous).hex(), **looks,
    }  # fmt: skip


def _hash(stated: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(b"yishe digest" + canonical(stated).encode()).digest()


def _sign(hash_: bytes) -> tuple[bytes, bytes]:
    """(public key, signature)."""
    key = Ed25519PrivateKey.from_private_bytes(keys.house_key(USE))
    public = key.public_key().public_bytes_raw()
    with commit.atomically():
        HouseKey.objects.filter(use=USE, public=None).update(public=public)
    return public, key.sign(hash_)


def _signed(public: bytes, signature: bytes, hash_: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, hash_)
    except (InvalidSignature, ValueError):
        return False
    return True


def export(number: int | None = None) -> bytes:
    """A digest to hand outside: canonical JSON of what it states, its hash, signature and public key."""
    row = Digest.objects.filter(number=number).first() if number else latest()
    if row is None:
        raise NotFound("no_digest", "还没有这份日摘要：请先运行 yishe ledger seal。")
    return _file(row)


def _file(row: Digest) -> bytes:
    proof = {"hash": row.hash, "signature": row.signature, "public": row.public}
    return (
        canonical({**said(row), **{name: bytes(value).hex() for name, value in proof.items()}}).encode()
        + b"\n"
    )


@dataclass(frozen=True)
class Flaw:
    """The first digest that does not hold, and why, in Chinese."""

    number: int
    day: date | None
    reason: str


@dataclass(frozen=True)
class Proof:
    """What `prove` found: entries and chains, the digests over them, and the access lines that these hold."""

    ledger: Verified
    digests: int
    flaw: Flaw | None = None
    last: datetime | None = None
    looks: Lines = NO_LINES

    @property
    def whole(self) -> bool:
        return self.flaw is None and self.ledger.whole and self.looks.broken is None


@dataclass
class _Read:
    count: int = 0
    previous: bytes = GENESIS
    heads: Heads = field(default_factory=dict)
    flaw: Flaw | None = None
    last: datetime | None = None


def prove(
    heads: Sequence[type[models.Model]] = (), outside: bytes | None = None, way: Way | None = None
) -> Proof:
    """Check every entry, chain, remembered head, digest and sealed access line, and one digest that was handed
    outside, if given."""
    read = _Read()
    for row in Digest.objects.order_by("number").iterator(chunk_size=50):
        reason = next(_faults(row, read), "")
        if reason:
            read.flaw = Flaw(row.number, row.day, reason)
            break
        read.count, read.previous, read.last = read.count + 1, bytes(row.hash), row.at
    flaw = read.flaw or _beyond(read.count) or (_outside(outside) if outside is not None else None)
    looks = line_seals.check() if read.flaw is None else NO_LINES
    return Proof(verify(heads, _sealed(read.count), way), read.count, flaw, read.last, looks)


def _sealed(upto: int) -> Iterator[Remembered]:
    """Every head that the first so many digests hold."""
    for number in range(1, upto + 1):
        for (home, stream), head in read_lines(bytes(Digest.objects.get(number=number).heads)).items():
            yield home, stream, head.seq, head.hash


def _faults(row: Digest, read: _Read) -> Iterator[str]:
    """Reasons why this digest does not follow from those before it; takes its heads into `read`."""
    if row.number != read.count + 1:
        yield f"缺第 {read.count + 1} 份日摘要"
    if bytes(row.previous) != read.previous:
        yield "与前一份日摘要不相接"
    if hash_of(row) != bytes(row.hash):
        yield "日摘要的内容与它的摘要值不符"
    if bytes(row.public) != _public() or not _signed(
        bytes(row.public), bytes(row.signature), bytes(row.hash)
    ):
        yield "日摘要的签名不符"
    moved = read_lines(bytes(row.heads))
    read.heads.update(moved)
    stands = (root_of(read.heads), len(read.heads), sum(head.seq for head in read.heads.values()))
    if stands != (bytes(row.root), row.streams, row.entries):
        yield "日摘要的总值与各串末尾不符"
    looks = list(SealedLines.objects.filter(number=row.number))
    if row.form >= FORM and (bytes(row.lines_root), row.lines) != (
        line_seals.root_of(looks),
        line_seals.count_of(looks),
    ):
        yield "日摘要所封的访问留痕清单与它的总值不符"


def _beyond(count: int) -> Flaw | None:
    """Sealed lines of a digest that is not there."""
    if not SealedLines.objects.filter(number__gt=count).exists():
        return None
    return Flaw(count + 1, None, "有这一份所封的访问留痕清单，没有日摘要")


def _public() -> bytes:
    return bytes(HouseKey.objects.filter(use=USE).values_list("public", flat=True).first() or b"")


def _outside(content: bytes) -> Flaw | None:
    """Compare a digest handed outside, byte for byte, with what this database has under its number."""
    try:
        stated = json.loads(content)
        number = int(stated["number"])
        proof = [bytes.fromhex(stated.pop(name)) for name in ("hash", "signature", "public")]
    except (ValueError, KeyError, TypeError, AttributeError):
        return Flaw(0, None, "外部的日摘要文件读不懂，可能被改动")
    if _hash(stated) != proof[0] or not _signed(proof[2], proof[1], proof[0]):
        return Flaw(number, None, "外部的日摘要文件与它自己的签名不符，可能被改动")
    row = Digest.objects.filter(number=number).first()
    if row is None:
        return Flaw(number, None, "外部有这份日摘要，库中没有")
    if _file(row) != content:
        return Flaw(number, row.day, "外部的日摘要与库中的同一份不同")
    return None
