"""Who answers for what at a moment: pure rules over an immutable picture of organisations, posts and rosters.

Nothing here reads the database or the clock. `people.directory.current()` hands out the picture.
"""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

from yishe.people.members import Absence, Found, Member, Place, Placed, Turn, Unit
from yishe.policy.refusals import NotFound, Unavailable

T = TypeVar("T")

TEAM_LEAD = "team_lead"
CENTRE_DIRECTOR = "centre_director"
ADMINISTRATOR = "administrator"
ON_DUTY = "_on_duty"
_CLIMB = 8
"""More levels than any organisation tree has: a broken tree must not hang the server."""


@dataclass(frozen=True)
class Directory:
    """The whole picture at one version."""

    version: int
    people: Mapping[UUID, Member]
    organisations: Mapping[UUID, Unit]
    shifts: tuple[Turn, ...] = ()
    leaves: tuple[Absence, ...] = ()
    places: Mapping[UUID, Place] = field(default_factory=dict)

    # Looking up

    @cached_property
    def _by_account(self) -> dict[UUID, Member]:
        return {member.account: member for member in self.people.values() if member.account}

    @cached_property
    def _by_organisation(self) -> dict[UUID, list[Member]]:
        found: dict[UUID, list[Member]] = {}
        for member in self.people.values():
            for organisation in {post.organisation for post in member.posts}:
                found.setdefault(organisation, []).append(member)
        return found

    @cached_property
    def _absences(self) -> dict[UUID, list[Absence]]:
        found: dict[UUID, list[Absence]] = {}
        for leave in self.leaves:
            found.setdefault(leave.staff, []).append(leave)
        return found

    @cached_property
    def _turns(self) -> dict[tuple[UUID | None, str], list[Turn]]:
        found: dict[tuple[UUID | None, str], list[Turn]] = {}
        for turn in self.shifts:
            found.setdefault((self.centre_of(turn.organisation), turn.duty), []).append(turn)
        return found

    @cached_property
    def _turns_of(self) -> dict[UUID, list[Turn]]:
        found: dict[UUID, list[Turn]] = {}
        for turn in self.shifts:
            found.setdefault(turn.staff, []).append(turn)
        return found

    def turns_of(self, staff_id: UUID, at: datetime) -> list[Turn]:
        """The shifts this person is in at that moment."""
        return [turn for turn in self._turns_of.get(staff_id, ()) if turn.starts_at <= at < turn.ends_at]

    def staff(self, staff_id: UUID) -> Member:
        """NotFound when nobody has this id."""
        try:
            return self.people[staff_id]
        except KeyError:
            raise NotFound("no_such_staff", "没有这位工作人员：可能已被删除，请重新选择。") from None

    def by_account(self, account_id: UUID) -> Member | None:
        return self._by_account.get(account_id)

    def organisation(self, organisation_id: UUID) -> Unit:
        """NotFound when there is no such organisation."""
        try:
            return self.organisations[organisation_id]
        except KeyError:
            raise NotFound("no_such_organisation", "没有这个机构或团队：请重新选择。") from None

    def above(self, organisation_id: UUID | None) -> Iterator[Unit]:
        """The organisation itself, then each one above it."""
        for _ in range(_CLIMB):
            unit = self.organisations.get(organisation_id) if organisation_id else None
            if unit is None:
                return
            yield unit
            organisation_id = unit.parent

    def centre_of(self, organisation_id: UUID | None) -> UUID | None:
        """The centre an organisation is or belongs to; None from district up."""
        return next((unit.id for unit in self.above(organisation_id) if unit.level == "centre"), None)

    def team_of(self, organisation_id: UUID | None) -> UUID | None:
        return next((unit.id for unit in self.above(organisation_id) if unit.level == "team"), None)

    def units(self, level: str, under: UUID | None = None) -> tuple[Unit, ...]:
        """Organisations of a level, by code; only those under `under` when given."""
        found = (unit for unit in self.organisations.values() if unit.level == level)
        if under is not None:
            found = (unit for unit in found if any(one.id == under for one in self.above(unit.id)))
        return tuple(sorted(found, key=lambda unit: unit.code))

    # What stays as it is until somebody's posts or leave change

    @cached_property
    def _changes(self) -> list[datetime]:
        ends = {end for member in self.people.values() for end in member.changes}
        return sorted(ends | {end for leave in self.leaves for end in (leave.starts_at, leave.ends_at)})

    @cached_property
    def _remembered(self) -> dict[tuple[object, ...], Any]:
        return {}

    def _lasting(self, find: Callable[..., T], what: UUID | None, at: datetime, *more: object) -> T:
        """The answer of `find`, worked out once for the time between two changes."""
        key = (find.__name__, what, *more, bisect_right(self._changes, at))
        if key not in self._remembered:
            self._remembered[key] = find(what, at, *more)
        found: T = self._remembered[key]
        return found

    # Who is there

    def members(self, organisation: UUID, at: datetime, duty: str | None = None) -> tuple[Member, ...]:
        """Those who hold a post in this very organisation, the lead for the duty first, then by seniority."""
        return self._lasting(self._ranked, organisation, at, duty)

    def _ranked(self, organisation: UUID, at: datetime, duty: str | None) -> tuple[Member, ...]:
        ranked = [
            (not post.lead, post.since, member.id.int, member)
            for member in self._by_organisation.get(organisation, ())
            for post in member.held(at)
            if post.organisation == organisation and duty in (None, post.duty)
        ]
        ranked.sort(key=lambda row: row[:3])
        return tuple({row[3].id: row[3] for row in ranked}.values())

    def leave_of(self, staff_id: UUID, at: datetime) -> Absence | None:
        """The leave this person is on, the one that ends last when several overlap."""
        now = [one for one in self._absences.get(staff_id, ()) if one.starts_at <= at < one.ends_at]
        return max(now, key=lambda one: (one.substitute is not None, one.ends_at), default=None)

    def away(self, staff_id: UUID, at: datetime) -> bool:
        return self.leave_of(staff_id, at) is not None

    def present(self, member: Member, at: datetime) -> bool:
        """In service, holding some post, and not on leave."""
        return bool(member.held(at)) and not self.away(member.id, at)

    def stand_in(self, staff_id: UUID, at: datetime) -> Member | None:
        """The substitute who is present, following substitutes of substitutes; None when there is none."""
        seen = {staff_id}
        leave = self.leave_of(staff_id, at)
        while leave and leave.substitute and leave.substitute not in seen:
            seen.add(leave.substitute)
            member = self.people.get(leave.substitute)
            if member and self.present(member, at):
                return member
            leave = self.leave_of(leave.substitute, at)
        return None

    def first_present(self, candidates: Iterable[Member], at: datetime) -> Member | None:
        """The first who is present; else the stand-in of the first who has one."""
        candidates = tuple(candidates)
        for member in candidates:
            if self.present(member, at):
                return member
        stand_ins = (self.stand_in(member.id, at) for member in candidates)
        return next((member for member in stand_ins if member), None)

    # Who leads

    def team_lead(self, team: UUID | None, at: datetime) -> Member | None:
        """The team's leader, or his stand-in; without one, the lead of any duty there, doctors first."""
        return self._lasting(self._leader, team, at) if team else None

    def _leader(self, team: UUID, at: datetime) -> Member | None:
        leads = [member for member in self.members(team, at) if self._leads(member, team, at)]
        leads.sort(key=lambda member: "family_doctor" not in member.duties(at))
        return self.first_present((*self.members(team, at, TEAM_LEAD), *leads), at)

    def _leads(self, member: Member, organisation: UUID, at: datetime) -> bool:
        return any(post.lead for post in member.held(at) if post.organisation == organisation)

    def _head(self, organisation: UUID, at: datetime) -> Member | None:
        """Who directs a centre or district: director, then anyone marked lead, then administrator."""
        directors = self.members(organisation, at, CENTRE_DIRECTOR)
        leads = [member for member in self.members(organisation, at) if self._leads(member, organisation, at)]
        administrators = self.members(organisation, at, ADMINISTRATOR)
        return self.first_present((*directors, *leads, *administrators), at)

    def centre_lead(self, centre: UUID | None, at: datetime) -> Member | None:
        """The centre's director, or who stands in."""
        return self._lasting(self._head, centre, at) if centre else None

    def district_leads(self, centre: UUID | None, at: datetime) -> tuple[Member, ...]:
        """The heads of the organisations above the centre, nearest first; each present."""
        above = [unit for unit in self.above(centre) if unit.level in ("district", "city")]
        heads = (self._lasting(self._head, unit.id, at) for unit in above)
        return tuple({head.id: head for head in heads if head}.values())

    def leaders(self, team: UUID | None, centre: UUID | None, at: datetime) -> tuple[UUID, ...]:
        """Team leader, centre director, heads above: nearest first, each once."""
        return self._lasting(self._leaders, team, at, centre)

    def _leaders(self, team: UUID | None, at: datetime, centre: UUID | None) -> tuple[UUID, ...]:
        found = [self.team_lead(team, at), self.centre_lead(centre, at), *self.district_leads(centre, at)]
        return tuple(dict.fromkeys(member.id for member in found if member))

    def on_duty(self, centre: UUID | None, duty: str, at: datetime) -> tuple[Member, datetime] | None:
        """Who the roster names now, with the end of the shift; people on leave are passed over."""
        now = [turn for turn in self._turns.get((centre, duty), ()) if turn.starts_at <= at < turn.ends_at]
        for turn in sorted(now, key=lambda turn: (turn.starts_at, turn.staff.int)):
            member = self.people.get(turn.staff)
            if member and self.present(member, at):
                return member, turn.ends_at
        return None

    # Who performs (design §4)

    def performer(self, duty: str, placement: Placed, at: datetime) -> Found:
        """Who answers for `duty` towards this resident: the named person, else the team's lead for that duty,
        else the neighbourhood's, else the workplace's, else the centre's on duty, else the centre lead.
        Always someone present; Unavailable only when the whole district has nobody present."""
        for found in self._candidates(duty, placement, at):
            if found is not None:
                return found
        raise Unavailable(
            "nobody_present",
            "现在没有任何人可以接手：全中心和上级都无人在岗。请先在“机构与人员”补排班，紧急情况请直接拨打急救电话。",
        )

    def _candidates(self, duty: str, placement: Placed, at: datetime) -> Iterator[Found | None]:
        yield self._named(duty, placement, at)
        yield self._of_team(duty, placement.team, "team", at)
        yield self._of_team(duty, placement.neighbourhood_team, "neighbourhood", at)
        yield self._of_team(duty, self.team_of(placement.workplace), "workplace", at)
        rostered = self.on_duty(placement.centre, duty, at)
        yield Found(rostered[0], "on_duty", rostered[1]) if rostered else None
        head = self.centre_lead(placement.centre, at)
        yield Found(head, "centre_lead") if head else None
        for lead in self.district_leads(placement.centre, at):
            yield Found(lead, "district_lead")
        last = self.first_present(self._administrators(at), at)
        yield Found(last, "district_lead") if last else None

    def _named(self, duty: str, placement: Placed, at: datetime) -> Found | None:
        """The person the empanelment names for this duty, while he holds it in the resident's centre."""
        named = {"family_doctor": placement.doctor, "social_worker": placement.social_worker}.get(duty)
        member = self.people.get(named) if named else None
        if member is None or not self._serves(member, duty, placement.centre, at):
            return None
        if self.present(member, at):
            return Found(member, "named")
        stand_in = self.stand_in(member.id, at)
        return Found(stand_in, "stand_in") if stand_in else None

    def _serves(self, member: Member, duty: str, centre: UUID, at: datetime) -> bool:
        return any(post.duty == duty and post.centre == centre for post in member.held(at))

    def _of_team(self, duty: str, team: UUID | None, via: str, at: datetime) -> Found | None:
        if team is None:
            return None
        if duty == TEAM_LEAD:
            lead = self.team_lead(team, at)
            return Found(lead, via) if lead else None
        member = self.first_present(self.members(team, at, duty), at)
        return Found(member, via) if member else None

    def _administrators(self, at: datetime) -> tuple[Member, ...]:
        found = [member for member in self.people.values() if ADMINISTRATOR in member.duties(at)]
        return tuple(sorted(found, key=lambda member: member.id.int))

    def holder(self, duty: str, centre: UUID, at: datetime, besides: Collection[UUID] = ()) -> Found:
        """Who holds a duty that belongs to no team: at the centre, else above it, else who leads there. Never one of
        `besides`: nobody reviews himself. Unavailable when nobody is left."""
        units = [centre, *(unit.id for unit in self.above(centre) if unit.id != centre)]
        for unit in units:
            fit = (one for one in self.members(unit, at, duty) if one.id not in besides)
            member = self.first_present(fit, at)
            if member is not None and member.id not in besides:
                return Found(member, "centre" if unit == centre else "above")
        heads = [self.centre_lead(centre, at), *self.district_leads(centre, at), *self._administrators(at)]
        for head in heads:
            if head is not None and head.id not in besides and self.present(head, at):
                return Found(head, "centre_lead")
        raise Unavailable(
            "nobody_present", "没有可以接手的人：请在“机构与人员”里为中心任命隐私保护专员或主任后再试。"
        )

    # Who is told

    def chain_up(
        self, member_id: UUID, team: UUID | None, centre: UUID | None, at: datetime
    ) -> tuple[Member, ...]:
        """The distinct present people above someone: team leader, centre director, heads of district
        and city, at last any administrator. Never the person himself."""
        chain = [self.team_lead(team, at), self.centre_lead(centre, at), *self.district_leads(centre, at)]
        found = {one.id: one for one in chain if one and one.id != member_id}
        if not found:
            rest = (one for one in self._administrators(at) if one.id != member_id and self.present(one, at))
            found = {one.id: one for one in list(rest)[:1]}
        return tuple(found.values())

    def role(self, role: str, *, team: UUID | None, centre: UUID | None, at: datetime) -> Member | None:
        """The present person behind a word of a pack: team_lead, centre_director, administrator, `<duty>`
        or `<duty>_on_duty`. None when nobody fits."""
        if role == TEAM_LEAD:
            return self.team_lead(team, at)
        if role == CENTRE_DIRECTOR:
            return self.centre_lead(centre, at)
        if role.endswith(ON_DUTY):
            rostered = self.on_duty(centre, role.removesuffix(ON_DUTY), at)
            return rostered[0] if rostered else None
        if role == ADMINISTRATOR:
            return self._nearest(ADMINISTRATOR, centre, at) or self.first_present(
                self._administrators(at), at
            )
        of_team = self._of_team(role, team, "team", at)
        if of_team:
            return of_team.member
        rostered = self.on_duty(centre, role, at)
        return rostered[0] if rostered else self._nearest(role, centre, at)

    def _nearest(self, duty: str, centre: UUID | None, at: datetime) -> Member | None:
        """Someone with the duty at the centre itself, else above it."""
        found = (self.first_present(self.members(unit.id, at, duty), at) for unit in self.above(centre))
        return next((member for member in found if member), None)
