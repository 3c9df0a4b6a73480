"""Which workers live."""

from datetime import datetime, timedelta

from django.db.models import Max

from yishe.talk.models import Beat
from yishe.trust.commit import atomically

EVERY = timedelta(seconds=10)
FORGOTTEN = timedelta(days=1)


def beat(worker: str, at: datetime) -> None:
    """Note that `worker` lives at `at`; written at most every ten seconds."""
    if Beat.objects.filter(worker=worker, at__gt=at - EVERY).exists():
        return
    with atomically():
        Beat.objects.filter(at__lt=at - FORGOTTEN).delete()
        Beat.objects.update_or_create(
            worker=worker, defaults={"at": at}, create_defaults={"at": at, "started_at": at}
        )


def leave(worker: str) -> None:
    """A worker that was asked to stop says goodbye."""
    with atomically():
        Beat.objects.filter(worker=worker).delete()


def last() -> datetime | None:
    """When any worker was last seen alive, or None when none runs."""
    found: datetime | None = Beat.objects.aggregate(last=Max("at"))["last"]
    return found
