"""Contracts signed on paper before the system: with their year as it stands today, and no clock in the past.

A window that has passed can be filled by a past follow-up and by nothing else; one that is open or to come is promised as
by any signing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from yishe.care import contract_stream, contracts, replanning
from yishe.care.contract_rows import changed, promised, written
from yishe.care.contract_stream import Once, advance
from yishe.care.contracts import Team
from yishe.care.models import Contract, Owed
from yishe.care.past_entries import Taken
from yishe.care.past_rows import Row
from yishe.loops import fulfilling
from yishe.loops.recording import Said
from yishe.people import empanelments, packs, placements
from yishe.people.actors import Actor
from yishe.people.cards import cards
from yishe.people.import_matching import CREATED, HELD, UNCHANGED
from yishe.people.particulars import ZONE, Questioned
from yishe.people.placements import Placement
from yishe.policy import contract_year
from yishe.policy.contract_rules import IN_ERROR
from yishe.policy.contract_state import ENDED, REPLANNED, SIGNED, TEAM_CHANGED
from yishe.policy.refusals import Conflict
from yishe.trust import commit, ids, ledger
from yishe.trust.commit import Bundle

WAY = "centre"
IMPORT = "people.import"
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Claim:
    """What a row says; in force from `since` to the day before `until`."""

    package: str
    since: date
    until: date
    signed_on: date
    team: Team

    @property
    def key(self) -> tuple[object, ...]:
        return (self.since,)


def read(row: Row) -> Claim:
    """Questioned for a package that is not approved, or days that make no term of the pack's length."""
    sheet = contracts.sheet_now()
    usable = {code: str(one.title) for code, one in sheet.packages.items() if one.status == "approved"}
    package = row.coded("package", "package", usable)
    signed_on = row.past_day("signed_on")
    since = row.day("since") or signed_on
    if since > row.today:
        raise Questioned("since", "in_the_future", f"协议开始 {since} 在将来：还没开始的请在“签约”里办。")
    if since != signed_on:
        row.past_day("since")  # nor before her birth
    whole = contract_year.end_of(since, sheet.months)
    last = row.day("until")
    if last is not None and not since <= last <= whole:
        raise Questioned(
            "until",
            "term",
            f"协议 {since} 至 {last} 不是 {sheet.months} 个月以内的一期：请核对日期；几年的请一年一行。",
        )
    until = whole if last is None or last == whole else last + DAY
    team, doctor, worker = row.names.answering(row.said, row.centre, row.hints)
    return Claim(package, since, until, signed_on, Team(team, doctor, worker))


def judge(claim: Claim, where: Placement, actor: Actor, at: datetime) -> tuple[str, str]:
    """Held when another contract holds in these days, or nobody would answer for her, or her age is not known."""
    for row in contracts.of_resident(where.resident):
        if row.since == claim.since and row.package == claim.package and row.ended_at is None:
            return UNCHANGED, "这份签约已经在了"
        if row.ended_at is None and row.since is None:
            return HELD, "有一份签约申请还没办完：请先办完或取消它，再导入这一行。"
        if (
            row.ended_at is None
            and row.since
            and row.until
            and row.since < claim.until
            and claim.since < row.until
        ):
            return HELD, f"与已有的签约（{row.since} 至 {row.until - DAY}）日期重叠：请核对是哪一份。"
    if cards([where.subject])[where.subject].birth_date is None:
        return HELD, "档案里没有出生日期，定不了该做哪些项目：请先在居民资料里补上，再导入这一行。"
    if claim.until > _today(at) and (claim.team.team or where.team or where.neighbourhood_team) is None:
        return HELD, "没有写签约团队，档案里也没有：请补上团队，再导入这一行。"
    return CREATED, ""


def write(claim: Claim, where: Placement, actor: Actor, at: datetime) -> Taken:
    """The stream of the contract as it would stand, had it been signed here. What it promises from today on is opened by the
    daily round, like every year's."""
    contract, chosen = ids.new(), _team(claim, where)
    with commit.atomically():
        if chosen.team is not None and claim.until > _today(at):
            empanelments.empanel(
                actor, where.resident, chosen.team, at, doctor=chosen.doctor, social_worker=chosen.social_worker,
                source="contract", action=IMPORT,
            )  # fmt: skip
        bundle = Bundle()
        data = {"package": claim.package, "way": WAY, "application": str(contract)}
        contract_stream.begin(
            bundle,
            contract,
            home=where.home,
            subject=where.subject,
            actor=actor,
            at=at,
            data=data,
            once=Once(),
        )
        bundle.commit()
        bundle = Bundle()
        signed = _signed(claim, where, chosen, at)
        advance(bundle, Contract.objects.get(id=contract), SIGNED, actor, at, signed)
        for item in signed["year"]:
            bundle.insert(Owed, **promised(item, contract, where.home, where.subject))
        bundle.commit()
    return Taken({"contract": str(contract)})


