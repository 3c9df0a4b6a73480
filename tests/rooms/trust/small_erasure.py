"""`python -m tests.rooms.trust.small_erasure`: in the place where small_world lived, its resident asks to be deleted and is.

Prints, as JSON, bytes of hers that lay in the database before: the sealed name and the wrapped key.
"""

import json
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yishe.settings")
django.setup()

from tests.rooms.trust.small_world import PRIVATE  # noqa: E402 - rooms can be imported only now
from yishe.care import erasures  # noqa: E402
from yishe.loops import acts, promises  # noqa: E402
from yishe.loops.models import Loop  # noqa: E402
from yishe.people import directory, search  # noqa: E402
from yishe.people.actors import SYSTEM, actor_of  # noqa: E402
from yishe.people.models import Resident  # noqa: E402
from yishe.trust import clock  # noqa: E402
from yishe.trust.models import SubjectKey  # noqa: E402


def main() -> None:
    now = clock.now()
    (card,) = search.find(SYSTEM, PRIVATE["name"], now)
    director = directory.current().centre_lead(card.centre, now)
    assert director is not None
    assert card.social_worker is not None
    lead, taker = actor_of(director.id), actor_of(card.social_worker)
    for row in Loop.objects.filter(subject=card.subject, closed_at=None):
        acts.act(lead, "void", row.id, seq=row.seq, at=now, reason="test_entry")
    asked = promises.promise(
        taker,
        kind="rights.erasure",
        resident=card.resident,
        note=PRIVATE["note"],
        at=now,
        command_id="small-9",
    )
    for verb in ("accept", "start"):
        acts.act(lead, verb, asked, seq=Loop.objects.get(id=asked).seq, at=now)
    left = [
        bytes(Resident.objects.get(id=card.resident).name_sealed),
        bytes(SubjectKey.objects.get(subject=card.subject).wrapped),
    ]
    erasures.erase(lead, asked, seq=Loop.objects.get(id=asked).seq, at=now, command_id="small-10")
    print(json.dumps({"subject": str(card.subject), "left": [one.hex() for one in left]}))


if __name__ == "__main__":
    main()
