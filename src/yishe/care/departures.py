"""Who has died, moved away or was erased is owed nothing more: contract, plan and forms that were begun end with their coded
reason. Loops end by their own rule (`loops.settling`); class and schedule say nothing more of her."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef

from yishe.care import contracts, entries, forms, plans
from yishe.care.models import QuestionnaireResponse
from yishe.people import placements
from yishe.people.actors import SYSTEM
from yishe.people.models import Subject
from yishe.policy.plan_rules import DEATH, MOVED
from yishe.policy.refusals import Conflict
from yishe.trust import commit
from yishe.trust.commit import Bundle
from yishe.trust.scoping import everybody
from yishe.trust.sparing import sparing


def end(at: datetime, only: Collection[UUID] | None = None) -> int:
    """End whatever such residents still have open, once a day for everybody and at once for those (`only`, subjects) of whom a
    change told: then it costs what they have, however many have gone before. Returns how much it was. Doing it again changes
    nothing; what somebody writes to at this moment is left to the next day's round."""
    return contracts.end_of_the_gone(at, only) + plans.end_of_the_gone(at, only) + _drop_forms(at, only)


def _drop_forms(at: datetime, only: Collection[UUID] | None) -> int:
    """Open forms of those who died or moved away are thrown away with the reason; what was filled in stays in the record."""
    gone = Subject.objects.exclude(resident__deceased_at=None, resident__moved_at=None)
    if only is not None:
        gone = gone.filter(subject__in=only)
    later = QuestionnaireResponse.objects.filter(home=OuterRef("home"), supersedes=OuterRef("id"))
    open_ = everybody(QuestionnaireResponse, "what is still open of who has gone is thrown away")
    rows = open_.filter(
        ~Exists(later), subject__in=gone.values("subject"), status=forms.DRAFT, withdrawn=False
    )
    dropped = 0
    for row in list(rows.order_by("id")):
        with sparing("the form of somebody gone"):
            dropped += _dropped(row, at)
    return dropped


def _dropped(row: QuestionnaireResponse, at: datetime) -> bool:
    where = placements.placement_of_subject(row.subject)
    if where is None:
        return False
    reason = DEATH if where.deceased_at else MOVED
    command = entries.Command(
        SYSTEM, where.resident, forms.ACTION, at, f"gone:{row.id}", row.occurred_at, row.id
    )
    try:
        draft = entries.begin(
            QuestionnaireResponse, command, {"response": str(row.response), "reason": reason}
        )
        told = replace(forms.filled(draft, row), reason=reason)
        forms.put(draft, row, Bundle(), told, row.status, withdrawn=True)
    except (commit.Stale, Conflict):
        return False
    return True
