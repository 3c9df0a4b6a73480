"""The demo's two who are no staff: a resident and her invented daughter, so that a stranger can try the residents' pages."""

from collections import Counter
from datetime import datetime
from typing import Any
from uuid import UUID

from yishe.lab.founding import District
from yishe.lab.population import Person
from yishe.loops.models import Loop
from yishe.people import consent_checks, consents, glimpses, packs, placements
from yishe.people.actors import SYSTEM
from yishe.people.cards import cards
from yishe.people.consent_checks import Yes
from yishe.people.particulars import ZONE

NAME, PHONE, KINSHIP = "沈思雨", "13900139000", "3"
AGED = 65


def agree(made: District, at: datetime) -> None:
    """One elderly resident who is being helped lets her daughter see everything that a relative may."""
    chosen = _chosen(made, at)
    if chosen is None:
        return
    scopes = tuple(packs.in_force().consents.kind("relative").scopes)
    said = Yes(
        "relative", consents.text("relative", at).sha256, relative_name=NAME, relative_phone=PHONE, kinship=KINSHIP,
        scope=scopes,
    )  # fmt: skip
    consents.give(SYSTEM, chosen, said, at)


def _chosen(made: District, at: datetime) -> UUID | None:
    """The newest promise's resident whose phone is nobody else's; without one, anybody who has such a phone."""
    shared = Counter(person.phone for person in made.people.values())
    today = at.astimezone(ZONE).date()

    def fits(person: Person) -> bool:
        return bool(person.phone) and shared[person.phone] == 1 and person.age(today) >= AGED

    fitting = {resident for resident, person in made.people.items() if fits(person)}
    open_now = Loop.objects.filter(closed_at=None).order_by("-promised_at").values_list("subject", flat=True)
    helped = (made.subjects.get(subject) for subject in open_now)
    return next((one for one in helped if one in fitting), None) or next(iter(sorted(fitting)), None)


def accounts(at: datetime) -> list[dict[str, Any]]:
    """How the two come in: by phone, she with her birth date should somebody share it. Empty where nobody agreed."""
    named = consent_checks.relative_of(NAME, PHONE)
    rows = []
    for where in placements.placements(list(glimpses.residents(named, at))).values():
        card = cards([where.subject])[where.subject]
        born = card.birth_date.isoformat() if card.birth_date else ""
        rows.append({"who": "居民", "name": card.name, "phone": card.phone, "birth_date": born, "of": ""})
        rows.append({"who": "家属", "name": NAME, "phone": PHONE, "birth_date": "", "of": card.name})
    return rows
