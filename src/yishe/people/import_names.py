"""Names of teams, people and places in a roster, into the organisations and staff they mean."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from yishe.people import import_cells as cells
from yishe.people.members import Member, Place, Unit
from yishe.people.particulars import Questioned
from yishe.people.staffing import Directory
from yishe.people.tokens import plain


@dataclass
class Names:
    """`default` is the centre a row belongs to when it says nothing; `fixed` when no other is allowed."""

    book: Directory
    at: datetime
    default: UUID
    fixed: bool
    _places: dict[tuple[UUID, str], UUID] = field(default_factory=dict)
    _teams: dict[str, list[Unit]] = field(default_factory=dict)
    _centres: dict[str, list[Unit]] = field(default_factory=dict)
    _partners: dict[str, list[Unit]] = field(default_factory=dict)
    _people: dict[tuple[UUID, str], list[Member]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for level, index in (("team", self._teams), ("centre", self._centres), ("partner", self._partners)):
            for unit in self.book.units(level):
                for word in {plain(unit.name), plain(unit.code)}:
                    index.setdefault(word, []).append(unit)
        for place in self.book.places.values():
            self.learn(place)
        for member in self.book.people.values():
            for centre in member.centres(self.at):
                self._people.setdefault((centre, plain(member.name)), []).append(member)

    def learn(self, place: Place) -> None:
        """A neighbourhood that may be named from now on."""
        for word in {plain(place.name), plain(place.code), _short(place.name)}:
            self._places.setdefault((place.centre, word), place.id)

    # Which centre

    def centre_of(self, row: Mapping[str, Any], hints: list[str]) -> UUID:
        """By the centre's own column, else by team, else the default. Questioned when another one is named than
        the import is for."""
        named = cells.optional(row.get("centre"))
        if named:
            found = self._centres.get(plain(named), [])
            if len(found) == 1:
                return self._allowed(found[0].id, "centre", named)
            hints.append(f"中心“{named[:20]}”没有找到，按{self.book.organisation(self.default).name}处理")
        teams = self._teams.get(plain(cells.text(row.get("team"))), [])
        homes = {self.book.centre_of(unit.id) for unit in teams} - {None}
        if len(homes) == 1 and not named:
            return self._allowed(next(iter(homes)) or self.default, "team", teams[0].name)
        return self.default

    def _allowed(self, centre: UUID, column: str, named: str) -> UUID:
        if self.fixed and centre != self.default:
            own = self.book.organisation(self.default).name
            raise Questioned(
                column, "other_centre", f"“{named[:20]}”不属于{own}：请到它所在的中心导入，或改正这一栏。"
            )
        return centre

    # Who answers

    def answering(
        self, row: Mapping[str, Any], centre: UUID, hints: list[str]
    ) -> tuple[UUID | None, UUID | None, UUID | None]:
        """Team, doctor, social worker. A person without a team brings his own; what is not found is a hint."""
        team = self._team(cells.optional(row.get("team")), centre, hints)
        doctor = self._person(cells.optional(row.get("doctor")), centre, "family_doctor", "家庭医生", hints)
        worker = self._person(
            cells.optional(row.get("social_worker")), centre, "social_worker", "社工", hints
        )
        if team is None:
            named = doctor or worker
            team = min(named.teams(self.at), default=None) if named else None
        if team is None:
            return None, None, None
        return team, doctor.id if doctor else None, worker.id if worker else None

    def _team(self, named: str | None, centre: UUID, hints: list[str]) -> UUID | None:
        if named is None:
            return None
        found = [unit for unit in self._teams.get(plain(named), ()) if self.book.centre_of(unit.id) == centre]
        if len(found) == 1:
            return found[0].id
        hints.append(f"团队“{named[:20]}”在本中心没有找到，未分配团队：可先在“机构与人员”建立，再导入一次")
        return None

    def _person(
        self, named: str | None, centre: UUID, duty: str, words: str, hints: list[str]
    ) -> Member | None:
        if named is None:
            return None
        found = [
            member
            for member in self._people.get((centre, plain(named)), ())
            if any(post.duty == duty and post.centre == centre for post in member.held(self.at))
        ]
        if len(found) == 1:
            return found[0]
        why = "有重名" if found else "没有找到"
        hints.append(f"{words}“{named[:20]}”在本中心{why}，未指定")
        return None

    # Where

    def neighbourhood(self, named: str | None, centre: UUID) -> tuple[UUID | None, str]:
        """The neighbourhood, and the name of one that is not known yet and is to be made."""
        if named is None:
            return None, ""
        found = self._places.get((centre, plain(named))) or self._places.get((centre, _short(named)))
        return (found, "") if found else (None, named)

    def workplace(self, named: str | None, centre: UUID) -> UUID | None:
        """A partner organisation of that name; other workplaces are not organisations of ours."""
        found = self._partners.get(plain(named), []) if named else []
        return found[0].id if len(found) == 1 else None


def _short(name: str) -> str:
    """柳荫社区居委会 and 柳荫社区 are the same place."""
    return _without(plain(name), ("社区居民委员会", "居民委员会", "社区居委会", "居委会", "社区"))


def _without(text: str, endings: Iterable[str]) -> str:
    return next((text[: -len(end)] for end in endings if text.endswith(end) and len(text) > len(end)), text)
