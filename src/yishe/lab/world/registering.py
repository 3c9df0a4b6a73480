"""A resident's rows as registering writes them: sealed particulars, fingerprints, search tokens, key, who answers, first entry."""

from datetime import datetime
from functools import lru_cache
from random import Random
from uuid import UUID

from django.db import models

from yishe.lab.world import stamps
from yishe.lab.world.copying import NULL, Line, cell, hidden
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
_PLACES = tuple((field, records.place(field)) for field in records.SEALED)
_BLINDS = ("id_blind", "record_blind", "person_blind", "contact_blind")
_VARYING = (
    "id", "household_id", "neighbourhood_id", "sex", "birth_date", "traits", "allergies", "created_at", "updated_at",
    *(f"{field}_sealed" for field in records.SEALED), *_BLINDS,
)  # fmt: skip
_OWN = "tfe"
"""Kinds of words that are a person's own and not worth remembering: see `people.tokens`."""
Lines = dict[type[models.Model], list[str]]


def sealed(rng: Random, key: bytes, subject: UUID, plain: bytes, place: str) -> bytes:
    """As `keys.seal` makes it, but with a drawn nonce: an invented world is the same each time."""
    form, nonce = ciphers.chosen(), rng.randbytes(ciphers.NONCE)
    return bytes([form]) + nonce + ciphers.encrypt(form, key, nonce, plain, place.encode() + subject.bytes)


class Registering:
    """The register of one centre."""

    def __init__(self, frame: Frame, centre: Centre) -> None:
        self._rng, self._home = frame.rng(centre, "register"), str(centre.id)
        self._fingerprint = tokens.fingerprint(centre.id)
        self._found: dict[str, str] = {}
        self._homes: dict[str, str] = {}
        self._wraps = keys.centre_key(centre.id)
        self._resident = Line(Resident, {"home": centre.id, "centre_id": centre.id}, _VARYING)
        self.entry = lru_cache(maxsize=20_000)(_stamp)

    def lines(self, one: Drawn) -> Lines:
        """Her rows as text, but for the entry, by table."""
        home, person, me, subject, since = (
            self._home,
            one.person,
            str(one.id),
            str(one.subject),
            cell(one.since),
        )
        made: Lines = {}
        if person.household not in self._homes:
            mine = self._homes[person.household] = str(timed(self._rng, one.since))
            made[Household] = [f"{mine}\t{home}\t{home}\t{person.household}"]
        wrapped = ciphers.wrap(self._wraps, one.key, keys.subject_aad(one.subject))
        made[SubjectKey] = [f"{subject}\t{home}\t{hidden(wrapped)}"]
        made[Resident] = [self._resident.filled(self._cells(one, me, since))]
        made[Subject] = [f"{subject}\t{home}\t{me}\t{me}"]
        found = sorted(tokens.words(person.name, person.id_number, person.phone))
        made[SearchToken] = [self._token(word) + me for word in found]
        if person.contracted:
            team, new = one.team, timed(self._rng, one.since)
            who = f"{team.id}\t{team.one('family_doctor')}\t{team.one('social_worker')}"
            made[Empanelment] = [f"{new}\t{home}\t{me}\t{who}\t{since}\t{NULL}\t{SOURCE}"]
        return made

    def _token(self, word: str) -> str:
        """The beginning of a search token's row; names share most of theirs."""
        known = self._found.get(word)
        if known is None:
            known = f"{self._home}\t{hidden(self._fingerprint(word))}\t"
            if word[0] not in _OWN:
                self._found[word] = known
        return known

    def _cells(self, one: Drawn, me: str, since: str) -> list[str]:
        """What varies of a resident's row, in the order of `_VARYING`."""
        person = one.person
        locked = [
            hidden(sealed(self._rng, one.key, one.subject, getattr(person, field).encode(), place))
            for field, place in _PLACES
        ]
        blinds = records.blinds(
            person.name, person.id_number, person.birth_date, person.phone, person.record_number
        )
        return [
            me, self._homes[person.household], str(one.place.id), person.sex, person.birth_date.isoformat(),
            cell(sorted(person.traits)), cell(sorted(person.allergies)), since, since, *locked,
            *(cell(blinds[name]) for name in _BLINDS),
        ]  # fmt: skip

    def stamp(self, one: Drawn) -> Stamp:
        """The first entry of her stream."""
        person = one.person
        more = (("traits",) if person.traits else ()) + (("allergies",) if person.allergies else ())
        said = (*_ALWAYS, *more, *(_ANSWERING if person.contracted else ()))
        return self.entry(tuple(sorted(said)), one.since)


def _stamp(fields: tuple[str, ...], since: datetime) -> Stamp:
    noting = Noting()
    notes.note(
        noting, home=STANDINS["home"], subject=STANDINS["subject"], kind=notes.REGISTERED, actor=SYSTEM, at=since,
        data={"fields": list(fields), "source": SOURCE}, head=ledger.Head(), line=False,
    )  # fmt: skip
    return Stamp(tuple(stamps.entry(one, {}) for one in noting.entries), {})
