"""A resident's rows as registering writes them: sealed particulars, fingerprints, search tokens, key, who answers, first entry."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from random import Random
from typing import Any
from uuid import UUID

from django.db import models

from yishe.lab.world import stamps
from yishe.lab.world.copying import names
from yishe.lab.world.frame import Centre, Frame, timed
from yishe.lab.world.people import Resident as Drawn
from yishe.lab.world.stamps import STANDINS, Noting, Stamp
from yishe.people import notes, records, tokens
from yishe.people.actors import SYSTEM
from yishe.people.models import Empanelment, Household, Resident, SearchToken, Subject
from yishe.trust import ciphers, keys, ledger
from yishe.trust.models import SubjectKey

SOURCE = "world"
_ALWAYS = (
    "name",
    "id_number",
    "sex",
    "birth_date",
    "phone",
    "address",
    "record_number",
    "household",
    "neighbourhood",
)
_ANSWERING = ("team", "doctor", "social_worker")
_RESIDENT = names(Resident)
Rows = dict[type[models.Model], list[list[Any]]]


def sealed(rng: Random, key: bytes, subject: UUID, plain: bytes, place: str) -> bytes:
    """As `keys.seal` makes it, but with a drawn nonce: an invented world is the same each time."""
    form, nonce = ciphers.chosen(), rng.randbytes(ciphers.NONCE)
    return bytes([form]) + nonce + ciphers.encrypt(form, key, nonce, plain, place.encode() + subject.bytes)


class Registering:
    """The register of one centre."""

    def __init__(self, frame: Frame, centre: Centre) -> None:
        self._rng, self._centre = frame.rng(centre, "register"), centre
        self._fingerprint = tokens.fingerprint(centre.id)
        self._homes: dict[str, UUID] = {}
        self._wraps = keys.centre_key(centre.id)
        self.entry = lru_cache(maxsize=20_000)(_stamp)

    def rows(self, one: Drawn) -> Rows:
        """Everything but the entry, by table."""
        home, person = self._centre.id, one.person
        made: Rows = {
            Household: [],
            SubjectKey: [],
            Resident: [],
            Subject: [],
            SearchToken: [],
            Empanelment: [],
        }
        if person.household not in self._homes:
            self._homes[person.household] = timed(self._rng, one.since)
            made[Household] = [[self._homes[person.household], home, home, person.household]]
        wrapped = ciphers.wrap(self._wraps, one.key, keys.subject_aad(one.subject))
        made[SubjectKey] = [[one.subject, home, wrapped]]
        made[Resident] = [self._row(one)]
        made[Subject] = [[one.subject, home, one.id, one.id]]
        found = tokens.words(person.name, person.id_number, person.phone)
        made[SearchToken] = [[home, token, one.id] for token in {self._fingerprint(word) for word in found}]
        if person.contracted:
            team = one.team
            answering = (team.id, team.one("family_doctor"), team.one("social_worker"))
            made[Empanelment] = [
                [timed(self._rng, one.since), home, one.id, *answering, one.since, None, SOURCE]
            ]
        return made

    def _row(self, one: Drawn) -> list[Any]:
        person, home = one.person, self._centre.id
        said = {field: getattr(person, field) for field in records.SEALED}
        hidden = {
            f"{field}_sealed": sealed(self._rng, one.key, one.subject, text.encode(), records.place(field))
            for field, text in said.items()
        }
        values: Mapping[str, Any] = {
            **_EMPTY, **hidden, "id": one.id, "home": home, "centre_id": home,
            "household_id": self._homes[person.household], "neighbourhood_id": one.place.id, "sex": person.sex,
            "birth_date": person.birth_date, "traits": sorted(person.traits), "allergies": sorted(person.allergies),
            "created_at": one.since, "updated_at": one.since,
            **records.blinds(person.name, person.id_number, person.birth_date, person.phone, person.record_number),
        }  # fmt: skip
        return [values[name] for name in _RESIDENT]

    def stamp(self, one: Drawn) -> Stamp:
        """The first entry of her stream."""
        person = one.person
        more = (("traits",) if person.traits else ()) + (("allergies",) if person.allergies else ())
        said = (*_ALWAYS, *more, *(_ANSWERING if person.contracted else ()))
        return self.entry(tuple(sorted(said)), one.since)


_EMPTY: Mapping[str, Any] = {name: getattr(Resident(), name) for name in _RESIDENT}


def _stamp(fields: tuple[str, ...], since: datetime) -> Stamp:
    noting = Noting()
    notes.note(
        noting, home=STANDINS["home"], subject=STANDINS["subject"], kind=notes.REGISTERED, actor=SYSTEM, at=since,
        data={"fields": list(fields), "source": SOURCE}, head=ledger.Head(), line=False,
    )  # fmt: skip
    return Stamp(tuple(stamps.entry(one, {}) for one in noting.entries), {})
