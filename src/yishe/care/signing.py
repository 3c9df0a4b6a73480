"""Signing a contract: both sides agree, and everything that follows is written in one transaction.

Who answers for the resident (people.empanelments), the year it promises, the agreement as a PDF whose hash stands in the
ledger, and what packs say follows from a contract signed.
"""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from yishe.care import agreements, class_stream, contracts, replanning, year
from yishe.care.agreements import Signature
from yishe.care.class_models import ClassDue
from yishe.care.contract_rows import promised, state_of, written
from yishe.care.contract_stream import UNNAMED, Once, advance, commit_
from yishe.care.contracts import SIGN, Team
from yishe.care.models import Agreement, Contract, Owed
from yishe.loops import fulfilling, promises, reactions
from yishe.loops.models import Loop
from yishe.loops.promises import Wanted
from yishe.loops.reactions import Fact
from yishe.loops.recording import Said
from yishe.people import access, directory, empanelments, packs, placements
from yishe.people.actors import SYSTEM, Actor
from yishe.people.cards import Card, cards
from yishe.people.particulars import ZONE
from yishe.people.placements import Placement
from yishe.policy import contract_year
from yishe.policy.contract_rules import RENEWAL
from yishe.policy.contract_state import AGREED, SIGNED
from yishe.policy.loop_state import LoopState
from yishe.policy.packs import SIGNED as FACT
from yishe.policy.refusals import Conflict, Forbidden, Invalid, Refused
from yishe.talk import outbox
from yishe.trust import access_log, commit
from yishe.trust.commit import Bundle

RESIDENT = "resident"


@dataclass(frozen=True)
class Sides:
    """Who signs: the resident or who may for him (`signer`, a code of `consents.givers`), and the member of staff. Without
    `resident` the signature counts that she left online (`agree`)."""

    signer: str
    resident: Signature | None
    staff: Signature


@dataclass(frozen=True)
class Coming:
    """The year a contract would promise, and from what it follows."""

    since: date
    until: date
    owed: tuple[contract_year.Owed, ...]
    facts: dict[str, Any]


@dataclass(frozen=True)
class Hers:
    """The resident's side: who signed for it, how, and when."""

    signer: str
    signature: Signature
    at: datetime


def agree(
    actor: Actor, contract: UUID, mine: Signature, at: datetime, *, version: str, once: Once = UNNAMED
) -> None:
    """The resident signs her side online, having read `version` of the agreement; the team's own is promised as a loop.

    Conflict before the review, when she has signed already, or when the text is another one by now; Invalid for a signature
    that is none or somebody else's, and for a child, who signs through a guardian."""
    if once.done(actor, at):
        return
    row, where, permission = contracts.found(actor, contract, at, own=True)
    if permission.relation != access.OWN:
        raise Forbidden("not_hers", "这里只收居民本人的线上签字：当面签请用“双方签字”。")
    contracts.require_stage(row, at, ("reviewed",), "签字")
    contracts.require_here(where)
    if row.agreed_at is not None:
        raise Conflict("agreed_already", "您已经签过字了：等团队签字后协议生效。")
    _may_agree(row, where, mine, version, at.astimezone(ZONE).date())
    bundle, said = Bundle(), {"signer": RESIDENT, "agreement_version": version}
    said |= {"items": _package(row)["items"]}
    asked = _countersignature(bundle, where, actor, at)
    said |= {"countersignature": str(asked.id)} if asked else {}
    advance(bundle, row, AGREED, actor, at, said, mine.words("resident"), once)
    contracts.line(bundle, "agree", where, actor, permission, at)
    told = dict.fromkeys((row.reviewed_by, where.doctor))
    for person in (one for one in told if one and (asked is None or one != asked.performer)):
        outbox.tell(bundle, home=where.home, person=person, topic="contract.agreed", key=f"agreed:{row.id}:{row.seq}:{person}",
                    at=at, subject=where.subject)  # fmt: skip
    commit_(bundle)


def _countersignature(bundle: Bundle, where: Placement, actor: Actor, at: datetime) -> LoopState | None:
    """The promise that the team signs too; None when nobody can take it or its kind is not approved: then those who know her are
    told, and her signature stands all the same."""
    wanted = Wanted(contracts.sheet_now().countersignature.kind, sender=actor.staff_id)
    try:
        return promises.into(bundle, SYSTEM, where, wanted, Said(actor.staff_id, at)).state
    except Refused:
        return None


