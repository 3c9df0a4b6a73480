"""The sealed digest: signed, chained, and proof against whoever can write to the database. One flipped bit is found."""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, models, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import _drop_guards
from tests.rooms.trust.conftest import Write, entry
from yishe.policy.refusals import Conflict, NotFound, Unavailable
from yishe.trust import access_log, digests, guards, ids, ledger, line_seals, origin, verification
from yishe.trust.commit import Bundle
from yishe.trust.models import AccessLine, Digest, Entry, HouseKey, SealedLines

DAY = timedelta(days=1)
HERE = uuid.UUID(int=7)
Flip = Callable[[Any, int], Any]


@contextmanager
def forced() -> Iterator[None]:
    """As someone with the database's own keys; everything is put back afterwards."""
    with transaction.atomic():
        _drop_guards()
        yield
        transaction.set_rollback(True)


def flipped(value: Any, at: int) -> Any:
    """The value with one bit the other way."""
    if isinstance(value, bytes | memoryview):
        changed = bytearray(value)
        changed[(at // 8) % len(changed)] ^= 1 << at % 8
        return bytes(changed)
    if isinstance(value, str):
        place = at % len(value)
        return value[:place] + chr(ord(value[place]) ^ 1) + value[place + 1 :]
    if isinstance(value, list):
        return [flipped(value[0], at), *value[1:]]
    if isinstance(value, UUID):
        return uuid.UUID(int=value.int ^ (1 << at % 128))
    if isinstance(value, datetime):
        return value + timedelta(microseconds=1 << at % 30)
    if isinstance(value, date):
        return value + timedelta(days=1 << at % 10)
    return value ^ (1 << at % 15)


def flip(row: models.Model, field: Any, at: int) -> bool:
    """Write one flipped bit behind everybody's back. False when the column holds nothing, or when the new value is
    another row's key, which the database refuses without any help."""
    value = field.value_from_object(row)
    if value is None or value in ("", b""):
        return False
    new = field.get_db_prep_save(flipped(value, at), connection)
    keys = getattr(row._meta.pk, "fields", [row._meta.pk])
    where = " AND ".join(f'"{k.column}" = %s' for k in keys)
    values = [k.get_db_prep_save(k.value_from_object(row), connection) for k in keys]
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f'UPDATE "{row._meta.db_table}" SET "{field.column}" = %s WHERE {where}', [new, *values]
            )
    except IntegrityError:
        return False
    return True


@pytest.fixture
def sealed(write: Write, now: datetime) -> list[Digest]:
    """Two days, each with new streams, and one stream that grew on the second day."""
    write(3)
    look(now)
    look(now)
    first = digests.seal(now)
    write(2)
    look(now + DAY)
    return [first, digests.seal(now + DAY)]


def look(at: datetime, home: UUID = HERE) -> AccessLine:
    """Someone looked at somebody, from somewhere."""
    with origin.coming_from(origin.Origin("web", "10.0.0.5", "Chrome 120 · Windows", ids.new())):
        access_log.line(
            None, home=home, actor=ids.new(), action="resident.read", subjects=[ids.random()], at=at,
            relation="contract_team", purpose="随访",
        )  # fmt: skip
    return AccessLine.objects.order_by("-id")[0]


def test_a_digest_counts_and_signs_all_streams(sealed: list[Digest], now: datetime) -> None:
    one, two = sealed
    assert [(d.number, d.entries, d.streams) for d in sealed] == [(1, 3, 1), (2, 5, 2)]
    assert bytes(two.previous) == bytes(one.hash)
    assert len(bytes(two.heads)) == digests.LINE, "only what moved"
    proof = digests.prove()
    assert proof.whole
    assert (proof.digests, proof.last) == (2, now + DAY)


def test_a_day_is_sealed_once_and_never_backwards(sealed: list[Digest], now: datetime) -> None:
    assert digests.seal(now + DAY).number == 2
    with pytest.raises(Conflict) as refused:
        digests.seal(now - DAY)
    assert refused.value.code == "sealed_later"
    assert Digest.objects.count() == 2


def test_a_digest_cannot_be_changed(sealed: list[Digest]) -> None:
    with pytest.raises(IntegrityError, match="insert-only"), transaction.atomic():
        Digest.objects.update(entries=1)
    guards.require()


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_flipped_bit_anywhere_is_found_and_named(sealed: list[Digest], data: st.DataObject) -> None:
    key = HouseKey.objects.get(use=digests.USE)
    tables = [
        [*Entry.objects.all()],
        sealed,
        [key],
        [*AccessLine.objects.all()],
        [*SealedLines.objects.all()],
    ]
    row: models.Model = data.draw(st.sampled_from(data.draw(st.sampled_from(tables))))
    fields = [f for f in row._meta.concrete_fields if not (isinstance(row, HouseKey) and f.name != "public")]
    field = data.draw(st.sampled_from(fields))
    with forced():
        try:
            done = flip(row, field, data.draw(st.integers(0, 20_000)))
        except IntegrityError:  # a key that is taken: the database itself has refused
            return
        if done:
            proof = digests.prove()
            assert not proof.whole, (row._meta.db_table, field.name)
            assert named(row, field.name, proof), (row._meta.db_table, field.name, proof)
    assert digests.prove().whole


def named(row: Any, column: str, proof: digests.Proof) -> bool:
    """Whether what was found says which row it is; one that was moved is named by the gap it left, or where it went."""
    if isinstance(row, Entry):
        found = proof.ledger.broken
        return found is not None and (column == "stream" or found.stream == row.stream)
    if isinstance(row, AccessLine):
        line = proof.looks.broken
        return line is not None and (line.id, line.at, line.home) == (row.id, row.at, row.home)
    flaw = proof.flaw
    number = 1 if isinstance(row, HouseKey) else row.number
    return flaw is not None and (column in ("number", "form") or flaw.number == number)


def test_a_changed_entry_is_named_with_its_place_and_time(sealed: list[Digest], now: datetime) -> None:
    one = Entry.objects.filter(seq=2).first()
    assert one is not None
    with forced():
        flip(one, Entry._meta.get_field("data"), 3)
        broken = digests.prove().ledger.broken
    assert broken is not None
    assert (broken.home, broken.stream, broken.seq, broken.at) == (one.home, one.stream, 2, now)


def test_a_line_taken_away_is_named_with_its_moment_and_digest(sealed: list[Digest], now: datetime) -> None:
    gone = AccessLine.objects.order_by("at", "id")[1]
    with forced():
        AccessLine.objects.filter(id=gone.id).delete()
        proof = digests.prove()
    assert not proof.whole
    assert proof.looks.broken == line_seals.BrokenLine(HERE, gone.id, now, "封存过，现在没有了", 1)


def test_a_line_committed_late_is_taken_in_by_the_next_digest(sealed: list[Digest], now: datetime) -> None:
    late = look(now + DAY - timedelta(minutes=5))
    assert digests.prove().whole
    third = digests.seal(now + 2 * DAY)
    assert third.lines == 1
    assert digests.prove().looks.count == 4
    with forced():
        AccessLine.objects.filter(id=late.id).update(purpose="别的")
        broken = digests.prove().looks.broken
    assert broken is not None
    assert (broken.id, broken.reason, broken.number) == (late.id, "内容与封存时不同", 3)


def test_a_line_slipped_into_a_day_long_sealed_is_named(sealed: list[Digest], now: datetime) -> None:
    for days in range(2, 6):
        digests.seal(now + days * DAY)
    forged = look(now - timedelta(minutes=1))
    broken = digests.prove().looks.broken
    assert broken is not None
    assert (broken.id, broken.reason) == (forged.id, "那一天封存之后才写进来")


def test_a_digest_from_before_lines_were_sealed_still_holds(sealed: list[Digest], now: datetime) -> None:
    with forced():
        SealedLines.objects.all().delete()
        Digest.objects.all().delete()
        old = Digest(
            number=1, form=1, day=now.date(), at=now, heads=digests.lines(digests.present_heads()), entries=5, streams=2,
            root=digests.root_of(digests.present_heads()), previous=ledger.GENESIS,
        )  # fmt: skip
        old.hash = digests.hash_of(old)
        old.public, old.signature = digests._sign(old.hash)
        old.save()
        assert digests.prove().whole
        assert digests.seal(now + DAY).lines == 3
        assert digests.prove().looks.count == 3


def rewritten(stream: UUID, home: UUID, now: datetime) -> None:
    """A whole stream made anew, hashes and chain and all: in itself it is perfect."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM trust_entry WHERE stream = %s",
            [stream if connection.vendor == "postgresql" else stream.hex],
        )
    head, bundle = ledger.Head(), Bundle()
    for number in range(3):
        head = ledger.append(
            bundle, head, home=home, stream=stream, kind="forged", actor=ids.SYSTEM, at=now, pack="p",
            data={"set": {"n": number}},
        )  # fmt: skip
    bundle.commit()


def test_a_stream_written_anew_is_whole_in_itself_and_found_by_the_digest(
    home: UUID, write: Write, now: datetime
) -> None:
    stream = write(3)
    digests.seal(now)
    with forced():
        rewritten(stream, home, now)
        assert verification.verify().broken is None
        broken = digests.prove().ledger.broken
        assert broken is not None
        assert (broken.stream, broken.seq, broken.reason) == (stream, 3, "not the entry that was sealed")


def test_a_stream_cut_or_gone_is_found_by_the_digest_and_not_sealed_over(write: Write, now: datetime) -> None:
    stream = write(3)
    digests.seal(now)
    with forced():
        last = entry(stream, 3)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM trust_entry WHERE seq = 3")
        assert last.seq == 3
        broken = digests.prove().ledger.broken
        assert broken is not None
        assert broken.reason == "entry 3 was sealed, the stream ends at 2"
        with pytest.raises(Unavailable) as refused:
            digests.seal(now + DAY)
        assert refused.value.code == "ledger_cut"


def test_digests_taken_off_the_end_are_found_by_the_one_outside(sealed: list[Digest], now: datetime) -> None:
    outside = digests.export()
    assert digests.prove(outside=outside).whole
    with forced():
        Digest.objects.filter(number=2).delete()
        flaw = digests.prove().flaw
        assert flaw is not None, "the lines it had sealed are still there"
        with pytest.raises(Unavailable) as refused:
            digests.seal(now + DAY)
        assert refused.value.code == "seal_taken"
        SealedLines.objects.filter(number=2).delete()
        assert digests.prove().whole
        flaw = digests.prove(outside=outside).flaw
        assert flaw is not None
        assert (flaw.number, flaw.reason) == (2, "外部有这份日摘要，库中没有")


def test_digests_signed_anew_with_another_key_are_found_by_the_one_outside(
    sealed: list[Digest], home: UUID, now: datetime
) -> None:
    outside = digests.export(1)
    with forced():
        stream = Entry.objects.filter(seq=3).get().stream
        Digest.objects.all().delete()
        SealedLines.objects.all().delete()
        rewritten(stream, home, now)
        digests.seal(now)
        assert digests.prove().whole, "whoever holds every key can do this"
        flaw = digests.prove(outside=outside).flaw
        assert flaw is not None
        assert flaw.reason == "外部的日摘要与库中的同一份不同"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 100_000))
def test_one_flipped_bit_in_the_digest_outside_is_found(sealed: list[Digest], at: int) -> None:
    assert digests.prove(outside=flipped(digests.export(), at)).flaw is not None


def test_the_digest_outside_needs_no_key_and_no_database_to_be_read(sealed: list[Digest]) -> None:
    stated = json.loads(digests.export(1))
    assert (stated["number"], stated["entries"], stated["streams"]) == (1, 3, 1)
    assert stated["public"] == json.loads(digests.export(2))["public"]


def test_before_the_first_seal_there_is_nothing_to_hand_out(home: UUID) -> None:
    with pytest.raises(NotFound):
        digests.export()
    assert digests.prove().whole
