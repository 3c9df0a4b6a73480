"""A staff list: who works in which team with which duty. People are known again by number, account or name."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from yishe.people import access, directory, organisations, packs
from yishe.people import import_cells as cells
from yishe.people.actors import SYSTEM, Actor
from yishe.people.import_headers import Line, Table, lines
from yishe.people.import_matching import CREATED, REJECTED, UNCHANGED, UPDATED
from yishe.people.import_report import Done, Report
from yishe.people.models import Post, Staff
from yishe.people.particulars import Questioned, name
from yishe.people.tokens import plain
from yishe.policy.refusals import Refused
from yishe.trust import commit, usernames
from yishe.trust.models import Account

STAFF = "people.staff"
PASSWORD_BYTES = 9
LONGEST_PHONE = 40


@dataclass(frozen=True, slots=True)
class Person:
    """One row of a staff list; `team` "" means the centre itself."""

    name: str
    duties: tuple[str, ...]
    number: str | None
    username: str | None
    centre: UUID
    team: str
    title: str
    phone: str
    lead: bool


def take_in(
    actor: Actor,
    found: list[Table],
    *,
    at: datetime,
    dry_run: bool,
    centre: UUID,
    fixed: bool,
    report: Report,
) -> None:
    """Every row ends as created, updated, unchanged or rejected. Teams not known yet are founded; a new account's
    first password is in the row's `secret`, and nowhere else."""
    access.require_in_organisation(actor, STAFF, centre, at)
    intake = _Intake(at, dry_run, centre, fixed)
    for table in found:
        report.titles[table.sheet.name] = table.titles
        for line in lines(table, packs.in_force().imports):
            report.add(intake.line(table, line))


def _username(written: str | None) -> str | None:
    return usernames.required(written) if written else None


