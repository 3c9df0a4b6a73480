"""The people of docs/access-table.md: one for each duty in each standing to 欧阳慕雪, with a browser and a token."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from uuid import UUID, uuid4

from django.conf import settings
from django.test import Client

from tests.access.table import STANDINGS
from tests.rooms.people.conftest import number as id_number
from yishe.care import (
    answering,
    assessments,
    contracts,
    encounters,
    followups,
    past_import,
    plans,
    questionnaire_links,
    signing,
)
from yishe.care.agreements import Signature
from yishe.care.plans import Wish
from yishe.care.signing import Sides
from yishe.doors.web import import_desk
from yishe.insight import copies
from yishe.loops import acts, promises
from yishe.loops.models import Loop
from yishe.people import (
    access,
    actors,
    consent_checks,
    consents,
    directory,
    import_,
    import_held,
    organisations,
    own_accounts,
    packs,
    residents,
)
from yishe.people.actors import SYSTEM, Actor
from yishe.people.consent_checks import Yes
from yishe.people.models import Post, Staff
from yishe.people.placements import Placement
from yishe.talk import consents as talking
from yishe.talk import delivery
from yishe.talk.models import Notice
from yishe.trust import accounts, sealed_files
from yishe.trust.commit import Bundle
from yishe.trust.models import Account, Session, Token

D2S = "referral.doctor_to_social_worker"
NAME, PHONE, ADDRESS, SUMMARY = "欧阳慕雪", "13800001357", "柳荫胡同十七号", "反复胸闷三日"
IN_TEAM = (
    "family_doctor",
    "nurse",
    "public_health",
    "social_worker",
    "community_worker",
    "volunteer",
    "team_lead",
)
GONE = "gone"


@dataclass
class Person:
    """Someone of one duty in one standing."""

    duty: str
    standing: str
    staff: UUID
    account: Account
    token: str
    session: str

    @property
    def actor(self) -> Actor:
        return actors.actor_of(self.staff)

    def __str__(self) -> str:
        return f"{self.standing} {self.duty}"


@dataclass
class Town:
    """Everything the table's addresses name, ready to be asked for."""

    now: datetime
    people: dict[tuple[str, str], Person] = field(default_factory=dict)
    places: dict[str, UUID] = field(default_factory=dict)
    resident: Placement = None  # type: ignore[assignment]
    loop: UUID = None  # type: ignore[assignment]
    closed: UUID = None  # type: ignore[assignment]
    other: UUID = None  # type: ignore[assignment]
    notice: UUID = None  # type: ignore[assignment]
    consent: UUID = None  # type: ignore[assignment]
    ticket: UUID = None  # type: ignore[assignment]
    erasure: UUID = None  # type: ignore[assignment]
    form: UUID = None  # type: ignore[assignment]
    assessed: UUID = None  # type: ignore[assignment]
    mood: UUID = None  # type: ignore[assignment]
    link: UUID = None  # type: ignore[assignment]
    answered: UUID = None  # type: ignore[assignment]
    contract: UUID = None  # type: ignore[assignment]
    contracted: UUID = None  # type: ignore[assignment]
    applied: UUID = None  # type: ignore[assignment]
    plan: UUID = None  # type: ignore[assignment]
    drafted: UUID = None  # type: ignore[assignment]
    visit: UUID = None  # type: ignore[assignment]
    visited: UUID = None  # type: ignore[assignment]
    imported: UUID = None  # type: ignore[assignment]
    row: int = 0
    job: str = ""

    @cached_property
    def names(self) -> dict[str, str]:
        """What the table's braces stand for."""
        return {
            "resident": str(self.resident.resident), "loop": str(self.loop), "closed": str(self.closed),
            "notice": str(self.notice), "consent": str(self.consent), "ticket": str(self.ticket),
            "enterprise": str(self.places["H"]),
            "contract": str(self.contract), "contracted": str(self.contracted), "applied": str(self.applied),
            "plan": str(self.plan), "drafted": str(self.drafted),
            "erasure": str(self.erasure), "row": str(self.row), "job": self.job, "imported": str(self.imported), "phone": PHONE,
            "form": str(self.form), "assessed": str(self.assessed), "mood": str(self.mood),
            "link": str(self.link), "answered": str(self.answered),
            "visit": str(self.visit), "visited": str(self.visited),
            "colleague": str(self.person("volunteer", "colleague").staff), **self._of_somebody_else(),
        }  # fmt: skip

    def _of_somebody_else(self) -> dict[str, str]:
        """A session and a token of one who is nobody here any more, and a key of nobody's."""
        gone = self.person("family_doctor", GONE).account
        session, token = Session.objects.get(account=gone).id, Token.objects.get(account=gone).id
        nobodys = dict.fromkeys(("passkey", "pin", "device"), str(gone.pk))
        return {"session": str(session), "token": str(token), **nobodys}

    @property
    def marks(self) -> tuple[str, ...]:
        """What must never stand in an answer to someone who may not see her."""
        return (NAME, "欧＊＊雪", PHONE, ADDRESS, SUMMARY)

    def seq(self) -> int:
        return Loop.objects.get(id=self.loop).seq

    def person(self, duty: str, standing: str) -> Person:
        return self.people[standing, duty]

    def everyone(self) -> Iterator[Person | None]:
        """Everybody, one who has left, and nobody at all."""
        yield from self.people.values()
        yield None


