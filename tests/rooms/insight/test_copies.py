"""A copy of everything held: whole, the same in both forms, given out once, and never somebody else's.

王医生 and 李敏 are of her team, 赵护士 a colleague without the duty to give it out elsewhere, 钱医生 a stranger.
"""

import json
import re
import zlib
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.house.source import ROOT
from tests.rooms.care.world import World, build

from yishe.care import encounters, notes, observations
from yishe.insight import copies, copy_print
from yishe.loops import kinds, promises
from yishe.people import consents, residents
from yishe.people.consent_checks import Yes
from yishe.people.own_models import CopyTicket
from yishe.policy.refusals import Conflict, Forbidden, NotFound
from yishe.trust import ids
from yishe.trust.models import AccessLine

HER_WORDS = ("血压控制不佳", "女儿在外地", "13986271504", "翠屏巷七十三号院")


@pytest.fixture
def lived(db: None, now: datetime) -> World:
    kinds.forget()
    world, at = build(now), now - timedelta(days=3)
    who = world.resident.resident
    residents.amend(world.doctor, who, {"phone": HER_WORDS[2], "address": HER_WORDS[3]}, at)
    encounters.record(
        world.doctor,
        who,
        kind="1",
        summary=HER_WORDS[0],
        diagnoses=[("I10", "高血压")],
        at=at,
        command_id="e",
    )
    notes.record(
        world.social_worker,
        who,
        stage="planning",
        text=HER_WORDS[1],
        restricted="哽咽许久",
        at=at,
        command_id="n",
    )
    observations.record(
        world.nurse, who, kind="bp", values={"sbp": "158", "dbp": "92"}, at=at, command_id="o"
    )
    promises.promise(
        world.doctor, kind="referral.doctor_to_social_worker", resident=who, reason="D12", note="少出门", at=at,
        command_id="p",
    )  # fmt: skip
    said = Yes("service", consents.text("service", at).sha256)
    consents.give(world.social_worker, who, said, at)
    return world


def taken(world: World, form: str, now: datetime, ticket: UUID | None = None) -> dict[str, object]:
    who = world.resident.resident
    ticket = ticket or copies.ask(world.doctor, who, now)
    found: dict[str, Any] = json.loads(copies.take(world.doctor, who, ticket, form, now, plain))
    return found


def plain(copy: dict[str, Any]) -> bytes:
    return json.dumps(copy, ensure_ascii=False).encode()


def test_it_holds_everything_she_may_see(lived: World, now: datetime) -> None:
    copy = taken(lived, "json", now)
    text = json.dumps(copy, ensure_ascii=False)
    assert all(
        words in text for words in (*HER_WORDS, "王秀兰", "高血压", "158", "孤独隔离", "接受医务社工服务")
    )
    assert {one["kind"] for one in copy["record"]} == {"encounter", "note", "observation", "loop"}  # type: ignore[attr-defined]
    assert any(one["who"] == "王医生" for one in copy["looks"])  # type: ignore[attr-defined]


def test_what_the_pack_holds_back_is_named_and_not_there(lived: World, now: datetime) -> None:
    text = json.dumps(taken(lived, "json", now), ensure_ascii=False)
    assert "哽咽许久" not in text
    assert "请与书写人当面约谈" in text


def test_every_name_of_the_format_is_described(lived: World, now: datetime) -> None:
    described = (ROOT / "docs" / "copy-format.md").read_text(encoding="utf-8")
    copy = taken(lived, "json", now)
    names = {*copy, *copy["particulars"]}  # type: ignore[misc]
    for part in ("record", "promises", "consents", "looks"):
        names |= {name for one in copy[part] for name in one}  # type: ignore[attr-defined]
    assert [name for name in sorted(names) if f"`{name}`" not in described] == []


def test_on_paper_it_is_a_pdf_with_its_own_font_that_reads_words_as_words(
    lived: World, now: datetime
) -> None:
    copy = taken(lived, "json", now)
    copy["particulars"]["address"] = '#panic("x") $x$ *粗* <标签>'  # type: ignore[index]
    made = copy_print.pdf(copy)
    assert made.startswith(b"%PDF-")
    streams = b"".join(_inflated(made))
    assert b"NotoSansCJK" in made + streams


def _inflated(content: bytes) -> list[bytes]:
    found = []
    for part in re.findall(rb"stream\r?\n(.*?)endstream", content, re.DOTALL):
        try:
            found.append(zlib.decompressobj().decompress(part))
        except zlib.error:
            continue
    return found


def test_each_form_is_given_out_once_and_until_it_expires(lived: World, now: datetime) -> None:
    who = lived.resident.resident
    ticket = copies.ask(lived.doctor, who, now)
    taken(lived, "json", now, ticket)
    with pytest.raises(Conflict, match="已经取走过一次"):
        taken(lived, "json", now, ticket)
    taken(lived, "pdf", now, ticket)
    assert copies.waiting(who, now) == []

    late = copies.ask(lived.doctor, who, now)
    with pytest.raises(Conflict, match="已经过期"):
        copies.take(lived.doctor, who, late, "pdf", now + timedelta(days=7), plain)
    with pytest.raises(NotFound):
        copies.take(lived.doctor, who, ids.random(), "json", now, plain)


def test_asking_and_every_giving_out_leave_a_line(lived: World, now: datetime) -> None:
    taken(lived, "json", now)
    lines = AccessLine.objects.filter(action__startswith="rights.copy").order_by("action")
    assert [(one.action, one.purpose, one.actor) for one in lines] == [
        ("rights.copy", "json", lived.doctor.staff_id),
        ("rights.copy_asked", "care", lived.doctor.staff_id),
    ]


def test_a_stranger_gets_none_and_one_resident_s_ticket_opens_no_other(lived: World, now: datetime) -> None:
    who, other = lived.resident.resident, lived.another("赵某", now)
    with pytest.raises(Forbidden):
        copies.ask(lived.stranger, who, now)
    ticket = copies.ask(lived.doctor, who, now)
    with pytest.raises(Forbidden):
        copies.take(lived.stranger, who, ticket, "json", now, plain)
    with pytest.raises(NotFound):
        copies.take(lived.doctor, other.resident, ticket, "json", now, plain)
    assert CopyTicket.objects.get().json_taken_at is None
