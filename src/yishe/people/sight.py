"""What one person sees of one resident: which groups of detail the pack shows to someone who stands so."""

from collections.abc import Callable
from datetime import datetime
from functools import cached_property

from yishe.people import packs, standing
from yishe.people.actors import Actor
from yishe.people.placements import Placement
from yishe.policy.access_rules import AccessSheet, Standing

AUTHOR = "author"


class Sight:
    """Relations the directory tells are tried first; recorded ones are read once, when those do not suffice."""

    def __init__(self, sheet: AccessSheet, known: Standing, recorded: Callable[[], Standing]) -> None:
        self._sheet, self._known, self._load = sheet, known, recorded

    @cached_property
    def _recorded(self) -> Standing:
        return self._load()

    def sees(self, group: str, wrote: frozenset[str] = frozenset()) -> bool:
        """Whether the detail of a group is shown. `wrote` are the duties of the reader who wrote it himself."""
        known = {**self._known, AUTHOR: wrote} if wrote else self._known
        return self._sheet.sees(group, known) or self._sheet.sees(group, self._recorded)


class Everything(Sight):
    """The system's own, and the resident's: nothing is left out here."""

    def __init__(self) -> None:
        super().__init__(packs.in_force().access, {}, dict)

    def sees(self, group: str, wrote: frozenset[str] = frozenset()) -> bool:
        return True


def of(actor: Actor, placement: Placement, at: datetime) -> Sight:
    """What `actor` sees of this resident now."""
    if actor.is_system:
        return Everything()
    known = standing.known(actor.member, placement, at)
    return Sight(
        packs.in_force().access,
        known,
        lambda: standing.recorded(actor.member, placement.resident, at).standing,
    )