def undo(made: Mapping[str, Any], where: Placement, actor: Actor, at: datetime) -> str:
    """The contract ends as entered in error: nothing of its year was ever owed. Conflict when something was built upon it since:
    a promise kept, a change of team, an end, a next contract."""
    row, sheet = Contract.objects.get(id=UUID(made["contract"])), contracts.sheet_now()
    owed = list(row.owed.filter(withdrawn_on=None))
    _bare(row, owed)
    bundle, since = Bundle(), row.since or _today(at)
    said = {
        "on": since.isoformat(), "year": [], "covers": [],
        "withdrawn": [{"id": str(one.id), "why": IN_ERROR} for one in owed],
    }  # fmt: skip
    advance(bundle, row, REPLANNED, actor, at, said)
    for which, values in changed(said, since).items():
        bundle.update(Owed, where={"id": UUID(which)}, values=values)
    for loop in [one.loop for one in owed if one.loop]:
        fulfilling.withdraw(bundle, loop, sheet.replanning.why(IN_ERROR).closes, Said(actor.staff_id, at))
    advance(bundle, row, ENDED, actor, at, {"end_reason": IN_ERROR})
    bundle.commit()
    return "签约团队没有改回：请核对现在由哪个团队负责"


def _bare(row: Contract, owed: Sequence[Owed]) -> None:
    kept = sum(one.kept_on is not None for one in owed)
    if kept:
        raise Conflict("built_upon", f"这份签约后来记了 {kept} 次履约：先撤销或更正那些，再撤销它。")
    if row.ended_at is not None:
        raise Conflict("built_upon", "这份签约后来已经结束：保留结束的记录，不撤销。")
    if Contract.objects.filter(renews=row.id).exists():
        raise Conflict("built_upon", "这份签约后来续了下一年：请先处理下一年那份。")
    if any(one.kind == TEAM_CHANGED for one in ledger.entries(row.id)):
        raise Conflict("built_upon", "这份签约后来换过团队：请在签约里办解约，不撤销。")


def _signed(claim: Claim, where: Placement, chosen: Team, at: datetime) -> dict[str, Any]:
    sheet, card = contracts.sheet_now(), cards([where.subject])[where.subject]
    traits = sorted(replanning.traits_of(where.resident, card.traits))
    facts = {"age": card.age(claim.since), "traits": traits, "renewed": False}
    claims = packs.in_force().owing(claim.package, facts, claim.since)
    year = [_stands(one, _today(at)) for one in contract_year.year(sheet, claims, claim.since, claim.until)]
    return {
        "signer": "resident", "since": claim.since.isoformat(), "until": claim.until.isoformat(), "fee": None,
        "paper_on": claim.signed_on.isoformat(), "agreement_version": "", "agreement_sha256": "",
        "items": dict(sheet.package(claim.package).items), "year": written(year),
        **{name: str(one) if one else None for name, one in asdict(chosen).items()},
    }  # fmt: skip


def _stands(owed: contract_year.Owed, today: date) -> contract_year.Owed:
    """A window that has passed stays as it was; nobody is hurried for it now."""
    return replace(owed, ends=owed.due) if owed.due < today else owed


def _team(claim: Claim, where: Placement) -> Team:
    team = claim.team.team or where.team or where.neighbourhood_team
    kept = team == where.team
    return Team(
        team,
        claim.team.doctor or (where.doctor if kept else None),
        claim.team.social_worker or (where.social_worker if kept else None),
    )


def _today(at: datetime) -> date:
    return at.astimezone(ZONE).date()


def covering(where: Placement, day: date) -> Contract | None:
    """The contract whose term holds that day."""
    subjects: list[UUID] = placements.subjects_of(where.resident)
    rows = Contract.objects.filter(subject__in=subjects, since__lte=day, until__gt=day, ended_at=None)
    return rows.order_by("-since").first()
