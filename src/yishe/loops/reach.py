"""Whose loops somebody may see in lists, taken apart so that each part is read by its own index.

Asked as one condition with ORs between them, the database could use none of them and would read the loops of the whole district. Each
part gives its first rows in the order wanted, and these are put together: a page costs the same however many loops there are. SQLite
serves one centre, joins no ordered parts, and gets the condition.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import reduce
from operator import or_

from django.db.models import Q, QuerySet

from yishe.loops.models import Loop
from yishe.people import access
from yishe.people.actors import Actor
from yishe.trust.columns import on_postgresql

COUNTED = 10_000
"""So far a list is counted."""

Narrowing = Callable[[QuerySet[Loop]], QuerySet[Loop]]


def parts(actor: Actor, at: datetime, action: str) -> list[Q]:
    """Loops this person takes part in, or of residents within the reach of the action: any of these."""
    if actor.is_system:
        return [Q()]
    reach, me = access.scope(actor, action, at), actor.staff_id
    here = Q(closed_at=None) | Q(centre__in=actor.member.centres(at))
    mine = [Q(sender=me) & here, Q(performer=me) & here, Q(owner=me, closed_at=None)]
    return [*(Q(centre=one) for one in reach.centres), *(Q(team=one) for one in reach.teams), *mine]


def rows(of: Sequence[Q]) -> QuerySet[Loop]:
    """All of it, as one condition."""
    return Loop.objects.filter(reduce(or_, of))


def first(of: Sequence[Q], narrowed: Narrowing, order: Sequence[str], most: int) -> list[Loop]:
    """The first `most` in this order of those that `narrowed` leaves."""
    if len(of) == 1 or not on_postgresql():
        return list(narrowed(rows(of)).order_by(*order)[:most])
    one, *others = (narrowed(Loop.objects.filter(part)).order_by(*order)[:most] for part in of)
    return list(one.union(*others).order_by(*order)[:most])


def count(of: Sequence[Q], narrowed: Narrowing) -> int:
    """How many are left, counted as far as `COUNTED`; then it is one more."""
    if len(of) == 1 or not on_postgresql():
        return narrowed(rows(of)).order_by()[: COUNTED + 1].count()
    one, *others = (narrowed(Loop.objects.filter(part)).order_by().values("id")[: COUNTED + 1] for part in of)
    return min(one.union(*others).count(), COUNTED + 1)
