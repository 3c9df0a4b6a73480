"""What the system says no to, and why, in the reader's language.

A refusal is part of the product: it names what was refused, in which state, and what can be done now.
`title` is a Chinese sentence shown as it stands; `code` is stable for machines; `extra` is JSON-safe.
"""

from typing import Any, Self
from uuid import UUID


class Refused(Exception):
    """An act that is not done, with the reason. `status` follows HTTP so that every door agrees."""

    status = 422
    about: tuple[UUID, ...] = ()
    """The subjects it was about: for the access line, never shown."""

    def __init__(self, code: str, title: str, **extra: Any) -> None:
        super().__init__(title)
        self.code = code
        self.title = title
        self.extra = extra

    def concerning(self, *subjects: UUID) -> Self:
        """The same refusal, remembering whom it was about."""
        self.about = subjects
        return self


class Invalid(Refused):
    """What was sent cannot be understood or is not allowed by the pack."""

    status = 422


class Unauthenticated(Refused):
    """Nobody is signed in, or the token is not known."""

    status = 401


class Forbidden(Refused):
    """Known person, but no relation, duty or turn that allows this."""

    status = 403


class NotFound(Refused):
    """No such thing, or nothing this person may know of."""

    status = 404


class Conflict(Refused):
    """The world moved on, or the state does not allow it now."""

    status = 409


class TooMany(Refused):
    """Too often from one person or one address. `extra["retry_after"]`: seconds until it is worth trying again."""

    status = 429


class Unavailable(Refused):
    """The system itself cannot do it now (nobody to own it, database away); try again or call."""

    status = 503
