"""Who there is: organisations, staff, rosters, residents, and who answers for whom.

Identifying columns end in `_sealed`: AES-256-GCM under the resident's own subject key (`trust.keys`), with
the column's name as associated data. `home` is the centre where the row was born and never changes.
Rows of rooms above never hold a resident's id, only the random `Subject.subject`.
"""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from yishe.people.own_models import CopyTicket, OwnAccount  # noqa: F401 - one room, two pages of tables
from yishe.trust import ids
from yishe.trust.scoping import OfPersons, Personal


class Organisation(models.Model):
    """A place in the tree city → district → centre → team; partners hang where they work with us."""

    class Level(models.TextChoices):
        CITY = "city", "市"
        DISTRICT = "district", "区"
        CENTRE = "centre", "中心"
        TEAM = "team", "团队"
        PARTNER = "partner", "合作单位"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children")
    level = models.CharField(max_length=12, choices=Level.choices)
    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    shape = models.CharField(max_length=40, default="", help_text="team shape code of the pack")
    emergency = models.JSONField(default=list, help_text='[{"name", "phone"}] shown when nobody is on duty')
    active_from = models.DateTimeField(null=True)
    active_until = models.DateTimeField(null=True)


class Neighbourhood(models.Model):
    """A committee's area or grid; people without a contract follow their address through it."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    centre = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    team = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="+")


class Staff(models.Model):
    """Someone who works here. Duties come from posts, never from this row."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    account = models.OneToOneField(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    number = models.CharField(max_length=40, null=True, unique=True, help_text="工号")
    name = models.CharField(max_length=80)
    pinyin = models.CharField(max_length=160, default="")
    title = models.CharField(max_length=80, default="")
    phone = models.CharField(max_length=40, default="", help_text="办公电话：着急时打给谁")
    active_from = models.DateTimeField(null=True)
    active_until = models.DateTimeField(null=True)


class Post(models.Model):
    """One duty held in one organisation for a time; `lead` marks the first to ask for that duty there."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    staff = models.ForeignKey(Staff, models.PROTECT, related_name="posts")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="posts")
    duty = models.CharField(max_length=40)
    lead = models.BooleanField(default=False)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["staff", "organisation", "duty"],
                condition=Q(until=None),
                name="people_post_held_once",
            )
        ]


class Shift(models.Model):
    """Who is on duty for what, from when to when."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    duty = models.CharField(max_length=40)
    staff = models.ForeignKey(Staff, models.PROTECT, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=models.F("starts_at")), name="people_shift_forward"
            ),
            models.UniqueConstraint(
                fields=["organisation", "duty", "staff", "starts_at"], name="people_shift_once"
            ),
        ]


class Leave(models.Model):
    """Away from `starts_at` until `ends_at`; the substitute, if any, is asked first."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    staff = models.ForeignKey(Staff, models.PROTECT, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(db_index=True)
    substitute = models.ForeignKey(Staff, models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=40, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=models.F("starts_at")), name="people_leave_forward"
            )
        ]


class DirectoryVersion(models.Model):
    """One row, changed by every write to the tables above, so that a process knows when to read them anew."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    version = models.BigIntegerField()


