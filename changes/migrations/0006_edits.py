"""Edits in the vendors' consoles and the changes that they belong to."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("changes", "0005_entitlements"),
    ]

    operations = [
        migrations.CreateModel(
            name="EditMatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "change",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="edits", to="changes.change"),
                ),
                (
                    "event",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="match", to="changes.vendorevent"
                    ),
                ),
            ],
        ),
    ]
