"""Verifying a ledger of any size: in parts, in order, going on where it was stopped; and a share of it folded anew."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from tests.conftest import _drop_guards
from tests.rooms.care.world import World

from yishe.care import contracts, rebuild, signing
from yishe.care.agreements import Signature
from yishe.care.models import Contract, Owed
from yishe.care.signing import Sides
from yishe.loops import acts, promises
from yishe.loops.models import Loop
from yishe.people import residents
from yishe.people.actors import SYSTEM, actor_of
from yishe.people.models import Consent
from yishe.trust import ids, ledger, verification
from yishe.trust.models import Entry
from yishe.trust.verification import Broken, Mark, Refolding, Way

ALL = Way(refolding=Refolding(rebuild.compared, 1.0))


@pytest.fixture
def lived(world: World, now: datetime) -> World:
    """王秀兰 has signed, and a referral of hers was taken on; somebody of the other centre has one as well. Four entries to a part."""
    who = world.resident.resident
    residents.amend(world.doctor, who, {"birth_date": date(1947, 1, 5)}, now - timedelta(days=1))
    contract = contracts.apply(world.nurse, who, package="basic", way="home", at=now)
    contracts.review(world.doctor, contract, findings="夜里“睡不着”\n\t又咳", at=now)
    signing.sign(world.doctor, contract, Sides("resident", Signature("王秀兰"), Signature("王医生")), now)
    said = {"name": "钱大爷", "team": world.other_team.id, "doctor": world.stranger.staff_id}
    far = residents.register(SYSTEM, said, now, centre=world.other_team.parent_id)
    for doctor, one in ((world.doctor, who), (world.stranger, far.resident)):
        loop = promises.promise(
            doctor, kind="referral.doctor_to_social_worker", resident=one, reason="D12", note="近一月少出门", at=now,
            command_id="refer",
        )  # fmt: skip
        acts.act(
            actor_of(Loop.objects.get(id=loop).owner), "accept", loop, seq=1, at=now, command_id="accept"
        )
    return world


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "SIZE", 4)


@contextmanager
def undone() -> Iterator[None]:
    """As someone with the database's own keys; everything is put back afterwards."""
    with transaction.atomic():
        _drop_guards()
        yield
        transaction.set_rollback(True)


