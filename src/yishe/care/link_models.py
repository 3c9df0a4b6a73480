"""The table of questionnaires sent out by a link."""

from typing import Any, ClassVar

from django.db import models

from yishe.trust.scoping import OfPersons, Personal


class QuestionnaireLink(Personal):
    """A form handed out to be answered without an account. `id` stands in the link and is guessed by nobody; `digest` is the
    keyed hash of the code that goes with it, `tries` the typings of it since it was last right.

    The newest link of a form is the one that counts; how the form stands says whether it was handed in."""

    scoped_by = ("id", "subject", "response")
    objects: ClassVar[models.Manager[Any]] = OfPersons()

    id = models.UUIDField(primary_key=True, editable=False)
    home = models.UUIDField()
    subject = models.UUIDField()
    response = models.UUIDField()
    digest = models.BinaryField(max_length=32)
    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField()
    sent_by = models.UUIDField()
    ends_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "care_questionnaire_link"
        indexes = [
            models.Index(fields=["response", "-sent_at"], name="questionnaire_link_form"),
            models.Index(fields=["subject"], name="questionnaire_link_subject"),
        ]
