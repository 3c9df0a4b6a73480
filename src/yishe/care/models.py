"""Tables of care. Every table is insert-only: a correction is a new row naming the one it supersedes.

Rows carry a random ``subject`` instead of a resident (only ``people`` maps it), and ``home``, the centre where the
subject was born, leads every unique key. Free text is sealed under the subject's key, so erasing the key erases it;
plain measurements stay readable and are protected by access until their legal date.
"""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from yishe.care.attempt_models import Attempt  # noqa: F401 - one room, several pages of tables
from yishe.care.class_models import ClassDue, ClassOf  # noqa: F401 - the same
from yishe.care.link_models import QuestionnaireLink  # noqa: F401 - the same
from yishe.trust import ids
from yishe.trust.scoping import OfPersons, Personal


class Recorded(Personal):
    """What every recorded fact has in common.

    ``occurred_at`` is when it happened, ``recorded_at`` when the server took it down (both UTC). ``author`` is a staff
    id. ``command_digest`` is the SHA-256 of the command's body: a repeat with the same body gets the first row back.
    ``supersedes`` names the row of the same table this one corrects; ``withdrawn`` marks a correction that takes the
    old row back without putting anything in its place. ``finished`` are the rows that count as part of the record,
    ``finished_as`` their status in tables that have one.
    """

    insert_only = True
    finished: ClassVar[Q] = Q()
    finished_as: ClassVar[tuple[str, ...]] = ()
    scoped_by: ClassVar[tuple[str, ...]] = ("id", "subject", "supersedes")
    objects: ClassVar[models.Manager[Any]] = OfPersons()

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    home = models.UUIDField()
    subject = models.UUIDField()
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    author = models.UUIDField()
    command_id = models.CharField(max_length=128)
    command_digest = models.BinaryField(max_length=32)
    supersedes = models.UUIDField(null=True)
    withdrawn = models.BooleanField(default=False)

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(fields=["home", "author", "command_id"], name="%(class)s_once"),
            models.UniqueConstraint(fields=["home", "supersedes"], name="%(class)s_corrected_once"),
        ]
        indexes = [
            models.Index(fields=["home", "subject", "-occurred_at", "-id"], name="%(class)s_story"),
        ]


class Held(models.Model):
    """What law obliges to keep of someone who was erased, sealed under a key of its own until its date.

    Nothing reads it in the course of work; on its day row and key are deleted (`care.erasures.due`). `id` is the
    subject of its key, `number` that of the erasure; neither leads to a resident.
    """

    id = models.UUIDField(primary_key=True)
    home = models.UUIDField()
    number = models.UUIDField()
    category = models.CharField(max_length=40)
    until = models.DateField(db_index=True)
    sealed = models.BinaryField()


class Encounter(Recorded):
    """A meeting of a clinician with the resident.

    ``sealed`` holds JSON ``{"summary": str, "diagnoses": [{"code": str, "title": str}]}``, with ``"visit"`` when it was
    one of a schedule; ``diagnoses`` counts them,
    which is all a social worker sees of them.
    """

    kind = models.CharField(max_length=32)
    diagnoses = models.PositiveSmallIntegerField(default=0)
    sealed = models.BinaryField()

    class Meta(Recorded.Meta):
        db_table = "care_encounter"


class MedicationChange(Recorded):
    """A medicine started, changed or stopped; the list of current medicines is derived from these.

    ``course`` is the id of the start row and ties the changes of one medicine together. ``sealed`` holds JSON
    ``{"drug", "dose", "frequency", "reason", "previous": {"dose", "frequency"} | null}``.
    """

    action = models.CharField(max_length=8)
    course = models.UUIDField()
    sealed = models.BinaryField()

    class Meta(Recorded.Meta):
        db_table = "care_medication_change"
        constraints = [
            *Recorded.Meta.constraints,
            models.CheckConstraint(
                condition=Q(action__in=["start", "change", "stop"]), name="medication_action_known"
            ),
        ]


class ServiceNote(Recorded):
    """A social worker's note. ``restricted`` holds psychotherapy detail, sealed apart under another label."""

    stage = models.CharField(max_length=32)
    method = models.CharField(max_length=32, blank=True)
    minutes = models.PositiveSmallIntegerField(null=True)
    sealed = models.BinaryField()
    restricted = models.BinaryField(null=True)

    class Meta(Recorded.Meta):
        db_table = "care_service_note"


class Observation(Recorded):
    """A measurement. ``values`` maps a quantity of the pack (``sbp``, ``glucose`` …) to a decimal string in its unit.

    ``context`` is a code such as ``fasting``; ``repeated`` says that an unusual value was measured again and confirmed.
    """

    kind = models.CharField(max_length=32)
    values = models.JSONField()
    method = models.CharField(max_length=16, default="manual")
    context = models.CharField(max_length=32, blank=True)
    repeated = models.BooleanField(default=False)

    class Meta(Recorded.Meta):
        db_table = "care_observation"


