"""Who sits where in a filled district, and what each of them asks for in a morning. Needs Django set up.

Works on any database that holds staff, residents and loops: one of the bench's own, or a whole world (`--on`).
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID, uuid4, uuid5

from django.contrib.auth import login
from django.db import connection
from django.http import HttpRequest

from bench import clients
from yishe.care import followups
from yishe.doors.session_store import SessionStore
from yishe.people import directory, packs
from yishe.people.actors import actor_of
from yishe.policy.refusals import Refused
from yishe.trust import accounts, clock, commit, ids
from yishe.trust.accounts import Account
from yishe.trust.models import Session

KIND = "referral.doctor_to_social_worker"
SURNAMES = (
    "wang",
    "li",
    "zhang",
    "liu",
    "chen",
    "yang",
    "huang",
    "zhao",
    "wu",
    "zhou",
    "zw",
    "lj",
    "wxm",
    "cyh",
)
FORMS = {"htn": {"sbp": "132"}, "dm": {"sbp": "132"}, "elder": {}}
TRIES = 400


@dataclass(frozen=True)
class Seat:
    """One place at which somebody works: her id, a token and a browser session of her own."""

    staff: UUID
    token: str
    session: str

    @property
    def bearer(self) -> str:
        return f"Authorization: Bearer {self.token}"

    @property
    def cookie(self) -> str:
        return f"Cookie: sessionid={self.session}"


@dataclass
class Desks:
    """Seats by member of staff; `panel` are (doctor, resident) pairs, `waiting` loops as (id, owner, seq), `free` residents with
    nothing of our kind open."""

    seats: list[Seat]
    panel: list[tuple[UUID, UUID]]
    waiting: list[tuple[UUID, UUID, int]]
    free: list[tuple[UUID, UUID]]
    leading: list[UUID]
    reasons: list[str]

    def of(self, staff: UUID) -> Seat:
        return self.by_staff[staff]

    def __post_init__(self) -> None:
        self.by_staff = {one.staff: one for one in self.seats}


def taken(count: int, seed: int = 1) -> Desks:
    """`count` seats for those who have an account, who work with residents first; several at one person's where there are fewer."""
    at, rng = clock.now(), Random(seed)
    seats = _seats(_working(), count)
    known = list({one.staff for one in seats})
    panel = [(doctor, resident) for doctor, resident in _rows(_PANEL, [known])]
    waiting = [(one, owner, seq) for one, owner, seq in _rows(_WAITING, [known])]
    free = [(doctor, resident) for doctor, resident in _rows(_FREE, [KIND, known])]
    for one in (panel, waiting, free):
        rng.shuffle(one)  # type: ignore[arg-type]
    kind = packs.in_force().loop_kind(KIND, at.date())
    calm = [r.code for r in kind.reasons.values() if r.urgency in ("yellow", "green") and not r.sensitive]
    leading = [staff for (staff,) in _rows(_LEADING, [known])]
    return Desks(seats, panel, waiting, free, leading, calm)


_STAFF = """
    SELECT s.id, s.account_id FROM people_staff s WHERE s.account_id IS NOT NULL
    ORDER BY EXISTS (
        SELECT 1 FROM people_post p WHERE p.staff_id = s.id AND p.duty IN ('family_doctor', 'social_worker', 'nurse')
    ) DESC, s.id"""
_PANEL = """
    SELECT e.doctor_id, e.resident_id FROM people_empanelment e WHERE e.until IS NULL AND e.doctor_id = ANY(%s)
    ORDER BY e.id LIMIT 200000"""
_LEADING = """
    SELECT DISTINCT p.staff_id FROM people_post p WHERE p.duty IN ('centre_director', 'team_lead') AND p.staff_id = ANY(%s)"""
_WAITING = """
    SELECT l.id, l.owner, l.seq FROM loops_loop l WHERE l.closed_at IS NULL AND l.state = 'requested' AND l.owner = ANY(%s)
    AND l.turn = 'performer' AND l.next_at > now() + interval '20 min' LIMIT 100000"""
_FREE = """
    SELECT e.doctor_id, e.resident_id FROM people_empanelment e JOIN people_resident r ON r.id = e.resident_id
    JOIN people_subject s ON s.resident_id = e.resident_id
    WHERE e.until IS NULL AND e.social_worker_id IS NOT NULL AND r.deceased_at IS NULL AND NOT EXISTS (SELECT 1 FROM loops_loop l
        WHERE l.subject = s.subject AND l.closed_at IS NULL AND l.kind = %s)
    AND e.doctor_id = ANY(%s) LIMIT 100000"""


