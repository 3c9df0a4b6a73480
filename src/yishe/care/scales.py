"""Scales and follow-up forms: those in force today, and the one a form was begun under."""

from collections.abc import Collection
from datetime import datetime
from functools import lru_cache
from typing import Any

from yishe.care.models import Questionnaire
from yishe.people import packs
from yishe.people.particulars import ZONE
from yishe.policy import scale_scoring
from yishe.policy.followup_rules import Followup
from yishe.policy.refusals import Unavailable
from yishe.policy.scale_rules import Scale
from yishe.policy.scale_scoring import About
from yishe.policy.timeline import Timeline
from yishe.trust.commit import Bundle


def in_force(code: str, at: datetime) -> Scale:
    """The approved scale of that day. Invalid for an unknown, unapproved or ended one."""
    return packs.in_force().scale(code, at.astimezone(ZONE).date())


def all_in_force(at: datetime) -> tuple[Scale, ...]:
    return packs.in_force().scales(at.astimezone(ZONE).date())


def followup(code: str, at: datetime) -> Followup:
    """The approved follow-up form of that day. Invalid as `in_force`."""
    return packs.in_force().followup(code, at.astimezone(ZONE).date())


def all_followups(at: datetime) -> tuple[Followup, ...]:
    return packs.in_force().followups(at.astimezone(ZONE).date())


def keepers(duties: Collection[str], whose: About, at: datetime) -> dict[str, str]:
    """Schedule or service of a contract → the follow-up form by which somebody with one of these duties makes its contact with her;
    a form that is not made for her is none. Each form also under `followup:` and its code, as schedules name it, and under the
    promises that it keeps, as `kind:reason`."""
    mine = [
        form
        for form in all_followups(at)
        if not set(form.filled_by.staff).isdisjoint(duties) and scale_scoring.fits(form, whose) is not False
    ]
    return {
        name: form.code
        for form in mine
        for name in (
            *form.visits, *form.services, f"followup:{form.code}", *(f"{one.kind}:{one.reason or ''}" for one in form.keeps),
        )
    }  # fmt: skip


def is_followup(code: str) -> bool:
    """Whether forms of this code are follow-ups, in whatever version."""
    return code in packs.in_force().followups_by_date


def keep(bundle: Bundle, scale: Scale, at: datetime) -> None:
    """Store the definition with the first form begun under it."""
    bundle.insert_if_absent(
        Questionnaire, sha256=scale.sha256, scale=scale.code, version=scale.version, definition=scale.to_json(),
        first_used_at=at,
    )  # fmt: skip


def begun_under(code: str, sha256: str) -> Scale:
    """The definition a form was begun under, whatever the pack says today."""
    pack = packs.in_force()
    for timelines in (pack.scales_by_date, pack.followups_by_date):
        timeline: Timeline[Any] | None = timelines.get(code)
        for scale in timeline.values if timeline else ():
            if scale.sha256 == sha256:
                found: Scale = scale
                return found
    return _stored(code, sha256)


@lru_cache(maxsize=128)
def _stored(code: str, sha256: str) -> Scale:
    stored = Questionnaire.objects.filter(sha256=sha256).values_list("definition", flat=True).first()
    if stored is None:
        raise Unavailable("scale_lost", f"找不到“{code}”当时的定义：请管理员恢复政策包后重试，内容没有丢失。")
    return (Followup if is_followup(code) else Scale).from_json(stored)
