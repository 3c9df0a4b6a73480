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


class IndicatorSnapshot(models.Model):
    """That the indicators of a quarter were counted, under which packs, on data exported when. Insert-only: counted again, the quarter
    has another one, and the newest stands."""

    insert_only = True

    id = models.UUIDField(primary_key=True, editable=False)
    quarter = models.CharField(max_length=6, help_text="2026Q1")
    pack = models.CharField(max_length=64)
    exported_at = models.DateTimeField(help_text="how old the oldest part of the data was")
    taken_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["quarter", "-taken_at"], name="insight_snapshot_quarter")]


class IndicatorValue(models.Model):
    """How one indicator, by the definition of its `version`, stood for one team of a centre; both empty: for those who have none."""

    insert_only = True

    id = models.BigAutoField(primary_key=True)
    snapshot = models.ForeignKey(IndicatorSnapshot, models.PROTECT, related_name="values")
    code = models.CharField(max_length=40)
    version = models.PositiveSmallIntegerField()
    centre = models.UUIDField(null=True)
    team = models.UUIDField(null=True)
    numerator = models.PositiveIntegerField()
    denominator = models.PositiveIntegerField()

    class Meta:
        indexes = [models.Index(fields=["snapshot", "centre", "team"], name="insight_value_unit")]
