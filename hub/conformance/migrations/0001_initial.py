"""Conformance reports, with row-level security: a town sees its own; they are added and never changed."""

import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from hub.actors import IS_STAFF, is_town, row_security


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('municipalities', '0002_gaiji_and_trials'),
    ]

    operations = [
        migrations.CreateModel(
            name='Report',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='at')),
                ('mode', models.CharField(choices=[('push', 'is pushed to'), ('pull', 'fetches')], max_length=4, verbose_name='way')),
                ('standard', models.CharField(blank=True, help_text='Empty: canonical JSON.', max_length=60, verbose_name='record standard')),
                ('grade', models.CharField(choices=[('A', 'A'), ('B', 'B'), ('C', 'C'), ('D', 'D')], max_length=1, verbose_name='grade')),
                ('checks', models.JSONField(verbose_name='checks')),
                ('recorded_by', models.CharField(blank=True, max_length=100, verbose_name='recorded by account')),
                ('municipality', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality', verbose_name='municipality')),
            ],
            options={
                'verbose_name': 'conformance report',
                'verbose_name_plural': 'conformance reports',
                'indexes': [models.Index(fields=['municipality', '-id'], name='conformance_of_town')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='report',
            trigger=pgtrigger.compiler.Trigger(name='kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='77da1d22c89a48b7cf10ec8bb721340ed85db92e', operation='UPDATE OR DELETE', pgid='pgtrigger_kept_63e66', table='conformance_report', when='BEFORE')),
        ),
        row_security("conformance_report", f"{IS_STAFF} OR {is_town()}", IS_STAFF, changes="false"),
    ]
