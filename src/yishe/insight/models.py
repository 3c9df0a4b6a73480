from django.db import models


class Extract(models.Model):
    """A de-identified extract on its way to who asked for it: sealed, and thrown away after its time. What it was, how much
    and with which hash stays in the ledger of its loop and in the list of exports."""

    loop = models.UUIDField(primary_key=True)
    made_at = models.DateTimeField()
    made_by = models.UUIDField()
    until = models.DateTimeField(db_index=True)
    people = models.PositiveIntegerField()
    rows = models.PositiveIntegerField()
    k = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    sealed = models.BinaryField(help_text="the zip, under a key of the house")
