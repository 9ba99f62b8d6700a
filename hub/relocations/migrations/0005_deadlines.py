"""Deadlines and alerts as rows, each town's own under row-level security."""

import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


from hub.actors import ACTOR, IS_HUB, IS_STAFF, is_town, row_security

OWN = (
    f"({ACTOR} IN ('citizen', 'front') AND EXISTS"
    " (SELECT 1 FROM relocations_relocation AS one WHERE one.id = relocation_id))"
)


class Migration(migrations.Migration):

    dependencies = [
        ('municipalities', '0002_gaiji_and_trials'),
        ('relocations', '0004_consent_and_guard'),
    ]

    operations = [
        migrations.CreateModel(
            name='Deadline',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('clock', models.CharField(max_length=12, verbose_name='deadline')),
                ('ordinals', models.JSONField(verbose_name='movers')),
                ('starts_on', models.DateField(verbose_name='counted from')),
                ('due_on', models.DateField(verbose_name='last day')),
                ('rolled_due_on', models.DateField(blank=True, null=True, verbose_name='last open day')),
                ('acts_on', models.DateField(editable=False)),
                ('state', models.CharField(choices=[('RUNNING', 'running'), ('MET', 'met'), ('PASSED', 'passed'), ('SUPERSEDED', 'no longer counts')], default='RUNNING', max_length=10, verbose_name='state')),
                ('municipality', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality', verbose_name='municipality')),
                ('relocation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deadlines', to='relocations.relocation')),
            ],
            options={
                'verbose_name': 'deadline',
                'verbose_name_plural': 'deadlines',
            },
        ),
        migrations.CreateModel(
            name='Alert',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=4, verbose_name='alert')),
                ('about', models.CharField(blank=True, max_length=200, verbose_name='about')),
                ('ordinals', models.JSONField(verbose_name='movers')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='at')),
                ('settled_at', models.DateTimeField(blank=True, null=True, verbose_name='settled')),
                ('settled_by', models.CharField(blank=True, max_length=100, verbose_name='settled by account')),
                ('municipality', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality', verbose_name='municipality')),
                ('relocation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='alerts', to='relocations.relocation', verbose_name='relocation')),
            ],
            options={
                'verbose_name': 'alert',
                'verbose_name_plural': 'alerts',
                'indexes': [models.Index(fields=['municipality', '-id'], name='alert_of_town')],
                'constraints': [models.UniqueConstraint(fields=('relocation', 'municipality', 'code', 'about'), name='alert_once')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='alert',
            trigger=pgtrigger.compiler.Trigger(name='raised_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."relocation_id" IS DISTINCT FROM (NEW."relocation_id") OR OLD."municipality_id" IS DISTINCT FROM (NEW."municipality_id") OR OLD."code" IS DISTINCT FROM (NEW."code") OR OLD."about" IS DISTINCT FROM (NEW."about") OR OLD."ordinals" IS DISTINCT FROM (NEW."ordinals") OR OLD."at" IS DISTINCT FROM (NEW."at"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='0fdc676f9dfffc3e99e4d440b2839876883fc1e7', operation='UPDATE', pgid='pgtrigger_raised_once_7c253', table='relocations_alert', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='alert',
            trigger=pgtrigger.compiler.Trigger(name='kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='898e82030f2262f03e3d56e1db28d4b6df9564ee', operation='DELETE', pgid='pgtrigger_kept_96438', table='relocations_alert', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='deadline',
            index=models.Index(condition=models.Q(('state', 'RUNNING')), fields=['acts_on'], name='deadline_due'),
        ),
        migrations.AddConstraint(
            model_name='deadline',
            constraint=models.UniqueConstraint(fields=('relocation', 'municipality', 'clock', 'starts_on'), name='deadline_once'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='deadline',
            trigger=pgtrigger.compiler.Trigger(name='steps', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{RUNNING:MET,RUNNING:PASSED,RUNNING:SUPERSEDED,SUPERSEDED:RUNNING}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='49a1cab335107440feaf1276b6ff637e907ab181', operation='UPDATE', pgid='pgtrigger_steps_ab50a', table='relocations_deadline', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='deadline',
            trigger=pgtrigger.compiler.Trigger(name='counted_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."relocation_id" IS DISTINCT FROM (NEW."relocation_id") OR OLD."clock" IS DISTINCT FROM (NEW."clock") OR OLD."starts_on" IS DISTINCT FROM (NEW."starts_on") OR OLD."due_on" IS DISTINCT FROM (NEW."due_on"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='f06cd9f5509ac201f20330dbd08f362fb4523f5b', operation='UPDATE', pgid='pgtrigger_counted_once_0f608', table='relocations_deadline', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='deadline',
            trigger=pgtrigger.compiler.Trigger(name='kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='6012bc9c839a42b4a747627ecfcf70b8acdc2d44', operation='DELETE', pgid='pgtrigger_kept_2b94d', table='relocations_deadline', when='BEFORE')),
        ),
        row_security("relocations_deadline", f"{IS_STAFF} OR {is_town()} OR {OWN}", IS_HUB),
        row_security("relocations_alert", f"{IS_STAFF} OR {is_town()}", IS_HUB, f"{IS_HUB} OR {is_town()}"),
    ]
