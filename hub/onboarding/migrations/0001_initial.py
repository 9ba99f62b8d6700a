"""Onboardings with their drafts and runs: of operators alone, behind row-level security."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from hub.actors import IS_STAFF, row_security


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('conformance', '0001_initial'),
        ('municipalities', '0004_previous_keys'),
    ]

    operations = [
        migrations.CreateModel(
            name='Onboarding',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('standard', models.CharField(blank=True, max_length=60, verbose_name='record standard')),
                ('address', models.CharField(blank=True, max_length=500, verbose_name='address')),
                ('concurrency', models.PositiveSmallIntegerField(default=4, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(64)], verbose_name='at once')),
                ('begun_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='begun')),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='ended')),
                ('connection', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='municipalities.connection', verbose_name='connection')),
                ('gaiji', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.gaijitable', verbose_name='gaiji table')),
                ('municipality', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality', verbose_name='municipality')),
            ],
            options={
                'verbose_name': 'onboarding',
                'verbose_name_plural': 'onboardings',
            },
        ),
        migrations.CreateModel(
            name='Draft',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='at')),
                ('name', models.CharField(max_length=60, verbose_name='name')),
                ('told', models.CharField(max_length=300)),
                ('rows', models.JSONField()),
                ('unplaced', models.JSONField()),
                ('omitted', models.JSONField()),
                ('remaining', models.JSONField()),
                ('folder', models.BinaryField()),
                ('onboarding', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='drafts', to='onboarding.onboarding')),
            ],
            options={
                'verbose_name': 'draft of a record standard',
                'verbose_name_plural': 'drafts of record standards',
            },
        ),
        migrations.CreateModel(
            name='Run',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('kit', 'conformance kit'), ('shadow', 'shadow run')], max_length=6, verbose_name='kind')),
                ('state', models.CharField(choices=[('waiting', 'waits for a worker'), ('running', 'running'), ('done', 'done'), ('failed', 'failed')], default='waiting', max_length=7, verbose_name='state')),
                ('standard', models.CharField(max_length=60, verbose_name='record standard')),
                ('address', models.CharField(max_length=500, verbose_name='address')),
                ('books', models.CharField(blank=True, max_length=500)),
                ('done', models.PositiveIntegerField(default=0)),
                ('total', models.PositiveIntegerField(default=0)),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('seen_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('why', models.CharField(blank=True, max_length=300, verbose_name='what was seen')),
                ('found', models.JSONField(default=dict)),
                ('onboarding', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='runs', to='onboarding.onboarding')),
                ('report', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conformance.report')),
            ],
            options={
                'verbose_name': 'run for an onboarding',
                'verbose_name_plural': 'runs for onboardings',
            },
        ),
        migrations.AddConstraint(
            model_name='onboarding',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('municipality',), name='onboarding_one_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['waiting', 'running'])), fields=('onboarding', 'kind'), name='onboarding_one_run'),
        ),
        row_security("onboarding_onboarding", IS_STAFF, IS_STAFF),
        row_security("onboarding_draft", IS_STAFF, IS_STAFF),
        row_security("onboarding_run", IS_STAFF, IS_STAFF),
    ]
