"""账号: the administrator sees the accounts of the centre and its shared devices, and helps who has lost the way in."""

from functools import partial
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from yishe.doors.web import page
from yishe.doors.web.page import Here, signed_in
from yishe.doors.web.proving import freshly_proved
from yishe.people import notes, packs
from yishe.talk import account_keeping, tablets
from yishe.talk.account_keeping import Kept
from yishe.trust import clock

HOME = "/team/accounts"
proved_here = partial(freshly_proved, home=HOME)


@signed_in
def accounts(request: HttpRequest, here: Here) -> HttpResponse:
    real = clock.real_now()
    found = account_keeping.kept(here.actor, here.now, real)
    notes.deed(None, here.actor, "staff.accounts", here.actor.staff_id, here.now, home=here.home())
    told = {
        "place": "team", "real": real, "accounts": [{"kept": one, "duties": _duties(one, here)} for one in found],
        "tablets": tablets.kept(here.actor, here.now),
    }  # fmt: skip
    return page.show(request, here, "accounts.html", told)


def _duties(one: Kept, here: Here) -> str:
    known = packs.in_force().duties
    return "、".join(str(known[duty].title) for duty in sorted(one.member.duties(here.now)) if duty in known)


@require_POST
@proved_here
def give_password(request: HttpRequest, here: Here, staff: UUID) -> HttpResponse:
    """Shown once, to be handed over in person."""
    made = account_keeping.give_password(here.actor, staff, here.now, clock.real_now())
    told = {"place": "team", "password": made, "name": here.staff.staff(staff).name}
    return page.show(request, here, "given_password.html", told)


@require_POST
@proved_here
def reset_factors(request: HttpRequest, here: Here, staff: UUID) -> HttpResponse:
    account_keeping.reset_factors(here.actor, staff, here.now, clock.real_now())
    return page.done(request, "第二种登录方式已重设，已告诉本人", HOME)


@require_POST
@proved_here
def end_sessions(request: HttpRequest, here: Here, staff: UUID) -> HttpResponse:
    ended = account_keeping.end_sessions(here.actor, staff, here.now, clock.real_now())
    return page.done(request, f"{ended} 处登录和全部 PIN 已结束，已告诉本人", HOME)


@require_POST
@proved_here
def unlock(request: HttpRequest, here: Here, staff: UUID) -> HttpResponse:
    account_keeping.unlock(here.actor, staff, here.now, clock.real_now())
    return page.done(request, "锁定已解除，已告诉本人", HOME)
