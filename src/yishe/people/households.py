"""People who belong together: of one household, or at work in one enterprise. Lists hold only those with whom the asker may do
what he wants to do; who lives with a protected person is told to nobody."""

from datetime import datetime
from uuid import UUID

from django.db.models import Count

from yishe.people import access, directory
from yishe.people.actors import Actor
from yishe.people.models import Resident
from yishe.people.placements import Placement, placements


def of_household(actor: Actor, where: Placement, action: str, at: datetime) -> list[Placement]:
    """The household of a resident, herself first; she alone when it is not known, or when she is protected."""
    house = Resident.objects.filter(id=where.resident).values_list("household", flat=True).first()
    if house is None or where.protected:
        return [where]
    others = access.scope(actor, action, at).residents().filter(household=house).exclude(id=where.resident)
    return [where, *_open(list(others.order_by("id").values_list("id", flat=True)))]


def at_work(actor: Actor, enterprise: UUID, action: str, at: datetime) -> list[Placement]:
    """Those who work there."""
    found = access.scope(actor, action, at).residents().filter(workplace=enterprise)
    return _open(list(found.order_by("id").values_list("id", flat=True)))


def enterprises(actor: Actor, action: str, at: datetime) -> list[tuple[UUID, str, int]]:
    """(id, name, how many of theirs) of every enterprise where somebody works with whom the asker may do this."""
    found = access.scope(actor, action, at).residents().filter(workplace__isnull=False, protected_at=None)
    counted = found.order_by("workplace__name").values_list("workplace").annotate(Count("id"))
    book = directory.current()
    return [(one, book.organisation(one).name, many) for one, many in counted]


def _open(residents: list[UUID]) -> list[Placement]:
    found = placements(residents)
    return [found[one] for one in residents if one in found and not found[one].protected]
