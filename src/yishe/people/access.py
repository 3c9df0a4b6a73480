"""The one decision about who may do what with a resident's record, and what for. Deny by default.

A pack says which relation allows which action and serves which purpose (`access.yaml`); `people.standing` tells in which
relations someone stands. Pages, API, exports and live streams all ask here; lists ask for a `Scope`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from yishe.people import directory, packs, standing
from yishe.people.actors import Actor
from yishe.people.members import Member
from yishe.people.models import AccessFact, Empanelment, Resident, Subject
from yishe.people.particulars import ZONE
from yishe.people.placements import Placement
from yishe.people.standing import (
    BREAK_GLASS,
    CENTRE_LEAD,
    CONTRACT_TEAM,
    DIRECTORY,
    LINK,
    ON_DUTY,
    OUTSIDE,
    OWN,
    PARTICIPANT,
    SAME_CENTRE,
    SYSTEM,
)
from yishe.policy.access_rules import AccessSheet, Granted
from yishe.policy.refusals import Forbidden
from yishe.trust.commit import Bundle
from yishe.trust.scoping import everybody

__all__ = [
    "BREAK_GLASS", "CENTRE_LEAD", "CONTRACT_TEAM", "LINK", "ON_DUTY", "OWN", "PARTICIPANT", "SAME_CENTRE", "SYSTEM", "Permission",
    "Scope", "end_facts", "facts", "leading", "may", "organisations", "renew_facts", "require",
    "require_in_organisation",
    "scope", "within",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Permission:
    """`relation` is the code that allowed it, empty when refused; `purpose` what for; `grant` the break-glass it rests on,
    which ends at `until`. `words` tell the person why, in Chinese."""

    allowed: bool
    relation: str
    words: str
    purpose: str = ""
    grant: str = ""
    until: datetime | None = None

    @property
    def said(self) -> str:
        """The decision as a sentence: 可以：您所在的团队负责这位居民（用途：诊疗与照护）."""
        if not self.allowed:
            return f"不可以：{self.words}"
        known = packs.in_force().access.purposes.get(self.purpose)
        return f"可以：{self.words}" + (f"（用途：{known.title}）" if known else "")

    @property
    def line(self) -> dict[str, str]:
        """What an access line keeps of it: the relation, and what for with the number of the break-glass if it was one."""
        return {"relation": self.relation, "purpose": ":".join(filter(None, (self.purpose, self.grant)))}


# Writers


def facts(
    bundle: Bundle,
    *,
    home: UUID,
    person: UUID,
    subject: UUID,
    relation: str,
    source: str,
    since: datetime,
    until: datetime | None = None,
) -> None:
    """Say that `person` stands in `relation` to `subject` because of `source` (e.g. "loop:<id>"). Saying it twice
    changes nothing."""
    bundle.insert_if_absent(
        AccessFact,
        home=home,
        person=person,
        subject=subject,
        relation=relation,
        source=source,
        since=since,
        until=until,
    )


def renew_facts(bundle: Bundle, *, person: UUID, source: str, until: datetime | None = None) -> None:
    """What `person` had from `source` and lost holds again: he is back in it."""
    bundle.update(
        AccessFact, where={"person": person, "source": source}, values={"until": until}, guard=False
    )


def end_facts(bundle: Bundle, *, source: str, until: datetime, person: UUID | None = None) -> None:
    """All relations that came from `source`, or only those of one person, end at `until`."""
    where = {"source": source} if person is None else {"source": source, "person": person}
    bundle.update(AccessFact, where=where, values={"until": until}, guard=False)


# The decision


def may(
    actor: Actor, action: str, placement: Placement, at: datetime, purpose: str | None = None
) -> Permission:
    """Whether `actor` may do `action` with this resident now, by which relation, what for, and in which words.

    A `purpose` that is stated narrows what counts; without one the relation's natural purpose is meant. Relations the
    directory knows are tried first; recorded ones cost a statement only when those do not suffice.
    """
    if actor.is_system:
        return Permission(True, SYSTEM, "系统按规则执行")
    sheet, member = packs.in_force().access, actor.member
    if actor.staff_id == placement.subject:
        return _herself(sheet, action, purpose)
    if not member.held(at):
        return _from_outside(sheet, actor, action, placement, at, purpose)
    known = standing.known(member, placement, at)
    granted = sheet.granting(action, known, purpose)
    if granted is not None:
        return _granted(sheet, granted)
    facts_ = standing.recorded(member, placement.resident, at)
    granted = sheet.granting(action, facts_.standing, purpose)
    if granted is not None:
        return (
            _broken(sheet, facts_, granted.purpose)
            if granted.relation == BREAK_GLASS
            else _granted(sheet, granted)
        )
    return Permission(False, "", _refused(sheet, action, {**known, **facts_.standing}, purpose))


def _herself(sheet: AccessSheet, action: str, purpose: str | None) -> Permission:
    """The resident, signed in as herself: she acts under the subject of her own record."""
    granted = sheet.granting(action, {OWN: standing.NO_DUTY}, purpose)
    if granted is None:
        return Permission(False, "", "这件事要由工作人员来办：请找您的签约团队。")
    return _granted(sheet, granted)


def _from_outside(
    sheet: AccessSheet, actor: Actor, action: str, placement: Placement, at: datetime, purpose: str | None
) -> Permission:
    """Who holds no post: a relative, or who was sent a questionnaire, by what was written down of him."""
    stands = OUTSIDE & standing.recorded_of(actor.staff_id, placement.resident, at)
    granted = sheet.granting(action, dict.fromkeys(stands, standing.NO_DUTY), purpose)
    if granted is None:
        return Permission(False, "", "您现在没有在任岗位：请管理员核对任职")
    return _granted(sheet, granted)


def _granted(sheet: AccessSheet, granted: Granted) -> Permission:
    return Permission(True, granted.relation, sheet.relations[granted.relation].words.zh, granted.purpose)


def _broken(sheet: AccessSheet, told: standing.Recorded, purpose: str) -> Permission:
    """By a glass that was broken: until when and why are part of the words."""
    _, grant, code = f"{told.sources[BREAK_GLASS]}::".split(":")[:3]
    rule, words = sheet.break_glass, sheet.relations[BREAK_GLASS].words.zh
    reason = rule.reasons.get(code) if rule else None
    ends = f"至 {told.until.astimezone(ZONE):%H:%M}" if told.until else ""
    why = f"理由：{reason.title}" if reason else ""
    said = "，".join(filter(None, (ends, why)))
    return Permission(True, BREAK_GLASS, f"{words}：{said}" if said else words, purpose, grant, told.until)


def _refused(sheet: AccessSheet, action: str, stands: standing.Standing, purpose: str | None) -> str:
    """Why not, and what is possible instead."""
    rule = sheet.actions.get(action)
    if rule is None:
        return f"没有规定谁可以做“{action}”，所以不能做。"
    if purpose is not None and sheet.granting(action, stands) is not None:
        title = sheet.purposes[purpose].title if purpose in sheet.purposes else purpose
        return f"您可以{rule.title}，但不能用于“{title}”：请选实际的用途"
    return rule.refused.zh


def require(
    actor: Actor, action: str, placement: Placement, at: datetime, purpose: str | None = None
) -> Permission:
    """Like `may`, but Forbidden when refused."""
    permission = may(actor, action, placement, at, purpose)
    if not permission.allowed:
        raise Forbidden("no_relation", permission.words, action=action).concerning(placement.subject)
    return permission


def require_in_organisation(actor: Actor, action: str, organisation: UUID, at: datetime) -> Permission:
    """For acts on an organisation and not on one resident (registering, rosters, imports). Forbidden if not."""
    if actor.is_system:
        return Permission(True, SYSTEM, "系统按规则执行")
    sheet = packs.in_force().access
    granted = sheet.granting(action, standing.of_organisation(actor.member, organisation, at))
    if granted is None:
        raise Forbidden("no_relation", _refused(sheet, action, {}, None), action=action)
    return _granted(sheet, granted)


def organisations(actor: Actor, action: str, at: datetime) -> frozenset[UUID]:
    """All organisations for which `require_in_organisation` would let this person do it."""
    sheet, book = packs.in_force().access, directory.current()
    return frozenset(
        unit
        for unit in book.organisations
        if actor.is_system
        or sheet.granting(action, standing.of_organisation(actor.member, unit, at)) is not None
    )


def leading(member: Member, at: datetime) -> frozenset[UUID]:
    """The centres someone answers for."""
    return frozenset(standing.leading(member, at))


# Lists


@dataclass(frozen=True, slots=True)
class Scope:
    """Whom a list may show to someone, as a filter; someone without any relation gets nobody.

    `centres` whole centres, `teams` by contract or neighbourhood, `named` the centres where a contract that names him
    counts, `recorded` the relations written down."""

    member: Member
    centres: frozenset[UUID]
    teams: frozenset[UUID]
    named: frozenset[UUID]
    recorded: frozenset[str]
    at: datetime
    everyone: bool = False

    def reach(self) -> "Reach":
        """The same as values alone."""
        serving = standing.partners(self.member, self.at) if self.recorded else ()
        return Reach(
            self.member.id,
            tuple(self.centres),
            tuple(self.teams),
            tuple(self.named),
            tuple(self.recorded),
            tuple(serving),
            self.at,
            self.everyone,
        )

    def residents(self) -> QuerySet[Resident]:
        return self.reach().residents()

    def answered_for(self) -> QuerySet[Resident]:
        return self.reach().answered_for()


class Reach(NamedTuple):
    """A scope as values alone, so that a condition is compiled once for all whose scopes are of one shape (`trust.shaped`)."""

    person: UUID
    centres: tuple[UUID, ...]
    teams: tuple[UUID, ...]
    named: tuple[UUID, ...]
    recorded: tuple[str, ...]
    serving: tuple[UUID, ...]
    at: datetime
    everyone: bool

    def residents(self) -> QuerySet[Resident]:
        rows = everybody(Resident, "this is the scope itself")
        wanted = Q() if self.everyone else self._filter()
        return rows.filter(wanted, merged_into=None, erased_at=None)

    def answered_for(self) -> QuerySet[Resident]:
        """Those of them whom the person's teams answer for. What it costs is as long as that panel, whatever the district."""
        rows = everybody(Resident, "this is the scope itself").filter(merged_into=None, erased_at=None)
        return rows.filter(pk__in=_panel(self.person, self.teams, self.named))

    def _filter(self) -> Q:
        found = Q(centre__in=self.centres) if self.centres else Q(pk__in=[])
        if self.teams or self.named:
            found |= _answered(self.person, self.teams, self.named)
        if self.recorded:
            rows = standing.facts(self.person, self.serving, self.at).filter(relation__in=self.recorded)
            found |= Q(
                Exists(Subject.objects.filter(resident=OuterRef("pk"), subject__in=rows.values("subject")))
            )
        return found


