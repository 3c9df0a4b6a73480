"""Devices used in turns: enrolled and ended by those who answer for them, and told to whoever was signed in there."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from yishe.people import access, notes
from yishe.people.actors import Actor
from yishe.policy.refusals import NotFound
from yishe.talk import account_news
from yishe.trust import shared_devices
from yishe.trust.models import SharedDevice

ACTION = "people.devices"


def enrol(actor: Actor, device: UUID, name: str, at: datetime, real: datetime) -> None:
    """From now on several people use this device in turns. `real`: sign-ins live by real time, also in a demo. Forbidden for
    those who may not; what `shared_devices.enrol` raises."""
    home = actor.member.home(at)
    access.require_in_organisation(actor, ACTION, home, at)
    shared_devices.enrol(device, home, name, actor.account_id or actor.staff_id, real)
    notes.deed(None, actor, "staff.device_shared", actor.staff_id, at, home=home)


def end(actor: Actor, device: UUID, at: datetime, real: datetime) -> int:
    """Every sign-in, PIN and draft on it ends, and its people are told. Returns how many sign-ins did."""
    row = shared_devices.current(device)
    if row is None:
        raise NotFound("no_device", "没有这台共用设备，或它已经结束。")
    access.require_in_organisation(actor, ACTION, row.home, at)
    ended = shared_devices.end(device, actor.account_id, real)
    notes.deed(None, actor, "staff.device_ended", actor.staff_id, at, home=row.home)
    for account in {one.account_id for one in ended if one.account_id}:
        account_news.ended(account, [one.id for one in ended if one.account_id == account], at)
        if account != actor.account_id:
            account_news.tell(account, "device_ended", at)
    return len(ended)


def kept(actor: Actor, at: datetime) -> Sequence[SharedDevice]:
    """The shared devices this person may end."""
    return shared_devices.of_homes(access.organisations(actor, ACTION, at))


def may_enrol(actor: Actor, at: datetime) -> bool:
    """Whether a device he sits at may be made one used in turns."""
    return bool(access.organisations(actor, ACTION, at))