def tampered(sql: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def column(name: str, value: Any) -> Any:
    return Entry._meta.get_field(name).get_db_prep_save(value, connection)


def of(entry: Entry) -> list[Any]:
    return [column("home", entry.home), column("stream", entry.stream), entry.seq]


AT = "WHERE home = %s AND stream = %s AND seq = %s"


def flipped(content: bytes) -> bytes:
    return bytes([content[0] ^ 1]) + content[1:]


def edited(entry: Entry) -> None:
    tampered(f"UPDATE trust_entry SET data = %s {AT}", entry.data.replace(":", " :", 1), *of(entry))


def given_another_hash(entry: Entry) -> None:
    tampered(f"UPDATE trust_entry SET hash = %s {AT}", flipped(bytes(entry.hash)), *of(entry))


def tied_elsewhere(entry: Entry) -> None:
    tampered(f"UPDATE trust_entry SET previous = %s {AT}", flipped(bytes(entry.previous)), *of(entry))


def taken_out(entry: Entry) -> None:
    tampered(f"DELETE FROM trust_entry {AT}", *of(entry))


@pytest.mark.parametrize(
    ("tamper", "seq", "reason"),
    [
        (edited, 0, "content does not match its hash"),
        (given_another_hash, 0, "content does not match its hash"),
        (tied_elsewhere, 0, "does not follow the entry before it"),
        (taken_out, 1, "entry {} is missing"),
    ],
)
def test_what_was_done_to_one_entry_is_named_wherever_it_stands(
    lived: World, tamper: Callable[[Entry], None], seq: int, reason: str
) -> None:
    longer = Entry.objects.filter(seq=2).values("stream")
    every = Entry.objects.filter(stream__in=longer, seq=1).order_by("home", "stream")
    for entry in (every.first(), every.last()):
        assert entry is not None
        with undone():
            tamper(entry)
            broken = verification.verify(rebuild.heads(), way=ALL).broken
            assert broken is not None
            assert (broken.home, broken.stream, broken.seq) == (entry.home, entry.stream, entry.seq + seq)
            assert broken.reason == reason.format(entry.seq)
    assert verification.verify(rebuild.heads(), way=ALL).whole


def test_every_hash_is_the_one_the_ledger_writes(lived: World) -> None:
    """The fast way of hashing is another function than the one that writes: both must agree on every entry."""
    entries = list(Entry.objects.order_by("home", "stream", "seq"))
    assert any(one.sealed for one in entries)
    assert any(one.subject is None or one.command_id is None for one in entries)
    with undone():
        one = entries[-1]
        one.kind, one.command_id, one.command_digest = "说\u0007“一”\\", "键\n", None
        one.occurred_at -= timedelta(days=300, microseconds=7)
        one.hash = ledger.digest(one)
        given = {
            n: column(n, getattr(one, n))
            for n in ("kind", "command_id", "command_digest", "occurred_at", "hash")
        }
        tampered(
            f"UPDATE trust_entry SET {', '.join(f'{n} = %s' for n in given)} {AT}", *given.values(), *of(one)
        )
        assert verification.verify().broken is None
    assert verification.verify().entries == len(entries)


def test_a_stream_that_is_shorter_or_longer_than_its_row_knows_is_found_by_the_row(lived: World) -> None:
    loop = Loop.objects.order_by("-id")[0]
    with undone():
        tampered(
            f"DELETE FROM trust_entry {AT}", column("home", loop.home), column("stream", loop.id), loop.seq
        )
        assert verification.verify().broken is None, "the chain is whole in itself"
        broken = verification.verify(rebuild.heads()).broken
        ends = f"the row knows entry {loop.seq}, the stream ends at {loop.seq - 1}"
        assert broken == Broken(loop.home, loop.id, loop.seq, ends)
    with undone():
        Loop.objects.filter(id=loop.id).update(seq=loop.seq - 1)
        broken = verification.verify(rebuild.heads()).broken
        assert broken is not None
        assert (broken.stream, broken.seq) == (loop.id, loop.seq + 1)


def test_what_is_folded_anew_and_is_not_what_the_row_says_is_told_by_column(lived: World) -> None:
    contract = Contract.objects.order_by("id")[0]
    owed = contract.owed.order_by("id")[0]
    loop = Loop.objects.order_by("id")[0]
    assert verification.verify(rebuild.heads(), way=ALL).whole
    with undone():
        Loop.objects.filter(id=loop.id).update(urgency="red")
        Contract.objects.filter(id=contract.id).update(package="premium")
        Owed.objects.filter(id=owed.id).update(duty="nurse")
        found = verification.verify(rebuild.heads(), way=ALL)
        assert found.broken is None
        assert not found.whole
        said = {(one.stream, one.column, one.row) for one in found.differences}
        assert said == {
            (loop.id, "urgency", "red"),
            (contract.id, "package", "premium"),
            (owed.id, "duty", "nurse"),
        }
    with undone():
        Loop.objects.filter(id=loop.id).delete()
        found = verification.verify(way=ALL)
        assert [(one.stream, one.column) for one in found.differences] == [(loop.id, "*")]


def test_a_share_of_the_streams_is_folded_anew_the_same_ones_for_the_same_seed(lived: World) -> None:
    streams = [ids.new() for _ in range(2000)]
    drawn = [
        {one for one in streams if Refolding(rebuild.compared, 0.25, seed).wanted(one)} for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    assert all(400 < len(some) < 600 for some in drawn)
    whole, part = (
        verification.verify(way=Way(refolding=Refolding(rebuild.compared, share))).refolded
        for share in (1.0, 0.4)
    )
    assert 0 < part < whole == Loop.objects.count() + Contract.objects.count() + Consent.objects.count()


def test_one_that_was_stopped_goes_on_where_it_was(lived: World) -> None:
    whole, told = verification.verify(rebuild.heads()), list[tuple[int, Mark]]()

    def stopping(count: int, mark: Mark) -> None:
        told.append((count, mark))
        if len(told) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verification.verify(rebuild.heads(), way=Way(progress=stopping))
    first = Entry.objects.order_by("home", "stream", "seq")[0]
    with undone():
        edited(first)
        rest = verification.verify(rebuild.heads(), way=Way(after=told[-1][1]))
        assert rest.broken is None, "what was verified is not read again"
        assert told[-1][0] + rest.entries == whole.entries
        assert verification.verify().broken is not None