def _panel(person: UUID, teams: Iterable[UUID], named: Iterable[UUID]) -> QuerySet[Any, Any]:
    """The ids of residents whose contract names one of the teams, or in one of the `named` centres the person; without a contract,
    by neighbourhood. Each sort by its own index: what it costs is as long as the panel, whatever the district."""
    active = Empanelment.objects.filter(until=None)
    parts: list[QuerySet[Any, Any]] = [active.filter(team__in=teams).values_list("resident")]
    if named:
        his = active.filter(Q(doctor=person) | Q(social_worker=person), resident__centre__in=named)
        parts.append(his.values_list("resident"))
    near = everybody(Resident, "this is a scope itself").filter(neighbourhood__team__in=teams)
    parts.append(near.filter(~Exists(active.filter(resident=OuterRef("pk")))).values_list("id"))
    return parts[0].union(*parts[1:])


def _answered(person: UUID, teams: Iterable[UUID], named: Iterable[UUID]) -> Q:
    """The same as a condition on residents who are known already."""
    active = Empanelment.objects.filter(resident=OuterRef("pk"), until=None)
    mine = Q(Exists(active.filter(team__in=teams)))
    if named:
        his = active.filter(Q(doctor=person) | Q(social_worker=person))
        mine |= Q(Exists(his)) & Q(centre__in=named)
    return mine | (Q(neighbourhood__team__in=teams) & ~Q(Exists(active)))


