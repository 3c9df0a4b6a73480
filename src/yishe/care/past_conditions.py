"""Chronic-disease lists: each row a disease with the day it was found and whether it is still looked after."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from yishe.care import conditions, entries, lives, past_entries, replanning
from yishe.care.models import Condition
from yishe.care.past_entries import Taken
from yishe.care.past_rows import Row
from yishe.people import access, residents
from yishe.people.actors import Actor
from yishe.people.import_matching import CREATED, HELD, UNCHANGED
from yishe.people.particulars import Questioned
from yishe.people.placements import Placement
from yishe.trust.commit import Bundle

ACTIVE, RESOLVED = "active", "resolved"
STATES = {ACTIVE: "在管", RESOLVED: "治愈"}


@dataclass(frozen=True)
class Claim:
    """What a row says. `trait` is the disease as rules know it."""

    trait: str
    title: str
    code: str
    day: date
    state: str
    remark: str

    @property
    def key(self) -> tuple[object, ...]:
        return (self.trait,)


def read(row: Row) -> Claim:
    """Questioned for a disease, day or state that is missing or not understood."""
    known = {code: one for code, one in row.pack.traits.items() if one.group == "disease"}
    said = row.text("disease")
    folded = said.lower()
    trait = next(
        (
            code
            for code, one in known.items()
            if folded in (one.title.zh.lower(), *(each.lower() for each in one.synonyms))
        ),
        None,
    )
    if trait is None:
        shown = f"“{said[:20]}”没有看懂" if said else "没有填"
        titles = "、".join(one.title.zh for one in known.values())
        raise Questioned("disease", "unknown_word", f"病种{shown}：请填其中一种，一行一种：{titles}。")
    state = row.coded("state", "state", STATES)
    code = entries.text(row.text("code"), "疾病编码", 40)
    return Claim(trait, known[trait].title.zh, code, row.past_day("diagnosed_on"), state, row.text("remark"))


def judge(claim: Claim, where: Placement, actor: Actor, at: datetime) -> tuple[str, str]:
    """What would become of it: created, unchanged, or held because the record says otherwise."""
    subjects = entries.keyed(where)
    if past_entries.there(Condition, subjects, _name(claim, where)):
        return UNCHANGED, "这一条以前已经导入"
    for one in conditions.standing(subjects, ("disease",)):
        if claim.title in one.title or (claim.code and claim.code == one.code):
            same = lives.day(one.since) == claim.day and claim.state == ACTIVE
            if same:
                return UNCHANGED, "档案里已有同一天确诊的这种病"
            return (
                HELD,
                f"档案里已有“{one.title}”（{one.since:%Y-%m-%d} 起）：请核对确诊日期；要改请在居民页面更正那一条。",
            )
    return CREATED, ""


def write(claim: Claim, where: Placement, actor: Actor, at: datetime) -> Taken:
    """The condition, and the trait by which rules know it."""
    name, bundle = past_entries.fresh(Condition, entries.keyed(where), _name(claim, where)), Bundle()
    draft = past_entries.draft(Condition, actor, where, lives.moment(claim.day, at), at, name)
    content = {"code": claim.code, "title": claim.title, "remark": _remark(claim)}
    row = past_entries.append(
        draft, bundle, kind="disease", state=claim.state, sealed=draft.seal("sealed", content)
    )
    entries.settle(draft, bundle, row, own=True)
    made = {"condition": str(row.id)}
    if claim.state != ACTIVE or claim.trait in where.traits:
        return Taken(made)
    if not access.may(actor, residents.AMEND, where, at).allowed:
        return Taken(made, (f"病种标记“{claim.title}”由签约团队、公卫医师或中心主任加上",))
    residents.amend(actor, where.resident, {"traits": tuple(sorted({*where.traits, claim.trait}))}, at)
    return Taken(made | {"trait": claim.trait})


def undo(made: Mapping[str, Any], where: Placement, actor: Actor, at: datetime) -> str:
    """Take it back, with the trait that came with it unless something else says so now; returns what is left to a person.
    Conflict when somebody corrected it since."""
    subjects = entries.keyed(where)
    row = Condition.objects.get(id=UUID(made["condition"]), **entries.of(subjects))
    bundle = Bundle()
    past_entries.take_back(bundle, actor, where, row, at)
    bundle.commit()
    trait = made.get("trait", "")
    if trait not in where.traits or trait in replanning.traits_of(where.resident, ()):
        return ""
    if not access.may(actor, residents.AMEND, where, at).allowed:
        return "病种标记由签约团队、公卫医师或中心主任去掉"
    residents.amend(actor, where.resident, {"traits": tuple(one for one in where.traits if one != trait)}, at)
    return ""


def _name(claim: Claim, where: Placement) -> str:
    said = {"trait": claim.trait, "day": past_entries.said_day(claim.day), "state": claim.state}
    return past_entries.name("condition", where.subject, said)


def _remark(claim: Claim) -> str:
    return "；".join(filter(None, ("由慢病登记表补录", f"管理状态：{STATES[claim.state]}", claim.remark)))
