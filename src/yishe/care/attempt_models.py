"""The table of attempts to reach a resident."""

from django.db import models
from django.db.models import Q


class Attempt(models.Model):
    """One attempt to reach a resident: the projection of an entry in her contract's stream, which replay must equal.

    `way` is a code of `encounter_kind`, `outcome` one of the pack's; `reached`: somebody answered. `again_at` is when she asked
    to be called, `visit` the loop of the visit that this attempt opened. What was said stands sealed in the stream.
    """

    id = models.UUIDField(primary_key=True)
    home = models.UUIDField()
    subject = models.UUIDField()
    contract = models.ForeignKey("care.Contract", models.PROTECT, related_name="attempts")
    way = models.CharField(max_length=8)
    outcome = models.CharField(max_length=20)
    reached = models.BooleanField()
    tried_at = models.DateTimeField()
    again_at = models.DateTimeField(null=True)
    visit = models.UUIDField(null=True)
    by = models.UUIDField()
    recorded_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["subject", "tried_at"], name="attempt_of_subject"),
            models.Index(fields=["again_at"], condition=Q(again_at__isnull=False), name="attempt_again"),
        ]
