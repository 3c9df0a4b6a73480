"""How a resident looks on a page: the head of a page, the first part of a row."""

from collections.abc import Sequence
from uuid import UUID

from yishe.care import guarded
from yishe.doors.web import spoken, wording
from yishe.doors.web.page import Here
from yishe.doors.web.shapes import Act, Person
from yishe.people.cards import Card
from yishe.trust import ids

MOST_TRAITS = 5


def age(card: Card, here: Here) -> str:
    return spoken.age(card.birth_date, here.now)


def fact(card: Card) -> str:
    """The one thing a row says besides name and age: the first trait that is not protected."""
    return next((wording.trait(one) for one in guarded.open_traits(card.traits)), "")


def team(here: Here, card: Card) -> str:
    """`德胜一队（王医生 / 李敏）`."""
    if card.team is None:
        return "未签约"
    names = " / ".join(name(here, one) for one in (card.doctor, card.social_worker) if one)
    return here.staff.organisation(card.team).name + (f"（{names}）" if names else "")


def name(here: Here, staff: UUID | None) -> str:
    """A member of staff by name; the system is 系统, who is none of the staff can only be the resident herself."""
    if staff is None:
        return ""
    member = here.staff.people.get(staff)
    if member is None:
        return "系统" if staff == ids.SYSTEM else "居民本人"
    return member.name


def phone(here: Here, staff: UUID | None) -> str:
    """The work phone of a member of staff, where one is known."""
    member = here.staff.people.get(staff) if staff else None
    return member.phone if member else ""


def person(here: Here, card: Card, allergies: Sequence[str] = (), acts: Sequence[Act] = ()) -> Person:
    """The head of a page about one resident."""
    known = tuple(dict.fromkeys((*card.allergies, *allergies)))
    return Person(
        name=card.name,
        sex=spoken.sex(card.sex),
        age=age(card, here),
        record_tail=card.record_number[-4:],
        traits=tuple(wording.trait(one) for one in guarded.open_traits(card.traits)[:MOST_TRAITS]),
        team=team(here, card),
        allergies=known,
        gone=gone(card),
        href=f"/residents/{card.resident}",
        acts=acts,
        about=str(card.subject),
    )


def gone(card: Card) -> str:
    if card.deceased_at:
        return f"已于 {spoken.local(card.deceased_at):%Y-%m-%d} 去世"
    if card.moved_at:
        return f"已于 {spoken.local(card.moved_at):%Y-%m-%d} 迁出"
    return "档案已并入另一份" if card.merged_into else ""
