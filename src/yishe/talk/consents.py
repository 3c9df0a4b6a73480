"""Giving and taking back a consent so that open screens hear of it: whom it names sees more, or nothing, at once."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from yishe.people import consent_checks, consents, directory, placements
from yishe.people.actors import Actor
from yishe.people.consent_checks import Yes
from yishe.talk import outbox
from yishe.trust.commit import Bundle

TOPIC = "access.changed"


def give(actor: Actor, resident_id: UUID, yes: Yes, at: datetime, *, own: bool = False) -> UUID:
    """See `consents.give`."""
    bundle = Bundle()
    consent = consents.give(actor, resident_id, yes, at, own=own, bundle=bundle)
    if bundle:
        named = yes.grantee or (consent_checks.relative_id(yes) if yes.relative_name else None)
        _tell(bundle, resident_id, named, f"consent:{consent}", at)
        consents.commit_(bundle)
    return consent


def withdraw(
    actor: Actor, resident_id: UUID, consent_id: UUID, reason: str, at: datetime, *, by: str = "resident"
) -> None:
    """See `consents.withdraw`. Whoever has the resident on the screen is told to look again, and finds it closed."""
    bundle = Bundle()
    grantee = consents.withdraw(actor, resident_id, consent_id, reason, at, by=by, bundle=bundle)
    _tell(bundle, resident_id, grantee, f"consent:{consent_id}:ended", at)
    consents.commit_(bundle)


def _tell(bundle: Bundle, resident_id: UUID, grantee: UUID | None, key: str, at: datetime) -> None:
    stands = placements.placed(resident_id)
    for person in _people(grantee, at) if grantee else ():
        outbox.show(
            bundle, home=stands.home, person=person, topic=TOPIC, key=f"{key}:{person}", at=at, subject=stands.subject
        )  # fmt: skip


def _people(grantee: UUID, at: datetime) -> Iterator[UUID]:
    """The one named, or those who serve in the organisation named."""
    book = directory.current()
    if grantee not in book.organisations:
        yield grantee
    else:
        yield from (one.id for one in book.members(grantee, at))
