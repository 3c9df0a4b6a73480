"""Access lines say also from where and with which outcome, and are keyed by home first.

A primary key can't be changed in place on both databases, so a new table takes the lines over.
"""

from django.db import migrations, models

KEPT = "id, home, at, actor, action, relation, purpose, source, subjects"


def take_over(apps, schema_editor):
    schema_editor.execute(
        f"INSERT INTO trust_accesslines ({KEPT}, outcome, address, device) "
        f"SELECT {KEPT}, '', '', '' FROM trust_accessline"
    )


def index_subjects(apps, schema_editor):
    """Looking up who saw one resident. SQLite reads the period instead."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "CREATE INDEX trust_access_subjects ON trust_accessline USING gin (subjects jsonb_path_ops) "
            "WITH (fastupdate = off)"
        )


class Migration(migrations.Migration):
    dependencies = [("trust", "0002_keys_digests_backups")]

    operations = [
        migrations.CreateModel(
            name="AccessLines",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "home", "at", "id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("home", models.UUIDField()),
                ("at", models.DateTimeField()),
                ("id", models.UUIDField()),
                ("actor", models.UUIDField()),
                ("action", models.CharField(max_length=64)),
                ("outcome", models.CharField(blank=True, max_length=40)),
                ("relation", models.CharField(blank=True, max_length=64)),
                ("purpose", models.CharField(blank=True, max_length=200)),
                ("source", models.CharField(blank=True, max_length=64)),
                ("address", models.CharField(blank=True, max_length=45)),
                ("device", models.CharField(blank=True, max_length=40)),
                ("request", models.UUIDField(null=True)),
                ("subjects", models.JSONField()),
            ],
            options={"indexes": [models.Index(fields=["actor", "at"], name="trust_access_actor_at")]},
        ),
        migrations.RunPython(take_over, migrations.RunPython.noop, elidable=False),
        migrations.DeleteModel("AccessLine"),
        migrations.RenameModel("AccessLines", "AccessLine"),
        migrations.RunPython(index_subjects, migrations.RunPython.noop),
    ]
