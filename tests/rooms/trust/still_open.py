"""`python -m tests.rooms.trust.still_open`: exits 0 when every person, every key and the whole ledger is readable."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yishe.settings")
django.setup()

from tests.rooms.trust.small_world import PRIVATE  # noqa: E402 - only after setup
from yishe.loops import rebuild  # noqa: E402
from yishe.people.cards import cards  # noqa: E402
from yishe.people.models import Subject  # noqa: E402
from yishe.trust import digests, keys, rotation  # noqa: E402
from yishe.trust.models import SubjectKey  # noqa: E402


def main() -> None:
    keys.verify_root()
    assert rotation.running() is None
    for row in SubjectKey.objects.all():
        keys.open_subject(row.home, row.subject, bytes(row.wrapped))
    names = {card.name for card in cards(Subject.objects.values_list("subject", flat=True)).values()}
    assert {PRIVATE["name"], PRIVATE["imported"]} <= names
    assert digests.prove(rebuild.heads()).whole
    assert not rebuild.differences()


if __name__ == "__main__":
    main()
