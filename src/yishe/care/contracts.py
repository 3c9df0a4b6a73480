"""A family-doctor contract: applied for, reviewed, signed by both sides (`care.signing`), renewed by a next one, handed to
another team, ended with a reason."""

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from yishe.care import attempts, contract_stream, entries, seeking
from yishe.care.contract_rows import state_of
from yishe.care.contract_stream import UNNAMED, Once, advance, commit_
from yishe.care.models import Contract
from yishe.loops import fulfilling, promises
from yishe.loops.models import Loop
from yishe.loops.promises import Wanted, gone_words
from yishe.loops.recording import Said
from yishe.people import access, directory, empanelments, packs, placements
from yishe.people.access import Permission
from yishe.people.actors import SYSTEM, Actor
from yishe.people.particulars import ZONE
from yishe.people.placements import Placement
from yishe.policy.contract_rules import ContractSheet
from yishe.policy.contract_state import ATTEMPTED, ENDED, REVIEWED, TEAM_CHANGED
from yishe.policy.refusals import Conflict, Invalid, NotFound
from yishe.trust import access_log, commit, ids, keys, ledger
from yishe.trust.commit import Bundle
from yishe.trust.sparing import sparing

SIGN, OWN = "contract.sign", "contract.own"
ONLINE = "online"
OPEN_STAGES = ("applied", "reviewed")


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


def apply(
    actor: Actor, resident: UUID, *, package: str, way: str, at: datetime, once: Once = UNNAMED
) -> UUID:
    """Take down that a contract is wanted; returns its id. The review is promised as a loop. The resident herself asks online.

    Conflict while one is applied for, or in force and not yet up for renewal; Invalid for an unknown package or way."""
    before = once.done(actor, at)
    if before is not None:
        return before
    where, permission = _may(actor, entries.whose(resident), at)
    sheet, way = sheet_now(), ONLINE if permission.relation == access.OWN else way
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
        bundle, contract, home=where.home, subject=where.subject, actor=actor, at=at, data=data, once=once
    )
    line(bundle, "apply", where, actor, permission, at)
    commit_(bundle)
    return contract


def review(
    actor: Actor, contract: UUID, *, findings: str, at: datetime, package: str = "", once: Once = UNNAMED
) -> None:
    """The team has looked at the resident's health; `package` changes what was asked for. Said again before both have signed,
    it stands instead, and what the resident has signed meanwhile is void. Invalid without findings."""
    if once.done(actor, at):
        return
    row, where, permission = found(actor, contract, at)
    require_stage(row, at, OPEN_STAGES, "健康审核")
    require_here(where)
    words = entries.text(findings, "健康审核意见")
    if not words:
        raise Invalid("findings", "请写下健康审核的结论：主要问题、是否适合所选服务包。", field="findings")
    chosen = package or row.package
    sheet_now().package(chosen)
    bundle, asked = Bundle(), row.countersignature
    advance(bundle, row, REVIEWED, actor, at, {"package": chosen}, {"findings": words}, once)
    if asked and _open(asked):
        closes = sheet_now().countersignature.voided.closes
        fulfilling.withdraw(bundle, asked, closes, Said(actor.staff_id, at))
    _review_done(bundle, actor, row, at)
    line(bundle, "review", where, actor, permission, at)
    commit_(bundle)


def change_team(actor: Actor, contract: UUID, team: Team, at: datetime, once: Once = UNNAMED) -> None:
    """Another team answers from now on; open promises are handed over by the rule that follows every such change."""
    if once.done(actor, at):
        return
    row, where, permission = found(actor, contract, at)
    require_stage(row, at, ("active", "waiting"), "更换团队")
    require_here(where)
    if team.team is None:
        raise Invalid("team", "请选择新的签约团队。", field="team")
    bundle = Bundle()
    said = {name: str(one) if one else None for name, one in asdict(team).items()}
    advance(bundle, row, TEAM_CHANGED, actor, at, said, once=once)
    line(bundle, "team", where, actor, permission, at)
    with commit.atomically():
        empanelments.empanel(
            actor, where.resident, team.team, at, doctor=team.doctor, social_worker=team.social_worker,
            source="contract",
        )  # fmt: skip
        commit_(bundle)


def end(
    actor: Actor, contract: UUID, *, reason: str, at: datetime, words: str = "", once: Once = UNNAMED
) -> None:
    """End the contract, or take back an application. What it promised and is still open falls with it.

    Invalid for a reason the pack does not know; Conflict when it is over already, or when she was not tried as often as ending
    for lost contact wants."""
    if once.done(actor, at):
        return
    row, where, permission = found(actor, contract, at)
    require_stage(row, at, ("applied", "reviewed", "waiting", "active"), "解约")
    sheet = sheet_now()
    chosen = sheet.choosable
    if reason not in chosen:
        known = _titles(one.title for one in chosen.values())
        raise Invalid("reason", f"请选解约原因：{known}。", field="reason", possible=list(chosen))
    attempts.require_tried(where, reason)
    bundle = _ended(row, sheet, actor, reason, entries.text(words, "说明"), at, once)
    line(bundle, "end", where, actor, permission, at)
    commit_(bundle)