class Immunization(Recorded):
    """A dose of a vaccine that was given, or the reason why it is not (``held``), until a day if one was named.

    ``vaccine`` and ``reason`` are codes of the pack's ``vaccines.yaml``. ``sealed`` holds JSON ``{"batch", "remark"}``.
    """

    vaccine = models.CharField(max_length=16)
    state = models.CharField(max_length=8, default="given")
    reason = models.CharField(max_length=24, blank=True)
    until = models.DateField(null=True)
    sealed = models.BinaryField()

    class Meta(Recorded.Meta):
        db_table = "care_immunization"
        constraints = [
            *Recorded.Meta.constraints,
            models.CheckConstraint(condition=Q(state__in=["given", "held"]), name="immunization_state_known"),
        ]


class Condition(Recorded):
    """A disease, an allergy or a social condition. ``sealed`` holds JSON ``{"code", "title", "remark"}``."""

    kind = models.CharField(max_length=16)
    state = models.CharField(max_length=16, default="active")
    sealed = models.BinaryField()

    class Meta(Recorded.Meta):
        db_table = "care_condition"
        constraints = [
            *Recorded.Meta.constraints,
            models.CheckConstraint(
                condition=Q(kind__in=["disease", "allergy", "social"]), name="condition_kind_known"
            ),
        ]


class Contract(models.Model):
    """A family-doctor contract: the projection of its ledger stream, which replay must equal.

    Field names are those of policy.contract_state.ContractState. What both sides signed with is sealed in the stream.
    """

    id = models.UUIDField(primary_key=True)
    home = models.UUIDField()
    subject = models.UUIDField()
    package = models.CharField(max_length=40)
    way = models.CharField(max_length=20)
    applied_at = models.DateTimeField()
    applied_by = models.UUIDField()
    application = models.UUIDField()
    renews = models.UUIDField(null=True)
    reviewed_at = models.DateTimeField(null=True)
    reviewed_by = models.UUIDField(null=True)
    agreed_at = models.DateTimeField(null=True)
    agreed_by = models.UUIDField(null=True)
    countersignature = models.UUIDField(null=True, help_text="the loop that asks the team to sign")
    signed_at = models.DateTimeField(null=True)
    signed_by = models.UUIDField(null=True)
    signer = models.CharField(max_length=20, default="")
    since = models.DateField(null=True)
    until = models.DateField(null=True, help_text="the first day on which it is over")
    fee = models.PositiveIntegerField(null=True, help_text="yuan a year")
    agreement_version = models.CharField(max_length=10, default="")
    agreement_sha256 = models.CharField(max_length=64, default="")
    paper_on = models.DateField(null=True, help_text="signed on paper before the system, on that day")
    items = models.JSONField(default=dict, help_text="the package's yearly counts as signed")
    team = models.UUIDField(null=True)
    doctor = models.UUIDField(null=True)
    social_worker = models.UUIDField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.UUIDField(null=True)
    end_reason = models.CharField(max_length=20, default="")
    seq = models.PositiveIntegerField(default=1, help_text="last ledger entry folded")
    head = models.BinaryField(default=bytes, help_text="hash of that entry")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["home", "subject"],
                condition=Q(signed_at=None, ended_at=None),
                name="contract_one_application",
            ),
        ]
        indexes = [
            models.Index(fields=["subject"], name="contract_subject"),
            models.Index(fields=["team", "until"], name="contract_team"),
        ]


class Owed(models.Model):
    """One promise of a contract's year, written when it is signed or facts change (policy.contract_year.Owed).

    `loop` is the loop it became when its window opened; `kept_on` the local day of the contact that kept it; `withdrawn_on`
    the local day on which it fell unkept, because nothing asks for it any more (`withdrawn_why`, a code of the pack).
    """

    id = models.UUIDField(primary_key=True)
    home = models.UUIDField()
    subject = models.UUIDField()
    contract = models.ForeignKey(Contract, models.PROTECT, related_name="owed")
    kind = models.CharField(max_length=80)
    service = models.CharField(max_length=32)
    nth = models.PositiveSmallIntegerField()
    times = models.PositiveSmallIntegerField()
    starts = models.DateField()
    due = models.DateField()
    ends = models.DateField()
    duty = models.CharField(max_length=40)
    covers = models.JSONField(default=list, help_text="package:<code> and codes of rules")
    loop = models.UUIDField(null=True)
    kept_on = models.DateField(null=True)
    kept_by = models.UUIDField(null=True)
    evidence = models.UUIDField(null=True)
    withdrawn_on = models.DateField(null=True)
    withdrawn_why = models.CharField(max_length=20, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "service", "times", "nth"],
                condition=Q(withdrawn_on=None),
                name="owed_once",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_on=None) | Q(kept_on=None), name="owed_kept_or_withdrawn"
            ),
        ]
        indexes = [
            models.Index(fields=["starts"], condition=Q(loop=None), name="owed_to_open"),
            models.Index(fields=["subject", "due"], condition=Q(kept_on=None), name="owed_outstanding"),
            models.Index(fields=["evidence"], condition=Q(evidence__isnull=False), name="owed_evidence"),
        ]


