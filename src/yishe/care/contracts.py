"""A family-doctor contract: applied for, reviewed, signed by both sides, renewed by a next one, ended with a reason.

Signing says who answers for the resident (people.empanelments), writes the year it promises, and keeps the agreement as a
PDF whose hash stands in the ledger.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from yishe.care import agreements, contract_stream, entries, year
from yishe.care.agreements import Signature
from yishe.care.contract_rows import promised, state_of
from yishe.care.contract_stream import advance, commit_
from yishe.care.models import Agreement, Contract, Owed
from yishe.loops import fulfilling, promises, reactions
from yishe.loops.models import Loop
from yishe.loops.promises import Wanted, gone_words
from yishe.loops.reactions import Fact
from yishe.loops.recording import Said
from yishe.people import access, directory, empanelments, packs, placements
from yishe.people.access import Permission
from yishe.people.actors import SYSTEM, Actor
from yishe.people.cards import Card, cards
from yishe.people.models import Subject
from yishe.people.particulars import ZONE
from yishe.people.placements import Placement
from yishe.policy import contract_year
from yishe.policy.contract_rules import RENEWAL, ContractSheet
from yishe.policy.contract_state import ENDED, REVIEWED, SIGNED, TEAM_CHANGED, ContractState
from yishe.policy.packs import SIGNED as FACT
from yishe.policy.refusals import Conflict, Invalid, NotFound
from yishe.trust import access_log, commit, ids
from yishe.trust.commit import Bundle

SIGN = "contract.sign"
OPEN_STAGES = ("applied", "reviewed")


@dataclass(frozen=True)
class Sides:
    """Who signs: the resident or who may for him (`signer`, a code of `consents.givers`), and the member of staff."""

    signer: str
    resident: Signature
    staff: Signature


@dataclass(frozen=True)
class Team:
    """Who will answer for the resident; what is None is taken from where he stands now."""

    team: UUID | None = None
    doctor: UUID | None = None
    social_worker: UUID | None = None


def sheet_now() -> ContractSheet:
    """What the packs in force say of contracts. Invalid when they say nothing."""
    found = packs.in_force().contracts
    if found is None:
        raise Invalid("no_contracts", "政策包没有签约的规定：请管理员补上 contracts.yaml。")
    return found


def apply(actor: Actor, resident: UUID, *, package: str, way: str, at: datetime) -> UUID:
    """Take down that a contract is wanted; returns its id. The review is promised as a loop.

    Conflict while one is applied for, or in force and not yet up for renewal; Invalid for an unknown package or way."""
    where, permission = _may(actor, entries.whose(resident), at)
    sheet = sheet_now()
    sheet.package(package)
    if way not in sheet.ways:
        raise Invalid(
            "way", f"签约方式请选：{_titles(sheet.ways.values())}。", field="way", possible=list(sheet.ways)
        )
    renews = _renewed(where, sheet, at.astimezone(ZONE).date())
    bundle, contract = Bundle(), ids.new()
    wanted = Wanted(sheet.application, sender=actor.staff_id)
    loop = promises.into(bundle, SYSTEM, where, wanted, Said(actor.staff_id, at)).state.id
    data = {"package": package, "way": way, "application": str(loop)}
    data |= {"renews": str(renews)} if renews else {}
    contract_stream.begin(
        bundle, contract, home=where.home, subject=where.subject, actor=actor, at=at, data=data
    )
    _line(bundle, "apply", where, actor, permission, at)
    commit_(bundle)
    return contract


def review(actor: Actor, contract: UUID, *, findings: str, at: datetime, package: str = "") -> None:
    """The team has looked at the resident's health; `package` changes what was asked for. Invalid without findings."""
    row, where, permission = _found(actor, contract, at)
    _staged(row, at, ("applied",), "健康审核")
    words = entries.text(findings, "健康审核意见")
    if not words:
        raise Invalid("findings", "请写下健康审核的结论：主要问题、是否适合所选服务包。", field="findings")
    chosen = package or row.package
    sheet_now().package(chosen)
    bundle = Bundle()
    advance(bundle, row, REVIEWED, actor, at, {"package": chosen}, {"findings": words})
    _review_done(bundle, actor, row, at)
    _line(bundle, "review", where, actor, permission, at)
    commit_(bundle)