def _countersigned(bundle: Bundle, actor: Actor, row: Contract, at: datetime) -> None:
    """What asked for the team's signature is answered by it; one that somebody sent back has nothing left to ask."""
    asked = row.countersignature
    loop = Loop.objects.filter(id=asked, closed_at=None).first() if asked else None
    if loop is not None and loop.turn == "performer":
        contracts.answered(bundle, actor, row, loop.id, "signed", at)
    elif loop is not None:
        closes = contracts.sheet_now().countersignature.voided.closes
        fulfilling.withdraw(bundle, loop.id, closes, Said(actor.staff_id, at))


def _may_agree(row: Contract, where: Placement, mine: Signature, version: str, today: date) -> None:
    """Whether text, package, name and age are such that her signature counts."""
    sheet, card = contracts.sheet_now(), _card(where)
    current, _ = sheet.agreement(today)
    if version != current:
        raise Conflict("text_changed", "协议文本刚刚更新：请重新看一遍再签字。", version=current)
    sheet.package(row.package)
    agreements.check("居民", mine, sheet)
    _capable(RESIDENT, card, today)
    _named(RESIDENT, mine, card)
    _no_other(row, where, today)


def sign(
    actor: Actor,
    contract: UUID,
    sides: Sides,
    at: datetime,
    *,
    team: Team | None = None,
    once: Once = UNNAMED,
) -> None:
    """Both sides agree: the contract is in force from today, or from the day after the one it renews.

    Conflict before the review, for whoever has gone, while another contract is in force, and when text or package are others
    than the resident signed online; Invalid without a birth date, for a signature that is none or somebody else's, or when a
    child signs alone."""
    if once.done(actor, at):
        return
    row, where, permission = contracts.found(actor, contract, at)
    contracts.require_stage(row, at, ("reviewed",), "签字")
    contracts.require_here(where)
    sheet, card, today = contracts.sheet_now(), _card(where), at.astimezone(ZONE).date()
    version, text = sheet.agreement(today)
    hers = _hers(row, sides, version, at)
    agreements.check("居民", hers.signature, sheet)
    agreements.check("医护", sides.staff, sheet)
    _capable(hers.signer, card, today)
    _no_other(row, where, today)
    chosen, coming = _team(where, team or Team()), _coming(row, card, today)
    _named(hers.signer, hers.signature, card)
    terms = agreements.Terms(
        row, card, sheet, text, version, coming.since, coming.until, coming.owed, chosen.team)  # fmt: skip
    paper = agreements.made(terms, (hers.signer, hers.signature, hers.at), (sides.staff, at))
    data = _said(hers.signer, coming, version, paper.sha256, chosen) | _package(row)
    bundle = Bundle()
    advance(bundle, row, SIGNED, actor, at, data, paper.words, once)
    for item in data["year"]:
        bundle.insert(Owed, **promised(item, row.id, row.home, row.subject))
    bundle.insert(Agreement, id=row.id, home=row.home, subject=row.subject, sealed=paper.sealed)
    bundle.insert(ClassDue, home=where.home, subject=where.subject, author=actor.staff_id, at=at)
    contracts.line(bundle, "sign", where, actor, permission, at)
    _signed(bundle, actor, row, where, chosen, coming.facts, at)


def _package(row: Contract) -> dict[str, Any]:
    """What is signed of the package: its yearly counts hold for the term (decision 10)."""
    found = contracts.sheet_now().package(row.package)
    return {"fee": found.fee, "items": dict(found.items)}


def _hers(row: Contract, sides: Sides, version: str, at: datetime) -> Hers:
    """The resident's signature: given now, or left online under the text that is in force."""
    if sides.resident is not None:
        return Hers(sides.signer, sides.resident, at)
    if row.agreed_at is None:
        raise Invalid("signature", "居民一方还没有签字：请居民签字，或等居民在线上签。", field="signature")
    if row.agreement_version != version:
        raise Conflict(
            "text_changed", "居民签字以后协议文本更新过：请居民重新看过，当面再签。", version=version
        )
    if row.items and row.items != _package(row)["items"]:
        raise Conflict("package_changed", "居民签字以后服务包的项目改过：请居民重新看过，当面再签。")
    said = contracts.words_of(row)
    return Hers(row.signer, Signature(said["resident_signed"], said.get("resident_drawn", "")), row.agreed_at)


def _card(where: Placement) -> Card:
    return cards([where.subject])[where.subject]


def _named(signer: str, signature: Signature, card: Card) -> None:
    """Invalid when the resident's own side bears another name than hers."""
    if signer == RESIDENT and "".join(signature.name.split()) != "".join(card.name.split()):
        raise Invalid(
            "signature", "签名和居民姓名不一致：本人签字要写档案上的姓名；由别人代签，请选监护人或受委托的人。", field="signature",
        )  # fmt: skip