def _ended(
    row: Contract, sheet: ContractSheet, actor: Actor, reason: str, words: str, at: datetime, once: Once
) -> Bundle:
    bundle = Bundle()
    advance(bundle, row, ENDED, actor, at, {"end_reason": reason}, {"words": words} if words else None, once)
    begun = row.owed.filter(kept_on=None, loop__isnull=False).values_list("loop", flat=True)
    loops = [
        one for one in (row.application, row.countersignature, *seeking.visits([row.subject]), *begun) if one
    ]
    for loop in Loop.objects.filter(id__in=loops, closed_at=None).order_by("id").values_list("id", flat=True):
        fulfilling.withdraw(bundle, loop, sheet.ends[reason].closes, Said(actor.staff_id, at))
    return bundle


def end_of_the_gone(at: datetime, only: Collection[UUID] | None = None) -> int:
    """End the contracts of those who died, moved away or were erased, of `only` these subjects when they are named; returns how
    many. Their loops end by their own rule. One that is being written to is left to the next time."""
    ended = 0
    for row in list(placements.of_the_gone(Contract.objects.filter(ended_at=None), only)):
        where = placements.placement_of_subject(row.subject)
        reason = "withdrawn" if where is None else "death" if where.deceased_at else "moved"
        bundle = Bundle()
        with suppress(Conflict), sparing("the contract of somebody gone"):
            advance(bundle, row, ENDED, SYSTEM, at, {"end_reason": reason})
            commit_(bundle)
            ended += 1
    return ended


def _may(actor: Actor, where: Placement, at: datetime) -> tuple[Placement, Permission]:
    permission = access.require(actor, OWN if actor.staff_id == where.subject else SIGN, where, at)
    require_here(where)
    return where, permission


def require_here(where: Placement) -> None:
    """Conflict for somebody who has died, moved away or was merged: nothing is agreed with her any more."""
    if where.gone:
        raise Conflict("resident_gone", gone_words(where))


def found(
    actor: Actor, contract: UUID, at: datetime, *, own: bool = False
) -> tuple[Contract, Placement, Permission]:
    """A contract, where its resident stands now, and by what right this person comes to it; with `own` the resident may, too.
    NotFound, Forbidden."""
    row = Contract.objects.filter(id=contract).first()
    where = placements.placement_of_subject(row.subject) if row else None
    if row is None or where is None:
        raise NotFound("no_contract", "没有这份签约：链接可能不完整，请从居民页面的“签约”打开。")
    hers = own and actor.staff_id == where.subject
    return row, where, access.require(actor, OWN if hers else SIGN, where, at)


def require_stage(row: Contract, at: datetime, wanted: Sequence[str], doing: str) -> None:
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


def _review_done(bundle: Bundle, actor: Actor, row: Contract, at: datetime) -> None:
    if _open(row.application):
        answered(bundle, actor, row, row.application, "reviewed", at)


def answered(bundle: Bundle, actor: Actor, row: Contract, loop: UUID, outcome: str, at: datetime) -> None:
    """What somebody was asked to do about this contract is done by it."""
    proof = {"type": "contract", "id": str(row.id)}
    fulfilling.fulfil(bundle, actor, loop, outcome=outcome, proof=proof, said=Said(actor.staff_id, at))


def _open(loop: UUID) -> bool:
    return Loop.objects.filter(id=loop, closed_at=None).exists()


def line(
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


def agreements_of(residents: Iterable[UUID], today: date) -> dict[UUID, UUID]:
    """resident → her newest contract that is not over and has a sealed agreement. Two statements. The caller has asked access."""
    whose = placements.subjects_of_all(residents)
    rows = Contract.objects.filter(subject__in=list(whose), ended_at=None, until__gt=today)
    signed = rows.exclude(agreement_sha256="").order_by("applied_at", "id")
    return {whose[subject]: contract for contract, subject in signed.values_list("id", "subject")}


def words_of(row: Contract) -> dict[str, str]:
    """Everything written into the contract's stream in words: findings, names and strokes of both sides (`care.attempts.notes`: how
    she was tried to be reached). The caller has asked access."""
    key = keys.wrapped_key(row.subject)
    told = [entry for entry in ledger.entries(row.id) if entry.kind != ATTEMPTED]
    return {name: words for entry in told for name, words in ledger.words(entry, key).items()}


def teams_for(where: Placement) -> list[tuple[UUID, str]]:
    """The teams of the resident's centre."""
    book = directory.current()
    return [(one.id, one.name) for one in book.units("team") if book.centre_of(one.id) == where.centre]
