"""Observations entered by hand: blood pressure, glucose, weight. What is possible and what is usual stands in the pack.

A value outside the hard limits is refused with a question; one outside the soft limits is asked to be measured again
and is taken when ``repeated`` says that it was. A missing value is never filled in.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef

from yishe.care import entries
from yishe.care.models import Observation
from yishe.people import packs
from yishe.people.actors import Actor
from yishe.policy.refusals import Invalid
from yishe.policy.sheets import Quantity
from yishe.trust.commit import Bundle

ZONE = ZoneInfo("Asia/Shanghai")
ACTION = "record.observation"
MANUAL = "manual"
BP = "bp"
TOGETHER: dict[str, tuple[str, ...]] = {BP: ("sbp", "dbp")}
"""Quantities that are measured together; every other one of the pack is a measurement of its own."""

ANSWERS = "answers"
"""Yes and no to the questions of risk_inputs.yaml, kept as 1 and 0."""

MOST = 400
"""Of one subject, the newest are looked at."""
READ = ("id", "subject", "kind", "values", "context", "occurred_at")

WITH_UNIT = re.compile(r"([0-9.+-]+)\s*([^0-9.\s].*)")

Measured = Mapping[str, Decimal | float | int | str]


def record(
    actor: Actor,
    resident: UUID,
    *,
    kind: str,
    values: Measured,
    at: datetime,
    command_id: str,
    context: str = "",
    repeated: bool = False,
    occurred_at: datetime | None = None,
    supersedes: UUID | None = None,
    digest: bytes | None = None,
    bundle: Bundle | None = None,
) -> Observation:
    """Record a measurement, e.g. ``kind="bp", values={"sbp": 142, "dbp": "88"}`` in the pack's units.

    ``context`` is a code of the pack's list ``observation_context`` (fasting …). Raises as ``entries.begin``; Invalid with
    code ``value_impossible`` (a question) or ``value_unusual`` (measure again, then ``repeated=True``)."""
    read = _answers(values) if kind == ANSWERS else _numbers(kind, values, occurred_at or at)
    body: dict[str, Any] = {
        "kind": kind,
        "values": {name: str(value) for name, value in read.items()},
        "context": context,
        "repeated": repeated,
    }
    command = entries.Command(actor, resident, ACTION, at, command_id, occurred_at, supersedes, digest)
    draft = entries.begin(Observation, command, body)
    if draft.earlier is not None:
        return draft.earlier
    if context:
        entries.known("observation_context", context, "测量情境")
    if kind != ANSWERS:
        check(read, command.happened, repeated=repeated)
    own = bundle if bundle is not None else Bundle()
    row = entries.append(draft, own, method=MANUAL, **body)
    return entries.settle(draft, own, row, own=bundle is None)


def read(kind: str, values: Measured, at: datetime, *, repeated: bool) -> dict[str, Decimal]:
    """The numbers of a measurement, checked as when it is recorded but not recorded. Raises as ``record``."""
    found = _numbers(kind, values, at)
    check(found, at, repeated=repeated)
    return found


def check(values: Mapping[str, Decimal], at: datetime, *, repeated: bool) -> None:
    """Refuse what cannot be; ask for a repeat of what is unusual. Bounds are those in force at ``at``."""
    quantities = packs.in_force().bounds(at.astimezone(ZONE).date())
    for name, value in values.items():
        quantity = quantities[name]
        if not quantity.hard.holds(float(value)):
            raise _impossible(name, value, quantity)
        _exceeds(quantity, value, values, quantities)
    for name, value in values.items():
        if not repeated and not quantities[name].soft.holds(float(value)):
            raise _unusual(name, value, quantities[name])


def latest(subjects: Sequence[entries.Keyed], most: int = MOST) -> list[Observation]:
    """The newest measurements that stand, newest first; one statement."""
    return list(entries.latest(Observation, subjects).order_by("-occurred_at", "-id")[:most])


def latest_of_all(subjects: Sequence[UUID]) -> dict[UUID, list[Observation]]:
    """subject → the same of many at once. The caller has asked access. One statement."""
    later = Observation.objects.filter(home=OuterRef("home"), supersedes=OuterRef("id"))
    rows = Observation.objects.filter(~Exists(later), subject__in=list(subjects), withdrawn=False)
    found: dict[UUID, list[Observation]] = {}
    for row in rows.order_by("-occurred_at", "-id").only(*READ):
        mine = found.setdefault(row.subject, [])
        if len(mine) < MOST:
            mine.append(row)
    return found


def _answers(values: Measured) -> dict[str, Decimal]:
    asked = {code for code, one in packs.in_force().life.inputs.items() if one.question}
    unknown = sorted(set(values) - asked)
    if unknown or not values:
        raise Invalid(
            "question_unknown",
            f"没有这样的问题：{'、'.join(unknown) or '（空）'}；可答：{'、'.join(sorted(asked))}。",
        )
    if any(str(value) not in ("0", "1") for value in values.values()):
        raise Invalid("answer_unknown", "每个问题只能答是（1）或否（0）；不知道的不要填。")
    return {name: Decimal(str(value)) for name, value in values.items()}


def _numbers(kind: str, values: Measured, at: datetime) -> dict[str, Decimal]:
    quantities = packs.in_force().bounds(at.astimezone(ZONE).date())
    taken = {name for names in TOGETHER.values() for name in names}
    wanted = TOGETHER.get(kind) or ((kind,) if kind in quantities and kind not in taken else None)
    if wanted is None:
        single = [f"{one.title}（{code}）" for code, one in quantities.items() if code not in taken]
        raise Invalid(
            "observation_kind_unknown", f"没有“{kind}”这种测量；可录：血压（bp）、{'、'.join(single)}。"
        )
    if set(values) != set(wanted):
        raise Invalid(
            "values_incomplete",
            f"这种测量要填 {len(wanted)} 个数：{'、'.join(wanted)}。缺的不能补零，请测全再录。",
        )
    return {name: _number(values[name], quantities[name]) for name in wanted}


def _number(value: Decimal | float | int | str, quantity: Quantity) -> Decimal:
    """A number in the pack's unit. One in another unit is answered with what it comes to, never turned silently."""
    written = WITH_UNIT.fullmatch(str(value).strip())
    if written and written[2] in (quantity.shown, quantity.unit):
        value = written[1]
    elif written and written[2] in quantity.units:
        raise _other_unit(written[1], written[2], quantity)
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise Invalid("not_a_number", "测量值不是数字：请只填数，单位不用写。")
    return number