def sign(
    actor: Actor, contract: UUID, sides: Sides, at: datetime, *, team: Team | None = None
) -> ContractState:
    """Both sides agree: the contract is in force from today, or from the day after the one it renews.

    Conflict before the review; Invalid without a birth date, for a signature that is none, or when a child or somebody
    incapable signs alone."""
    row, where, permission = _found(actor, contract, at)
    _staged(row, at, ("reviewed",), "签字")
    sheet, card = sheet_now(), cards([where.subject])[where.subject]
    today = at.astimezone(ZONE).date()
    since = _since(row, today)
    agreements.check(sides.resident, sides.staff, sheet)
    _capable(sides.signer, card, today)
    chosen = _team(where, team or Team())
    until = contract_year.end_of(since, sheet.months)
    facts = {"age": _age(card, since), "traits": list(card.traits), "renewed": row.renews is not None}
    owed = contract_year.year(sheet, packs.in_force().owing(row.package, facts, since), since, until)
    version, text = sheet.agreement(today)
    paper = agreements.made(
        agreements.Terms(row, card, sheet, text, version, since, until, owed, chosen.team), sides.signer,
        sides.resident, sides.staff, at,
    )  # fmt: skip
    data: dict[str, Any] = {
        "signer": sides.signer, "since": since.isoformat(), "until": until.isoformat(),
        "fee": sheet.package(row.package).fee, "agreement_version": version, "agreement_sha256": paper.sha256,
        **{name: str(one) if one else None for name, one in asdict(chosen).items()}, "year": _written(owed),
    }  # fmt: skip
    bundle = Bundle()
    state = advance(bundle, row, SIGNED, actor, at, data, paper.words)
    for item in data["year"]:
        bundle.insert(Owed, **promised(item, row.id, row.home, row.subject))
    bundle.insert(Agreement, id=row.id, home=row.home, subject=row.subject, sealed=paper.sealed)
    _line(bundle, "sign", where, actor, permission, at)
    _signed(bundle, actor, row, where, chosen, facts, at)
    return state


def _signed(
    bundle: Bundle, actor: Actor, row: Contract, where: Placement, chosen: Team, facts: dict[str, Any], at: datetime
) -> None:  # fmt: skip
    """Everything that signing brings with it, in one transaction; then what is due already is opened."""
    if row.renews is not None:
        year.open_due(at, contract=row.renews)
        year.kept_by_contract(bundle, actor, row.renews, RENEWAL, row.id, at)
    with commit.atomically():
        if chosen.team is not None:
            empanelments.empanel(
                actor, where.resident, chosen.team, at, doctor=chosen.doctor, social_worker=chosen.social_worker,
                source="contract", action=SIGN,
            )  # fmt: skip
        now = placements.placed(where.resident)
        # whoever may sign need not be of the team that answers from now on: then the rule speaks for itself
        speaker = actor if access.may(actor, promises.PROMISE, now, at).allowed else SYSTEM
        reactions.apply(Fact(FACT, row.id, facts), speaker, now, at, bundle)
        commit_(bundle)
    year.open_due(at, contract=row.id)


def change_team(actor: Actor, contract: UUID, team: Team, at: datetime) -> None:
    """Another team answers from now on; open promises are handed over by the rule that follows every such change."""
    row, where, permission = _found(actor, contract, at)
    _staged(row, at, ("active", "waiting"), "更换团队")
    if team.team is None:
        raise Invalid("team", "请选择新的签约团队。", field="team")
    bundle = Bundle()
    said = {name: str(one) if one else None for name, one in asdict(team).items()}
    advance(bundle, row, TEAM_CHANGED, actor, at, said)
    _line(bundle, "team", where, actor, permission, at)
    with commit.atomically():
        empanelments.empanel(
            actor, where.resident, team.team, at, doctor=team.doctor, social_worker=team.social_worker,
            source="contract",
        )  # fmt: skip
        commit_(bundle)


