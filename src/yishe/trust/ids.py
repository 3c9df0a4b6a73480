"""Identifiers: UUIDv7, so that rows born together lie together in the index."""

import uuid

import uuid_utils

SYSTEM = uuid.UUID("00000000-0000-7000-8000-000000000001")
"""The actor of whatever the clock or a rule does."""


def new() -> uuid.UUID:
    return uuid.UUID(int=uuid_utils.uuid7().int)


def random() -> uuid.UUID:
    """A version 4 id: says nothing about when or where; used for subjects."""
    return uuid.uuid4()


def parse(text: object) -> uuid.UUID | None:
    """The id written in `text`, or None when it is not one."""
    try:
        return text if isinstance(text, uuid.UUID) else uuid.UUID(str(text))
    except ValueError:
        return None
