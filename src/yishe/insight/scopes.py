"""Scopes: whose promises a person's boards count. A number without a scope can't be asked for.

The pack's access rules decide, through ``people.access.scope``: whole centres for those who lead them, teams for their
members. Boards hold counts only; the lists behind them are decided anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from yishe.loops import sets
from yishe.people import access, directory
from yishe.people.actors import Actor
from yishe.people.directory import Directory
from yishe.policy.refusals import Forbidden

ACTION = "read.reports"
TEAM, CENTRE = "team", "centre"


@dataclass(frozen=True)
class Scope:
    """``q`` narrows ``Loop``; ``filter`` is the part every opened list carries; ``title`` names it in Chinese.

    ``small``: denominators below it are marked as small (from the pack)."""

    q: Q
    title: str
    small: int
    filter: Mapping[str, str] = field(default_factory=dict)


def scope_of(
    actor: Actor,
    at: datetime,
    *,
    small: int,
    centre: UUID | None = None,
    team: UUID | None = None,
    action: str = ACTION,
) -> Scope:
    """The widest scope this person has, or the narrower ``centre`` or ``team`` within it. Forbidden outside of it."""
    found = _scope(actor, at, small, centre, team, action)
    return replace(found, q=found.q & sets.of_residents())


def _scope(
    actor: Actor, at: datetime, small: int, centre: UUID | None, team: UUID | None, action: str
) -> Scope:
    now = directory.current()
    centres, teams = _reach(actor, action, at)
    if team is not None:
        if team not in teams and now.centre_of(team) not in centres:
            raise _outside()
        return Scope(Q(team=team), now.organisation(team).name, small, {TEAM: str(team)})
    if centre is not None:
        if centre not in centres:
            raise _outside()
        return Scope(Q(centre=centre), now.organisation(centre).name, small, {CENTRE: str(centre)})
    if actor.is_system and not centres:
        return Scope(Q(), "全部", small)
    return _widest(now, centres, teams, small)


def choices(actor: Actor, at: datetime) -> tuple[tuple[str, UUID, str], ...]:
    """What the board may be narrowed to: ("centre" | "team", id, name)."""
    now = directory.current()
    centres, teams = _reach(actor, ACTION, at)
    below = {unit.id for centre in centres for unit in now.units(TEAM, centre)} | teams
    units = [now.organisation(one) for one in (*centres, *below)]
    return tuple(
        (unit.level, unit.id, unit.name) for unit in sorted(units, key=lambda unit: (unit.level, unit.code))
    )


def _reach(actor: Actor, action: str, at: datetime) -> tuple[frozenset[UUID], frozenset[UUID]]:
    reach = access.scope(actor, action, at)
    if reach.everyone:
        return frozenset(unit.id for unit in directory.current().units(CENTRE)), frozenset()
    return reach.centres, reach.teams


def _widest(now: Directory, centres: frozenset[UUID], teams: frozenset[UUID], small: int) -> Scope:
    if len(centres) == 1:
        (one,) = centres
        return Scope(Q(centre=one), now.organisation(one).name, small, {CENTRE: str(one)})
    if centres:
        return Scope(Q(centre__in=centres), "全区各中心", small, {CENTRE: _listed(centres)})
    if len(teams) == 1:
        (one,) = teams
        return Scope(Q(team=one), now.organisation(one).name, small, {TEAM: str(one)})
    if teams:
        return Scope(Q(team__in=teams), "我的各团队", small, {TEAM: _listed(teams)})
    raise _outside()


def _listed(organisations: frozenset[UUID]) -> str:
    return ",".join(sorted(map(str, organisations)))


def _outside() -> Forbidden:
    return Forbidden(
        "outside_scope", "这个范围的看板不对您开放：可看自己团队或所在中心的数字，其他请向中心主任了解。"
    )
