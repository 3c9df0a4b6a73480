"""Tables of those outside the service who sign in: whose account is whose, the copies they asked for."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class OwnAccount(models.Model):
    """The account of somebody outside the service: of a resident, or of a relative by the id that consents name. Never a
    member of staff's; who is both has two."""

    account = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.PROTECT, primary_key=True, related_name="+"
    )
    resident = models.OneToOneField("people.Resident", models.PROTECT, null=True, related_name="+")
    relative = models.UUIDField(null=True, unique=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(resident=None, relative__isnull=False) | Q(resident__isnull=False, relative=None),
                name="people_own_account_of_one",
            )
        ]


class CopyTicket(models.Model):
    """A copy of her data that a resident asked for: fetched once in each form before `until`. Holds no content."""

    id = models.UUIDField(primary_key=True)
    home = models.UUIDField()
    subject = models.UUIDField(db_index=True)
    asked_by = models.UUIDField()
    asked_at = models.DateTimeField()
    until = models.DateTimeField()
    json_taken_at = models.DateTimeField(null=True)
    pdf_taken_at = models.DateTimeField(null=True)
