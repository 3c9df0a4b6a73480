from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q


class Instance(models.Model):
    """The one row that says what this database is: demo or real, and with which key it was born."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    demo = models.BooleanField(default=False)
    clock_offset = models.BigIntegerField(default=0, help_text="microseconds added to real time; demo only")
    key_check = models.BinaryField(max_length=32)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="trust_instance_is_one"),
            models.CheckConstraint(condition=Q(demo=True) | Q(clock_offset=0), name="trust_clock_moves_in_demo"),
        ]


class Account(AbstractBaseUser):
    id = models.UUIDField(primary_key=True)
    username = models.CharField(max_length=64, unique=True)
    is_active = models.BooleanField(default=True)
    failures = models.PositiveIntegerField(default=0)
    locked_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    USERNAME_FIELD = "username"
    objects = BaseUserManager()


class Token(models.Model):
    """A bearer token, kept only as its SHA-256."""

    id = models.UUIDField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    digest = models.BinaryField(max_length=32, unique=True)
    label = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)


class SignInAttempt(models.Model):
    """One failed sign-in, counted per account name and per address."""

    id = models.BigAutoField(primary_key=True)
    username = models.CharField(max_length=64)
    source = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["username", "at"], name="trust_attempt_name"),
            models.Index(fields=["source", "at"], name="trust_attempt_source"),
        ]


class CentreKey(models.Model):
    """A centre's data key, wrapped by the root key."""

    home = models.UUIDField(primary_key=True)
    wrapped = models.BinaryField(max_length=80)
    created_at = models.DateTimeField()


class SubjectKey(models.Model):
    """One person's data key, wrapped by the centre's. Erasing the row makes the content unreadable."""

    subject = models.UUIDField(primary_key=True)
    home = models.UUIDField()
    wrapped = models.BinaryField(max_length=80)


class Entry(models.Model):
    """One line of the ledger. Insert-only; the database refuses anything else."""

    insert_only = True

    pk = models.CompositePrimaryKey("home", "stream", "seq")
    home = models.UUIDField()
    stream = models.UUIDField()
    seq = models.PositiveIntegerField()
    form = models.PositiveSmallIntegerField(help_text="version of the canonical form that was hashed")
    kind = models.CharField(max_length=48)
    actor = models.UUIDField()
    subject = models.UUIDField(null=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    pack = models.CharField(max_length=64)
    command_id = models.CharField(max_length=128, null=True)
    command_digest = models.BinaryField(max_length=32, null=True)
    data = models.TextField(help_text="canonical JSON: codes, ids and times, never words about a person")
    sealed = models.BinaryField(null=True, help_text="free text under the subject's key")
    previous = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["home", "actor", "command_id"], name="trust_entry_command"),
        ]
        indexes = [models.Index(fields=["stream", "seq"], name="trust_entry_stream")]


class AccessLine(models.Model):
    """Who looked at whom, why, and under which relation. Insert-only, outside the chain."""

    insert_only = True

    id = models.UUIDField(primary_key=True)
    home = models.UUIDField()
    at = models.DateTimeField()
    actor = models.UUIDField()
    action = models.CharField(max_length=64)
    relation = models.CharField(max_length=64, blank=True)
    purpose = models.CharField(max_length=200, blank=True)
    source = models.CharField(max_length=64, blank=True)
    subjects = models.JSONField()

    class Meta:
        indexes = [models.Index(fields=["home", "at"], name="trust_access_home_at")]
