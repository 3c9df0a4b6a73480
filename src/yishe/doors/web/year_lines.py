"""A contract's year as rows of a table: on the resident's page, and behind a team's numbers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from yishe.care import contacts, contracts, forms, owing, scales
from yishe.care.owing import Line, Year
from yishe.doors.web import attempt_lines, faces, spoken
from yishe.doors.web.page import Here
from yishe.people import access, empanelments, packs
from yishe.people.cards import Card
from yishe.people.placements import Placement
from yishe.policy.contract_rules import RENEWAL

STATES = {
    "kept": ("已按时做", "green"), "kept_late": ("已做，迟了", "yellow"), "open": ("待做", ""),
    "overdue": ("逾期未做", "red"), "coming": ("未到时候", ""), "missed": ("没做，签约期已过", "red"),
    "failed": ("没做成", "orange"), "fallen": ("随签约结束", ""), "withdrawn": ("撤回", ""),
}  # fmt: skip


def of_resident(here: Here, stands: Placement) -> dict[str, Any]:
    """What the tab 签约 shows: the contract that counts now with its year, earlier ones below, and what may be done."""
    years = owing.of_resident(here.actor, stands, here.now)
    may_sign = access.may(here.actor, contracts.SIGN, stands, here.now).allowed and not stands.gone
    share = contacts.share(here.actor, stands, here.now)
    keepers = scales.keepers(here.duties, forms.about(stands, here.now), here.now)
    tried = attempt_lines.told(here, stands)
    return {
        "contracts": [_contract(here, one, share, keepers) for one in years], "may_sign": may_sign,
        "may_move": access.may(here.actor, empanelments.EMPANEL, stands, here.now).allowed,
        "can_apply": may_sign and free(here.now, years), "attempts": tried, "tried_under": _tried_under(years, tried),
    }  # fmt: skip


def _tried_under(years: list[Year], tried: dict[str, Any]) -> UUID | None:
    """The one contract under which attempts stand: that which runs; while none does, the newest, if there are any."""
    running = [one for one in years if one.stage == "active"] or (years if tried.get("rows") else [])
    return running[0].contract.id if tried and running else None


def free(at: datetime, years: list[Year]) -> bool:
    """Whether a new application would be taken now."""
    today, renewal = spoken.local(at).date(), contracts.sheet_now().renewal
    return not any(
        one.stage in ("applied", "reviewed", "waiting")
        or (
            one.stage == "active"
            and one.contract.until
            and today < one.contract.until - renewal.before.exact()
        )
        for one in years
    )


def _contract(here: Here, one: Year, share: frozenset[str], keepers: Mapping[str, str]) -> dict[str, Any]:
    row, sheet = one.contract, contracts.sheet_now()
    forms = {name: form for name, form in keepers.items() if name in share}
    lines = [line(here, each) | {"form": forms.get(each.service, "")} for each in one.lines]
    package, end = sheet.packages.get(row.package), sheet.ends.get(row.end_reason)
    team = here.staff.organisations.get(row.team) if row.team else None
    return {
        "id": row.id, "stage": one.stage, "words": contracts.STAGES[one.stage],
        "package": str(package.title) if package else row.package, "since": row.since, "until": row.until,
        "team": team.name if team else "", "why": str(end.title) if end else "", "sha256": row.agreement_sha256, "paper": row.paper_on,
        "next": {"applied": "review", "reviewed": "sign"}.get(one.stage, ""),
        "services": one.services, "done": one.count(*owing.DONE), "to_do": one.count(*owing.TO_DO),
        "due": one.due, "in_time": one.in_time, "lines": lines,
        "doable": one.stage == "active" and any(each["doable"] and each["service"] in share for each in lines),
        "mine": sum(each["mine"] and each["doable"] for each in lines),
    }  # fmt: skip


def line(here: Here, one: Line, card: Card | None = None) -> dict[str, Any]:
    """A promise as a row of a table."""
    words, colour = STATES[one.state]
    return {
        "id": one.id, "title": one.title, "nth": one.nth, "times": one.times, "starts": one.starts, "due": one.due,
        "covers": "、".join(one.covers), "duty": str(packs.in_force().duties[one.duty].title), "words": words,
        "why": one.why, "withdrawn_on": one.withdrawn_on,
        "colour": colour, "kept_on": one.kept_on, "by": faces.name(here, one.kept_by), "loop": one.loop,
        "name": card.name if card else "", "age": spoken.age(card.birth_date, here.now) if card else "",
        "resident": card.resident if card else "",
        "doable": one.state in ("open", "overdue") and one.service != RENEWAL, "service": one.service,
        "mine": one.duty in here.duties,
    }  # fmt: skip
