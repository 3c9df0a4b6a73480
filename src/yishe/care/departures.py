"""Who has died, moved away or was erased is owed nothing more: contract, plan and forms that were begun end with their coded
reason. Loops end by their own rule (`loops.settling`); class and schedule say nothing more of her."""

from dataclasses import replace
from datetime import datetime

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


def end(at: datetime) -> int:
    """End whatever such residents still have open; returns how much it was. Doing it again changes nothing; what somebody
    writes to at this moment is left to the next time."""
    return contracts.end_of_the_gone(at) + plans.end_of_the_gone(at) + _drop_forms(at)


def _drop_forms(at: datetime) -> int:
    """Open forms of those who died or moved away are thrown away with the reason; what was filled in stays in the record."""
    gone = Subject.objects.exclude(resident__deceased_at=None, resident__moved_at=None).values("subject")
    later = QuestionnaireResponse.objects.filter(home=OuterRef("home"), supersedes=OuterRef("id"))
    open_ = everybody(QuestionnaireResponse, "what is still open of who has gone is thrown away")
    rows = open_.filter(~Exists(later), subject__in=gone, status=forms.DRAFT, withdrawn=False)
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
