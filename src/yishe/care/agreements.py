"""The agreement: set as a PDF from the pack's text, signed by both sides, sealed under the resident's key.

Its SHA-256 stands in the ledger. A random code is printed on each, so that nobody can guess a page back from its hash.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from yishe.care.models import Agreement, Contract
from yishe.people import directory, packs
from yishe.people.cards import Card
from yishe.people.particulars import ZONE
from yishe.policy import contract_rules
from yishe.policy.contract_rules import ContractSheet
from yishe.policy.contract_year import Owed
from yishe.policy.refusals import Invalid
from yishe.trust import ids, keys, paper

TEMPLATE = Path(__file__).with_name("agreements.typ")
PLACE = "care.agreement.sealed"
DRAWN, TYPED = "drawn", "typed"
LONGEST_NAME, LONGEST_PATH = 60, 20_000
_PATH = re.compile(r"[ML0-9 .]+")
"""What the pen leaves: moves and lines in whole or decimal units, nothing that could reach outside the picture."""
_POINT, LEAST = re.compile(r"[ML]"), 2
"""A pen that touched one point only has written nothing."""
WIDTH, HEIGHT = 600, 200


@dataclass(frozen=True)
class Signature:
    """`name` of who signs; `path` is what was drawn, as SVG path data of moves and lines on 600 × 200, empty when typed."""

    name: str
    path: str = ""

    @property
    def how(self) -> str:
        return DRAWN if self.path else TYPED

    def words(self, side: str) -> dict[str, str]:
        """What is sealed into the ledger of it."""
        said = {f"{side}_signed": self.name.strip(), f"{side}_drawn": self.path}
        return {name: text for name, text in said.items() if text}


@dataclass(frozen=True)
class Terms:
    """What the agreement is about."""

    contract: Contract
    card: Card
    sheet: ContractSheet
    text: contract_rules.Agreement
    version: str
    since: date
    until: date
    owed: Sequence[Owed]
    team: UUID | None


@dataclass(frozen=True)
class Paper:
    """The agreement made: its hash, what is sealed into the ledger with it, and the sealed PDF."""

    sha256: str
    words: dict[str, str]
    sealed: bytes


def check(side: str, one: Signature, sheet: ContractSheet) -> None:
    """Invalid unless `side` (居民 or 医护) signed in a way the pack knows, by name, and a drawing is one."""
    if one.how not in sheet.signatures:
        raise Invalid("signature", f"{side}一方的签名方式没有批准：请改用另一种。", field="signature")
    if not one.name.strip() or len(one.name) > LONGEST_NAME:
        raise Invalid("signature", f"{side}一方还没有签名：请写下姓名。", field="signature")
    if not one.name.strip().isprintable():
        raise Invalid("signature", f"{side}一方的姓名里有看不见的字符：请清空后重新写。", field="signature")
    if len(one.path) > LONGEST_PATH or (one.path and not _PATH.fullmatch(one.path)):
        raise Invalid(
            "signature", f"{side}一方的手写签名读不出来：请清除后重签，或改为键入姓名。", field="signature"
        )
    if one.path and len({tuple(point.split()) for point in _POINT.split(one.path) if point.strip()}) < LEAST:
        raise Invalid(
            "signature", f"{side}一方的手写签名是空的：请写上姓名，或清除后只键入姓名。", field="signature"
        )


def made(terms: Terms, hers: tuple[str, Signature, datetime], ours: tuple[Signature, datetime]) -> Paper:
    """Set and seal it. `hers` is the resident's side, signed by whom, how and when; `ours` the team's."""
    nonce = ids.random().hex
    (signer, resident, agreed_at), (staff, at) = hers, ours
    data = _data(terms, nonce) | {
        "signatures": [
            _signed(packs.in_force().consents.givers[signer].zh, resident, terms.sheet, agreed_at),
            _signed("团队代表", staff, terms.sheet, at),
        ],
    }
    pdf = paper.pdf(TEMPLATE, "agreement", data)
    row = terms.contract
    words = {"nonce": nonce, **resident.words("resident"), **staff.words("staff")}
    text = base64.b64encode(pdf).decode()
    sealed = keys.seal(row.home, row.subject, keys.wrapped_key(row.subject), text, PLACE)
    return Paper(hashlib.sha256(pdf).hexdigest(), words, sealed)


def opened(kept: Agreement) -> bytes:
    """The PDF as it was signed. The caller has asked access."""
    text = keys.unseal(kept.home, kept.subject, keys.wrapped_key(kept.subject), bytes(kept.sealed), PLACE)
    return base64.b64decode(text)


def _data(terms: Terms, nonce: str) -> dict[str, Any]:
    row, sheet = terms.contract, terms.sheet
    package = sheet.package(row.package)
    team = directory.current().organisation(terms.team).name if terms.team else ""
    fee = "由当地规定" if package.fee is None else f"{package.fee} 元/年"
    return {
        "title": str(terms.text.title), "text": list(terms.text.text), "number": str(row.id), "nonce": nonce,
        "version": terms.version, "resident": f"{terms.card.name}（证件 {terms.card.id_masked or '未登记'}）", "team": team,
        "package": str(package.title), "fee": fee, "term": f"{terms.since} 起至 {terms.until} 前一日",
        "year": [
            {"title": title(one.service), "nth": f"{one.nth}/{one.times}", "starts": str(one.starts), "due": str(one.due)}
            for one in terms.owed
        ],
    }  # fmt: skip


def title(service: str) -> str:
    """A service as it is said: the reason of its loop kind."""
    pack = packs.in_force()
    sheet = pack.contracts
    if sheet is None or service == contract_rules.RENEWAL:
        return "商量续签"
    reason = pack.kinds[sheet.item].values[-1].reasons.get(service)
    return str(reason.title) if reason else service


def _signed(side: str, one: Signature, sheet: ContractSheet, at: datetime) -> dict[str, str]:
    stroke = f'<path d="{one.path}" fill="none" stroke="black" stroke-width="3"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">{stroke}</svg>'
    return {
        "side": side, "name": one.name.strip(), "svg": svg if one.path else "", "how": str(sheet.signatures[one.how]),
        "at": f"{at.astimezone(ZONE):%Y-%m-%d %H:%M}",
    }  # fmt: skip
