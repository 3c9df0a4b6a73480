"""A pregnancy, from the last menstrual period to its end. It is a condition that stands (`care.conditions`), protected and
corrected like every other: `Z34`, or `Z35` with a high risk, since the last period; after the birth `Z39`, since that day.

Whatever counts from it (the schedule, the year of a contract) follows by itself; when a pregnancy ends without a child nothing
counts from it any more, and nobody is reminded of it.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from yishe.care import conditions, entries, lives
from yishe.care.conditions import Standing
from yishe.care.models import Condition
from yishe.people import access, packs
from yishe.people.actors import Actor
from yishe.people.cards import Card, cards
from yishe.people.placements import Placement
from yishe.policy.refusals import Conflict, Invalid

NORMAL, RISK, BORN, LOST = "Z34", "Z35", "Z39", "O08"
TITLES = {NORMAL: "妊娠", RISK: "高危妊娠", BORN: "产后", LOST: "妊娠终止"}
OUTCOMES = {BORN: "分娩", LOST: "妊娠结束"}
SCHEDULE = "pregnancy"
FEMALE = "female"


@dataclass(frozen=True)
class Once:
    """The name and fingerprint of a command."""

    command_id: str
    digest: bytes | None = None


def begin(
    actor: Actor, resident: UUID, *, last_period: date, at: datetime, once: Once, high_risk: bool = False
) -> UUID:
    """Record a pregnancy by its last menstrual period, or correct that day or the risk of the one that is recorded.

    Invalid for a man, an unknown sex, a day in the future, before birth or longer ago than a pregnancy lasts."""
    where = entries.whose(resident)
    access.require(actor, conditions.ACTION, where, at)
    if before := _before(actor, where, once, RISK if high_risk else NORMAL, last_period):
        return before
    card, today = _her(where), lives.day(at)
    longest = _longest()
    if last_period > today:
        raise Invalid("period_future", f"末次月经 {last_period} 在将来：请核对日期。", field="last_period")
    if last_period <= today - longest:
        weeks = longest.days // 7
        raise Invalid(
            "period_long_ago", f"末次月经 {last_period} 距今已满 {weeks} 周：请核对日期；已分娩的请记分娩。", field="last_period",
        )  # fmt: skip
    if card.birth_date and last_period <= card.birth_date:
        raise Invalid(
            "before_birth", f"末次月经 {last_period} 早于本人出生日期：请核对。", field="last_period"
        )
    code, standing = RISK if high_risk else NORMAL, _standing(where)
    if standing and standing.code == BORN and last_period <= lives.day(standing.since):
        raise Invalid(
            "period_before_delivery", f"末次月经 {last_period} 不晚于上次分娩 {lives.day(standing.since)}：请核对日期。",
            field="last_period",
        )  # fmt: skip
    corrects = standing if standing and standing.code != BORN else None
    return _recorded(actor, where, code, last_period, at, once, corrects)


def deliver(actor: Actor, resident: UUID, *, on: date, at: datetime, once: Once) -> UUID:
    """Record the birth, or correct its day: visits after it are counted from then. Conflict without a pregnancy; Invalid for a
    day in the future or not after the last period."""
    where = entries.whose(resident)
    return _before(actor, where, once, BORN, on) or _ended(actor, where, BORN, on, at, once)


def lose(actor: Actor, resident: UUID, *, on: date, at: datetime, once: Once) -> UUID:
    """Record that a pregnancy ended without a living child: its schedule ends with it. Refused as `deliver`."""
    where = entries.whose(resident)
    return _before(actor, where, once, LOST, on) or _ended(actor, where, LOST, on, at, once)


def _ended(actor: Actor, where: Placement, code: str, on: date, at: datetime, once: Once) -> UUID:
    access.require(actor, conditions.ACTION, where, at)
    _her(where)
    standing, what = _standing(where), OUTCOMES[code]
    if standing is None or (standing.code == BORN and code != BORN):
        raise Conflict("not_pregnant", "没有在记的妊娠：请先记末次月经，再记结果。")
    began = lives.day(standing.since)
    if on <= began and standing.code != BORN:
        raise Invalid("before_period", f"{what}日期 {on} 不晚于末次月经 {began}：请核对日期。", field="on")
    if on > lives.day(at):
        raise Invalid("outcome_future", f"{what}日期 {on} 在将来：请改成实际的日期。", field="on")
    state = "active" if code == BORN else "resolved"
    return _recorded(actor, where, code, on, at, once, standing, state)


def _before(actor: Actor, where: Placement, once: Once, code: str, on: date) -> UUID | None:
    """What the same command recorded before. Invalid when it said something else then."""
    keyed = entries.keyed(where)
    mine = Condition.objects.filter(author=actor.staff_id, command_id=once.command_id, **entries.of(keyed))
    wrapped = {one.subject: one.wrapped for one in keyed}
    for row in mine:
        said = entries.unsealed(row, "sealed", wrapped[row.subject])["code"], lives.day(row.occurred_at)
        if said != (code, on):
            raise Invalid("command_reused", "同一个幂等键已用于另一项内容：没有再记一次，请换一个键重发。")
        return row.id
    return None


def _recorded(
    actor: Actor, where: Placement, code: str, on: date, at: datetime, once: Once, before: Standing | None, state: str = "active",
) -> UUID:  # fmt: skip
    return conditions.record(
        actor, where.resident, kind="disease", code=code, title=TITLES[code], state=state, at=at,
        command_id=once.command_id, occurred_at=lives.moment(on, at), digest=once.digest, supersedes=before.id if before else None,
    ).id  # fmt: skip


def _her(where: Placement) -> Card:
    card = cards([where.subject])[where.subject]
    sex = lives.sex(card)
    if sex != FEMALE:
        known = "登记为男性" if sex else "没有登记性别"
        raise Invalid("not_female", f"这位居民{known}，不能记妊娠：请先核对居民资料里的性别。", field="sex")
    return card


def _standing(where: Placement) -> Standing | None:
    """The pregnancy, or the time after birth, that is recorded now."""
    found = conditions.standing(entries.keyed(where), ("disease",))
    return next((one for one in reversed(found) if one.code in (NORMAL, RISK, BORN)), None)


def _longest() -> timedelta:
    over = packs.in_force().life.schedules[SCHEDULE].over
    if over is None:
        raise AssertionError("a schedule from a condition has an end")
    return timedelta(days=over.amount)