def end(actor: Actor, contract: UUID, *, reason: str, at: datetime, words: str = "") -> None:
    """End the contract, or take back an application. What it promised and is still open falls with it.

    Invalid for a reason the pack does not know, Conflict when it is over already."""
    row, where, permission = _found(actor, contract, at)
    _staged(row, at, ("applied", "reviewed", "waiting", "active"), "解约")
    sheet = sheet_now()
    if reason not in sheet.ends:
        known = _titles(one.title for one in sheet.ends.values())
        raise Invalid("reason", f"请选解约原因：{known}。", field="reason", possible=list(sheet.ends))
    bundle = _ended(row, sheet, actor, reason, entries.text(words, "说明"), at)
    _line(bundle, "end", where, actor, permission, at)
    commit_(bundle)


def _ended(
    row: Contract, sheet: ContractSheet, actor: Actor, reason: str, words: str, at: datetime
) -> Bundle:
    bundle = Bundle()
    advance(bundle, row, ENDED, actor, at, {"end_reason": reason}, {"words": words} if words else None)
    begun = row.owed.filter(kept_on=None, loop__isnull=False).values_list("loop", flat=True)
    loops = [row.application, *(one for one in begun if one)]
    for loop in Loop.objects.filter(id__in=loops, closed_at=None).order_by("id").values_list("id", flat=True):
        fulfilling.withdraw(bundle, loop, sheet.ends[reason].closes, Said(actor.staff_id, at))
    return bundle


def end_of_the_gone(at: datetime) -> int:
    """End the contracts of those who died, moved away or were erased; returns how many. Their loops end by their own rule."""
    here = Subject.objects.filter(resident__deceased_at=None, resident__moved_at=None).values("subject")
    rows = list(Contract.objects.filter(ended_at=None).exclude(subject__in=here))
    for row in rows:
        where = placements.placement_of_subject(row.subject)
        reason = "withdrawn" if where is None else "death" if where.deceased_at else "moved"
        bundle = Bundle()
        advance(bundle, row, ENDED, SYSTEM, at, {"end_reason": reason})
        commit_(bundle)
    return len(rows)


def _may(actor: Actor, where: Placement, at: datetime) -> tuple[Placement, Permission]:
    permission = access.require(actor, SIGN, where, at)
    if where.gone:
        raise Conflict("resident_gone", gone_words(where))
    return where, permission


def _found(actor: Actor, contract: UUID, at: datetime) -> tuple[Contract, Placement, Permission]:
    row = Contract.objects.filter(id=contract).first()
    where = placements.placement_of_subject(row.subject) if row else None
    if row is None or where is None:
        raise NotFound("no_contract", "没有这份签约：链接可能不完整，请从居民页面的“签约”打开。")
    return row, where, access.require(actor, SIGN, where, at)


def _staged(row: Contract, at: datetime, wanted: Sequence[str], doing: str) -> None:
    stage = state_of(row).stage(at.astimezone(ZONE).date())
    if stage not in wanted:
        raise Conflict(
            "wrong_stage", f"这份签约{STAGES[stage]}，现在不能{doing}：请刷新后看它走到哪一步。", stage=stage
        )


STAGES = {
    "applied": "还没有做健康审核", "reviewed": "已审核、等双方签字", "waiting": "已签字、尚未开始", "active": "正在履约",
    "expired": "已到期", "ended": "已结束",
}  # fmt: skip


def _renewed(where: Placement, sheet: ContractSheet, today: date) -> UUID | None:
    """The contract whose next year is asked for; Conflict when there is nothing to ask for now."""
    for row in of_resident(where.resident):
        stage = state_of(row).stage(today)
        if stage in OPEN_STAGES or stage == "waiting":
            raise Conflict(
                "applied_already", f"已有一份签约{STAGES[stage]}：请在那一份上继续。", existing=str(row.id)
            )
        if stage == "active" and row.until is not None:
            opens = row.until - sheet.renewal.before.exact()
            if today < opens:
                raise Conflict(
                    "contracted", f"已签约到 {row.until:%Y-%m-%d}：{opens:%Y-%m-%d} 起可以续签，要换服务包请先解约。",
                    existing=str(row.id),
                )  # fmt: skip
            return row.id
    return None


