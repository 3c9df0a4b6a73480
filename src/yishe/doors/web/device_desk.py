"""登录与设备, the part about this device: a PIN for it, and whether it is used in turns."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from yishe.doors import admission
from yishe.doors.web import page
from yishe.doors.web.page import Here, signed_in
from yishe.doors.web.proving import HOME, account_of, freshly_proved, row_of
from yishe.policy.refusals import Conflict, Refused
from yishe.talk import tablets
from yishe.trust import clock, pins, shared_devices


def told(request: HttpRequest, here: Here) -> dict[str, Any]:
    """What 登录与设备 says about this device."""
    row, account = row_of(request), account_of(request)
    at = clock.real_now()
    rule = admission.rules(at).pin
    mine, here_now = pins.of(account.pk), shared_devices.current(row.device_id)
    kept = tablets.kept(here.actor, here.now)
    return {
        "pins": [
            {"row": one, "here": one.device_id == row.device_id, "until": one.proved_at + rule.life.exact()}
            for one in mine
        ],
        "pin_here": any(one.device_id == row.device_id for one in mine),
        "may_pin": row.device_id is not None and (row.shared or rule.own_device),
        "tablet": here_now,
        "tablets": kept if here_now in kept or here_now is None else [here_now, *kept],
        "may_end": {one.device_id for one in kept},
        "may_share": row.device_id is not None and tablets.may_enrol(here.actor, here.now),
    }


@sensitive_post_parameters("pin", "again")
@freshly_proved
def choose_pin(request: HttpRequest, here: Here) -> HttpResponse:
    """A PIN for this device; it stands on the sign-in it is set in."""
    row, at = row_of(request), clock.real_now()
    rule = admission.rules(at).pin
    said: dict[str, Any] = {"place": "me", "rule": rule, "days": rule.life.exact().days}
    if request.method != "POST":
        return page.show(request, here, "pin.html", said)
    try:
        if not (row.shared or rule.own_device):
            raise Conflict("pin_shared_only", "政策只许在共用设备上用 PIN：请先由团队长登记为共用设备。")
        if request.POST.get("pin", "") != request.POST.get("again", ""):
            raise Conflict("pins_differ", "两次输入的 PIN 不一样，请重新输入。")
        pins.choose(row, request.POST.get("pin", ""), rule, at)
    except Refused as refused:
        return page.show(request, here, "pin.html", {**said, "error": refused.title}, status=refused.status)
    return page.done(request, "PIN 已设置，只在这台设备上有效", HOME)


@require_POST
@signed_in
def remove_pin(request: HttpRequest, here: Here, pin: UUID) -> HttpResponse:
    pins.remove(account_of(request).pk, pin, clock.real_now())
    return page.done(request, "PIN 已删除", HOME)


@require_POST
@freshly_proved
def share(request: HttpRequest, here: Here) -> HttpResponse:
    """This device is used in turns from now on."""
    row = row_of(request)
    if row.device_id is None:
        raise Conflict("no_device", "浏览器没有留下设备标识：请允许 Cookie，重新登录后再登记。")
    tablets.enrol(here.actor, row.device_id, request.POST.get("name", ""), here.now, clock.real_now())
    return page.done(request, "这台设备已登记为共用：每人完整登录一次、设好 PIN，就能两下换人", HOME)


@require_POST
@signed_in
def end_shared(request: HttpRequest, here: Here, device: UUID) -> HttpResponse:
    ended = tablets.end(here.actor, device, here.now, clock.real_now())
    return page.done(request, f"这台设备不再共用，{ended} 处登录和全部 PIN 已结束", HOME)
