"""Towns that drop out of a move before anything is decided."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('relocations', '0002_kinds'),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='mover',
            name='steps_destination',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='mover',
            name='steps_domicile',
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='mover',
            trigger=pgtrigger.compiler.Trigger(name='steps_destination', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."role" = \'destination\')', declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{ANNOUNCED:AT_COUNTER,ANNOUNCED:CANCELLED,ANNOUNCED:DIVERTED,ANNOUNCED:DROPPED,ANNOUNCED:OVERDUE,ANNOUNCED:PREPARED,ANNOUNCED:SPECIAL_LAPSED,AT_COUNTER:CANCELLED,AT_COUNTER:DIVERTED,AT_COUNTER:PREPARED,AT_COUNTER:PROVISIONAL,AT_COUNTER:REGISTERED,AT_COUNTER:REJECTED,CLOSED:CANCELLED,NONE:ANNOUNCED,NONE:AT_COUNTER,NONE:CANCELLED,NONE:DIVERTED,NONE:DROPPED,NONE:PREPARED,NOTIFIED:CANCELLED,NOTIFIED:CLOSED,OVERDUE:AT_COUNTER,OVERDUE:CANCELLED,OVERDUE:DIVERTED,OVERDUE:DROPPED,OVERDUE:SPECIAL_LAPSED,PREPARED:AT_COUNTER,PREPARED:CANCELLED,PREPARED:DIVERTED,PREPARED:DROPPED,PREPARED:OVERDUE,PREPARED:SPECIAL_LAPSED,PROVISIONAL:CANCELLED,PROVISIONAL:DIVERTED,PROVISIONAL:PREPARED,PROVISIONAL:REGISTERED,PROVISIONAL:REJECTED,REGISTERED:CANCELLED,REGISTERED:CLOSED,REGISTERED:NOTIFIED,SPECIAL_LAPSED:AT_COUNTER,SPECIAL_LAPSED:CANCELLED,SPECIAL_LAPSED:DIVERTED,SPECIAL_LAPSED:DROPPED}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='939d68687a98ba785268fd633210e5cc5d5e90ca', operation='UPDATE', pgid='pgtrigger_steps_destination_1ec9a', table='relocations_mover', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='mover',
            trigger=pgtrigger.compiler.Trigger(name='steps_domicile', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."role" = \'domicile\')', declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{APPLIED:MISMATCH,APPLIED:NOTICE_SENT,APPLIED:REVOKED,CANCELLED:REVOKED,MISMATCH:APPLIED,MISMATCH:NOTICE_SENT,MISMATCH:REVOKED,NONE:APPLIED,NONE:CANCELLED,NONE:DROPPED,NONE:MISMATCH,NONE:NOTICE_SENT,NONE:REVOKED,NOTICE_SENT:APPLIED,NOTICE_SENT:MISMATCH,NOTICE_SENT:REVOKED,REVOKED:CANCELLED}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='51860566078de7a9690546d614be93dcfc324f9d', operation='UPDATE', pgid='pgtrigger_steps_domicile_655a1', table='relocations_mover', when='BEFORE')),
        ),
    ]
