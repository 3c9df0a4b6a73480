"""A crowd: as many invented residents with contracts as are wanted, quickly, for numbers at the size of a district.

Residents, streams and rows are built by the product's own writers and come in by the thousand (`trust.batch`). Their contracts
are as an older system leaves them: signed, with nothing but the offer of the next one until `care.population` plans the year.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from yishe.care.contract_rows import columns, promised, written
from yishe.care.models import Contract, Owed
from yishe.lab import demo, founding, hours, population
from yishe.lab.population import Person
from yishe.people import directory, packs, residents
from yishe.people.actors import SYSTEM
from yishe.people.placements import Placement
from yishe.policy import contract_year
from yishe.policy.contract_rules import ContractSheet
from yishe.policy.contract_state import APPLIED, REVIEWED, SIGNED, Said, after
from yishe.policy.refusals import Invalid
from yishe.trust import clock, ids, ledger
from yishe.trust.batch import Batch
from yishe.trust.ledger import Head

SIZE = 1000
DAYS = population.YOUNGEST_DAYS - 1
"""So long ago the district was founded: everybody was born by then."""
PACKAGES = (("basic", 0.8), ("personal", 0.17), ("premium", 0.03))


@dataclass(frozen=True)
class Crowd:
    residents: int
    contracts: int


def gather(
    count: int, seed: int, at: datetime, progress: Callable[[int, int], None] = lambda *_: None
) -> Crowd:
    """`count` residents of the invented district, those under contract with one that runs now. The same seed, the same people.

    Conflict unless the database is empty."""
    demo.refuse_unless_empty()
    sheet = packs.in_force().contracts
    if sheet is None:
        raise Invalid("no_contracts", "政策包没有签约的规定：请管理员补上 contracts.yaml。")
    clock.mark_demo()
    opening, rng = at - timedelta(days=DAYS), Random(f"crowd {seed}")
    made = founding.district(opening)
    people, signed = population.residents(count, seed, at.astimezone(hours.ZONE).date()), 0
    with directory.one_picture():
        for n in range(0, count, SIZE):
            signed += _part(made, people[n : n + SIZE], n, sheet, rng, (opening, at))
            progress(min(n + SIZE, count), count)
    return Crowd(count, signed)


def _part(
    made: founding.District, people: Sequence[Person], first: int, sheet: ContractSheet, rng: Random,
    times: tuple[datetime, datetime],
) -> int:  # fmt: skip
    batch, signed = Batch(), 0
    for number, person in enumerate(people, first):
        said = founding.said(made, person, number) | {"household": None}
        centre = made.offices[made.centres[person.neighbourhood]]
        placed = residents.register(SYSTEM, said, times[0], centre=centre, source="crowd", bundle=batch)
        if person.contracted:
            _contract(batch, placed, sheet, rng, times[1])
            signed += 1
    batch.commit()
    return signed


def _contract(batch: Batch, placed: Placement, sheet: ContractSheet, rng: Random, at: datetime) -> None:
    """Signed on one of the days since the founding; what the ledger knows of it is what its paper says."""
    package = rng.choices([code for code, _ in PACKAGES], [share for _, share in PACKAGES])[0]
    when = at - timedelta(days=rng.randrange(DAYS))
    since, contract = when.astimezone(hours.ZONE).date(), ids.new()
    until = contract_year.end_of(since, sheet.months)
    items = written(contract_year.year(sheet, (), since, until))
    said: dict[str, Any] = {
        "signer": "resident", "since": since.isoformat(), "fee": sheet.packages[package].fee, "team": str(placed.team),
        "until": until.isoformat(), "year": items,
    }  # fmt: skip
    applied = {"package": package, "way": "centre", "application": str(ids.new())}
    state, head = None, Head()
    for kind, data in ((APPLIED, applied), (REVIEWED, {"package": package}), (SIGNED, said)):
        state = after(state, Said(kind, SYSTEM.staff_id, when, data))
        head = ledger.append(
            batch, head, home=placed.home, stream=contract, kind=kind, actor=SYSTEM.staff_id, at=when,
            pack=packs.in_force().sha256, data=data, subject=placed.subject,
        )  # fmt: skip
    if state is not None:
        batch.insert(Contract, id=contract, **columns(state, placed.home, placed.subject, head))
    for item in items:
        batch.insert(Owed, **promised(item, contract, placed.home, placed.subject))
