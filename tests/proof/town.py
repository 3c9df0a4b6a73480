"""A small district with enough people to go on leave, leave for good, lead, stand in and be on duty."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from yishe.people import actors, directory, residents
from yishe.people.actors import Actor
from yishe.people.models import Organisation, Post, Shift, Staff
from yishe.people.placements import Placement
from yishe.trust import keys

DOCTOR, NURSE, SOCIAL_WORKER = "family_doctor", "nurse", "social_worker"


@dataclass
class Town:
    """Two centres, three teams. `steady` are those who never go away, so that somebody always can."""

    centres: list[UUID]
    teams: list[UUID]
    staff: dict[str, UUID] = field(default_factory=dict)
    posts: dict[str, UUID] = field(default_factory=dict)
    residents: list[Placement] = field(default_factory=list)
    steady: tuple[str, ...] = ("郑管理员",)

    def actor(self, name: str) -> Actor:
        return actors.actor_of(self.staff[name])

    def name_of(self, staff: UUID) -> str:
        return next((name for name, one in self.staff.items() if one == staff), str(staff))

    @property
    def everyone(self) -> list[UUID]:
        return list(self.staff.values())


def build(now: datetime) -> Town:
    """Everybody has been in post for a year; a social worker is on duty at the first centre every working day."""
    since = now - timedelta(days=365)
    district = Organisation.objects.create(level="district", code="d", name="示范区")
    centres = [
        Organisation.objects.create(level="centre", code=f"c{n}", name=f"{n}号中心", parent=district)
        for n in (1, 2)
    ]
    teams = [
        Organisation.objects.create(level="team", code=f"t{n}", name=f"{n}队", parent=centre)
        for n, centre in ((1, centres[0]), (2, centres[0]), (3, centres[1]))
    ]
    town = Town([c.id for c in centres], [t.id for t in teams])
    for centre in centres:
        keys.make_centre_key(centre.id, since)
    for n, team in enumerate(teams, 1):
        _hire(town, f"医生{n}", team, (DOCTOR,), since, lead=True)
        _hire(town, f"社工{n}", team, (SOCIAL_WORKER,), since)
        _hire(town, f"护士{n}", team, (NURSE,), since)
    _hire(town, "社工甲", teams[0], (SOCIAL_WORKER,), since)
    _hire(town, "值班社工", centres[0], (SOCIAL_WORKER,), since)
    _hire(town, "主任1", centres[0], ("centre_director",), since, lead=True)
    _hire(town, "主任2", centres[1], ("centre_director",), since, lead=True)
    _hire(town, "郑管理员", district, ("administrator",), since, lead=True)
    _roster(town, centres[0], now)
    directory.bump()
    _residents(town, since)
    return town


def _hire(
    town: Town, name: str, where: Organisation, duties: Iterable[str], since: datetime, *, lead: bool = False
) -> None:
    staff = Staff.objects.create(name=name)
    town.staff[name] = staff.id
    for duty in duties:
        post = Post.objects.create(staff=staff, organisation=where, duty=duty, lead=lead, since=since)
        town.posts[name] = post.id


def _roster(town: Town, centre: Organisation, now: datetime) -> None:
    for day in range(60):
        start = now + timedelta(days=day)
        Shift.objects.create(
            organisation=centre, duty=SOCIAL_WORKER, staff_id=town.staff["值班社工"], starts_at=start,
            ends_at=start + timedelta(hours=8),
        )  # fmt: skip


def _residents(town: Town, since: datetime) -> None:
    answering = ((0, 0, "1"), (0, 0, "1"), (0, 1, "2"), (1, 2, "3"))
    for number, (centre, team, n) in enumerate(answering):
        fields = {
            "name": f"居民{'甲乙丙丁'[number]}", "team": town.teams[team], "doctor": town.staff[f"医生{n}"],
            "social_worker": town.staff[f"社工{n}"],
        }  # fmt: skip
        town.residents.append(residents.register(actors.SYSTEM, fields, since, centre=town.centres[centre]))
    unsigned = {"name": "居民戊"}
    town.residents.append(residents.register(actors.SYSTEM, unsigned, since, centre=town.centres[0]))
