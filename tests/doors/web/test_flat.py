"""The hot reads find what they show by an index, whatever else the district holds: beside these few people lives a crowd of others.

PostgreSQL counts the buffers of the plan it would keep; SQLite says which tables it would walk through.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from bench import floor, plans
from django.db import connection, models

from tests.doors.web.conftest import Office
from yishe.loops import reading
from yishe.loops.models import Loop
from yishe.people import search
from yishe.people.models import AccessFact, Empanelment, Organisation, Resident, SearchToken, Subject
from yishe.trust.models import Entry, SubjectKey

pytestmark = pytest.mark.django_db
OTHERS = 600
MOST = 60
"""Buffers of one statement."""
CROWDED = (Resident, Subject, SubjectKey, Empanelment, SearchToken, Loop, Entry, AccessFact)


def like(row: models.Model, **other: Any) -> models.Model:
    """A further row like this one."""
    same = {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields}
    return type(row)(**{**same, **other})


def crowd(office: Office) -> None:
    """Many residents of the other centre, each with a promise, as 王秀兰 has one; 钱医生 answers for them all."""
    office.refer()
    far, who = Organisation.objects.get(code="c2").id, office.world.stranger.staff_id
    her, its = Resident.objects.get(pk=office.world.resident.resident), Loop.objects.get()
    its.head = bytes(its.head)
    key, token = SubjectKey.objects.get(), SearchToken.objects.filter(resident=her)[:2]
    team, fact = Empanelment.objects.get(), AccessFact.objects.first()
    entry = Entry.objects.get(stream=its.id)
    rows: dict[type[models.Model], list[models.Model]] = {one: [] for one in CROWDED}
    for n in range(OTHERS):
        one, subject, loop = uuid4(), uuid4(), uuid4()
        rows[Resident].append(like(her, id=one, home=far, centre_id=far, id_blind=None))
        rows[Subject].append(Subject(subject=subject, home=far, resident_id=one, origin_id=one))
        rows[SubjectKey].append(like(key, subject=subject, home=far))
        answers = {"team_id": office.world.other_team.id, "doctor_id": who, "social_worker_id": who}
        rows[Empanelment].append(like(team, id=uuid4(), home=far, resident_id=one, **answers))
        rows[SearchToken] += [like(each, id=None, centre=far, resident_id=one) for each in token]
        place = {"home": far, "centre": far, "team": office.world.other_team.id, "subject": subject}
        rows[Loop].append(like(its, id=loop, sender=who, performer=who, owner=who, **place))
        rows[Entry].append(like(entry, home=far, stream=loop, actor=who, subject=subject, command_id=str(n)))
        rows[AccessFact].append(like(fact, id=uuid4(), home=far, person=who, subject=subject))  # type: ignore[arg-type]
    for model in CROWDED:
        model._default_manager.bulk_create(rows[model], batch_size=300)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def requests(office: Office) -> dict[str, Callable[[], object]]:
    doctor, now = office.world.doctor, datetime.now(UTC)
    return {
        "the page of today": lambda: office.doctor.open("/"),
        "a resident": lambda: office.doctor.open(office.resident),
        "what is beside her": lambda: office.doctor.open(f"{office.resident}/near"),
        "her loops": lambda: office.doctor.open(office.resident, tab="loops"),
        "one's own residents": lambda: office.doctor.open("/residents"),
        "the panel": lambda: office.doctor.open("/panel"),
        "the calls": lambda: office.doctor.open("/calls"),
        "a team's ledger": lambda: office.doctor.open("/loops"),
        "a centre's ledger": lambda: office.director.open("/loops"),
        "what is late behind the board": lambda: office.director.open("/loops", set="overdue", sort="due"),
        "the work list": lambda: reading.worklist_named(doctor, 20),
        "by name": lambda: search.find(doctor, "王秀兰", now),
        "by two characters": lambda: search.find(doctor, "秀兰", now),
        "by pinyin": lambda: search.find(doctor, "wangx", now),
        "by surname": lambda: search.find(doctor, "王", now),
    }  # fmt: skip


OF_A_CENTRE = ("ledger", "panel", "calls", "residents", "surname", "board")
"""Lists that are a good part of a centre; SQLite holds no more than that, and walks through it."""
WALKED = re.compile(r"^SCAN (\w+)(?! USING)$")
WITHIN = re.compile(r"^(?:CO-ROUTINE|MATERIALIZE) (\w+)")
ALIAS = re.compile(r'(?:FROM|JOIN) "?(\w+)"?(?: (?:AS )?"?(\w+)"?)?')


def walked_through(request: Callable[[], object]) -> set[str]:
    """SQLite: the crowd's tables that a statement of this request reads from end to end."""
    found = set()
    tables = {model._meta.db_table for model in CROWDED}
    for sql, params in floor.recorded(request):
        if not sql.lstrip().startswith(plans.READS):
            continue
        plain = re.sub(r"\$\d+", "%s", sql)
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {plain}", params)
            steps = [row[3] for row in cursor.fetchall()]
        names = {alias or table: table for table, alias in ALIAS.findall(plain)}
        within = {
            hit[1] for step in steps if (hit := WITHIN.match(step))
        }  # a part of the statement, not a table
        scanned = {names.get(hit[1], hit[1]) for step in steps if (hit := WALKED.match(step))}
        found |= (scanned & tables) - {names.get(one, one) for one in within}
    return found


def test_no_hot_read_walks_through_the_district(office: Office) -> None:
    crowd(office)
    asked = requests(office)
    if connection.vendor == "sqlite":
        walked = {name: walked_through(one) for name, one in asked.items()}
        assert {
            name for name, through in walked.items() if through and not name.endswith(OF_A_CENTRE)
        } == set()
        return
    with connection.cursor() as cursor:
        for way in ("seqscan", "hashjoin", "mergejoin"):  # by which a crowd of mere hundreds is read faster
            cursor.execute(f"SET LOCAL enable_{way} = off")
    tables = {model._meta.db_table for model in CROWDED}
    for name, request in asked.items():
        for one in plans.looked(connection.connection, request):
            assert (name, one.buffers <= MOST, tables & set(one.whole)) == (name, True, set()), "\n".join(
                [one.sql, *one.plan, str(one.buffers)]
            )
