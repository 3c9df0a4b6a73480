"""Research data from the asking to the confirming; and that nobody can be known in it again."""

import csv
import io
import json
import zipfile
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from tests.rooms.care.world import World
from tests.rooms.insight.people import joined, officer

from yishe.care import notes, observations
from yishe.doors.cli.main import main
from yishe.insight import extracts, links, research
from yishe.insight.models import Extract
from yishe.loops import acts, kinds, reading
from yishe.loops.models import Loop
from yishe.people import actors, consents, residents
from yishe.people.actors import Actor
from yishe.people.cards import cards
from yishe.people.consent_checks import Yes
from yishe.people.models import Neighbourhood
from yishe.people.placements import Placement
from yishe.policy.refusals import Conflict, Forbidden, Invalid
from yishe.trust import ids
from yishe.trust.models import AccessLine, Export

pytestmark = pytest.mark.django_db
REASON = "评估独居老人随访对血压控制的作用，回顾性研究，负责人王医生"
ALL = ("traits", "observations", "conditions", "encounters", "medications", "notes", "loops")
DAY = timedelta(days=1)


@pytest.fixture
def lead(world: World, now: datetime) -> Actor:
    """郭老师, the research lead; 孙专员 reviews."""
    kinds.forget()
    officer(world, now)
    return joined("郭老师", "research_lead", world.centre.id, now)


@pytest.fixture
def town(world: World, now: datetime) -> list[Placement]:
    """Thirty people with identifiers, visits and measurements; all but the first two agree to research."""
    places = [
        Neighbourhood.objects.create(
            id=ids.new(), code=f"n{n}", name=f"德胜{n}里社区", centre=world.centre, team=world.team
        )
        for n in range(3)
    ]
    found = []
    for number in range(30):
        said = {
            "name": f"陈{chr(0x4E00 + number * 7)}{chr(0x5E00 + number)}", "team": world.team.id, "doctor": world.doctor.staff_id,
            "social_worker": world.social_worker.staff_id, "sex": "12"[number % 2], "phone": f"1390000{number:04}",
            "birth_date": date(1930 + number % 20, 3, 1 + number % 20), "address": f"德胜门外大街{number}号院{number}单元",
            "record_number": f"RN2026{number:04}", "neighbourhood": places[number % 3].id,
            "traits": ("hypertension", *(("dementia",) if number == 5 else ())),
        }  # fmt: skip
        who = residents.register(actors.SYSTEM, said, now - 300 * DAY, centre=world.centre.id)
        found.append(who)
        for visit, days in enumerate((0, 7, 31)):
            at = now - (200 - number - days) * DAY
            observations.record(
                world.nurse, who.resident, kind="bp", values={"sbp": str(120 + visit), "dbp": "80"}, at=at,
                command_id=f"o{number}:{visit}",
            )  # fmt: skip
        notes.record(
            world.social_worker, who.resident, stage="intake", text=f"入户看望{said['name']}", at=now - 150 * DAY,
            command_id=f"n{number}",
        )  # fmt: skip
        if number > 1:
            agree(world, who, now - 30 * DAY)
    return found


def agree(world: World, who: Placement, at: datetime) -> UUID:
    said = Yes("research", consents.text("research", at).sha256, purpose="health")
    return consents.give(world.social_worker, who.resident, said, at)


def asked(world: World, now: datetime, **changed: object) -> UUID:
    wanted: dict[str, object] = {
        "variables": ALL, "since": (now - 300 * DAY).date(), "until": now.date(), "purpose": "health", "reason": REASON,
    }  # fmt: skip
    return research.ask(world.doctor, **(wanted | changed), at=now, command_id=uuid4().hex)  # type: ignore[arg-type]


def agreed(world: World, now: datetime, loop: UUID) -> None:
    child = Loop.objects.get(parent=loop)
    acts.act(
        officer(world, now),
        "complete",
        child.id,
        seq=child.seq,
        at=now,
        outcome="approved",
        note="去标识，同意",
    )


def handed_over(world: World, lead: Actor, now: datetime) -> tuple[UUID, dict[str, list[list[str]]]]:
    """The whole way until the data is with who asked."""
    loop = asked(world, now)
    agreed(world, now, loop)
    research.make(lead, loop, now)
    research.deliver(lead, loop, seq=Loop.objects.get(id=loop).seq, at=now, command_id=uuid4().hex)
    text = research.link(research.request(world.doctor, loop, now), world.doctor.staff_id, now)
    return loop, opened(research.fetch(world.doctor, text, now))


