from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("portal", "0004_outbox")]
    operations = [
        migrations.CreateModel(
            name="Lease",
            fields=[
                ("name", models.TextField(primary_key=True, serialize=False)),
                ("next_at", models.DateTimeField()),
                ("run_at", models.DateTimeField(null=True)),
                ("finished", models.DateTimeField(null=True)),
            ],
            options={"db_table": "portal_lease"},
        ),
    ]