def scope(actor: Actor, action: str, at: datetime) -> Scope:
    """The residents with whom `actor` may do `action` now, as a filter for lists and searches."""
    nowhere: frozenset[UUID] = frozenset()
    if actor.is_system:
        return Scope(actor.member, nowhere, nowhere, nowhere, frozenset(), at, everyone=True)
    sheet, member = packs.in_force().access, actor.member

    def where(relation: str, places: standing.Places) -> frozenset[UUID]:
        return frozenset(
            place
            for place, duties in places.items()
            if sheet.granting(action, {relation: duties}) is not None
        )

    there = standing.centres(member, at)
    whole = (
        where(SAME_CENTRE, there)
        | where(CENTRE_LEAD, standing.leading(member, at))
        | where(ON_DUTY, standing.on_duty(member, at))
    )
    held = member.duties(at)
    recorded = (one for one in sheet.relations if one not in DIRECTORY)
    told = frozenset(one for one in recorded if held and sheet.granting(action, {one: held}) is not None)
    teams, named = where(CONTRACT_TEAM, standing.teams(member, at)), where(CONTRACT_TEAM, there)
    return Scope(member, whole, teams, named, told, at)


def within(actor: Actor, action: str, subjects: Iterable[UUID], at: datetime) -> list[UUID]:
    """Of these subjects, those with whom `actor` may do `action` now. One statement."""
    wanted = list(subjects)
    if not wanted:
        return []
    reach = scope(actor, action, at).residents().values("id")
    return list(
        Subject.objects.filter(subject__in=wanted, resident__in=reach).values_list("subject", flat=True)
    )
