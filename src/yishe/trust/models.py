from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q

from yishe.trust.sign_in_models import (  # noqa: F401 - one room, two pages of tables
    Challenge,
    Device,
    Draft,
    OneTimeCode,
    Passkey,
    Pin,
    RecoveryCode,
    Session,
    SharedDevice,
    SignInEvent,
    Totp,
)


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
            models.CheckConstraint(
                condition=Q(demo=True) | Q(clock_offset=0), name="trust_clock_moves_in_demo"
            ),
        ]


class Account(AbstractBaseUser):
    id = models.UUIDField(primary_key=True)
    username = models.CharField(max_length=64, unique=True)
    is_active = models.BooleanField(default=True)
    failures = models.PositiveIntegerField(default=0)
    locked_until = models.DateTimeField(null=True)
    given_at = models.DateTimeField(
        null=True, help_text="when somebody else gave the password; empty once its person chose one"
    )
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
    blind = models.BinaryField(max_length=80, null=True, help_text="what look-up is keyed by; never rotated")
    created_at = models.DateTimeField()
    turned_at = models.DateTimeField(null=True, help_text="start of the rotation that made this key")


class RetiredKey(models.Model):
    """A key a centre had before. Kept under the root until nothing is wrapped by it any more."""

    id = models.UUIDField(primary_key=True)
    home = models.UUIDField(db_index=True)
    wrapped = models.BinaryField(max_length=80)
    retired_at = models.DateTimeField()


class HouseKey(models.Model):
    """A key of the whole installation, wrapped by the root: look-up across centres, signing of digests."""

    use = models.CharField(max_length=20, primary_key=True)
    wrapped = models.BinaryField(max_length=80)
    public = models.BinaryField(max_length=32, null=True, help_text="Ed25519 public key, for a signing key")


class Rotation(models.Model):
    """One run of `yishe keys rotate`, from which an interrupted run goes on. At most one is running.

    While it runs each root key opens the other: `forward` is the new one under the old, `back` the old under the new.
    """

    id = models.UUIDField(primary_key=True)
    running = models.BooleanField(
        null=True, default=True, unique=True, help_text="true, or null once finished"
    )
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    old_check = models.BinaryField(max_length=32)
    new_check = models.BinaryField(
        max_length=32, help_text="the same as old_check when only centre keys turn"
    )
    forward = models.BinaryField(max_length=80, null=True)
    back = models.BinaryField(max_length=80, null=True)
    stage = models.CharField(max_length=12, default="root")
    after = models.UUIDField(null=True, help_text="subjects up to here are done")
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(default=0)


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
    """Who looked at whom or wrote about whom, why, under which relation, from where. Insert-only, outside the chain.

    `outcome` is empty when it was done, else the code of the refusal. `source` is the door (web, api, live, cli),
    `request` ties together what one request did. `home` leads, so that the table can be partitioned by it.
    On PostgreSQL `subjects` has a GIN index (migration 0003).
    """

    insert_only = True

    pk = models.CompositePrimaryKey("home", "at", "id")
    home = models.UUIDField()
    at = models.DateTimeField()
    id = models.UUIDField()
    actor = models.UUIDField()
    action = models.CharField(max_length=64)
    outcome = models.CharField(max_length=40, blank=True)
    relation = models.CharField(max_length=64, blank=True)
    purpose = models.CharField(max_length=200, blank=True)
    source = models.CharField(max_length=64, blank=True)
    address = models.CharField(max_length=45, blank=True)
    device = models.CharField(max_length=40, blank=True)
    request = models.UUIDField(null=True)
    subjects = models.JSONField()

    class Meta:
        indexes = [models.Index(fields=["actor", "at"], name="trust_access_actor_at")]


class Export(models.Model):
    """What was taken out: by whom, when, why, how much, and the SHA-256 of the file. Insert-only.

    Its ledger stream (the same id) says the same without the purpose, so the daily digest holds it.
    """

    insert_only = True

    pk = models.CompositePrimaryKey("home", "at", "id")
    home = models.UUIDField()
    at = models.DateTimeField()
    id = models.UUIDField()
    actor = models.UUIDField()
    kind = models.CharField(max_length=40)
    purpose = models.CharField(max_length=200)
    scope = models.CharField(max_length=200, blank=True, help_text="which part of it, in words and filters")
    rows = models.PositiveIntegerField()
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        indexes = [models.Index(fields=["actor", "at"], name="trust_export_actor_at")]


class Digest(models.Model):
    """The heads of all streams as they stood one day, signed. Insert-only; each holds the hash of the one before.

    `heads` lists what moved since the digest before, 72 bytes a stream (home 16, stream 16, seq 8, hash 32),
    sorted; the root hash is over all streams. From form 2 on it also seals the access lines written since
    (`SealedLines`): `lines` is how many, `lines_root` the hash over those of all homes.
    """

    insert_only = True

    number = models.PositiveIntegerField(primary_key=True)
    form = models.PositiveSmallIntegerField(default=1)
    day = models.DateField(unique=True)
    at = models.DateTimeField()
    entries = models.PositiveBigIntegerField()
    streams = models.PositiveBigIntegerField()
    heads = models.BinaryField()
    root = models.BinaryField(max_length=32)
    lines = models.PositiveBigIntegerField(default=0)
    lines_root = models.BinaryField(max_length=32, default=bytes)
    previous = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)
    signature = models.BinaryField(max_length=64)
    public = models.BinaryField(max_length=32)


class Erasure(models.Model):
    """A subject that was erased, so that no older backup brings it back. Insert-only; says nothing about a person.

    `number` is common to what was erased together; `kept` lists what law obliged to keep, and until when.
    """

    insert_only = True

    subject = models.UUIDField(primary_key=True)
    home = models.UUIDField()
    number = models.UUIDField()
    at = models.DateTimeField()
    kept = models.JSONField(default=list, help_text='[{"category", "until"}]')

    class Meta:
        indexes = [models.Index(fields=["number"], name="trust_erasure_number")]


class SealedLines(models.Model):
    """The access lines of one home that one digest sealed: 56 bytes a line (at 8, id 16, hash 32), in order of time.

    Which lines a digest holds is written here and not computed from times, so that a line committed late is no
    forgery: the next digest takes it in.
    """

    insert_only = True

    pk = models.CompositePrimaryKey("home", "number")
    home = models.UUIDField()
    number = models.PositiveIntegerField(help_text="of the digest")
    lines = models.BinaryField()


class BackupRun(models.Model):
    """The daily backup: who takes the day, takes it alone."""

    day = models.DateField(primary_key=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    failed = models.CharField(max_length=400, default="")


class BackupProof(models.Model):
    """A backup that was restored to an empty place and found whole, or not."""

    id = models.UUIDField(primary_key=True)
    backup = models.CharField(max_length=80)
    made_at = models.DateTimeField()
    proven_at = models.DateTimeField(db_index=True)
    whole = models.BooleanField()
    entries = models.PositiveBigIntegerField(default=0)
    rows = models.PositiveBigIntegerField(default=0)
    seconds = models.FloatField(default=0)
    fault = models.CharField(max_length=400, default="")