def opened(content: bytes) -> dict[str, list[list[str]]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {
            name: list(csv.reader(io.StringIO(archive.read(name).decode("utf-8-sig"))))
            for name in archive.namelist()
        }


@pytest.mark.usefixtures("town")
def test_from_asking_to_confirming(world: World, lead: Actor, now: datetime) -> None:
    loop, files = handed_over(world, lead, now)
    assert set(files) == {"people.csv", "events.csv", "codebook.csv", "report.csv", "README.txt"}
    row = Loop.objects.get(id=loop)
    assert (row.sender, row.performer, row.status) == (world.doctor.staff_id, lead.staff_id, "completed")
    (done,) = [one for one in reading.detail(world.doctor, loop, now).entries if one.kind == "completed"]
    (proof,) = done.data["evidence"]
    assert (proof["type"], proof["hash"]) == ("extract", Extract.objects.get(loop=loop).sha256)
    acts.act(world.doctor, "confirm", loop, seq=row.seq, at=now)
    assert Loop.objects.get(id=loop).closed_as == "served"
    export = Export.objects.get(kind="research")
    assert (export.actor, export.purpose) == (world.doctor.staff_id, f"科研申请 {loop}")
    assert f"导出编号：{export.id}" in [cell for line in files["README.txt"] for cell in line]
    made = AccessLine.objects.get(action="research.made")
    assert made.actor == lead.staff_id
    assert len(made.subjects) == len(files["people.csv"]) - 1


def test_nobody_stands_in_a_small_cell_and_the_sheet_says_so(
    world: World, lead: Actor, town: list[Placement], now: datetime
) -> None:
    _, files = handed_over(world, lead, now)
    header, *people = files["people.csv"]
    assert header == ["person", "sex", "age", "area", "traits"]
    cells = Counter(tuple(row[1:4]) for row in people)
    assert min(cells.values()) >= 5
    told = dict(files["report.csv"])
    assert int(told["达到的 k（最小格人数）"]) == min(cells.values())
    assert int(told["人数"]) == len(people)
    assert int(told["人数"]) + int(told["因格子太小而不出的人数"]) == 28, (
        "the two who did not agree are not counted"
    )
    assert told["准标识"] == "sex、age、area"
    assert {row[4] for row in people} <= {"hypertension", "hypertension;其他"}, (
        "one person's dementia is merged"
    )


def test_no_identifier_of_anybody_is_in_any_file(
    world: World, lead: Actor, town: list[Placement], now: datetime
) -> None:
    _, files = handed_over(world, lead, now)
    text = "\n".join(",".join(row) for name, rows in files.items() if name != "README.txt" for row in rows)
    for card in cards([one.subject for one in town]).values():
        known = (
            card.name,
            card.phone,
            card.address,
            card.record_number,
            str(card.resident),
            str(card.subject),
        )
        for told in (*known, card.resident.hex, card.subject.hex, str(card.birth_date)):
            assert told not in text
    for words in ("入户看望", "王医生", "李敏", str(world.doctor.staff_id)):
        assert words not in text


def test_the_days_between_a_persons_visits_stay_and_the_days_themselves_do_not(
    world: World, lead: Actor, town: list[Placement], now: datetime
) -> None:
    _, files = handed_over(world, lead, now)
    true = {(now - (200 - number - days) * DAY).date() for number in range(30) for days in (0, 7, 31)}
    seen = defaultdict(set)
    for who, day, event, code, value in files["events.csv"][1:]:
        if (event, code) == ("observation", "sbp"):
            seen[who].add((date.fromisoformat(day), value))
    assert seen
    for visits in seen.values():
        days = [day for day, _ in sorted(visits)]
        assert [(b - a).days for a, b in pairwise(days)] == [7, 24]
        assert [value for _, value in sorted(visits)] == ["120", "121", "122"]
    moved = {day for visits in seen.values() for day, _ in visits}
    assert len(moved - true) > len(moved) / 2


def test_only_people_whose_consent_is_in_force_for_this_purpose(
    world: World, lead: Actor, town: list[Placement], now: datetime
) -> None:
    (given,) = [one for one in consents.given(town[9].resident) if one.state.basis == "research"]
    consents.withdraw(world.social_worker, town[9].resident, given.id, "changed_mind", now - DAY)
    loop = asked(world, now)
    agreed(world, now, loop)
    assert len(research.make(lead, loop, now).coarse.rows) <= 27
    other = asked(world, now, purpose="service")
    agreed(world, now, other)
    with pytest.raises(Conflict) as refused:
        research.make(lead, other, now)
    assert refused.value.code == "too_few_people"


@pytest.mark.usefixtures("town")
def test_nothing_is_made_before_ethics_agreed_nor_by_another(
    world: World, lead: Actor, now: datetime
) -> None:
    loop = asked(world, now)
    with pytest.raises(Conflict) as early:
        research.make(lead, loop, now)
    assert early.value.code == "not_agreed"
    agreed(world, now, loop)
    for person in (world.doctor, world.director):
        with pytest.raises(Forbidden):
            research.make(person, loop, now)
    with pytest.raises(Forbidden):
        research.make(world.stranger, loop, now)
    with pytest.raises(Conflict) as empty:
        research.deliver(lead, loop, seq=Loop.objects.get(id=loop).seq, at=now, command_id="d")
    assert empty.value.code == "not_made"
    with pytest.raises(Invalid):
        acts.act(
            lead,
            "complete",
            loop,
            seq=Loop.objects.get(id=loop).seq,
            at=now,
            outcome="delivered",
            note="给了",
        )
    assert not Extract.objects.exists()


@pytest.mark.usefixtures("town")
def test_refused_by_ethics_the_request_cannot_go_on(world: World, lead: Actor, now: datetime) -> None:
    loop = asked(world, now)
    child = Loop.objects.get(parent=loop)
    acts.act(officer(world, now), "decline", child.id, seq=child.seq, at=now, reason="ineligible")
    with pytest.raises(Conflict):
        research.make(lead, loop, now)


@pytest.mark.usefixtures("town")
def test_who_asks_neither_reviews_nor_makes(world: World, lead: Actor, now: datetime) -> None:
    loop = research.ask(
        lead, variables=ALL, since=now.date() - DAY, until=now.date(), purpose="health", reason=REASON, at=now, command_id="a"
    )  # fmt: skip
    row, child = Loop.objects.get(id=loop), Loop.objects.get(parent=loop)
    assert row.performer == world.director.staff_id
    assert child.performer == officer(world, now).staff_id
    assert len({row.sender, row.performer, child.performer}) == 3


@pytest.mark.parametrize(
    "changed",
    [
        {"variables": ()}, {"variables": ("names",)}, {"since": date(2026, 3, 3)}, {"until": date(2030, 1, 1)},
        {"purpose": "curiosity"}, {"reason": "想看看"}, {"since": date(1, 1, 1)},
    ],
)  # fmt: skip
def test_what_cannot_be_asked_for_is_refused(
    world: World, lead: Actor, now: datetime, changed: dict[str, object]
) -> None:
    with pytest.raises(Invalid):
        asked(world, now, **changed)
    assert not Loop.objects.exists()


def test_duties_the_pack_does_not_name_ask_for_nothing(world: World, lead: Actor, now: datetime) -> None:
    with pytest.raises(Forbidden):
        research.ask(
            world.administrator, variables=ALL, since=now.date(), until=now.date(), purpose="health", reason=REASON, at=now,
            command_id="a",
        )  # fmt: skip


@pytest.mark.usefixtures("town")
def test_a_link_is_one_persons_for_a_short_time_and_cannot_be_altered(
    world: World, lead: Actor, now: datetime
) -> None:
    loop, _ = handed_over(world, lead, now)
    found = research.request(world.doctor, loop, now)
    assert research.link(found, lead.staff_id, now) == ""
    text = research.link(found, world.doctor.staff_id, now)
    with pytest.raises(Forbidden) as another:
        research.fetch(lead, text, now)
    assert another.value.code == "link_of_another"
    with pytest.raises(Conflict) as late:
        research.fetch(world.doctor, text, now + timedelta(minutes=15))
    assert late.value.code == "link_expired"
    for place in range(0, len(text), 7):
        altered = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        with pytest.raises(Forbidden) as refused:
            links.read(altered, world.doctor.staff_id, now)
        assert refused.value.code == "link_altered"
    for nonsense in ("", "A", "=", "不是链接", text + "A"):
        with pytest.raises(Forbidden):
            links.read(nonsense, world.doctor.staff_id, now)


@pytest.mark.usefixtures("town")
def test_an_extract_is_thrown_away_after_its_time(world: World, lead: Actor, now: datetime) -> None:
    loop, _ = handed_over(world, lead, now)
    later = now + 30 * DAY
    assert research.request(world.doctor, loop, later).extract is None
    assert research.sweep(later) == 1
    assert research.link(research.request(world.doctor, loop, later), world.doctor.staff_id, later) == ""


def test_what_is_typed_anywhere_does_not_run(world: World) -> None:
    assert extracts.written([("=1+1", "-2", "安")]).decode("utf-8-sig") == "'=1+1,'-2,安\r\n"


@pytest.mark.usefixtures("town")
def test_the_command_line_makes_what_ethics_agreed_to_and_nothing_else(
    world: World, lead: Actor, now: datetime, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loop, file = asked(world, now), tmp_path / "data.zip"
    assert main(["research", "extract", str(loop), str(file)]) == 1
    assert "伦理与隐私审查还没有同意" in capsys.readouterr().err
    agreed(world, now, loop)
    assert main(["research", "extract", str(loop), str(file), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert int(said["达到的 k（最小格人数）"]) >= 5
    assert len(opened(file.read_bytes())["people.csv"]) == int(said["人数"]) + 1
    export = Export.objects.get(kind="research")
    assert export.actor == ids.SYSTEM
    assert main(["research", "extract", str(loop), str(tmp_path / "no" / "data.zip")]) == 1
    with pytest.raises(SystemExit):
        main(["research", "extract", "not-an-id", str(file)])