def _rows(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def _working() -> list[tuple[UUID, UUID]]:
    return [(staff, account) for staff, account in _rows(_STAFF, [])]


def _seats(people: Sequence[tuple[UUID, UUID]], count: int) -> list[Seat]:
    at = clock.now()
    known = {one.id: one for one in Account.objects.filter(id__in=[account for _, account in people[:count]])}
    seats = []
    with commit.atomically():
        for number in range(count):
            staff, account = people[number % len(people)]
            who = known[account]
            seats.append(Seat(staff, accounts.issue_token(who, f"bench {number}", at), _session(who)))
    Session.objects.filter(strong_at=None).update(strong_at=at)
    Account.objects.filter(id__in=known).update(given_at=None)
    return seats


def _session(account: Account) -> str:
    request = HttpRequest()
    request.session = SessionStore()
    login(request, account, backend="django.contrib.auth.backends.ModelBackend")
    request.session.save()
    return str(request.session.session_key)


# What is asked


def worklist(desks: Desks, rng: Random) -> bytes:
    return clients.get("/api/v1/worklist", rng.choice(desks.seats).bearer)


def page(desks: Desks, rng: Random) -> bytes:
    doctor, resident = rng.choice(desks.panel)
    return clients.get(f"/residents/{resident}", desks.of(doctor).cookie)


def search(desks: Desks, rng: Random) -> bytes:
    """Half by letters of a name, half by the end of an ID number."""
    said = rng.choice(SURNAMES) if rng.random() < 0.5 else f"{rng.randrange(10000):04d}"
    return clients.get(f"/api/v1/residents?q={said}", rng.choice(desks.seats).bearer)


def timeline(desks: Desks, rng: Random) -> bytes:
    doctor, resident = rng.choice(desks.panel)
    return clients.get(f"/api/v1/residents/{resident}/timeline", desks.of(doctor).bearer)


def board(desks: Desks, rng: Random) -> bytes:
    return clients.get("/api/v1/reports/closing", desks.of(rng.choice(desks.leading)).bearer)


def create(desks: Desks, rng: Random) -> bytes:
    """A resident is referred once; whoever has nobody left to refer asks for the next one."""
    doctor, resident = desks.free.pop()
    body = {"kind": KIND, "resident": str(resident), "reason": rng.choice(desks.reasons), "note": "请跟进"}
    return _post("/api/v1/loops", body, desks.of(doctor), f"c-{uuid4()}")


def accept(desks: Desks) -> tuple[UUID, UUID, bytes]:
    """The loop, who is to act, and her request."""
    loop, owner, seq = desks.waiting.pop()
    return loop, owner, _post(f"/api/v1/loops/{loop}/accept", {"seq": seq}, desks.of(owner), f"a-{loop}")


def entries(desks: Desks, wanted: int) -> Iterator[tuple[bytes, bytes]]:
    """A follow-up begun and its first answers: for residents whose doctor may fill one of `FORMS` for them."""
    at, found = clock.now(), 0
    for doctor, resident in desks.panel[: wanted + TRIES]:
        code = next((code for code in FORMS if found < wanted and _fits(doctor, resident, code, at)), None)
        if code is None:
            continue
        found += 1
        seat, key = desks.of(doctor), f"f-{uuid4()}"
        path = f"/api/v1/residents/{resident}/followups"
        yield (
            _post(path, {"followup": code}, seat, key),
            _post(f"{path}/{uuid5(doctor, key)}/answers", {"answers": FORMS[code]}, seat, f"{key}-1"),
        )


def _fits(doctor: UUID, resident: UUID, code: str, at: Any) -> bool:
    """Tried, and taken back."""
    with directory.one_picture(), commit.rehearsed():
        try:
            followups.begin(
                actor_of(doctor), resident, kind=code, response=ids.new(), at=at, command_id=str(uuid4())
            )
        except Refused:
            return False
    return True


def _post(path: str, body: dict[str, Any], seat: Seat, key: str) -> bytes:
    return clients.post(path, json.dumps(body).encode(), seat.bearer, f"Idempotency-Key: {key}")
