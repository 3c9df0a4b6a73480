"""Observations entered by hand: blood pressure, glucose, weight. What is possible and what is usual stands in the pack.

A value outside the hard limits is refused with a question; one outside the soft limits is asked to be measured again
and is taken when ``repeated`` says that it was. A missing value is never filled in.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

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
KINDS: dict[str, tuple[str, ...]] = {"bp": ("sbp", "dbp"), "glucose": ("glucose",), "weight": ("weight",)}
"""Which quantities make one measurement."""

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
    read = _numbers(kind, values)
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
    check(read, command.happened, repeated=repeated)
    own = bundle if bundle is not None else Bundle()
    row = entries.append(draft, own, method=MANUAL, **body)
    return entries.settle(draft, own, row, own=bundle is None)


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


def _numbers(kind: str, values: Measured) -> dict[str, Decimal]:
    wanted = KINDS.get(kind)
    if wanted is None:
        raise Invalid(
            "observation_kind_unknown", "手工录入目前有三种：血压（bp）、血糖（glucose）、体重（weight）。"
        )
    if set(values) != set(wanted):
        raise Invalid(
            "values_incomplete",
            f"这种测量要填 {len(wanted)} 个数：{'、'.join(wanted)}。缺的不能补零，请测全再录。",
        )
    return {name: _number(values[name]) for name in wanted}


def _number(value: Decimal | float | int | str) -> Decimal:
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise Invalid("not_a_number", "测量值不是数字：请只填数，单位不用写。")
    return number


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
