"""Organisations, neighbourhoods and the staff who hold posts in them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from yishe.people import access, directory, notes, packs, pinyin
from yishe.people.actors import Actor
from yishe.people.models import Neighbourhood, Organisation, Post, Staff
from yishe.people.particulars import tidy
from yishe.policy.refusals import Conflict, Invalid
from yishe.trust import accounts, commit, ids, keys

WRITE = STAFF = "people.staff"
_BELOW = {
    "city": (None,),
    "district": (None, "city"),
    "centre": ("district",),
    "team": ("centre",),
    "partner": ("district", "centre", "team"),
}


def found(
    actor: Actor,
    *,
    level: str,
    code: str,
    name: str,
    at: datetime,
    parent: UUID | None = None,
    shape: str = "",
    emergency: Sequence[dict[str, str]] = (),
) -> UUID:
    """A new organisation under `parent`. A centre gets its key at once. Conflict when the code is taken."""
    _require(actor, WRITE, parent, at)
    book = directory.current()
    above = book.organisation(parent).level if parent else None
    if above not in _BELOW.get(level, ()):
        raise Invalid("wrong_level", "机构层级不对：市→区→中心→团队，合作单位挂在区、中心或团队下。")
    if shape and shape not in packs.in_force().team_shapes:
        raise Invalid("unknown_shape", f"政策包里没有团队形式“{shape}”：请从列表中选择。")
    if Organisation.objects.filter(code=code).exists():
        raise Conflict("code_taken", f"机构代码 {code} 已被使用：请换一个。")
    organisation = ids.new()
    with commit.atomically():
        Organisation.objects.create(
            id=organisation,
            parent_id=parent,
            level=level,
            code=code,
            name=tidy(name),
            shape=shape,
            emergency=list(emergency),
            active_from=at,
        )
        keys.make_centre_key(organisation, at)
        _changed(actor, "organisation.found", organisation, at, parent or organisation)
    return organisation


def mark_out(
    actor: Actor, *, code: str, name: str, centre: UUID, at: datetime, team: UUID | None = None
) -> UUID:
    """A neighbourhood of a centre, and the team that answers there; said again, the team is changed."""
    _require(actor, WRITE, centre, at)
    book = directory.current()
    if book.organisation(centre).level != "centre" or (team and book.centre_of(team) != centre):
        raise Invalid("foreign_team", "社区要归到一个中心，团队也要是这个中心的：请重新选择。")
    with commit.atomically():
        row, _ = Neighbourhood.objects.update_or_create(
            code=code,
            defaults={"name": tidy(name), "centre_id": centre, "team_id": team},
            create_defaults={"id": ids.new(), "name": tidy(name), "centre_id": centre, "team_id": team},
        )
        _changed(actor, "organisation.mark_out", row.id, at, centre)
    return row.id


def hire(
    actor: Actor,
    *,
    name: str,
    organisation: UUID,
    duties: Sequence[str],
    at: datetime,
    lead: bool = False,
    number: str | None = None,
    title: str = "",
    phone: str = "",
    username: str | None = None,
    password: str | None = None,
    hashed: str | None = None,
) -> UUID:
    """A new member of staff with first posts and, when a user name is given, an account."""
    _require(actor, STAFF, organisation, at)
    _refuse_duties(duties)
    if number and Staff.objects.filter(number=number).exists():
        raise Conflict("number_taken", f"工号 {number} 已有人使用：请核对。")
    staff = ids.new()
    with commit.atomically():
        account = None
        if username:
            account = accounts.create_account(username, password or "", at, hashed, given=not hashed)
        Staff.objects.create(
            id=staff,
            account=account,
            number=number or None,
            name=tidy(name),
            pinyin=pinyin.full(tidy(name)),
            title=title,
            phone=phone,
            active_from=at,
        )
        _post(staff, organisation, duties, lead, at)
        _changed(actor, "staff.hire", staff, at, organisation)
    return staff


def appoint(
    actor: Actor, staff: UUID, organisation: UUID, duty: str, at: datetime, *, lead: bool = False
) -> bool:
    """A further post. Returns whether it is new; the same post again may change only who leads."""
    _require(actor, STAFF, organisation, at)
    _refuse_duties([duty])
    directory.current().staff(staff)
    with commit.atomically():
        held = Post.objects.filter(staff=staff, organisation=organisation, duty=duty, until=None).first()
        if held is None:
            _post(staff, organisation, [duty], lead, at)
        elif held.lead != lead:
            Post.objects.filter(id=held.id).update(lead=lead)
        _changed(actor, "staff.appoint", staff, at, organisation)
    return held is None


def _post(staff: UUID, organisation: UUID, duties: Sequence[str], lead: bool, at: datetime) -> None:
    Post.objects.bulk_create(
        Post(id=ids.new(), staff_id=staff, organisation_id=organisation, duty=duty, lead=lead, since=at)
        for duty in duties
    )


def _changed(actor: Actor, action: str, about: UUID, at: datetime, where: UUID) -> None:
    """Everybody's picture is drawn anew, and who changed it stays known."""
    notes.deed(None, actor, action, about, at, home=directory.current().centre_of(where) or where)
    directory.bump()


def _refuse_duties(duties: Sequence[str]) -> None:
    known = packs.in_force().duties
    missing = [duty for duty in duties if duty not in known]
    if missing:
        words = "、".join(duty.title.zh for duty in known.values())
        raise Invalid("unknown_duty", f"没有职责“{'、'.join(missing)}”：可用的有{words}。")


def _require(actor: Actor, action: str, organisation: UUID | None, at: datetime) -> None:
    if organisation is None and not actor.is_system:
        raise Invalid("needs_parent", "请选择上级机构。")
    if organisation is not None:
        access.require_in_organisation(actor, action, organisation, at)