def build(now: datetime, folder: Path) -> Town:
    """Everybody has been in post for a year; she has been referred three weeks ago."""
    town = Town(now)
    _places(town)
    for duty in packs.in_force().duties:
        for standing in STANDINGS:
            town.people[standing, duty] = _hire(town, duty, standing)
    town.people[GONE, "family_doctor"] = _hire(town, "family_doctor", GONE)
    directory.bump()
    _resident(town)
    _history(town)
    _moved_on(town)
    _held_row(town, folder)
    _imported(town, folder)
    text = consents.text("sensitive", now).sha256
    town.consent = consents.give(SYSTEM, town.resident.resident, Yes(basis="sensitive", sha256=text), now)
    town.ticket = copies.ask(SYSTEM, town.resident.resident, now)
    _erasure(town)
    _outside(town)
    _assessments(town)
    _followups(town)
    _contracts(town)
    _plans(town)
    return town


def _outside(town: Town) -> None:
    """Those who are no staff: she and others as themselves, relatives by consents that hold, or were taken back."""
    since = town.now - timedelta(days=300)
    far, dead = (
        residents.register(SYSTEM, {"name": name, "phone": phone}, since, centre=town.places[centre]).resident
        for name, phone, centre in (("申屠远", "13900003001", "B"), ("申屠故", "13900003002", "A"))
    )
    whose = {"owner": town.resident.resident, "colleague": town.other, "stranger": far, "expired": dead}
    for standing, who in whose.items():
        account = own_accounts.of_resident(who, since)
        person = own_accounts.required(account.pk).person
        town.people[standing, "resident"] = _browser("resident", standing, person, account, town.now)
    residents.die(SYSTEM, dead, town.now)
    for number, (standing, who) in enumerate(({**whose, "expired": town.resident.resident}).items()):
        _relative(town, standing, who, f"1370013700{number}")


def _relative(town: Town, standing: str, resident: UUID, phone: str) -> None:
    said = Yes(
        "relative", consents.text("relative", town.now).sha256, scope=("loops", "medicines", "questionnaires"), kinship="3",
        relative_name="欧阳小梅", relative_phone=phone,
    )  # fmt: skip
    given = talking.give(SYSTEM, resident, said, town.now)
    person = consent_checks.relative_id(said)
    account = own_accounts.of_relative(person, town.now)
    town.people[standing, "relative"] = _browser("relative", standing, person, account, town.now)
    if standing == "expired":
        talking.withdraw(SYSTEM, resident, given, "family", town.now)