class Household(models.Model):
    """People who live together, by the centre's own number."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    home = models.UUIDField()
    centre = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    code = models.CharField(max_length=60)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["home", "code"], name="people_household_code")]


class Resident(Personal):
    """A person we answer for, or may come to. Erasure empties the sealed columns and drops the subject."""

    scoped_by = ("id", "centre", "id_blind", "record_blind", "person_blind", "contact_blind", "row_blind", "merged_into")  # fmt: skip
    objects: ClassVar[models.Manager["Resident"]] = OfPersons()
    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    home = models.UUIDField()
    centre = models.ForeignKey(Organisation, models.PROTECT, related_name="+", help_text="answers now")
    household = models.ForeignKey(Household, models.PROTECT, null=True, related_name="+")
    neighbourhood = models.ForeignKey(Neighbourhood, models.PROTECT, null=True, related_name="+")
    workplace = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="+")
    name_sealed = models.BinaryField()
    id_number_sealed = models.BinaryField(null=True)
    phone_sealed = models.BinaryField(null=True)
    address_sealed = models.BinaryField(null=True)
    record_number_sealed = models.BinaryField(null=True)
    id_blind = models.BinaryField(null=True, max_length=16, help_text="HMAC of the ID number")
    record_blind = models.BinaryField(null=True, max_length=16, help_text="HMAC of the record number")
    person_blind = models.BinaryField(null=True, max_length=16, help_text="HMAC of name and birth date")
    contact_blind = models.BinaryField(null=True, max_length=16, help_text="HMAC of name and phone")
    row_blind = models.BinaryField(
        null=True, max_length=16, help_text="HMAC of all that the last import said"
    )
    sex = models.CharField(max_length=1, default="0", help_text="GB/T 2261.1: 0 1 2 9")
    birth_date = models.DateField(null=True)
    traits = models.JSONField(default=list, help_text="sorted trait codes of the pack")
    allergies = models.JSONField(default=list, help_text="allergies as the roster words them")
    deceased_at = models.DateTimeField(null=True)
    moved_at = models.DateTimeField(null=True)
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    protected_at = models.DateTimeField(null=True, help_text="since when her whereabouts are kept back")
    protected_reason = models.CharField(max_length=20, default="")
    protected_review = models.DateField(null=True)
    erased_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["id_blind"],
                condition=Q(merged_into=None, id_blind__isnull=False),
                name="people_resident_one_record",
            ),
            models.CheckConstraint(condition=Q(sex__in=["0", "1", "2", "9"]), name="people_resident_sex"),
        ]
        indexes = [
            models.Index(fields=["record_blind"], name="people_resident_record"),
            models.Index(fields=["person_blind"], name="people_resident_person"),
            models.Index(fields=["contact_blind"], name="people_resident_contact"),
            models.Index(fields=["centre", "id"], name="people_resident_centre"),
        ]


class Subject(models.Model):
    """The one map from the random subject of streams and access lines to a resident.

    A merge points `resident` at the survivor; `origin` stays, so that an unmerge can bring it back and so
    that a resident's own subject is the one whose origin he is.
    """

    scoped_by = ("subject", "resident", "origin")

    subject = models.UUIDField(primary_key=True)
    home = models.UUIDField()
    resident = models.ForeignKey(Resident, models.PROTECT, related_name="subjects")
    origin = models.OneToOneField(Resident, models.PROTECT, related_name="own_subject")


class Empanelment(models.Model):
    """Which team answers for a resident, from when to when; at most one at a time."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    home = models.UUIDField()
    resident = models.ForeignKey(Resident, models.PROTECT, related_name="empanelments")
    team = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    doctor = models.ForeignKey(Staff, models.PROTECT, null=True, related_name="+")
    social_worker = models.ForeignKey(Staff, models.PROTECT, null=True, related_name="+")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)
    source = models.CharField(max_length=40, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["resident"], condition=Q(until=None), name="people_empanelment_one_active"
            )
        ]
        indexes = [
            models.Index(fields=["team", "resident"], condition=Q(until=None), name="people_empanelment_team")
        ]


class SearchToken(models.Model):
    """What a resident may be found by, as 16-byte HMACs under the centre's key (design §9)."""

    id = models.BigAutoField(primary_key=True)
    centre = models.UUIDField()
    token = models.BinaryField(max_length=16)
    resident = models.ForeignKey(Resident, models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["centre", "token", "resident"], name="people_token_once")
        ]