@dataclass
class _Intake:
    at: datetime
    dry_run: bool
    centre: UUID
    fixed: bool
    _seen: set[tuple[str, str]] = field(default_factory=set)

    def line(self, table: Table, line: Line) -> Done:
        row = {code: line.cells[i] for i, code in table.columns.items() if i < len(line.cells)}
        try:
            cells.refuse_unreadable(row)
            person = self._person(row)
            if self.dry_run:
                return self._looked_at(line, person)
            with commit.atomically():
                return self._put(line, person)
        except Refused as refused:
            code = str(refused.extra.get("column", ""))
            title = next((table.titles[i] for i, known in table.columns.items() if known == code), code)
            reason = refused.title if not title or title in refused.title else f"{title}：{refused.title}"
            return Done(line, REJECTED, title, reason)

    def _person(self, row: Mapping[str, Any]) -> Person:
        roster = packs.in_force().imports
        duties = tuple(self._duty(part) for part in cells.listed(row.get("duty")))
        if not duties:
            raise Questioned("duty", "duty_missing", "职责是空的：请填写家庭医生、护士、社工等职责。")
        return Person(
            name=name(cells.named(row.get("name"))),
            duties=duties,
            number=cells.optional(row.get("staff_number")),
            username=_username(cells.optional(row.get("username"))),
            centre=self._centre(cells.optional(row.get("centre"))),
            team=cells.optional(row.get("team")) or "",
            title=cells.optional(row.get("title")) or "",
            phone=(cells.optional(row.get("phone")) or "")[:LONGEST_PHONE],
            lead=cells.coded(row.get("lead"), roster.values.get("yes", {})) == "true"
            or "team_lead" in duties,
        )

    def _duty(self, word: str) -> str:
        pack = packs.in_force()
        named = {duty.title.zh: code for code, duty in pack.duties.items()}
        code = named.get(word) or cells.coded(word, pack.imports.values.get("duty", {})) or word
        if code not in pack.duties:
            known = "、".join(named)
            raise Questioned("duty", "duty_unknown", f"职责“{word[:20]}”不认识：可填 {known}。")
        return code

    def _centre(self, named: str | None) -> UUID:
        if named is None:
            return self.centre
        book = directory.current()
        found = [
            unit for unit in book.units("centre") if plain(named) in (plain(unit.name), plain(unit.code))
        ]
        if not found:
            raise Questioned(
                "centre",
                "centre_unknown",
                f"没有“{named[:20]}”这个中心：请核对名称，或先建立它（yishe people centre 名称）。",
            )
        if self.fixed and found[0].id != self.centre:
            own = book.organisation(self.centre).name
            raise Questioned("centre", "other_centre", f"“{named[:20]}”不是{own}：请到它所在的中心导入。")
        return found[0].id

    # Looking and writing

    def _known(self, person: Person) -> Staff | None:
        """By number, else by account, else the only one of that name in the centre."""
        if person.number:
            return Staff.objects.filter(number=person.number).first()
        if person.username:
            return Staff.objects.filter(account__username=person.username).first()
        centre = Q(posts__organisation=person.centre) | Q(posts__organisation__parent=person.centre)
        return Staff.objects.filter(centre, name=person.name, posts__until=None).distinct().first()

    def _looked_at(self, line: Line, person: Person) -> Done:
        known = self._known(person)
        key = ("number", person.number or person.username or person.name)
        if known is None:
            outcome = UPDATED if key in self._seen else CREATED
            self._seen.add(key)
            return Done(line, outcome)
        return Done(line, UPDATED if self._differs(known, person) else UNCHANGED)

    def _differs(self, known: Staff, person: Person) -> bool:
        team = self._team(person, found=False)
        held = set(
            Post.objects.filter(staff=known, organisation=team, until=None).values_list("duty", flat=True)
        )
        changed = self._changes(known, person)
        return team is None or bool(set(person.duties) - held) or bool(changed)

    def _changes(self, known: Staff, person: Person) -> dict[str, Any]:
        wanted = {"title": person.title, "number": person.number, "phone": person.phone}
        return {key: value for key, value in wanted.items() if value and getattr(known, key) != value}

    def _team(self, person: Person, *, found: bool = True) -> UUID | None:
        """The organisation of the row's posts; a team named for the first time is founded."""
        if not person.team:
            return person.centre
        book = directory.current()
        for unit in book.units("team", under=person.centre):
            if plain(person.team) in (plain(unit.name), plain(unit.code)):
                return unit.id
        if not found:
            return None
        centre = book.organisation(person.centre)
        code = f"{centre.code}-{person.team}"[:40]
        return organisations.found(
            SYSTEM, level="team", code=code, name=person.team, parent=person.centre, at=self.at
        )

    def _put(self, line: Line, person: Person) -> Done:
        known = self._known(person)
        if known is not None and plain(known.name) != plain(person.name):
            raise Questioned(
                "staff_number", "number_taken", f"工号或账号已属于{known.name}：请核对工号、账号和姓名。"
            )
        team = self._team(person) or person.centre
        if known is None:
            return self._hire(line, person, team)
        changes = self._changes(known, person)
        Staff.objects.filter(id=known.id).update(**changes) if changes else None
        new = [
            organisations.appoint(SYSTEM, known.id, team, duty, self.at, lead=person.lead)
            for duty in person.duties
            if not Post.objects.filter(staff=known, organisation=team, duty=duty, until=None).exists()
        ]
        if changes:
            directory.bump()
        return Done(line, UPDATED if new or changes else UNCHANGED)

    def _hire(self, line: Line, person: Person, team: UUID) -> Done:
        password = secrets.token_urlsafe(PASSWORD_BYTES) if person.username else ""
        if person.username and Account.objects.filter(username=person.username).exists():
            raise Questioned("username", "username_taken", f"账号 {person.username} 已被使用：请换一个。")
        organisations.hire(
            SYSTEM,
            name=person.name,
            organisation=team,
            duties=person.duties,
            at=self.at,
            lead=person.lead,
            number=person.number,
            title=person.title,
            phone=person.phone,
            username=person.username,
            password=password or None,
        )
        return Done(line, CREATED, secret=password, username=person.username or "")
