"""Which browser on which machine: told by a cookie that only it holds and that nobody can make up."""

import base64
import hashlib
import hmac
import re
from datetime import datetime, timedelta
from uuid import UUID

from yishe.trust import commit, ids, keys
from yishe.trust.models import Device, Session

USE = "device"
BROWSERS = (
    ("MicroMessenger", "微信"), ("Edg", "Edge"), ("Firefox", "Firefox"), ("HuaweiBrowser", "华为浏览器"),
    ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
SYSTEMS = (
    ("OpenHarmony", "鸿蒙"), ("HarmonyOS", "鸿蒙"), ("Android", "安卓"), ("iPad", "iPad"), ("iPhone", "iPhone"),
    ("Windows", "Windows"), ("Mac OS", "Mac"), ("Linux", "Linux"),
)  # fmt: skip


def meet(token: str, agent: str, at: datetime, life: timedelta) -> Device:
    """The device that holds `token`, or a new one when it holds none, a forged one, or was away for `life`."""
    known = read(token)
    row = Device.objects.filter(id=known, used_at__gt=at - life).first() if known else None
    with commit.atomically():
        if row is not None:
            Device.objects.filter(id=row.id).update(used_at=at)
            return row
        return Device.objects.create(name=described(agent), created_at=at, used_at=at)


def use(device: UUID, at: datetime) -> None:
    """It was here."""
    with commit.atomically():
        Device.objects.filter(id=device).update(used_at=at)


def token(device: UUID) -> str:
    """What the device's cookie says: its id, and a seal that shows it came from us."""
    return f"{device.hex}.{_seal(device)}"


def read(token: str) -> UUID | None:
    """The device that `token` was made for; None when we did not make it."""
    named, _, seal = token.partition(".")
    device = ids.parse(named) if len(named) == 32 else None
    good = device is not None and hmac.compare_digest(_seal(device).encode(), seal.encode(errors="replace"))
    return device if good else None


def known_to(account: UUID, device: UUID) -> bool:
    """Whether the account has come in on this device before."""
    return Session.objects.filter(account=account, device=device).exists()


def described(agent: str) -> str:
    """`Chrome · Windows`, from what the browser says of itself."""
    browser = next((name for sign, name in BROWSERS if re.search(rf"{sign}[/ ]", agent)), "浏览器")
    system = next((name for sign, name in SYSTEMS if sign in agent), "未知系统")
    return f"{browser} · {system}"


def _seal(device: UUID) -> str:
    mac = hmac.new(keys.house_key(USE), device.bytes, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")
