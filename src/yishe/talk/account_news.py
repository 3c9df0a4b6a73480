"""What happened to someone's account, told to him: locked after guesses, used on a new device, a key added.

An open screen is told as well when its session ends, so that it closes at once.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from yishe.people import directory, own_accounts
from yishe.talk import outbox
from yishe.trust import ids
from yishe.trust.commit import Bundle

TOPIC = "account"
ENDED = "session.ended"


def tell(account: UUID, what: str, at: datetime, *, urgency: str = "yellow") -> None:
    """Put `account.<what>` into the notices of whoever has this account; nobody, nothing."""
    found = _whose(account, at)
    if found is None:
        return
    bundle = Bundle()
    outbox.tell(
        bundle, home=found[1], person=found[0], topic=f"{TOPIC}.{what}", key=f"{TOPIC}.{what}:{ids.new()}",
        at=at, data={"event": what}, urgency=urgency,
    )  # fmt: skip
    bundle.commit()


def ended(account: UUID, sessions: Iterable[UUID], at: datetime) -> None:
    """Wake the person's open screens: those of the ended sessions find that they are over."""
    found, bundle = _whose(account, at) or own_accounts.person_of(account), Bundle()
    if found is None:
        return
    for session in sessions:
        outbox.show(
            bundle, home=found[1], person=found[0], topic=ENDED, key=f"{ENDED}:{session}:{at.timestamp()}", at=at
        )  # fmt: skip
    bundle.commit()


def _whose(account: UUID, at: datetime) -> tuple[UUID, UUID] | None:
    """The person behind an account, and the home his notices are kept under."""
    member = directory.current().by_account(account)
    if member is None:
        return None
    held = member.held(at)
    return member.id, member.centre(at) or (held[0].organisation if held else member.id)
