"""Whose class is looked at now: those of whom something was recorded, and those whose day has come."""

from datetime import datetime
from uuid import UUID

from django.db.models import F, OuterRef, Q, Subquery

from yishe.care import classes, lives
from yishe.care.class_models import ClassDue, ClassOf
from yishe.people import packs
from yishe.people.actors import SYSTEM
from yishe.people.models import Subject
from yishe.trust.sparing import sparing

AT_ONCE = 100


def keep_up(at: datetime, most: int = AT_ONCE) -> int:
    """Look at those of whom something was recorded; returns how many. Whom somebody else is at is tried again, whoever cannot be
    looked at some time later, so that the others come first."""
    pack = packs.in_force()
    if pack.classes is None:
        return 0
    marks = list(ClassDue.objects.filter(at__lte=at).order_by("at", "id")[:most])
    authors = {one.subject: one.author for one in marks}
    done, broken = set[UUID](), set[UUID]()
    for subject, author in authors.items():
        with sparing("a class") as tried:
            done |= {subject} if classes.looked(subject, at, classes.speaker_of(author)) else set()
        broken |= {subject} if tried.fault else set()
    ClassDue.objects.filter(id__in=[one.id for one in marks if one.subject in done]).delete()
    later = at + pack.settings(lives.day(at)).watch.again_after.exact()
    ClassDue.objects.filter(id__in=[one.id for one in marks if one.subject in broken]).update(at=later)
    return len(done)


def of_the_day(at: datetime) -> int:
    """Look at those whose day has come (a birthday, the end of a correction) or whose particulars were written since; returns how
    many. Those nobody has looked at yet wait for something to be recorded."""
    if packs.in_force().classes is None:
        return 0
    written = Subject.objects.filter(subject=OuterRef("subject")).values("resident__updated_at")[:1]
    rows = ClassOf.objects.exclude(next_on=None).annotate(written=Subquery(written))
    due = rows.filter(Q(next_on__lte=lives.day(at)) | Q(written__gt=F("looked_at")))
    looked = 0
    for subject in list(due.values_list("subject", flat=True)):
        with sparing("a class"):
            looked += classes.looked(subject, at, SYSTEM)
    return looked