def _browser(duty: str, standing: str, person: UUID, account: Account, at: datetime) -> Person:
    client = Client()
    client.force_login(account, backend="django.contrib.auth.backends.ModelBackend")
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    return Person(duty, standing, person, account, accounts.issue_token(account, "test", at), session)


def _assessments(town: Town) -> None:
    """The doctor asked about her mood, the social worker twice about loneliness; the second form is not finished and sent out to
    her. Her daughter has begun to answer about falls."""
    doctor, social = town.person("family_doctor", "owner").actor, town.person("social_worker", "owner").actor
    town.mood = _filled(town, doctor, "phq2", {"p1": "0", "p2": "0"})
    town.assessed = _filled(town, social, "ucla3", {"u1": "1", "u2": "1", "u3": "1"})
    town.form = assessments.start(
        social, town.resident.resident, scale="ucla3", at=town.now, command_id=uuid4().hex
    ).response
    town.link = questionnaire_links.hand_out(social, town.resident.resident, town.form, town.now).link
    daughter = answering.of_relative(town.person("relative", "owner").staff, town.resident.resident, town.now)
    town.answered = answering.begin(daughter, "steadi", at=town.now, command_id=uuid4().hex)


FOLLOWED = {
    "how": "1", "sbp": "132", "dbp": "84", "danger": ["none"], "adverse": "1", "complication": "none", "adherence": "1",
}  # fmt: skip


def _followups(town: Town) -> None:
    """The nurse wrote down two days ago a follow-up of last year, which leaves this year's pressure owed; today's form is not
    finished."""
    nurse, whose, before = (
        town.person("nurse", "owner").actor,
        town.resident.resident,
        town.now - timedelta(days=2),
    )
    town.visited, town.visit = uuid4(), uuid4()
    for form, at in ((town.visited, before), (town.visit, town.now)):
        followups.begin(nurse, whose, kind="htn", response=form, at=at, command_id=uuid4().hex)
        if form == town.visited:
            given = {**FOLLOWED, "on": (at - timedelta(days=400)).date().isoformat()}
            followups.answer(nurse, whose, form, given, at=at, command_id=uuid4().hex)
            followups.submit(nurse, whose, form, at=at, command_id=uuid4().hex)


def _filled(town: Town, by: Actor, scale: str, answers: dict[str, str]) -> UUID:
    whose, at = town.resident.resident, town.now - timedelta(days=2)
    form = assessments.start(by, whose, scale=scale, at=at, command_id=uuid4().hex).response
    assessments.answer(by, whose, form, answers, at=at, command_id=uuid4().hex)
    assessments.submit(by, whose, form, at=at, command_id=uuid4().hex)
    return form


def _erasure(town: Town) -> None:
    """Another resident of the same team asked to be deleted; the director has begun to review it."""
    by, director = town.person("social_worker", "owner"), town.person("centre_director", "owner")
    town.erasure = promises.promise(
        by.actor, kind="rights.erasure", resident=town.other, at=town.now, command_id=uuid4().hex
    )  # fmt: skip
    for seq, verb in enumerate(("accept", "start"), 1):
        acts.act(director.actor, verb, town.erasure, seq=seq, at=town.now)


def _contracts(town: Town) -> None:
    """One neighbour of hers has a contract since a week ago, another has applied for one."""
    by, then = town.person("nurse", "owner").actor, town.now - timedelta(days=7)
    town.contracted, applicant = (_neighbour(town, name) for name in ("司徒有约", "司徒申请"))
    town.contract = contracts.apply(by, town.contracted, package="support", way="home", at=then)
    contracts.review(by, town.contract, findings="需要心理与照护支持", at=then)
    signing.sign(by, town.contract, Sides("resident", Signature("司徒有约"), Signature(by.name)), then)
    town.applied = contracts.apply(by, applicant, package="basic", way="centre", at=town.now)


