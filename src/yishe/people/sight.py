"""What one person sees of one resident: how much of each field group the pack shows to someone who stands so."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cached_property
from uuid import UUID

from yishe.people import packs, standing
from yishe.people.actors import Actor
from yishe.people.placements import Placement
from yishe.policy.access_rules import AccessSheet, Shown, Standing

AUTHOR = "author"


class Sight:
    """Relations the directory tells are tried first; recorded ones are read once, when those do not suffice.

    `person` with `duties` is who looks: what he wrote himself he sees as the author. `purpose` narrows when it is stated."""

    def __init__(
        self,
        sheet: AccessSheet,
        known: Standing,
        recorded: Callable[[], Standing],
        person: UUID | None = None,
        duties: frozenset[str] = standing.NO_DUTY,
        purpose: str | None = None,
    ) -> None:
        self._sheet, self._known, self._load = sheet, known, recorded
        self._person, self._duties, self._purpose = person, duties, purpose

    @cached_property
    def _recorded(self) -> Standing:
        return self._load()

    def one(self, group: str, author: UUID | None = None) -> Shown:
        """How much of one group is shown, of an entry by `author`."""
        mine = author is not None and author == self._person and bool(self._duties)
        known = {**self._known, AUTHOR: self._duties} if mine else self._known
        shown = self._sheet.shown(group, known, self._purpose)
        if shown is Shown.DETAIL:
            return shown
        return max(shown, self._sheet.shown(group, self._recorded, self._purpose))

    def sees(self, group: str, author: UUID | None = None) -> bool:
        """Whether the detail of a group is shown."""
        return self.one(group, author) is Shown.DETAIL

    def shown(self, groups: Iterable[str], author: UUID | None = None) -> Shown:
        """How much is shown of what belongs to all these groups: the least that any of them allows."""
        return min((self.one(group, author) for group in groups), default=Shown.DETAIL)

    def instead(self, groups: Iterable[str], author: UUID | None = None) -> str:
        """What is said of these groups to those who are only told."""
        hidden = [group for group in sorted(groups) if not self.sees(group, author)]
        return "；".join(dict.fromkeys(self.words(group) for group in hidden))

    def words(self, group: str) -> str:
        rule = self._sheet.fields.get(group)
        return str(rule.instead or rule.title) if rule else ""


class Everything(Sight):
    """The system's own: nothing is left out here."""

    def __init__(self) -> None:
        super().__init__(packs.in_force().access, {}, dict)

    def one(self, group: str, author: UUID | None = None) -> Shown:
        return Shown.DETAIL


class Own(Everything):
    """The resident reading her own record: everything but what the pack holds back, which is named."""

    def one(self, group: str, author: UUID | None = None) -> Shown:
        return Shown.TOLD if group in packs.in_force().rights.copies.withheld else Shown.DETAIL

    def words(self, group: str) -> str:
        return str(packs.in_force().rights.copies.withheld[group])


def of(actor: Actor, placement: Placement, at: datetime, purpose: str | None = None) -> Sight:
    """What `actor` sees of this resident now."""
    if actor.is_system:
        return Everything()
    if actor.staff_id == placement.subject:
        return Own()
    return Sight(
        packs.in_force().access,
        standing.known(actor.member, placement, at),
        lambda: standing.recorded(actor.member, placement.resident, at).standing,
        actor.staff_id,
        actor.member.duties(at),
        purpose,
    )
