"""登录码纸条: a code handed to a resident at the desk, for who has no phone on file. Seen once, on the paper."""

from datetime import datetime
from uuid import UUID

from yishe.people import access, packs, placements
from yishe.people.actors import Actor
from yishe.people.models import Resident
from yishe.people.particulars import ZONE
from yishe.policy.refusals import Conflict
from yishe.policy.sign_in_rules import Slips
from yishe.trust import access_log, codes
from yishe.trust.commit import Bundle

ACTION = "resident.slip"


def hand_out(actor: Actor, resident_id: UUID, at: datetime, real: datetime) -> str:
    """Print a slip for the resident, who stands at the desk; the ones before it are void. `at` is the story's time, `real`
    the clock's, by which codes live.

    Refused: no relation that allows it, who is gone, who has no birth date on file (it goes with the slip)."""
    stands = placements.placed(resident_id)
    permission = access.require(actor, ACTION, stands, at)
    if stands.deceased_at or stands.merged_into:
        raise Conflict("resident_gone", "这份档案已注销或并入另一份，不能打印登录码：请核对居民。")
    if Resident.objects.filter(id=stands.resident, birth_date=None).exists():
        raise Conflict("no_birth_date", "档案里没有出生日期，登录码要和它一起用：请先补登出生日期。")
    bundle = Bundle()
    code = codes.print_slip(bundle, stands.subject, real, rule(at))
    access_log.line(bundle, home=stands.home, actor=actor.staff_id, action="resident.slip", subjects=[stands.subject],
                    **permission.line, at=at)  # fmt: skip
    bundle.commit()
    return code


def rule(at: datetime) -> Slips:
    return packs.in_force().sign_in(at.astimezone(ZONE).date()).slips
