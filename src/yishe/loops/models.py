from django.db import models
from django.db.models import Q


class KindVersion(models.Model):
    """A loop kind as it stood when loops were opened under it, so that a changed pack changes no open promise."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    kind = models.CharField(max_length=80)
    version = models.CharField(max_length=32)
    definition = models.TextField()
    first_used_at = models.DateTimeField()


class Loop(models.Model):
    """A promise to a resident: the projection of its ledger stream, which replay must equal.

    Field names are those of policy.loop_state.LoopState. `owner` is the one whose move it is now.
    """

    id = models.UUIDField(primary_key=True)
    home = models.UUIDField()
    centre = models.UUIDField()
    team = models.UUIDField(null=True)
    kind = models.CharField(max_length=80)
    kind_version = models.CharField(max_length=32)
    pack = models.CharField(max_length=64)
    reason = models.CharField(max_length=32, blank=True)
    urgency = models.CharField(max_length=8)
    sensitive = models.BooleanField()
    subject = models.UUIDField()
    duty = models.CharField(max_length=40)
    state = models.CharField(max_length=16)
    before_hold = models.CharField(max_length=16, blank=True)
    status = models.CharField(max_length=16)
    business_status = models.CharField(max_length=32)
    turn = models.CharField(max_length=12)
    seq = models.PositiveIntegerField()
    head = models.BinaryField(max_length=32)
    sender = models.UUIDField()
    performer = models.UUIDField()
    owner = models.UUIDField(null=True)
    promised_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    closed_as = models.CharField(max_length=12, blank=True)
    close_reason = models.CharField(max_length=32, blank=True)
    outcome = models.CharField(max_length=32, blank=True)
    confirmed_by = models.CharField(max_length=12, blank=True)
    promised_by = models.DateTimeField()
    accept_by = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    next_at = models.DateTimeField(null=True)
    hold_until = models.DateTimeField(null=True)
    shift_until = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)
    clocks = models.JSONField(default=dict)
    parent = models.UUIDField(null=True)
    follows = models.UUIDField(null=True)
    declines = models.PositiveSmallIntegerField(default=0)
    heard = models.CharField(max_length=8, blank=True)
    heard_by_performer = models.BooleanField(default=False)
    single = models.BooleanField(default=False)
    gone = models.CharField(max_length=12, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(closed_at=None, next_at__isnull=False, owner__isnull=False)
                | Q(closed_at__isnull=False, next_at=None, owner=None),
                name="loops_open_has_owner_and_next_moment",
            ),
            models.UniqueConstraint(
                fields=["subject", "kind", "reason"],
                condition=Q(closed_at=None, single=True),
                name="loops_one_open_of_a_kind",
            ),
        ]
        indexes = [
            models.Index(fields=["next_at"], condition=Q(closed_at=None), name="loops_due"),
            models.Index(fields=["owner", "due_at"], condition=Q(closed_at=None), name="loops_worklist"),
            models.Index(fields=["sender", "due_at"], condition=Q(closed_at=None), name="loops_waiting"),
            models.Index(fields=["centre", "promised_at"], name="loops_ledger"),
            models.Index(
                fields=["centre", "promised_at"], condition=Q(closed_at=None), name="loops_open_here"
            ),
            models.Index(fields=["team", "promised_at"], name="loops_of_team"),
            models.Index(fields=["sender", "promised_at"], name="loops_sent"),
            models.Index(fields=["performer", "promised_at"], name="loops_performed"),
            models.Index(fields=["subject"], name="loops_subject"),
            models.Index(fields=["parent"], condition=Q(parent__isnull=False), name="loops_children"),
        ]


class Tracking(models.Model):
    """Someone who follows a loop that another person promised before him, instead of promising it twice."""

    id = models.UUIDField(primary_key=True)
    loop = models.UUIDField()
    person = models.UUIDField()
    since = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["loop", "person"], name="loops_tracking_once")]
        indexes = [models.Index(fields=["person"], name="loops_tracking_person")]


class Timetable(models.Model):
    """The one row that says which holiday table open loops are timed by, and how far a re-timing has come."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    digest = models.CharField(max_length=64)
    reached = models.UUIDField(null=True)
    changed_at = models.DateTimeField()


class Stuck(models.Model):
    """A loop the worker could not decide: held briefly, shown on the duty page as 卡住, never skipped silently."""

    loop = models.UUIDField(primary_key=True)
    since = models.DateTimeField()
    until = models.DateTimeField()
    attempts = models.PositiveIntegerField()
    error = models.CharField(max_length=300)
