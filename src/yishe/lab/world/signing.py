"""Contracts of a generated world: signed on one of the last days, as an older system leaves them; `care.population` plans their year."""

from datetime import date, datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Any
from uuid import UUID

from yishe.care.contract_rows import columns, promised
from yishe.care.models import Contract, Owed
from yishe.lab import hours
from yishe.lab.crowd import DAYS, PACKAGES
from yishe.lab.world import stamps
from yishe.lab.world.stamps import STANDINS, Noting, Stamp
from yishe.people import packs
from yishe.policy import contract_year
from yishe.policy.contract_rules import ContractSheet
from yishe.policy.contract_state import APPLIED, REVIEWED, SIGNED, Said, after
from yishe.policy.refusals import Invalid
from yishe.trust import ledger
from yishe.trust.ledger import Head


def sheet() -> ContractSheet:
    """The pack's rules of contracts. Invalid when it has none."""
    found = packs.in_force().contracts
    if found is None:
        raise Invalid("no_contracts", "政策包没有签约的规定：请管理员补上 contracts.yaml。")
    return found


class Signing:
    """Contracts seen at a moment."""

    def __init__(self, at: datetime) -> None:
        self._at, self._sheet = at, sheet()
        self.stamp = lru_cache(maxsize=None)(self._stamp)

    def drawn(self, rng: Random, since: datetime) -> tuple[Stamp, datetime]:
        """A contract of somebody known since then, and when it was signed."""
        package = rng.choices([code for code, _ in PACKAGES], [share for _, share in PACKAGES])[0]
        ago = rng.randrange(min(DAYS, max(1, (self._at - since).days)))
        return self.stamp(package, ago), self._at - timedelta(days=ago)

    def _stamp(self, package: str, ago: int) -> Stamp:
        when = self._at - timedelta(days=ago)
        since = when.astimezone(hours.ZONE).date()
        until = contract_year.end_of(since, self._sheet.months)
        year = contract_year.year(self._sheet, (), since, until)
        items = [{"id": str(_spare(n)), **one.plain} for n, one in enumerate(year, 1)]
        noting, (state, head) = Noting(), (None, Head())
        for kind, data in _said(self._sheet, package, (since, until), items):
            state = after(state, Said(kind, STANDINS["family_doctor"], when, data))
            head = ledger.append(
                noting, head, home=STANDINS["home"], stream=STANDINS["stream"], kind=kind,
                actor=STANDINS["family_doctor"], at=when, pack=packs.in_force().sha256, data=data, subject=STANDINS["subject"],
            )  # fmt: skip
        if state is None:
            raise AssertionError("a contract begins with its application")
        row = columns(state, STANDINS["home"], STANDINS["subject"], Head(head.seq, stamps.HEAD))
        owed = [promised(one, STANDINS["stream"], STANDINS["home"], STANDINS["subject"]) for one in items]
        rows = {
            Contract: (stamps.row(Contract, {"id": STANDINS["stream"], **row}),),
            Owed: tuple(stamps.row(Owed, one) for one in owed),
        }
        return Stamp(tuple(stamps.entry(one, {}) for one in noting.entries), rows, 1 + len(items))


def _said(
    rules: ContractSheet, package: str, days: tuple[date, date], items: list[dict[str, Any]]
) -> list[tuple[str, dict[str, Any]]]:
    """What the three entries say: applied for, reviewed, signed."""
    since, until = days
    signed = {
        "signer": "resident", "since": since.isoformat(), "fee": rules.packages[package].fee,
        "team": str(STANDINS["team"]), "until": until.isoformat(), "year": items,
    }  # fmt: skip
    applied = {"package": package, "way": "centre", "application": str(_spare(0))}
    return [(APPLIED, applied), (REVIEWED, {"package": package}), (SIGNED, signed)]


def _spare(n: int) -> UUID:
    return STANDINS[f"spare{n}"]
