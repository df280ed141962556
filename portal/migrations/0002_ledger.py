import django.contrib.postgres.fields
import django.db.models.deletion
import portal.ledger.models
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0001_user'),
    ]

    operations = [
        migrations.CreateModel(
            name='LedgerLeaf',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('event_id', models.UUIDField()),
                ('stream', models.TextField()),
                ('stream_seq', models.BigIntegerField()),
                ('kind', models.TextField()),
                ('actor', models.TextField()),
                ('payload_digest', models.BinaryField()),
                ('rows', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                ('recorded_at', models.DateTimeField()),
                ('xid', portal.ledger.models.TransactionId()),
                ('prev_hash', models.BinaryField()),
                ('hash', models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name='LedgerCheck',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('what', models.TextField()),
                ('ok', models.BooleanField()),
                ('entries', models.BigIntegerField()),
                ('checkpoints', models.BigIntegerField()),
                ('problems', models.JSONField(default=list)),
                ('seconds', models.FloatField()),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='LedgerCheckpoint',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('size', models.BigIntegerField(unique=True)),
                ('root', models.BinaryField()),
                ('note', models.TextField()),
                ('frontier', models.BinaryField()),
                ('floor', portal.ledger.models.TransactionId()),
                ('sealed_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='LedgerSealed',
            fields=[
                ('seq', models.BigIntegerField(primary_key=True, serialize=False)),
                ('hash', models.BinaryField()),
            ],
            options={
                'verbose_name_plural': 'sealed leaves',
            },
        ),
        migrations.CreateModel(
            name='LedgerBody',
            fields=[
                ('leaf', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='body', serialize=False, to='portal.ledgerleaf')),
                ('salt', models.BinaryField()),
                ('payload', models.TextField()),
            ],
            options={
                'verbose_name_plural': 'ledger bodies',
            },
        ),
        migrations.AddIndex(
            model_name='ledgerleaf',
            index=models.Index(models.F('xid'), models.F('rows__0'), name='ledger_by_transaction'),
        ),
        migrations.AddConstraint(
            model_name='ledgerleaf',
            constraint=models.UniqueConstraint(fields=('stream', 'stream_seq'), name='ledger_stream_once'),
        ),
        migrations.AddIndex(
            model_name='ledgercheck',
            index=models.Index(fields=['-at', '-id'], name='ledger_check_newest'),
        ),
        migrations.AddField(
            model_name='ledgersealed',
            name='leaf',
            field=models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='sealed', to='portal.ledgerleaf'),
        ),
    ]
