"""Tasks and their steps, answers, local rules, with row-level security."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.utils.timezone
import hub.ids
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from hub.actors import ACCOUNT, ACTOR, IS_HUB, IS_STAFF, is_town, row_security

IS_OWNER = f"({ACTOR} IN ('citizen', 'front') AND owner = {ACTOR} || ':' || {ACCOUNT})"
#: A town learns of a task when it opens, or when one of its clerks must decide whether it applies; not before.
OPENED = f"({is_town()} AND (opened_at IS NOT NULL OR asks <> ''))"
OF_TASK = "EXISTS (SELECT 1 FROM procedures_task AS one WHERE one.id = task_id)"


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('municipalities', '0002_gaiji_and_trials'),
    ]

    operations = [
        migrations.CreateModel(
            name='LocalRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rule', models.CharField(max_length=32, verbose_name='rule')),
                ('valid_from', models.DateField(verbose_name='valid from')),
                ('valid_to', models.DateField(blank=True, null=True, verbose_name='valid to')),
                ('offered', models.BooleanField(default=True, help_text='Off: this town has no such procedure.', verbose_name='offered')),
                ('department', models.CharField(blank=True, help_text="The town's own word.", max_length=60, verbose_name='department')),
                ('days', models.PositiveSmallIntegerField(blank=True, help_text='Of the deadline.', null=True, verbose_name='days')),
                ('age_limit', models.PositiveSmallIntegerField(blank=True, help_text='Until 31 March after this age is reached.', null=True, verbose_name='age limit')),
                ('note', models.CharField(blank=True, max_length=200, verbose_name='note for the citizen')),
            ],
            options={
                'verbose_name': 'local rule',
                'verbose_name_plural': 'local rules',
            },
        ),
        migrations.CreateModel(
            name='Step',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='at')),
                ('state', models.CharField(choices=[('PENDING', 'waiting for its gate'), ('READY', 'open, not handed over yet'), ('SENT', 'handed to the department'), ('DONE', 'done'), ('SUPERSEDED', 'superseded'), ('DECLINED', 'declined'), ('NOT_NEEDED', 'not needed')], max_length=10, verbose_name='state')),
                ('reason', models.CharField(blank=True, choices=[('', '—'), ('needs_visit', 'a visit to the counter is needed'), ('not_applicable', 'it does not apply to this person'), ('other_way', 'it was done in another way'), ('citizen_declined', 'the citizen does not want it'), ('requirements', 'a requirement is not met')], max_length=20, verbose_name='reason')),
                ('note', models.CharField(blank=True, max_length=60, verbose_name='note')),
                ('actor_kind', models.CharField(max_length=8, verbose_name='by')),
            ],
            options={
                'verbose_name': 'step of a task',
                'verbose_name_plural': 'steps of tasks',
            },
        ),
        migrations.CreateModel(
            name='Task',
            fields=[
                ('id', models.UUIDField(default=hub.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('relocation_id', models.UUIDField(editable=False, verbose_name='relocation')),
                ('receipt_no', models.CharField(max_length=14, verbose_name='receipt number')),
                ('owner', models.CharField(editable=False, max_length=120)),
                ('side', models.CharField(choices=[('origin', 'origin'), ('destination', 'destination')], max_length=16, verbose_name='role')),
                ('ordinal', models.PositiveSmallIntegerField(verbose_name='mover')),
                ('rule', models.CharField(max_length=32, verbose_name='rule')),
                ('rule_version', models.PositiveSmallIntegerField(verbose_name='version of the rule')),
                ('procedure', models.CharField(max_length=3, verbose_name='procedure')),
                ('generation', models.PositiveSmallIntegerField(default=1, editable=False)),
                ('department', models.CharField(max_length=60, verbose_name='department')),
                ('gate', models.CharField(max_length=16, verbose_name='gate')),
                ('due_on', models.DateField(blank=True, null=True, verbose_name='due on')),
                ('asks', models.CharField(blank=True, choices=[('', '—'), ('birth', 'the date of birth is uncertain: does it apply?')], max_length=8, verbose_name='to be decided')),
                ('state', models.CharField(choices=[('PENDING', 'waiting for its gate'), ('READY', 'open, not handed over yet'), ('SENT', 'handed to the department'), ('DONE', 'done'), ('SUPERSEDED', 'superseded'), ('DECLINED', 'declined'), ('NOT_NEEDED', 'not needed')], default='PENDING', max_length=10, verbose_name='state')),
                ('reason', models.CharField(blank=True, choices=[('', '—'), ('needs_visit', 'a visit to the counter is needed'), ('not_applicable', 'it does not apply to this person'), ('other_way', 'it was done in another way'), ('citizen_declined', 'the citizen does not want it'), ('requirements', 'a requirement is not met')], max_length=20, verbose_name='reason')),
                ('delivery_id', models.UUIDField(blank=True, editable=False, null=True, verbose_name='delivery')),
                ('inputs', models.BinaryField()),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='created')),
                ('opened_at', models.DateTimeField(blank=True, null=True, verbose_name='opened')),
                ('changed_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='changed')),
            ],
            options={
                'verbose_name': 'task',
                'verbose_name_plural': 'tasks',
            },
        ),
        migrations.CreateModel(
            name='AnswerSheet',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('relocation_id', models.UUIDField(editable=False)),
                ('owner', models.CharField(editable=False, max_length=120)),
                ('number', models.PositiveSmallIntegerField()),
                ('body', models.BinaryField()),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('relocation_id', 'number'), name='answers_once')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='answersheet',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='50b78d170326e2c143c10ca45d596a8bc08895aa', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_c02b3', table='procedures_answersheet', when='BEFORE')),
        ),
        migrations.AddField(
            model_name='localrule',
            name='municipality',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality', verbose_name='municipality'),
        ),
        migrations.AddField(
            model_name='task',
            name='municipality',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality', verbose_name='municipality'),
        ),
        migrations.AddField(
            model_name='step',
            name='task',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='steps', to='procedures.task'),
        ),
        migrations.AddConstraint(
            model_name='localrule',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(expressions=[('municipality', '='), ('rule', '='), (models.Func('valid_from', 'valid_to', django.contrib.postgres.fields.ranges.RangeBoundary(inclusive_upper=True), function='daterange', output_field=django.contrib.postgres.fields.ranges.DateRangeField()), '&&')], name='local_rule_one_at_a_time'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(fields=['municipality', 'state', 'due_on'], name='task_of_town'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('delivery_id__isnull', False)), fields=['delivery_id'], name='task_of_delivery'),
        ),
        migrations.AddConstraint(
            model_name='task',
            constraint=models.UniqueConstraint(fields=('relocation_id', 'rule', 'ordinal', 'generation'), name='task_once'),
        ),
        migrations.AddConstraint(
            model_name='task',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'SUPERSEDED'), _negated=True), fields=('relocation_id', 'rule', 'ordinal'), name='task_one_in_force'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='task',
            trigger=pgtrigger.compiler.Trigger(name='steps', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{PENDING:DECLINED,PENDING:NOT_NEEDED,PENDING:READY,PENDING:SUPERSEDED,READY:DECLINED,READY:DONE,READY:NOT_NEEDED,READY:SENT,READY:SUPERSEDED,SENT:DECLINED,SENT:DONE,SENT:NOT_NEEDED,SENT:SUPERSEDED,DONE:SUPERSEDED,NOT_NEEDED:SUPERSEDED,DECLINED:SUPERSEDED}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='0f0f51ae24335b3c94e550384594231399a69177', operation='UPDATE', pgid='pgtrigger_steps_13ed6', table='procedures_task', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='task',
            trigger=pgtrigger.compiler.Trigger(name='made_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."relocation_id" IS DISTINCT FROM (NEW."relocation_id") OR OLD."receipt_no" IS DISTINCT FROM (NEW."receipt_no") OR OLD."owner" IS DISTINCT FROM (NEW."owner") OR OLD."ordinal" IS DISTINCT FROM (NEW."ordinal") OR OLD."rule" IS DISTINCT FROM (NEW."rule") OR OLD."procedure" IS DISTINCT FROM (NEW."procedure") OR OLD."generation" IS DISTINCT FROM (NEW."generation") OR OLD."side" IS DISTINCT FROM (NEW."side"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='2cae364d45972b44b152a61ae16c2c47625f6d03', operation='UPDATE', pgid='pgtrigger_made_once_f9dfd', table='procedures_task', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='task',
            trigger=pgtrigger.compiler.Trigger(name='kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='f6e532819a414e0ebb445e30a2f1df8051543a76', operation='DELETE', pgid='pgtrigger_kept_61910', table='procedures_task', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='step',
            index=models.Index(fields=['task', 'id'], name='task_step'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='step',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='1536931cd0623e395362700b09dfab2743c23b85', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_dd4e7', table='procedures_step', when='BEFORE')),
        ),
        # Operators see none: which procedures a person needs is about the person.
        row_security("procedures_task", f"{IS_HUB} OR {OPENED} OR {IS_OWNER}", IS_HUB, f"{IS_HUB} OR {OPENED}"),
        row_security("procedures_step", f"{IS_HUB} OR {OF_TASK}", f"{IS_HUB} OR ({ACTOR} = 'clerk' AND {OF_TASK})"),
        # What a citizen said of other schemes is no department's business.
        row_security("procedures_answersheet", f"{IS_HUB} OR {IS_OWNER}", IS_HUB),
        row_security("procedures_localrule", f"{IS_STAFF} OR {is_town()}", IS_STAFF),
    ]