def _since(row: Contract, today: date) -> date:
    """A renewal begins where the year before ends; whatever comes later begins today."""
    before = Contract.objects.filter(id=row.renews, ended_at=None).first() if row.renews else None
    return max(today, before.until) if before and before.until else today


def _capable(signer: str, card: Card, today: date) -> None:
    sheet = packs.in_force().consents
    if signer not in sheet.givers:
        raise Invalid("signer", f"请选由谁签字：{_titles(sheet.givers.values())}。", field="signer")
    if signer == "resident" and sheet.needs_guardian(card.birth_date, today):
        raise Invalid("signer", "未成年人由监护人签字：请选监护人。", field="signer")


def _age(card: Card, on: date) -> int:
    age = card.age(on)
    if age is None:
        raise Invalid(
            "birth_date", "没有出生日期，定不了本年该做哪些项目：请先在居民资料里补上身份证号或出生日期。"
        )
    return age


def _team(where: Placement, wanted: Team) -> Team:
    team = wanted.team or where.team or where.neighbourhood_team
    if team is None:
        raise Invalid("team", "还没有团队负责这位居民：请选择签约团队。", field="team")
    kept = team == where.team
    return Team(
        team,
        wanted.doctor or (where.doctor if kept else None),
        wanted.social_worker or (where.social_worker if kept else None),
    )


def _review_done(bundle: Bundle, actor: Actor, row: Contract, at: datetime) -> None:
    if Loop.objects.filter(id=row.application, closed_at=None).exists():
        proof = {"type": "contract", "id": str(row.id)}
        said = Said(actor.staff_id, at)
        fulfilling.fulfil(bundle, actor, row.application, outcome="reviewed", proof=proof, said=said)


def _written(owed: Sequence[contract_year.Owed]) -> list[dict[str, Any]]:
    """The year as the ledger keeps it, each promise with an id of its own."""
    days = ("starts", "due", "ends")
    return [
        {
            "id": str(ids.new()),
            **asdict(one),
            **{name: getattr(one, name).isoformat() for name in days},
            "covers": list(one.covers),
        }
        for one in owed
    ]


def _line(
    bundle: Bundle, what: str, where: Placement, actor: Actor, permission: Permission, at: datetime
) -> None:
    access_log.line(bundle, home=where.home, actor=actor.staff_id, action=f"contract.{what}", subjects=[where.subject],
                    **permission.line, at=at)  # fmt: skip


def _titles(words: Any) -> str:
    return "、".join(str(one) for one in words)


# Readers


def of_resident(resident: UUID) -> list[Contract]:
    """Every contract of a resident, newest first. The caller has asked access."""
    subjects = placements.subjects_of(resident)
    return list(Contract.objects.filter(subject__in=subjects).order_by("-applied_at", "-id"))


def found(actor: Actor, contract: UUID, at: datetime) -> tuple[Contract, Placement]:
    """One contract for whoever may sign it, and where its resident stands. NotFound or Forbidden in words."""
    row, where, _ = _found(actor, contract, at)
    return row, where


def copy(actor: Actor, contract: UUID, at: datetime) -> bytes:
    """The signed agreement as it was signed, for the resident to take along; leaves an access line."""
    row, where, permission = _found(actor, contract, at)
    kept = Agreement.objects.filter(id=row.id).first()
    if kept is None:
        raise Conflict("not_signed", "这份签约还没有签字，没有协议可取。")
    access_log.line(None, home=where.home, actor=actor.staff_id, action="contract.copy", subjects=[where.subject],
                    **permission.line, at=at)  # fmt: skip
    return agreements.opened(kept)


def teams_for(where: Placement) -> list[tuple[UUID, str]]:
    """The teams of the resident's centre."""
    book = directory.current()
    return [(one.id, one.name) for one in book.units("team") if book.centre_of(one.id) == where.centre]