class AccessFact(models.Model):
    """A relation that a higher room knows: this person may see this subject because of that."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    home = models.UUIDField()
    person = models.UUIDField(help_text="staff id")
    subject = models.UUIDField()
    relation = models.CharField(max_length=40)
    source = models.CharField(max_length=80, help_text="what it comes from, e.g. loop:<uuid>")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "subject", "relation", "source"], name="people_fact_once"
            )
        ]
        indexes = [models.Index(fields=["source"], name="people_fact_source")]


class Change(models.Model):
    """What happened here that loops must answer to; written with the change, consumed by the worker."""

    class Kind(models.TextChoices):
        LEAVE = "leave"
        RETURNED = "returned"
        POST_ENDED = "post_ended"
        STAFF_LEFT = "staff_left"
        SHIFT = "shift"
        EMPANELLED = "empanelled"
        DECEASED = "deceased"
        MOVED = "moved"
        MERGED = "merged"
        UNMERGED = "unmerged"
        ERASED = "erased"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    home = models.UUIDField()
    kind = models.CharField(max_length=20, choices=Kind.choices)
    about = models.UUIDField(help_text="staff id, or the subject for changes of a resident")
    data = models.JSONField(default=dict)
    at = models.DateTimeField()
    consumed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["at", "id"], condition=Q(consumed_at=None), name="people_change_waiting")
        ]


class Consent(models.Model):
    """What a resident allowed, projected from the ledger stream of the same id."""

    id = models.UUIDField(primary_key=True)
    home = models.UUIDField()
    subject = models.UUIDField()
    basis = models.CharField(max_length=40)
    text_version = models.CharField(max_length=10, default="")
    text_sha256 = models.CharField(max_length=64, default="", help_text="of the text that was shown")
    purpose = models.CharField(max_length=40, default="")
    scope = models.JSONField(default=list)
    grantee = models.UUIDField(null=True, help_text="whom it names: a person or an organisation")
    kinship = models.CharField(max_length=4, default="", help_text="GB/T 4761, of a relative it names")
    given_at = models.DateTimeField()
    until = models.DateTimeField(null=True)
    given_by = models.CharField(max_length=20, help_text="resident | guardian | proxy")
    giver_kinship = models.CharField(max_length=4, default="")
    incapable = models.BooleanField(default=False)
    how = models.CharField(max_length=20, default="")
    witness = models.UUIDField(null=True, help_text="staff id")
    recorded_by = models.UUIDField()
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.CharField(max_length=20, default="")
    withdrawn_reason = models.CharField(max_length=40, default="")
    withdrawal_recorded_by = models.UUIDField(null=True)
    replaced_at = models.DateTimeField(null=True)
    replaced_by = models.UUIDField(null=True)
    seq = models.PositiveIntegerField(default=1, help_text="last ledger entry folded")
    head = models.BinaryField(default=bytes, help_text="hash of that entry")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["home", "subject", "basis"],
                condition=Q(withdrawn_at=None, replaced_at=None, grantee=None),
                name="people_consent_one_active",
            ),
            models.UniqueConstraint(
                fields=["home", "subject", "basis", "grantee"],
                condition=Q(withdrawn_at=None, replaced_at=None, grantee__isnull=False),
                name="people_consent_one_named",
            ),
        ]
        indexes = [
            models.Index(
                fields=["grantee"], condition=Q(grantee__isnull=False), name="people_consent_grantee"
            )
        ]


class ImportRun(models.Model):
    """One roster read in, or one preview of it."""

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    home = models.UUIDField()
    actor = models.UUIDField(help_text="staff id")
    subject = models.UUIDField(help_text="key under which the rows of this run are sealed")
    file_name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    kind = models.CharField(max_length=12, help_text="residents | staff")
    dry_run = models.BooleanField(default=False)
    counts = models.JSONField(default=dict, help_text="outcome → rows")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)


class ImportRow(models.Model):
    """How one row of a run ended; `made` names facts by id. `cells_sealed` keeps what was written there, until resolved or purged."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(ImportRun, models.CASCADE, related_name="lines")
    sheet = models.CharField(max_length=80, default="")
    number = models.PositiveIntegerField(help_text="row number in the sheet, from 1")
    outcome = models.CharField(max_length=12)
    column = models.CharField(max_length=60, default="")
    reason = models.CharField(max_length=300, default="")
    resident = models.ForeignKey(Resident, models.PROTECT, null=True, related_name="+")
    candidate = models.ForeignKey(Resident, models.PROTECT, null=True, related_name="+")
    resolved_at = models.DateTimeField(null=True)
    resolved_as = models.CharField(max_length=12, default="", help_text="same | new")
    cells_sealed = models.BinaryField(null=True)
    made = models.JSONField(default=dict, help_text="what the row became, by which it can be taken back")
    undone_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "sheet", "number"], name="people_import_row_once")
        ]
        indexes = [models.Index(fields=["run", "outcome", "id"], name="people_import_outcome")]
