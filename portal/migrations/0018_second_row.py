from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('portal', '0017_dropped'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='ledgerleaf',
            index=models.Index(
                models.F('xid'), models.F('rows__1'), condition=models.Q(('rows__1__isnull', False)), name='ledger_by_transaction_too'
            ),
        ),
    ]