def _no_other(row: Contract, where: Placement, today: date) -> None:
    """Conflict while another contract of hers holds that this one does not renew; records that were merged bring such."""
    for other in contracts.of_resident(where.resident):
        if other.id not in (row.id, row.renews) and state_of(other).stage(today) in ("active", "waiting"):
            raise Conflict(
                "contracted", f"这位居民另有一份签约到 {other.until:%Y-%m-%d}：请先结束其中一份，再签这份。",
                existing=str(other.id),
            )  # fmt: skip


def _said(signer: str, coming: Coming, version: str, sha256: str, chosen: Team) -> dict[str, Any]:
    """What the entry of a signing says, but for the fee."""
    return {
        "signer": signer, "since": coming.since.isoformat(), "until": coming.until.isoformat(),
        "agreement_version": version, "agreement_sha256": sha256, "year": written(coming.owed),
        **{name: str(one) if one else None for name, one in asdict(chosen).items()},
    }  # fmt: skip


def _signed(
    bundle: Bundle, actor: Actor, row: Contract, where: Placement, chosen: Team, facts: dict[str, Any], at: datetime
) -> None:  # fmt: skip
    """Everything that signing brings with it, in one transaction; then what is due already is opened."""
    _countersigned(bundle, actor, row, at)
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


def _coming(row: Contract, card: Card, today: date) -> Coming:
    """The year as it would be promised if it were signed now."""
    sheet, since = contracts.sheet_now(), _since(row, today)
    until = contract_year.end_of(since, sheet.months)
    traits = replanning.traits_of(card.resident, card.traits)
    facts = {"age": _age(card, since), "traits": sorted(traits), "renewed": row.renews is not None}
    facts = {**packs.in_force().classed(facts, since), **facts}
    facts |= class_stream.standing([card.resident], today).get(card.resident, {})
    claims = packs.in_force().owing(row.package, facts, since)
    return Coming(since, until, contract_year.year(sheet, claims, since, until), facts)


def _since(row: Contract, today: date) -> date:
    """A renewal begins where the year before ends; whatever comes later begins today."""
    before = Contract.objects.filter(id=row.renews, ended_at=None).first() if row.renews else None
    return max(today, before.until) if before and before.until else today


def _capable(signer: str, card: Card, today: date) -> None:
    sheet = packs.in_force().consents
    if signer not in sheet.givers:
        known = "、".join(str(one) for one in sheet.givers.values())
        raise Invalid("signer", f"请选由谁签字：{known}。", field="signer", possible=list(sheet.givers))
    if signer == RESIDENT and sheet.needs_guardian(card.birth_date, today):
        raise Invalid("signer", "未成年人由监护人签字：请选监护人。", field="signer")


def _age(card: Card, on: date) -> int:
    age = card.age(on)
    if age is None:
        raise Invalid(
            "birth_date", "没有出生日期，定不了本年该做哪些项目：请先在居民资料里补上身份证号或出生日期。"
        )
    return age


def answering(where: Placement) -> UUID | None:
    """The team that a contract names when none is chosen: the one that answers now, else the neighbourhood's, else the
    enterprise's."""
    return where.team or where.neighbourhood_team or directory.current().team_of(where.workplace)


def _team(where: Placement, wanted: Team) -> Team:
    team = wanted.team or answering(where)
    if team is None:
        raise Invalid("team", "还没有团队负责这位居民：请选择签约团队。", field="team")
    kept = team == where.team
    return Team(
        team,
        wanted.doctor or (where.doctor if kept else None),
        wanted.social_worker or (where.social_worker if kept else None),
    )


# Readers


def coming(actor: Actor, contract: UUID, at: datetime) -> Coming:
    """The year that signing now would promise. Invalid without a birth date."""
    row, where, _ = contracts.found(actor, contract, at, own=True)
    return _coming(row, _card(where), at.astimezone(ZONE).date())


def copy(actor: Actor, contract: UUID, at: datetime) -> bytes:
    """The signed agreement as it was signed, for the resident to take along; leaves an access line."""
    row, where, permission = contracts.found(actor, contract, at, own=True)
    kept = Agreement.objects.filter(id=row.id).first()
    if kept is None:
        raise Invalid("not_signed", "这份签约还没有签字，没有协议可取。")
    access_log.line(None, home=where.home, actor=actor.staff_id, action="contract.copy", subjects=[where.subject],
                    **permission.line, at=at)  # fmt: skip
    return agreements.opened(kept)
