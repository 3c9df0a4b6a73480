"""Further people of the small world."""

from datetime import datetime, timedelta
from uuid import UUID

from tests.rooms.care.world import World

from yishe.people import actors, directory
from yishe.people.actors import Actor
from yishe.people.models import Post, Staff


def joined(name: str, duty: str, organisation: UUID, now: datetime) -> Actor:
    """Someone who has held the duty there for a year."""
    staff = Staff.objects.create(name=name)
    Post.objects.create(staff=staff, organisation_id=organisation, duty=duty, since=now - timedelta(days=365))
    directory.bump()
    directory.forget()
    return actors.actor_of(staff.id)


def officer(world: World, now: datetime, centre: UUID | None = None) -> Actor:
    """孙专员, the privacy officer of the centre."""
    known = Staff.objects.filter(name="孙专员", posts__organisation=centre or world.centre.id).first()
    return (
        actors.actor_of(known.id)
        if known
        else joined("孙专员", "privacy_officer", centre or world.centre.id, now)
    )
