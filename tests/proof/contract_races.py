"""Several people at one contract in the same instant: they sign it, she signs online, others end it or change its team.

Each in a process of its own (tests.proof.racing)."""

import hashlib
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import date

from tests.proof.writers import Stage
from yishe.care import contracts, signing
from yishe.care.agreements import Signature
from yishe.care.contracts import Team
from yishe.care.models import Agreement, Contract, Owed
from yishe.care.signing import Sides
from yishe.loops.models import Loop
from yishe.people import actors, own_accounts, residents
from yishe.people.models import Empanelment, Subject
from yishe.policy.refusals import Refused
from yishe.trust import ledger
from yishe.trust.models import Entry

Work = Callable[[], Counter[str]]
Together = Callable[[list[Work]], Counter[str]]
HERS = Signature("居民某")


def signings(stage: Stage, together: Together, count: int) -> Counter[str]:
    """Doctor, nurse and director sign at once: signed once, and the others are told. Then she signs online while the doctor signs
    for both: whichever came first, nothing is doubled, and who lost may do it again."""
    found = Counter[str]()
    for _ in range(count):
        contract, _ = _reviewed(stage)
        found += together([_signing(stage, contract, name) for name in ("医生1", "护士1", "主任1")])
        found["signings"] += 1
        found["signings_wrong"] += len(_signed_wrong(contract))
    contract, resident = _reviewed(stage)
    met = together([_agreeing(stage, contract, resident), _signing(stage, contract, "医生1")])
    found["agreed_or_signed"] += met["agreed"] + met["signed"]
    if not met["signed"]:
        signing.sign(stage.town.actor("医生1"), contract, _sides("医生1"), stage.at)
    found["signings_wrong"] += len(_signed_wrong(contract))
    return found


def endings(stage: Stage, together: Together, count: int) -> Counter[str]:
    """Two end it while a third changes its team: over once, and nothing it promised stays open."""
    found = Counter[str]()
    for _ in range(count):
        contract, _ = _reviewed(stage)
        signing.sign(stage.town.actor("医生1"), contract, _sides("医生1"), stage.at)
        works = [
            _ending(stage, contract, "医生1"),
            _ending(stage, contract, "主任1"),
            _moving(stage, contract),
        ]
        met = together(works)
        if not met["ended"]:  # the team was changed first, and both were told to look again
            contracts.end(stage.town.actor("医生2"), contract, reason="asked", at=stage.at)
            met["ended"] += 1
        found += met
        found["endings"] += 1
        found["endings_wrong"] += len(_ended_wrong(contract))
    return found


def _reviewed(stage: Stage) -> tuple[uuid.UUID, uuid.UUID]:
    """A contract that waits for both signatures, and whose it is."""
    by = stage.town.actor("医生1")
    said = {
        "name": HERS.name, "birth_date": date(1950, 1, 1), "team": stage.town.teams[0], "doctor": by.staff_id,
        "social_worker": stage.town.staff["社工1"],
    }  # fmt: skip
    who = residents.register(actors.SYSTEM, said, stage.at, centre=stage.town.centres[0]).resident
    contract = contracts.apply(by, who, package="basic", way="centre", at=stage.at)
    contracts.review(by, contract, findings="适合基础包", at=stage.at)
    return contract, who


def _sides(name: str) -> Sides:
    return Sides("resident", HERS, Signature(name))


def _signing(stage: Stage, contract: uuid.UUID, name: str) -> Work:
    return _told("signed", lambda: signing.sign(stage.town.actor(name), contract, _sides(name), stage.at))


def _agreeing(stage: Stage, contract: uuid.UUID, resident: uuid.UUID) -> Work:
    version, _ = contracts.sheet_now().agreement(date(2026, 3, 2))
    mine = own_accounts.required(own_accounts.of_resident(resident, stage.at).pk).actor
    return _told("agreed", lambda: signing.agree(mine, contract, HERS, stage.at, version=version))


def _ending(stage: Stage, contract: uuid.UUID, name: str) -> Work:
    by = stage.town.actor(name)
    return _told("ended", lambda: contracts.end(by, contract, reason="asked", at=stage.at))


def _moving(stage: Stage, contract: uuid.UUID) -> Work:
    wanted = Team(stage.town.teams[1], stage.town.staff["医生2"], stage.town.staff["社工2"])
    by = stage.town.actor("主任1")
    return _told("moved", lambda: contracts.change_team(by, contract, wanted, stage.at))


def _told(word: str, act: Callable[[], object]) -> Work:
    """What came of it: done, or refused in words."""

    def work() -> Counter[str]:
        try:
            act()
        except Refused as refused:
            return Counter({f"{word}_refused": 1, "contract_wordless": int(not refused.title)})
        return Counter({word: 1})

    return work


def _signed_wrong(contract: uuid.UUID) -> list[str]:
    """Signed once, with one paper whose hash row and ledger name, one year, and one team that answers."""
    row = Contract.objects.get(id=contract)
    (entry,) = Entry.objects.filter(stream=contract, kind="contract.signed")
    paper = signing.agreements.opened(Agreement.objects.get(id=contract))
    hashes = {
        hashlib.sha256(paper).hexdigest(), row.agreement_sha256, ledger.facts_of(entry)["agreement_sha256"],
    }  # fmt: skip
    year = [(one.service, one.times, one.nth) for one in Owed.objects.filter(contract=contract)]
    answering = Empanelment.objects.filter(
        resident=Subject.objects.get(subject=row.subject).resident_id, until=None
    ).count()
    opened = Counter(
        Owed.objects.filter(contract=contract, loop__isnull=False).values_list("loop", flat=True)
    )
    checks = {
        "one hash": len(hashes) == 1, "one year": len(year) == len(set(year)) == len(ledger.facts_of(entry)["year"]),
        "one team": answering == 1, "each loop once": all(n == 1 for n in opened.values()),
        "record promised once": Loop.objects.filter(subject=row.subject, kind="record.ready").count() == 1,
    }  # fmt: skip
    return [name for name, fine in checks.items() if not fine]


def _ended_wrong(contract: uuid.UUID) -> list[str]:
    row = Contract.objects.get(id=contract)
    ended = Entry.objects.filter(stream=contract, kind="contract.ended").count()
    promised = Owed.objects.filter(contract=contract, loop__isnull=False).values_list("loop", flat=True)
    open_ = Loop.objects.filter(id__in=list(promised), closed_at=None).count()
    checks = {"ended once": ended == 1, "ended": row.end_reason == "asked", "nothing left open": open_ == 0}
    return [name for name, fine in checks.items() if not fine]
