"""Every kind of move: towns that may be absent, a move that follows another, the state machines of all roles."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('municipalities', '0002_gaiji_and_trials'),
        ('relocations', '0001_initial'),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='mover',
            name='steps_origin',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='mover',
            name='steps_destination',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='mover',
            name='steps_domicile',
        ),
        migrations.RemoveConstraint(
            model_name='relocation',
            name='relocation_moves',
        ),
        migrations.AddField(
            model_name='relocation',
            name='follows',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='followed_by', to='relocations.relocation', verbose_name='follows'),
        ),
        migrations.AddField(
            model_name='relocation',
            name='version_by',
            field=models.CharField(blank=True, editable=False, max_length=6),
        ),
        migrations.AddField(
            model_name='version',
            name='by',
            field=models.CharField(blank=True, max_length=6),
        ),
        migrations.AlterField(
            model_name='relocation',
            name='destination',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality', verbose_name='destination'),
        ),
        migrations.AlterField(
            model_name='relocation',
            name='origin',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality', verbose_name='origin'),
        ),
        migrations.AlterField(
            model_name='relocation',
            name='planned_out_on',
            field=models.DateField(blank=True, null=True, verbose_name='planned move-out date'),
        ),
        migrations.AlterField(
            model_name='relocation',
            name='state',
            field=models.CharField(choices=[('SUBMITTED', 'received'), ('IN_REVIEW', 'under review at the municipality you leave'), ('CONSENT_PENDING', 'waiting for the consent of those concerned'), ('RETURNED', 'returned: something must be corrected'), ('MOVEOUT_ACCEPTED', 'move-out accepted'), ('AWAITING_ARRIVAL', 'moved out; go to the counter of the new municipality'), ('NON_ARRIVAL', 'moved out; no move-in is known of'), ('ARRIVED', 'registered at the new municipality'), ('SETTLED', 'everything is settled'), ('REJECTED', 'not accepted by the municipality'), ('WITHDRAWN', 'withdrawn by you'), ('CANCELLED', 'cancelled at the municipality')], default='SUBMITTED', max_length=16, verbose_name='state'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='mover',
            trigger=pgtrigger.compiler.Trigger(name='steps_origin', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."role" = \'origin\')', declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{CONFIRMED:EFFECTIVE,DELIVERED:CANCELLED,DELIVERED:CONFIRMED,DELIVERED:EFFECTIVE,DELIVERED:PROVISIONAL,DELIVERED:WITHDRAWN,EFFECTIVE:CANCELLED,EFFECTIVE:CLOSED,EFFECTIVE:CONFIRMED,EFFECTIVE:NON_ARRIVAL,NON_ARRIVAL:CANCELLED,NON_ARRIVAL:CLOSED,NON_ARRIVAL:CLOSED_EX_OFFICIO,NON_ARRIVAL:CONFIRMED,NON_ARRIVAL:EFFECTIVE,PENDING:CANCELLED,PENDING:CONFIRMED,PENDING:DELIVERED,PENDING:EFFECTIVE,PENDING:PROVISIONAL,PENDING:WITHDRAWN,PROVISIONAL:CANCELLED,PROVISIONAL:CONFIRMED,PROVISIONAL:DELIVERED,PROVISIONAL:EFFECTIVE,PROVISIONAL:REGISTERED,PROVISIONAL:REJECTED,PROVISIONAL:RETURNED,PROVISIONAL:WITHDRAWN,REGISTERED:CANCELLED,REGISTERED:CLOSED,REGISTERED:CONFIRMED,REGISTERED:EFFECTIVE,REJECTED:CONFIRMED,REJECTED:EFFECTIVE,RETURNED:CANCELLED,RETURNED:CONFIRMED,RETURNED:DELIVERED,RETURNED:EFFECTIVE,RETURNED:WITHDRAWN}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='aa812154b4195aebf8ae3aa4913bc8b47188f030', operation='UPDATE', pgid='pgtrigger_steps_origin_4722a', table='relocations_mover', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='mover',
            trigger=pgtrigger.compiler.Trigger(name='steps_destination', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."role" = \'destination\')', declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{ANNOUNCED:AT_COUNTER,ANNOUNCED:CANCELLED,ANNOUNCED:DIVERTED,ANNOUNCED:OVERDUE,ANNOUNCED:PREPARED,ANNOUNCED:SPECIAL_LAPSED,AT_COUNTER:CANCELLED,AT_COUNTER:DIVERTED,AT_COUNTER:PREPARED,AT_COUNTER:PROVISIONAL,AT_COUNTER:REGISTERED,AT_COUNTER:REJECTED,CLOSED:CANCELLED,NONE:ANNOUNCED,NONE:AT_COUNTER,NONE:CANCELLED,NONE:DIVERTED,NONE:PREPARED,NOTIFIED:CANCELLED,NOTIFIED:CLOSED,OVERDUE:AT_COUNTER,OVERDUE:CANCELLED,OVERDUE:DIVERTED,OVERDUE:SPECIAL_LAPSED,PREPARED:AT_COUNTER,PREPARED:CANCELLED,PREPARED:DIVERTED,PREPARED:OVERDUE,PREPARED:SPECIAL_LAPSED,PROVISIONAL:CANCELLED,PROVISIONAL:DIVERTED,PROVISIONAL:PREPARED,PROVISIONAL:REGISTERED,PROVISIONAL:REJECTED,REGISTERED:CANCELLED,REGISTERED:CLOSED,REGISTERED:NOTIFIED,SPECIAL_LAPSED:AT_COUNTER,SPECIAL_LAPSED:CANCELLED,SPECIAL_LAPSED:DIVERTED}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='a277bf4e66049bb7a929906b5f25c4d2bd15dde2', operation='UPDATE', pgid='pgtrigger_steps_destination_1ec9a', table='relocations_mover', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='mover',
            trigger=pgtrigger.compiler.Trigger(name='steps_domicile', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."role" = \'domicile\')', declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{APPLIED:MISMATCH,APPLIED:NOTICE_SENT,APPLIED:REVOKED,CANCELLED:REVOKED,MISMATCH:APPLIED,MISMATCH:NOTICE_SENT,MISMATCH:REVOKED,NONE:APPLIED,NONE:CANCELLED,NONE:MISMATCH,NONE:NOTICE_SENT,NONE:REVOKED,NOTICE_SENT:APPLIED,NOTICE_SENT:MISMATCH,NOTICE_SENT:REVOKED,REVOKED:CANCELLED}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='3c26349608b787a9b2ec163d61e3b9fb79b6a1e8', operation='UPDATE', pgid='pgtrigger_steps_domicile_655a1', table='relocations_mover', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='mover',
            trigger=pgtrigger.compiler.Trigger(name='steps_last_registered', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."role" = \'last_registered\')', declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{CONFIRMED:CANCELLED,NONE:CANCELLED,NONE:CONFIRMED,NONE:NOTIFIED,NOTIFIED:CANCELLED,NOTIFIED:CONFIRMED}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='a7c40229741e6d56b312f0eb313c10263d440f9b', operation='UPDATE', pgid='pgtrigger_steps_last_registered_54a3d', table='relocations_mover', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='relocation',
            constraint=models.CheckConstraint(condition=models.Q(('origin__isnull', False), ('kind', 'OVERSEAS_IN'), _connector='OR'), name='relocation_origin'),
        ),
        migrations.AddConstraint(
            model_name='relocation',
            constraint=models.CheckConstraint(condition=models.Q(('destination__isnull', False), ('kind', 'OVERSEAS_OUT'), _connector='OR'), name='relocation_destination'),
        ),
        migrations.AddConstraint(
            model_name='relocation',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind__in', ['HOUSEHOLD_CHANGE', 'IN_CITY']), ('origin', models.F('destination'))), models.Q(models.Q(('origin', models.F('destination')), _negated=True), ('kind__in', ['DOMESTIC', 'WARD_TO_WARD']), ('origin__isnull', False)), models.Q(('destination__isnull', True), ('kind', 'OVERSEAS_OUT')), models.Q(('kind', 'OVERSEAS_IN'), ('origin__isnull', True)), _connector='OR'), name='relocation_moves'),
        ),
        migrations.AddConstraint(
            model_name='relocation',
            constraint=models.CheckConstraint(condition=models.Q(('planned_out_on__isnull', False), models.Q(('kind__in', ['DOMESTIC', 'OVERSEAS_OUT']), _negated=True), _connector='OR'), name='relocation_planned'),
        ),
    ]
