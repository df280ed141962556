import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0002_ledger'),
    ]

    operations = [
        migrations.CreateModel(
            name='FactorGrace',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('asked_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField()),
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='factor_grace', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='RoleGrant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('engineer', 'Engineer'), ('approver', 'Approver'), ('architect', 'Architect'), ('chair', 'Chair'), ('compliance', 'Compliance manager'), ('auditor', 'Auditor'), ('administrator', 'Administrator')], max_length=20)),
                ('at_shell', models.CharField(blank=True, default='', max_length=64)),
                ('valid_from', models.DateTimeField()),
                ('valid_until', models.DateTimeField(blank=True, null=True)),
                ('reason', models.TextField()),
                ('ended_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('granted_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('seconded_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='grants', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='RoleProposal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('engineer', 'Engineer'), ('approver', 'Approver'), ('architect', 'Architect'), ('chair', 'Chair'), ('compliance', 'Compliance manager'), ('auditor', 'Auditor'), ('administrator', 'Administrator')], max_length=20)),
                ('valid_until', models.DateTimeField(blank=True, null=True)),
                ('reason', models.TextField()),
                ('digest', models.CharField(max_length=64)),
                ('proposed_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('withdrawn_at', models.DateTimeField(blank=True, null=True)),
                ('grant', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='proposal', to='portal.rolegrant')),
                ('proposed_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='role_proposals', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='ApiToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80)),
                ('prefix', models.CharField(max_length=12, unique=True)),
                ('digest', models.CharField(max_length=64, unique=True)),
                ('scopes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), size=None)),
                ('made_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('last_used_at', models.DateTimeField(blank=True, null=True)),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='api_tokens', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('made_at'))), name='api_token_expires_later'), models.CheckConstraint(condition=models.Q(('scopes', []), _negated=True), name='api_token_has_scope')],
            },
        ),
        migrations.CreateModel(
            name='Identity',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', models.CharField(max_length=20)),
                ('uid', models.TextField()),
                ('login', models.TextField(blank=True)),
                ('linked_by', models.TextField()),
                ('linked_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='identities', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'identities',
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('provider', 'uid'), name='identity_of_one_person'), models.CheckConstraint(condition=models.Q(('uid', ''), _negated=True), name='identity_has_uid'), models.CheckConstraint(condition=models.Q(('ended_at', None), ('ended_at__gte', models.F('linked_at')), _connector='OR'), name='identity_ends_after_link')],
            },
        ),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email', models.EmailField(max_length=254)),
                ('name', models.CharField(max_length=120)),
                ('roles', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=20), blank=True, default=list, size=None)),
                ('token_digest', models.CharField(max_length=64, unique=True)),
                ('at_shell', models.CharField(blank=True, default='', max_length=64)),
                ('invited_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('accepted_at', models.DateTimeField(blank=True, null=True)),
                ('withdrawn_at', models.DateTimeField(blank=True, null=True)),
                ('accepted_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('invited_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('invited_by__isnull', False), models.Q(('at_shell', ''), _negated=True), _connector='OR'), name='invitation_by_somebody'), models.CheckConstraint(condition=models.Q(models.Q(('accepted_at', None), ('accepted_by', None)), models.Q(('accepted_at__isnull', False), ('accepted_by__isnull', False)), _connector='OR'), name='invitation_accepted_paired'), models.UniqueConstraint(django.db.models.functions.text.Lower('email'), condition=models.Q(('accepted_at', None), ('withdrawn_at', None)), name='invitation_open_once')],
            },
        ),
        migrations.AddIndex(
            model_name='rolegrant',
            index=models.Index(fields=['user', 'valid_from'], name='role_grant_by_user'),
        ),
        migrations.AddConstraint(
            model_name='rolegrant',
            constraint=models.CheckConstraint(condition=models.Q(('role__in', ['engineer', 'approver', 'architect', 'chair', 'compliance', 'auditor', 'administrator'])), name='role_grant_known_role'),
        ),
        migrations.AddConstraint(
            model_name='rolegrant',
            constraint=models.CheckConstraint(condition=models.Q(('valid_until', None), ('valid_until__gte', models.F('valid_from')), _connector='OR'), name='role_grant_ends_after_start'),
        ),
        migrations.AddConstraint(
            model_name='rolegrant',
            constraint=models.CheckConstraint(condition=models.Q(('granted_by', None), models.Q(('granted_by', models.F('user')), _negated=True), _connector='OR'), name='role_grant_not_to_self'),
        ),
        migrations.AddConstraint(
            model_name='rolegrant',
            constraint=models.CheckConstraint(condition=models.Q(('seconded_by', None), models.Q(models.Q(('seconded_by', models.F('user')), _negated=True), models.Q(('seconded_by', models.F('granted_by')), _negated=True)), _connector='OR'), name='role_grant_seconded_by_another'),
        ),
        migrations.AddConstraint(
            model_name='rolegrant',
            constraint=models.CheckConstraint(condition=models.Q(('granted_by__isnull', False), models.Q(('at_shell', ''), _negated=True), _connector='OR'), name='role_grant_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='rolegrant',
            constraint=models.CheckConstraint(condition=models.Q(('role', 'engineer'), ('seconded_by__isnull', False), models.Q(('at_shell', ''), _negated=True), _connector='OR'), name='role_grant_privileged_by_two'),
        ),
        migrations.AddIndex(
            model_name='roleproposal',
            index=models.Index(condition=models.Q(('grant', None), ('withdrawn_at', None)), fields=['expires_at'], name='role_proposal_waiting'),
        ),
        migrations.AddConstraint(
            model_name='roleproposal',
            constraint=models.CheckConstraint(condition=models.Q(('proposed_by', models.F('user')), _negated=True), name='role_proposal_not_for_self'),
        ),
        migrations.AddConstraint(
            model_name='roleproposal',
            constraint=models.CheckConstraint(condition=models.Q(('grant', None), ('withdrawn_at', None), _connector='OR'), name='role_proposal_one_outcome'),
        ),
        migrations.RunSQL(
            # The cache's table, so that rate limits and one-time codes work after `migrate` alone.
            sql="""
                CREATE TABLE portal_cache (cache_key varchar(255) PRIMARY KEY, value text NOT NULL, expires timestamptz NOT NULL);
                CREATE INDEX portal_cache_expires ON portal_cache (expires);
            """,
            reverse_sql="DROP TABLE portal_cache;",
        ),
    ]
