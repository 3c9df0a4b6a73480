"""A small place to test in: two centres, a team in each, and the people of one resident."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from yishe.people import actors, directory, residents
from yishe.people.actors import Actor
from yishe.people.models import Organisation, Post, Staff
from yishe.people.placements import Placement
from yishe.trust import keys


@dataclass(frozen=True)
class World:
    """王医生 and 李敏 answer for 王秀兰; 赵护士 is of the same team; 周主任 leads the centre; 钱医生 works elsewhere."""

    district: Organisation
    centre: Organisation
    team: Organisation
    other_team: Organisation
    doctor: Actor
    social_worker: Actor
    nurse: Actor
    director: Actor
    administrator: Actor
    stranger: Actor
    resident: Placement

    def another(self, name: str, at: datetime) -> Placement:
        """One more resident of the same team."""
        return residents.register(
            actors.SYSTEM,
            {
                "name": name,
                "team": self.team.id,
                "doctor": self.doctor.staff_id,
                "social_worker": self.social_worker.staff_id,
            },
            at,
            centre=self.centre.id,
        )


def build(now: datetime) -> World:
    """Everybody has been in post for a year."""
    since = now - timedelta(days=365)
    district = Organisation.objects.create(level="district", code="d", name="示范区")
    centre = Organisation.objects.create(level="centre", code="c1", name="德胜中心", parent=district)
    far = Organisation.objects.create(level="centre", code="c2", name="远山中心", parent=district)
    team = Organisation.objects.create(level="team", code="t1", name="德胜一队", parent=centre)
    other_team = Organisation.objects.create(level="team", code="t2", name="远山一队", parent=far)
    for home in (centre.id, far.id):
        keys.make_centre_key(home, since)

    def person(name: str, organisation: Organisation, duty: str, *, lead: bool = False) -> UUID:
        staff = Staff.objects.create(name=name)
        Post.objects.create(staff=staff, organisation=organisation, duty=duty, lead=lead, since=since)
        return staff.id

    doctor = person("王医生", team, "family_doctor", lead=True)
    social_worker = person("李敏", team, "social_worker")
    nurse = person("赵护士", team, "nurse")
    director = person("周主任", centre, "centre_director", lead=True)
    administrator = person("郑管理员", district, "administrator", lead=True)
    stranger = person("钱医生", other_team, "family_doctor", lead=True)
    directory.bump()
    resident = residents.register(
        actors.SYSTEM,
        {"name": "王秀兰", "team": team.id, "doctor": doctor, "social_worker": social_worker},
        since,
        centre=centre.id,
    )
    everyone = (doctor, social_worker, nurse, director, administrator, stranger)
    return World(district, centre, team, other_team, *(actors.actor_of(one) for one in everyone), resident)
