"""Devices that several people use in turns, and what each was writing when he gave it to the next."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from cryptography.exceptions import InvalidTag

from yishe.policy.refusals import Conflict, Invalid, NotFound
from yishe.trust import ciphers, commit, keys, pins, sessions, sign_in_log
from yishe.trust.models import Draft, Session, SharedDevice

USE = "draft"
LONGEST_NAME = 40
LONGEST_DRAFT = 256 * 1024

# Writers


def enrol(device: UUID, home: UUID, name: str, by: UUID, at: datetime) -> None:
    """From now on several people use it in turns. Conflict when they do already, Invalid when it is given no name."""
    called = " ".join(name.split())
    if not 1 <= len(called) <= LONGEST_NAME or not called.isprintable():
        raise Invalid("device_name", f"请给这台设备起个 {LONGEST_NAME} 字以内的名字，例如：一楼诊室平板。")
    if current(device):
        raise Conflict("shared_already", "这台设备已登记为共用，不用再登记。")
    values = {"home": home, "name": called, "by": by, "since": at, "ended_at": None}
    with commit.atomically():
        SharedDevice.objects.update_or_create(device_id=device, defaults=values)
        sessions.share(device, shared=True)
        sign_in_log.note(None, "device_shared", by, at, device=device)


def end(device: UUID, by: UUID | None, at: datetime) -> Sequence[Session]:
    """Nobody uses it in turns any more: every sign-in on it, every PIN and every draft ends. Returns the sign-ins that did.
    NotFound when it is not shared."""
    with commit.atomically():
        if not SharedDevice.objects.filter(device=device, ended_at=None).update(ended_at=at):
            raise NotFound("no_device", "没有这台共用设备，或它已经结束。")
        pins.drop(device=device)
        Draft.objects.filter(device=device).delete()
        ended = sessions.end_on(device, "device_ended", at)
        sign_in_log.note(None, "device_ended", None if ended else by, at, device=device, by=by)
        for row in {row.account_id: row for row in ended}.values():
            sign_in_log.note(None, "device_ended", row.account_id, at, device=device, by=by)
    return ended


def keep_draft(account: UUID, device: UUID, words: object, at: datetime) -> bool:
    """Keep what he was writing, sealed, in place of an older one. False when it is too long to be kept."""
    plain = json.dumps(words, ensure_ascii=False).encode()
    if len(plain) > LONGEST_DRAFT:
        return False
    sealed = ciphers.lock(keys.house_key(USE), plain, account.bytes + device.bytes)
    with commit.atomically():
        Draft.objects.update_or_create(
            account_id=account, device_id=device, defaults={"sealed": sealed, "at": at}
        )
    return True


def take_draft(account: UUID, device: UUID, since: datetime) -> object | None:
    """What he was writing here, once; None when there is nothing, or it is older than `since`."""
    with commit.atomically():
        row = Draft.objects.filter(account=account, device=device).first()
        if row is None:
            return None
        row.delete()
    return None if row.at < since else _opened(row)


def sweep(before: datetime) -> int:
    """Drop drafts nobody came back for."""
    with commit.atomically():
        return Draft.objects.filter(at__lt=before).delete()[0]


# Readers


def current(device: UUID | None) -> SharedDevice | None:
    """What this device is enrolled as; None for one of its own person."""
    return SharedDevice.objects.filter(device=device, ended_at=None).first() if device else None


def of_homes(homes: Iterable[UUID]) -> Sequence[SharedDevice]:
    """The shared devices of these centres, by name."""
    rows = SharedDevice.objects.filter(home__in=list(homes), ended_at=None)
    return list(rows.select_related("device").order_by("name"))


def draft_place(account: UUID, device: UUID, since: datetime) -> str:
    """The address of the page he was writing on; empty when he was not."""
    row = Draft.objects.filter(account=account, device=device, at__gte=since).first()
    found = _opened(row) if row else None
    return str(found.get("at", "")) if isinstance(found, dict) else ""


def _opened(row: Draft) -> object | None:
    try:
        plain = ciphers.unlock(
            keys.house_key(USE), bytes(row.sealed), row.account_id.bytes + row.device_id.bytes
        )
    except InvalidTag:
        return None
    found: object = json.loads(plain)
    return found