def _other_unit(number: str, unit: str, quantity: Quantity) -> Invalid:
    try:
        value = quantity.units[unit].of(float(number))
    except ValueError:
        return Invalid("not_a_number", "测量值不是数字：请只填数，单位不用写。")
    said = f"{value:.{quantity.decimals}f}"
    return Invalid(
        "unit_other",
        f"{quantity.title} {number} {unit} 合 {said} {quantity.shown}：核对无误请填 {said}，再提交。",
        suggestion=said,
        unit=quantity.shown,
    )


def _exceeds(
    quantity: Quantity, value: Decimal, values: Mapping[str, Decimal], quantities: Mapping[str, Quantity]
) -> None:
    other = values.get(quantity.exceeds or "")
    if quantity.exceeds is None or other is None or float(value - other) >= quantity.exceeds_by:
        return
    lower = quantities[quantity.exceeds]
    raise Invalid(
        "value_impossible",
        f"{quantity.title} {value} 与{lower.title} {other} 相差不到 {quantity.exceeds_by:g} {quantity.shown}："
        "是不是填反了或抄错了？请核对后重填。",
    )


def _impossible(name: str, value: Decimal, quantity: Quantity) -> Invalid:
    return Invalid(
        "value_impossible",
        f"{quantity.title} {value} {quantity.shown} 超出可能的范围"
        f"（{quantity.hard.low:g}–{quantity.hard.high:g}）：是不是多写或少写了一位，或单位不同？请核对后重填。",
        quantity=name,
        low=quantity.hard.low,
        high=quantity.hard.high,
    )


def _unusual(name: str, value: Decimal, quantity: Quantity) -> Invalid:
    return Invalid(
        "value_unusual",
        f"{quantity.title} {value} {quantity.shown} 很少见：请复测一次；复测仍是这样，注明“已复测”再提交。",
        quantity=name,
        low=quantity.soft.low,
        high=quantity.soft.high,
        confirm="repeated",
    )