def _plans(town: Town) -> None:
    """One neighbour has a plan in force, another's waits for the social worker."""
    by, said = town.person("nurse", "owner").actor, plans.started("lonely_elder", town.now.date())
    content = replace(
        said, goals=tuple(one if one.scaled else replace(one, baseline="15") for one in said.goals)
    )
    planned, drafted = (_neighbour(town, name) for name in ("司徒有策", "司徒待定"))
    town.plan = plans.write(by, planned, Wish(content, 0, alone="no_social_need"), town.now)
    town.drafted = plans.write(by, drafted, Wish(content, 0), town.now)


def _neighbour(town: Town, name: str) -> UUID:
    said = {
        "name": name, "birth_date": date(1950, 1, 1), "team": town.places["A1"], "workplace": town.places["H"],
    }  # fmt: skip
    made = residents.register(SYSTEM, said, town.now - timedelta(days=300), centre=town.places["A"])
    return made.resident


def _places(town: Town) -> None:
    born = town.now - timedelta(days=400)

    def found(level: str, code: str, name: str, parent: str | None = None) -> None:
        above = town.places[parent] if parent else None
        town.places[code] = organisations.found(
            SYSTEM, level=level, code=code, name=name, parent=above, at=born
        )

    found("district", "D", "示范区")
    for centre, name in (("A", "南湖中心"), ("B", "北山中心")):
        found("centre", centre, name, "D")
        for number in (1, 2):
            found("team", f"{centre}{number}", f"{name}{number}队", centre)
    found("partner", "H", "区医院", "D")
    found("partner", "H2", "市医院", "D")


def _place(duty: str, standing: str) -> str:
    """Where someone of this duty works while the standing holds (the expired: worked)."""
    if duty == "specialist":
        return "H2" if standing == "stranger" else "H"
    if duty in IN_TEAM:
        return {"colleague": "A2", "stranger": "B1"}.get(standing, "A1")
    return "B" if standing == "stranger" else "A"


def _hire(town: Town, duty: str, standing: str) -> Person:
    since, name = town.now - timedelta(days=365), f"{duty}-{standing}"
    account = accounts.create_account(name, "never used", since, hashed="!")
    staff = Staff.objects.create(name=name, account=account, active_from=since)
    lead = duty in ("team_lead", "centre_director") and standing in ("owner", "stranger")
    Post.objects.create(
        staff=staff, organisation_id=town.places[_place(duty, standing)], duty=duty, lead=lead, since=since
    )
    return _browser(duty, standing, staff.id, account, town.now - timedelta(days=30))


def _resident(town: Town) -> None:
    for name, phone in ((NAME, PHONE), ("欧阳慕云", "13900002468")):
        said = {
            "name": name, "phone": phone, "address": ADDRESS, "birth_date": date(1947, 3, 5), "sex": "2", "team": town.places["A1"],
            "doctor": town.person("family_doctor", "owner").staff,
            "social_worker": town.person("social_worker", "owner").staff, "traits": ("living_alone",),
        }  # fmt: skip
        made = residents.register(SYSTEM, said, town.now - timedelta(days=300), centre=town.places["A"])
        town.resident = made if name == NAME else town.resident
        town.other = made.resident


