"""Tables of reaching people. Neither holds a name or any text: codes and random ids only."""

from django.db import models
from django.db.models import F, Q

from yishe.trust import ids

URGENCIES = ("red", "orange", "yellow", "green")


class Outbox(models.Model):
    """One thing to tell one person, written in the same transaction as what it tells of.

    `id` grows with time and is the event id of the live stream. `due_at` is the next moment a worker may
    take the row: creation, then the end of a lease, then the end of a back-off.
    """

    id = models.BigAutoField(primary_key=True)
    home = models.UUIDField()
    person = models.UUIDField()
    topic = models.CharField(max_length=80)
    channel = models.CharField(max_length=20, default="inbox")
    loop = models.UUIDField(null=True)
    subject = models.UUIDField(null=True)
    data = models.JSONField(default=dict)
    urgency = models.CharField(max_length=8, default="green")
    key = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    leased_by = models.CharField(max_length=80, default="")
    attempts = models.IntegerField(default=0)
    delivered_at = models.DateTimeField(null=True)
    dead_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["home", "key"], name="outbox_one_per_key"),
            models.CheckConstraint(
                condition=Q(delivered_at__isnull=True) | Q(dead_at__isnull=True), name="outbox_one_end"
            ),
        ]
        indexes = [
            models.Index(fields=["person", "id"], name="outbox_person"),
            models.Index(
                fields=["due_at"],
                condition=Q(delivered_at__isnull=True, dead_at__isnull=True),
                name="outbox_waiting",
            ),
            models.Index(fields=["dead_at"], condition=Q(dead_at__isnull=False), name="outbox_dead"),
        ]


class Notice(models.Model):
    """What a person finds in 通知: everything unread about one thing is one row with a count."""

    id = models.UUIDField(primary_key=True, default=ids.new)
    home = models.UUIDField()
    person = models.UUIDField()
    group_key = models.CharField(max_length=120)
    topic = models.CharField(max_length=80)
    loop = models.UUIDField(null=True)
    subject = models.UUIDField(null=True)
    data = models.JSONField(default=dict)
    urgency = models.CharField(max_length=8, default="green")
    count = models.IntegerField(default=1)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "group_key"],
                condition=Q(read_at__isnull=True),
                name="notice_one_unread_group",
            ),
            models.CheckConstraint(condition=Q(count__gte=1), name="notice_counts_from_one"),
        ]
        indexes = [
            models.Index(F("person"), F("updated_at").desc(), F("id").desc(), name="notice_person"),
        ]


class Beat(models.Model):
    """A running worker says that it lives; 值班 shows when the last one did."""

    worker = models.CharField(max_length=80, primary_key=True)
    started_at = models.DateTimeField()
    at = models.DateTimeField()
