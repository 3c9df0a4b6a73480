"""The running year of a contract follows what is known of the resident now.

A verb that records a fact lets it follow in its own commit (`year_changes.follow`). `replan` looks at one resident;
`everybody` at all, for what changes by itself (an age) or for many at once (an import, a new pack). What changes nothing
writes nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from yishe.care import class_stream, conditions, entries, needs, year, year_changes
from yishe.care.models import Condition, Contract, Owed
from yishe.people import facts, placements
from yishe.people.actors import SYSTEM, Actor
from yishe.people.facts import Known
from yishe.people.models import Subject
from yishe.people.particulars import ZONE
from yishe.policy.refusals import Conflict, Refused
from yishe.trust import commit
from yishe.trust.commit import Bundle

WHY = "the years of all running contracts are planned anew"
TRIES = 3
CHUNK = 500


def replan(actor: Actor, resident: UUID, at: datetime) -> bool:
    """Plan the rest of the resident's running year by what is known now; whether anything changed. Whose act it follows is
    `actor`; whether he may is asked by that act. NotFound for an unknown resident; Conflict when others keep writing to it."""
    where = entries.whose(resident)
    keyed = entries.keys_of(where.resident)
    for _ in range(TRIES):
        bundle, known = Bundle(), traits_of(where.resident, where.traits)
        year_changes.follow(bundle, actor, where, [one.subject for one in keyed], known, at)
        if not bundle:
            return False
        try:
            bundle.commit()
        except (commit.Stale, commit.Duplicate):
            continue
        for row in year_changes.running([one.subject for one in keyed], at.astimezone(ZONE).date()):
            year.open_due(at, contract=row.id)
        return True
    raise Conflict("busy", "同时有人在记这份签约，请再点一次。")


def everybody(at: datetime) -> int:
    """The same for every running contract; returns how many residents' years changed. Doing it again changes nothing; what
    cannot be planned now is tried again the next time."""
    today = at.astimezone(ZONE).date()
    rows = list(Contract.objects.filter(ended_at=None, until__gt=today).order_by("id"))
    known = facts.of_everybody(WHY)
    done: set[UUID] = set()
    for first in range(0, len(rows), CHUNK):
        stirred = _stirred(rows[first : first + CHUNK], known, at)
        done |= {who for who in stirred if _replanned(who, at)}
    return len(done)


def _replanned(resident: UUID, at: datetime) -> bool:
    try:
        return replan(SYSTEM, resident, at)
    except Refused:
        return False


def _stirred(rows: Sequence[Contract], known: dict[UUID, Known], at: datetime) -> set[UUID]:
    """Residents whose year may change: with conditions they are looked at one by one, without them what everybody shows is all
    that is known."""
    today = at.astimezone(ZONE).date()
    owner = placements.residents_of([row.subject for row in rows])
    classed = class_stream.standing(owner.values(), today)
    closer = with_conditions(owner.values())
    owed: dict[UUID, list[Owed]] = {row.id: [] for row in rows}
    for one in Owed.objects.filter(contract__in=list(owed)):
        owed[one.contract_id].append(one)
    found = set()
    for row in rows:
        of = known.get(row.subject)
        stands = classed.get(owner[row.subject])
        said = (
            year_changes.facts_of(row, of.birth_date, of.traits, today, stands)
            if of and not of.gone
            else None
        )
        if said is None:
            continue
        if owner[row.subject] in closer or year_changes.decided(row, owed[row.id], said, at):
            found.add(owner[row.subject])
    return found


def with_conditions(residents: Iterable[UUID]) -> set[UUID]:
    """Those of them of whom a condition was recorded."""
    whose = dict(Subject.objects.filter(resident__in=set(residents)).values_list("subject", "resident"))
    having = Condition.objects.filter(subject__in=list(whose)).values_list("subject", flat=True).distinct()
    return {whose[one] for one in having}


def traits_of(resident: UUID, listed: Iterable[str]) -> frozenset[str]:
    """Every trait of a resident that is known now: the roster's, and those that recorded conditions mean."""
    standing = conditions.standing(entries.keys_of(resident), conditions.NEEDS)
    return needs.traits(listed, [(one.kind, one.code, one.title) for one in standing])