class Plan(models.Model):
    """A care plan: the projection of its ledger stream, which replay must equal. What it says is sealed in the stream.

    Field names are those of policy.plan_state.PlanState; one open plan for each subject.
    """

    id = models.UUIDField(primary_key=True)
    home = models.UUIDField()
    subject = models.UUIDField()
    version = models.PositiveIntegerField()
    template = models.CharField(max_length=40, default="")
    written_at = models.DateTimeField()
    written_by = models.UUIDField()
    present = models.JSONField(default=list, help_text="professions behind the latest version")
    alone = models.CharField(max_length=32, default="")
    asked = models.UUIDField(null=True, help_text="open loop of the confirmation")
    in_force = models.PositiveIntegerField(default=0, help_text="version that both stand behind")
    review_on = models.DateField(null=True)
    review = models.UUIDField(null=True, help_text="open loop of the review")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.UUIDField(null=True)
    end_reason = models.CharField(max_length=20, default="")
    seq = models.PositiveIntegerField(default=1, help_text="last ledger entry folded")
    head = models.BinaryField(default=bytes, help_text="hash of that entry")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["home", "subject"], condition=Q(ended_at=None), name="plan_one_open"
            ),
        ]
        indexes = [
            models.Index(fields=["subject"], name="plan_subject"),
            models.Index(fields=["review_on"], condition=Q(ended_at=None), name="plan_review"),
        ]


class PlanPromise(models.Model):
    """A dated action of the version in force (policy.plan_content.Due). `loop` is what it became when its time was near;
    `dropped` when a later version, or the plan's end, took it away."""

    id = models.UUIDField(primary_key=True)
    home = models.UUIDField()
    subject = models.UUIDField()
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="promises")
    action = models.CharField(max_length=36)
    duty = models.CharField(max_length=40)
    opens = models.DateField()
    due = models.DateField()
    loop = models.UUIDField(null=True)
    dropped = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["plan", "action"], condition=Q(dropped=False), name="plan_promise_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["opens"], condition=Q(loop=None, dropped=False), name="plan_promise_to_open"
            ),
        ]


class Agreement(models.Model):
    """The agreement both sides signed, as PDF in base64, sealed under the subject's key. `id` is the contract's."""

    insert_only = True
    objects: ClassVar[models.Manager[Any]] = models.Manager()

    id = models.UUIDField(primary_key=True, editable=False)
    home = models.UUIDField()
    subject = models.UUIDField()
    sealed = models.BinaryField()


class Questionnaire(models.Model):
    """A scale as it stood when it was begun, so that a changed pack changes no draft and no earlier result."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    scale = models.CharField(max_length=40)
    version = models.CharField(max_length=32)
    definition = models.TextField()
    first_used_at = models.DateTimeField()


class QuestionnaireResponse(Recorded):
    """One state of one filled form; every save is a row that supersedes the one before, all with the same ``response``.

    ``status`` is in_progress, completed or amended; a form that is thrown away is a withdrawn row. ``definition`` is the
    SHA-256 of its ``Questionnaire``, ``groups`` the field groups that may read it, ``informant`` who answers (staff,
    resident, relative). ``sealed`` holds JSON ``{"answers", "confirmed", "raised", "about", "result", "reason", "by"}``.
    """

    finished_as = ("completed", "amended")
    finished = Q(status__in=finished_as)
    scoped_by = (*Recorded.scoped_by, "response")

    response = models.UUIDField()
    status = models.CharField(max_length=16)
    scale = models.CharField(max_length=40)
    version = models.CharField(max_length=32)
    definition = models.CharField(max_length=64)
    groups = models.JSONField()
    informant = models.CharField(max_length=16)
    sealed = models.BinaryField()

    class Meta(Recorded.Meta):
        db_table = "care_questionnaire_response"
        constraints = [
            *Recorded.Meta.constraints,
            models.CheckConstraint(
                condition=Q(status__in=["in_progress", "completed", "amended"]), name="response_status_known"
            ),
        ]
        indexes = [*Recorded.Meta.indexes, models.Index(fields=["home", "response"], name="response_form")]
