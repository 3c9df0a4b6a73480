from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import pytest

from yishe.trust import ids, keys, ledger
from yishe.trust.commit import Bundle
from yishe.trust.models import Entry

Write = Callable[..., UUID]


@pytest.fixture
def home(db: None, now: datetime) -> UUID:
    """A centre with its key."""
    made = ids.new()
    keys.make_centre_key(made, now)
    return made


@pytest.fixture
def write(home: UUID, now: datetime) -> Write:
    """A stream of so many entries."""

    def written(count: int = 3, actor: UUID = ids.SYSTEM) -> UUID:
        stream, head, bundle = ids.new(), ledger.Head(), Bundle()
        for number in range(count):
            head = ledger.append(
                bundle, head, home=home, stream=stream, kind="noted", actor=actor, at=now, pack="p",
                data={"set": {"n": number}}, command_id=f"{stream}:{number}",
            )  # fmt: skip
        bundle.commit()
        return stream

    return written


def entry(stream: UUID, seq: int) -> Entry:
    return Entry.objects.get(stream=stream, seq=seq)