def _history(town: Town) -> None:
    """The ended loop of those who have gone since, the open one of those who are here, and what was written down."""
    past = town.now - timedelta(days=60)
    gp, sw = (town.person(duty, "expired") for duty in ("family_doctor", "social_worker"))
    town.closed = _refer(town, gp, "D12", past)
    _hand(town, town.closed, sw, past)
    acts.act(gp.actor, "cancel", town.closed, seq=2, at=past + timedelta(days=2), reason="already_solved")
    _joins(town, "expired", town.closed, past, until=past + timedelta(days=2))
    town.loop = _refer(town, town.person("family_doctor", "owner"), "D12", town.now - timedelta(days=20))
    _joins(town, "owner", town.loop, town.now - timedelta(days=20))
    encounters.record(
        town.person("family_doctor", "owner").actor, town.resident.resident, kind="1", summary=SUMMARY,
        diagnoses=[("I10", "高血压")], at=town.now - timedelta(days=3), command_id="e1",
    )  # fmt: skip
    while delivery.deliver(town.now, "test"):
        pass
    town.notice = Notice.objects.get(person=town.person("social_worker", "owner").staff, loop=town.loop).id


def _refer(town: Town, by: Person, reason: str, at: datetime) -> UUID:
    return promises.promise(
        by.actor, kind=D2S, resident=town.resident.resident, reason=reason, note="近一月少出门", at=at,
        command_id=uuid4().hex,
    )  # fmt: skip


def _hand(town: Town, loop: UUID, to: Person, at: datetime) -> None:
    """To the social worker who was of the team then."""
    lead = town.person("team_lead", "owner")
    acts.act(
        lead.actor, "hand_over", loop, seq=1, at=at + timedelta(hours=1), to=to.staff, reason="better_placed"
    )


def _joins(town: Town, standing: str, loop: UUID, at: datetime, until: datetime | None = None) -> None:
    """The hospital's specialist takes part."""
    bundle = Bundle()
    access.facts(
        bundle, home=town.resident.home, person=town.person("specialist", standing).staff,
        subject=town.resident.subject, relation=access.PARTICIPANT, source=f"loop:{loop}", since=at, until=until,
    )  # fmt: skip
    bundle.commit()


def _moved_on(town: Town) -> None:
    """Yesterday the expired changed to the other centre, and one left altogether."""
    yesterday = town.now - timedelta(days=1)
    for person in town.people.values():
        if person.standing in ("expired", GONE):
            Post.objects.filter(staff=person.staff).update(until=yesterday)
        if person.standing == "expired":
            place = "H2" if person.duty == "specialist" else "B1" if person.duty in IN_TEAM else "B"
            Post.objects.create(
                staff_id=person.staff, organisation_id=town.places[place], duty=person.duty, since=yesterday,
                lead=person.duty == "centre_director",
            )  # fmt: skip
    Staff.objects.filter(id=town.person("family_doctor", GONE).staff).update(active_until=yesterday)
    directory.bump()


def _imported(town: Town, folder: Path) -> None:
    """A chronic disease of a neighbour, taken in from a list by the director."""
    said = {"name": "司徒补录", "id_number": id_number("11010219500101001"), "team": town.places["A1"]}
    residents.register(SYSTEM, said, town.now - timedelta(days=300), centre=town.places["A"])
    path = folder / "diseases.csv"
    row = f"司徒补录,{said['id_number']},高血压,2019-03-05,在管"
    path.write_text(f"姓名,身份证号,病种,确诊日期,管理状态\n{row}\n", encoding="utf-8")
    director = town.person("centre_director", "owner").actor
    report = past_import.run(director, "conditions", path, at=town.now, file_name=path.name)
    assert report.run, report.problems
    town.imported = report.run


def _held_row(town: Town, folder: Path) -> None:
    """A roster row that may or may not be her, and the upload of a second roster, both by the public health doctor."""
    by = town.person("public_health", "owner").actor
    path = folder / "roster.csv"
    path.write_text(f"姓名,出生日期,电话\n{NAME},1947-03-05,13700007777\n", encoding="utf-8")
    import_.run(by, path, at=town.now)
    (held,) = import_held.waiting(by, town.places["A"], town.now)
    town.row = held.id
    town.job = uuid4().hex
    job = import_desk.Job(town.job, str(by.staff_id), "roster.csv", state="done")
    import_desk._note(job)
    sealed_files.write(import_desk._path(town.job, import_desk.RESULT), b"PK")
