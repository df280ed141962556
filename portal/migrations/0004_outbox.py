from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("portal", "0003_access")]
    operations = [
        migrations.CreateModel(
            name='Effect',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=60)),
                ('key', models.CharField(max_length=400, unique=True)),
                ('subject', models.CharField(blank=True, max_length=400, null=True)),
                ('payload', models.JSONField(default=dict)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('done', 'Delivered'), ('superseded', 'Replaced by a newer one'), ('quarantined', 'Quarantined')], default='waiting', max_length=12)),
                ('attempts', models.IntegerField(default=0)),
                ('not_before', models.DateTimeField()),
                ('created_at', models.DateTimeField()),
                ('done_at', models.DateTimeField(blank=True, null=True)),
                ('result', models.JSONField(blank=True, null=True)),
                ('error', models.TextField(blank=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state', 'waiting')), fields=['not_before', 'id'], name='effect_waiting'), models.Index(condition=models.Q(('subject__isnull', False)), fields=['kind', 'subject', 'id'], name='effect_by_subject'), models.Index(condition=models.Q(('state', 'quarantined')), fields=['id'], name='effect_quarantined')],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['waiting', 'done', 'superseded', 'quarantined'])), name='effect_state_known')],
            },
        ),
    ]
