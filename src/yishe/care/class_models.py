"""Tables of class and tier."""

from django.db import models

from yishe.trust import ids


class ClassOf(models.Model):
    """Class and tier of a resident: the projection of its ledger stream, which replay must equal.

    Field names are those of policy.class_state.ClassState. `next_on` is the earliest day on which it must be looked at again (a
    birthday, the end of a correction), `looked_at` when it last was.
    """

    id = models.UUIDField(primary_key=True)
    home = models.UUIDField()
    subject = models.UUIDField()
    to_class = models.CharField(max_length=20)
    medical = models.CharField(max_length=20)
    social = models.CharField(max_length=20)
    by = models.JSONField(default=list, help_text="codes of the rules that spoke")
    assigned_at = models.DateTimeField()
    owing = models.BooleanField(default=False)
    corrected_class = models.CharField(max_length=20, default="")
    corrected_medical = models.CharField(max_length=20, default="")
    corrected_social = models.CharField(max_length=20, default="")
    reason = models.CharField(max_length=40, default="")
    corrected_at = models.DateTimeField(null=True)
    corrected_by = models.UUIDField(null=True)
    until = models.DateField(null=True, help_text="the first day on which the rules speak again")
    review = models.UUIDField(null=True)
    seq = models.PositiveIntegerField(default=1, help_text="last ledger entry folded")
    head = models.BinaryField(default=bytes, help_text="hash of that entry")
    looked_at = models.DateTimeField()
    next_on = models.DateField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["home", "subject"], name="class_of_one")]
        indexes = [
            models.Index(fields=["subject"], name="class_of_subject"),
            models.Index(fields=["next_on"], name="class_of_next"),
        ]


class ClassDue(models.Model):
    """Something was recorded from which a class may follow; written with it, gone once it was looked at."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    home = models.UUIDField()
    subject = models.UUIDField()
    author = models.UUIDField()
    at = models.DateTimeField(db_index=True)
