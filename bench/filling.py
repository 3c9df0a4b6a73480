"""Twenty thousand residents and loops by the product's own writers, many to a commit. Needs Django set up."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth import login
from django.db import connection
from django.http import HttpRequest

from yishe.doors.session_store import SessionStore
from yishe.lab import founding, hours, population
from yishe.loops.models import Loop
from yishe.loops.promises import Wanted, into
from yishe.loops.recording import Said
from yishe.people import directory, packs, residents
from yishe.people.actors import SYSTEM, Actor, actor_of
from yishe.trust import accounts
from yishe.trust.commit import Bundle

KIND = "referral.doctor_to_social_worker"
BATCH = 100


@dataclass
class Filled:
    """What the requests are made of. `tokens` and `sessions` by staff id."""

    made: founding.District
    tokens: dict[UUID, str]
    sessions: dict[UUID, str]
    reasons: list[str]


def fill(count: int, loops: int, at: datetime, seed: int = 1) -> Filled:
    """Residents, one loop each (as far as `loops` goes), a token and a session for every member of staff."""
    opening = at - timedelta(days=2)
    made = founding.district(opening)
    with directory.one_picture():
        registered(made, count, opening, seed)
        reasons = calm_reasons(at)
        _loops(made, loops, reasons, at - timedelta(minutes=10))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    staff = [m for m in directory.current().people.values() if m.account]
    by_id = {m.id: accounts.Account.objects.get(id=m.account) for m in staff}
    tokens = {one: accounts.issue_token(account, "bench", at) for one, account in by_id.items()}
    return Filled(made, tokens, {one: session(account) for one, account in by_id.items()}, reasons)


def registered(made: founding.District, count: int, at: datetime, seed: int) -> None:
    """So many invented residents of this district."""
    people = population.residents(count, seed, at.astimezone(hours.ZONE).date())
    for chunk in _chunks(list(enumerate(people))):
        bundle = Bundle()
        for number, person in chunk:
            said = founding.said(made, person, number) | {"household": None}
            centre = made.offices[made.centres[person.neighbourhood]]
            placed = residents.register(SYSTEM, said, at, centre=centre, bundle=bundle)
            made.placed[placed.resident], made.people[placed.resident] = placed, person
        bundle.commit()


def calm_reasons(at: datetime) -> list[str]:
    """Reasons that are neither urgent nor kept from anybody."""
    kind = packs.in_force().loop_kind(KIND, at.date())
    return [r.code for r in kind.reasons.values() if r.urgency in ("yellow", "green") and not r.sensitive]


def _loops(made: founding.District, count: int, reasons: list[str], at: datetime) -> None:
    """Resident by resident, and with another reason when their turn comes again."""
    people = list(made.placed)
    for chunk in _chunks([(n % len(people), n // len(people)) for n in range(count)]):
        bundle = Bundle()
        for number, turn in chunk:
            resident, wanted = people[number], Wanted(KIND, reasons[(number + turn) % len(reasons)])
            into(
                bundle,
                sender_for(made, resident, at),
                made.placed[resident],
                wanted,
                Said(SYSTEM.staff_id, at),
            )
        bundle.commit()


def sender_for(made: founding.District, resident: UUID, at: datetime) -> Actor:
    """The family doctor who answers for this resident."""
    return actor_of(directory.current().performer("family_doctor", made.placed[resident], at).member.id)


def session(account: Any) -> str:
    """A session of this account as its cookie says it."""
    request = HttpRequest()
    request.session = SessionStore()
    login(request, account, backend="django.contrib.auth.backends.ModelBackend")
    request.session.save()
    return str(request.session.session_key)


def waiting_loops() -> list[tuple[UUID, UUID, UUID, UUID]]:
    """Loops nobody accepted yet: (id, owner, subject, home)."""
    return list(
        Loop.objects.filter(state="requested", seq=1)
        .order_by("id")
        .values_list("id", "owner", "subject", "home")
    )


def _chunks(items: list[Any]) -> Iterator[list[Any]]:
    return (items[i : i + BATCH] for i in range(0, len(items), BATCH))
